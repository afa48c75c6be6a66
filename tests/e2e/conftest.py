"""Databases of their own for the tests that start, kill and restart whole servers."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import asyncpg
import pytest
from sqlalchemy.engine import make_url

from models.database import Database
from services.config import Config
from services.organizations import create_organization
from tests.conftest import TEMPLATE
from tests.factories import Factory
from tests.processes import settings

SLUG = "riverside"


def address(database_url: str, name: str) -> str:
    """The address of another database of the same PostgreSQL."""
    url = make_url(database_url).set(drivername="postgresql", database=name)
    return url.render_as_string(hide_password=False)


async def _command(database_url: str, sql: str) -> None:
    connection = await asyncpg.connect(address(database_url, "postgres"))
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """Connections that are given up before an idle server gives them up: what is sent arrives."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


@pytest.fixture
async def own_database(database_url: str) -> AsyncIterator[str]:
    """The address of an empty database with the newest schema, gone after the test."""
    name = f"e2e_{secrets.token_hex(6)}"
    await _command(database_url, f'CREATE DATABASE {name} TEMPLATE "{TEMPLATE}"')
    yield address(database_url, name)
    await _command(database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def blank_database(database_url: str) -> AsyncIterator[str]:
    """The address of a database without any table, gone after the test."""
    name = f"blank_{secrets.token_hex(6)}"
    await _command(database_url, f"CREATE DATABASE {name}")
    yield address(database_url, name)
    await _command(database_url, f"DROP DATABASE {name} WITH (FORCE)")


@dataclass(frozen=True)
class World:
    """A database of the test's own with one organization, and the settings of its servers."""

    database: Database
    environment: dict[str, str]
    factory: Factory

    async def value(self, sql: str) -> object:
        """The one value that a statement finds."""
        connection = await asyncpg.connect(self.database.dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    async def rows(self, sql: str) -> list[asyncpg.Record]:
        """The rows that a statement finds."""
        connection = await asyncpg.connect(self.database.dsn)
        try:
            return list(await connection.fetch(sql))
        finally:
            await connection.close()


@asynccontextmanager
async def world_in(database_url: str, **changes: str) -> AsyncIterator[World]:
    """A world in a migrated database."""
    environment = settings(database_url, **changes)
    database = Database(database_url, pool_size=5)
    organization = await create_organization(
        database, slug=SLUG, name="Riverside", time_zone="Europe/Madrid", locale="en-GB"
    )
    config = Config(
        secret_key=environment["SECRET_KEY"],
        access_token_minutes=int(environment["ACCESS_TOKEN_MINUTES"]),
    )
    yield World(database, environment, Factory(database, config, organization))
    await database.close()


@pytest.fixture
async def world(own_database: str) -> AsyncIterator[World]:
    """A world in a database of its own."""
    async with world_in(own_database) as made:
        yield made
