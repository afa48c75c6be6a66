"""Chaos: writers, viewers and faults at random, and a check that sees each difference."""
