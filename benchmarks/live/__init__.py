"""What live viewers cost: one change on its way to thousands of calendars that are open.

`python -m benchmarks.live --help` says what is measured; ../README.md how to read it.
"""
