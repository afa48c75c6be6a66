"""What others would build for the same clinic: servers that are measured beside ours, over the same
tables, with the answers that ours gives.
"""
