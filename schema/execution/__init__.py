"""The fast path of execution: selections of plain fields are compiled once for each operation, and
completed column by column; all else, and whatever is unusual in a value, is graphql-core's.

`docs/execution.md` says what is compiled, and why the answers are the same.
"""
