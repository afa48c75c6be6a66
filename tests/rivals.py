"""Rivals: acts that meet where the test wants them to, and how each of them ended.

The test holds what they need, lines them up one behind the other, and lets go. Nothing here sleeps
and hopes: a rival is seen to wait for a lock before the test goes on. Crowds that meet by chance
are plain `asyncio.gather`s in the tests, and need nothing from here but `codes`.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text

from models import Base
from tests.factories import Factory
from tests.rows import across

# Commits that notify take turns by a lock of their own, which is not what a rival waits for.
WAITING = text(
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND wait_event_type = 'Lock' "
    "AND query NOT LIKE '%pg_notify%'"
)


@asynccontextmanager
async def held(factory: Factory, row: Base) -> AsyncIterator[None]:
    """A transaction of the test's own holds the row; rivals for it can be lined up in the block."""
    async with across(factory) as connection:
        lock = text(f"SELECT FROM {row.__tablename__} WHERE id = :id FOR UPDATE")
        await connection.execute(lock, {"id": row.id})
        yield


async def line_up(
    factory: Factory, *acts: Coroutine[Any, Any, Any], behind: int = 0
) -> list[asyncio.Task[Any]]:
    """Start acts one after the other, each once the one before waits for a lock; all wait then, and
    so many who did already.
    """
    tasks = []
    # Inside a transaction, pg_stat_activity would go on showing the backends of its beginning.
    engine = factory.database.engine.execution_options(isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection, asyncio.timeout(10):
        for place, act in enumerate(acts, start=behind + 1):
            tasks.append(asyncio.create_task(act))
            while (await connection.execute(WAITING)).scalar_one() < place:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    return tasks


def codes(payloads: list[dict[str, Any]]) -> list[str]:
    """How each of several acts ended, in alphabetical order."""
    return sorted(p["errors"][0]["code"] if p["errors"] else "DONE" for p in payloads)


async def deadlocks(factory: Factory) -> int:
    """How often PostgreSQL has ended somebody who waited for somebody who waited."""
    statement = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    engine = factory.database.engine.execution_options(isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        found: int = (await connection.execute(statement)).scalar_one()
    return found
