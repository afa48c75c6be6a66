"""Words that stand nowhere else, so that each is recognized wherever it comes out."""

import secrets


def word(kind: str) -> str:
    """A word that stands nowhere else."""
    return f"{kind}-{secrets.token_hex(6)}"


def email() -> str:
    return f"{secrets.token_hex(8)}@mail.example"


def phone() -> str:
    return f"+346{secrets.randbelow(10**8):08}"


def address() -> str:
    """A network address that nobody else has."""
    return f"2001:db8::{secrets.token_hex(2)}:{secrets.token_hex(2)}"
