"""What is wrong with the database that somebody named, in a sentence for whoever named it."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

NO_ADDRESS = (
    "{setting} is not the address of a PostgreSQL database, such as "
    "postgresql://user:password@localhost:5432/appointments."
)
NOT_ALLOWED = "The user {login} of the database may not do this: {error}."
NO_TABLES = "The database does not have the newest schema. Bring it there with: main.py migrate"


class DatabaseUnusable(RuntimeError):
    """The database cannot be worked with; the message says why, in one sentence."""


@contextmanager
def said_in_a_sentence(url: str, *, setting: str = "DATABASE_URL") -> Iterator[None]:
    """Work with the database at `url`; where it cannot be used, say so in one sentence.

    Args:
        setting: where the address comes from.

    Raises:
        DatabaseUnusable: there is no address, nobody answers there, or the tables are missing.

    """
    no_address = NO_ADDRESS.format(setting=setting)
    try:
        address = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise DatabaseUnusable(no_address) from error
    if address.get_backend_name() not in {"postgresql", "postgres"}:
        raise DatabaseUnusable(no_address)
    try:
        yield
    except Exception as error:
        sentence = _sentence(address, error)
        if sentence is None:
            raise
        raise DatabaseUnusable(sentence) from error


def _sentence(address: URL, error: BaseException | None) -> str | None:
    """What somebody can do something about, in an error or in what it came from."""
    while error is not None:
        if isinstance(error, asyncpg.UndefinedTableError | asyncpg.UndefinedColumnError):
            return NO_TABLES
        if isinstance(error, asyncpg.InsufficientPrivilegeError):
            return NOT_ALLOWED.format(login=address.username, error=error)
        if isinstance(
            error,
            OSError
            | asyncpg.InvalidCatalogNameError
            | asyncpg.InvalidAuthorizationSpecificationError
            | asyncpg.PostgresConnectionError,
        ):
            where = f"{address.host or 'localhost'}:{address.port or 5432}"
            return f"The database at {where} cannot be reached: {error}"
        error = error.__cause__
    return None
