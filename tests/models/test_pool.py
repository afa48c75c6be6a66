"""Connections of the pool: used again without a question, and replaced where they are gone."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from models import database as module
from models.database import Database

WHO = text("SELECT pg_backend_pid()")


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Database]:
    """A database with one connection."""
    pool = Database(database_url, pool_size=1)
    yield pool
    await pool.close()


async def backend(pool: Database) -> tuple[int, Any]:
    """Who answers, and the driver's connection."""
    async with pool.outside_organizations() as session:
        number = (await session.execute(WHO)).scalar_one()
        raw: Any = await (await session.connection()).get_raw_connection()
        return number, raw.driver_connection


async def killed(pool: Database, number: int) -> None:
    outside = await asyncpg.connect(pool.dsn)
    await outside.execute("SELECT pg_terminate_backend($1)", number)
    await outside.close()


def listened_to(driver: Any) -> list[str]:
    """The first word of what is said to the server from now on, statements with rows aside."""
    asked: list[str] = []
    driver.add_query_logger(lambda said: asked.append(said.query.partition(" ")[0].strip(";")))
    return asked


async def test_a_connection_that_was_just_used_is_not_asked(pool: Database) -> None:
    _, driver = await backend(pool)
    asked = listened_to(driver)
    await backend(pool)
    await backend(pool)
    # The driver tells of it a turn later.
    await asyncio.sleep(0.05)
    assert asked == ["BEGIN", "ROLLBACK"] * 2


async def test_a_connection_that_is_closed_is_replaced(pool: Database) -> None:
    number, driver = await backend(pool)
    await killed(pool, number)
    while not driver.is_closed():  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    again, _ = await backend(pool)
    assert again != number


async def test_one_that_nobody_has_used_for_a_while_is_asked(pool: Database) -> None:
    number, driver = await backend(pool)
    asked = listened_to(driver)
    await asyncio.sleep(module.FRESH_SECONDS)
    assert (await backend(pool))[0] == number
    # The driver tells of it a turn later.
    await asyncio.sleep(0.05)
    assert asked == ["BEGIN", "", "ROLLBACK", "BEGIN", "ROLLBACK"]


async def test_one_that_does_not_answer_is_replaced(pool: Database) -> None:
    number, driver = await backend(pool)
    await asyncio.sleep(module.FRESH_SECONDS)
    await killed(pool, number)
    # The loop has had no turn to hear of it.
    driver._transport.pause_reading()
    begun = time.monotonic()
    again, _ = await backend(pool)
    assert again != number
    assert time.monotonic() - begun < 30
