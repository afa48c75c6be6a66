"""A server with a database of its own that a test may break, and take away."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from sqlalchemy.engine import make_url

from models.database import Database
from services.organizations import create_organization
from tests.api import Api
from tests.conftest import CONFIG, TEMPLATE, serving
from tests.factories import Factory


class Wire:
    """The way to PostgreSQL, which can be cut and mended."""

    def __init__(self, folder: Path, database_url: str, name: str) -> None:
        url = make_url(database_url)
        self._port = url.query["port"]
        self._there = f"{url.query['host']}/.s.PGSQL.{self._port}"
        self._here = folder / f".s.PGSQL.{self._port}"
        self._dsn = url.set(drivername="postgresql", database=name)
        self.url = self._dsn.update_query_dict({"host": str(folder)}).render_as_string()
        self._ends: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def mend(self) -> None:
        """Connect whoever comes."""
        self._server = await asyncio.start_unix_server(self._connect, self._here)

    async def cut(self) -> None:
        """Cut every connection, and let nobody in."""
        if self._server is not None:
            self._server.close()
        for end in self._ends:
            end.transport.abort()
        await asyncio.gather(*(end.wait_closed() for end in self._ends), return_exceptions=True)
        self._ends.clear()
        self._here.unlink(missing_ok=True)

    async def execute(self, sql: str) -> None:
        """Change the database by another way."""
        connection = await asyncpg.connect(self._dsn.render_as_string())
        await connection.execute(sql)
        await connection.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, sender = await asyncio.open_unix_connection(self._there)
        self._ends |= {writer, sender}
        await asyncio.gather(self._pass(reader, sender), self._pass(there, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def wire(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wire]:
    """The way to an empty database with the newest schema, gone after the test."""
    name = f"own_{secrets.token_hex(6)}"
    wire = Wire(tmp_path_factory.mktemp("wire"), database_url, name)
    connection = await asyncpg.connect(
        make_url(database_url).set(drivername="postgresql").render_as_string()
    )
    await connection.execute(f'CREATE DATABASE {name} TEMPLATE "{TEMPLATE}"')
    await wire.mend()
    yield wire
    await wire.cut()
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
async def private(wire: Wire, http: aiohttp.ClientSession) -> AsyncIterator[Api]:
    """The API of a server whose database is the test's own, with one organization."""
    database = Database(wire.url, pool_size=1)
    organization = await create_organization(
        database, slug="alone", name="Alone", time_zone="UTC", locale="en"
    )
    factory = Factory(database, CONFIG, organization)
    with serving(CONFIG, wire.url) as url:
        api = Api(url, http, organization.slug)
        api.factory = factory  # type: ignore[attr-defined]
        yield api
        await database.close()
        await wire.cut()
