"""Mail as it is sent, by workers of the tests' own, to mail servers that are real."""
