"""Databases that a test may spoil: copies of the newest schema, or blank ones; gone afterwards."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy.engine import make_url

from tests.conftest import TEMPLATE


def address(database_url: str, name: str, **changes: str) -> str:
    """The address of another database of the same PostgreSQL, perhaps for another user."""
    url = make_url(database_url).set(drivername="postgresql", database=name, **changes)
    return url.render_as_string(hide_password=False)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A bare connection."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def scratch_database(
    database_url: str, *, template: str = TEMPLATE, owner: str = "postgres"
) -> AsyncIterator[str]:
    """The address of a database of the test's own."""
    name = f"scratch_{secrets.token_hex(6)}"
    async with connected(address(database_url, "postgres")) as connection:
        await connection.execute(f'CREATE DATABASE {name} TEMPLATE "{template}" OWNER {owner}')
        try:
            yield address(database_url, name)
        finally:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
