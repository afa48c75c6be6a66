"""Measurements: what the server does in a second, beside what this machine allows.

`python -m benchmarks --help` says what is measured; README.md how to read it.
"""
