"""Demo data: a clinic that looks like life, the same at each making, on an empty database only."""
