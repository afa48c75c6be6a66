"""Who may do what and see what: one matrix, written apart from the code, and the runs of it."""
