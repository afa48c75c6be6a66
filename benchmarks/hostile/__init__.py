"""What hostile requests cost everybody else.

`python -m benchmarks.hostile --help` says what is measured; ../README.md how to read it.
"""
