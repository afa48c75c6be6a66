"""A bare connection, and a clinic with one row in each table."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import pytest

from models.database import Database
from tests.models.one_of_each import fill

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]


@pytest.fixture
async def connection(database: Database) -> AsyncIterator["Connection"]:
    """A bare connection inside of a transaction that leaves nothing behind."""
    connection = await asyncpg.connect(database.dsn)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


@pytest.fixture
async def clinic(connection: "Connection") -> dict[str, UUID]:
    """The ids of an organization and of one row in each of its tables."""
    return await fill(connection)
