"""Housekeeping: deleting what nobody can use any more, in every organization alike.

What that is, each domain says itself; here is how it is deleted, and how often. Any number of
processes may do so at once: what one of them is about to delete, the others leave alone.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, inspect, select, tuple_

from models import Base, IdempotencyKey, Notification, Slot
from models.database import Database
from services import idempotency, notifications
from services.accounts import purge as accounts
from services.calendar.purge import BATCH, calendars_to_purge, purge_calendar
from services.context import Server
from services.live.tasks import Outage

log = logging.getLogger("housekeeping")


def _outlived(now: datetime) -> Sequence[tuple[type[Base], ColumnElement[bool]]]:
    """Rows that may be deleted as they are, in this order; tombstones are more than that."""
    return [
        (IdempotencyKey, idempotency.is_outlived(now)),
        *accounts.outlived(now),
        (Notification, notifications.is_outlived(now)),
    ]


async def keep_house(server: Server) -> None:
    """Delete now and every hour, for as long as the server runs."""
    outage = Outage("Housekeeping")
    while True:
        try:
            with outage:
                deleted = await clean_up(server.database, server.clock())
                if any(deleted.values()):
                    log.info("Deleted %s", in_words(deleted))
        except Exception:
            log.exception("Failed, and is tried again the next time")
        await asyncio.sleep(server.config.housekeeping_seconds)


async def clean_up(database: Database, now: datetime) -> Mapping[str, int]:
    """Delete what nobody can use any more; how many rows of each table that were."""
    deleted = {
        table.__tablename__: await _delete(database, table, condition)
        for table, condition in _outlived(now)
    }
    return deleted | {Slot.__tablename__: await _purge_calendars(database)}


def in_words(deleted: Mapping[str, int]) -> str:
    """How many rows of which tables, to be read by people."""
    return ", ".join(f"{count:,} {table.replace('_', ' ')}" for table, count in deleted.items())


async def _delete(database: Database, table: type[Base], condition: ColumnElement[bool]) -> int:
    """Delete rows batch by batch. One that somebody holds is left for the next time, so that nobody
    is waited for and nobody waits for long.
    """
    key = inspect(table).primary_key
    batch = select(*key).where(condition).limit(BATCH).with_for_update(of=table, skip_locked=True)
    statement = delete(table).where(tuple_(*key).in_(batch)).returning(key[0])
    total = 0
    while True:
        async with database.crossing_organizations() as session:
            count = len(await session.rows(statement))
        total += count
        if count < BATCH:
            return total


async def _purge_calendars(database: Database) -> int:
    async with database.crossing_organizations() as session:
        calendars = await calendars_to_purge(session)
    total = 0
    for organization_id, calendar_id in calendars:
        count = BATCH
        while count == BATCH:
            async with database.writing(organization_id) as session:
                count = await purge_calendar(session, calendar_id)
            total += count
    return total
