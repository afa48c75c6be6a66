"""Tombstones for tests: slots that the API removed, made as old as a test needs them."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from models import Calendar, Slot
from models.database import Database
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow

MINUTE = timedelta(minutes=1)
WEEK = timedelta(days=7)


async def remove(clinic: Clinic, calendar: Calendar, *days: int) -> None:
    """Take away the slots of days to come, each day a change: there are no working hours."""
    for day in days:
        date = str(tomorrow(days=day).date())
        await clinic.admin.done(
            "generateSlots",
            "preview { removed }",
            calendarId=id_of(calendar),
            **{"from": date, "until": date},
        )


async def age(database: Database, by: timedelta, *slots: Slot) -> None:
    """Let time have passed since slots were removed."""
    async with database.crossing_organizations() as session:
        await session.execute(
            text(
                "UPDATE slots SET removed_at = now() - CAST(:by AS interval) WHERE id = ANY(:ids)"
            ),
            {"by": by, "ids": [slot.id for slot in slots]},
        )


async def numbers(database: Database, calendar: Calendar) -> tuple[int, int]:
    """The revision of a calendar, and up to which one tombstones may be gone."""
    async with database.crossing_organizations() as session:
        statement = text("SELECT revision, purged_through FROM calendars WHERE id = :id")
        revision, purged_through = (await session.execute(statement, {"id": calendar.id})).one()
    return revision, purged_through


async def kept(database: Database, calendar: Calendar) -> set[UUID]:
    """The ids of the slots of a calendar that are still rows."""
    async with database.crossing_organizations() as session:
        statement = text("SELECT id FROM slots WHERE calendar_id = :id")
        return set(await session.rows(statement, {"id": calendar.id}))
