"""A clinic's calendar that is connected to one elsewhere, as tests of many things about that need
it. What is proved about it stands in the tests.
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from models import Claim, ClaimKind, ExternalCalendar, Slot
from models.database import Database
from services.context import Context, Server
from services.external.busy import merged
from services.external.busy_claims import locked, replace_busy
from services.live.feeds import Live
from services.mailer import NullMailer
from services.passwords import Passwords
from tests.api import Api
from tests.booking import calendar_of
from tests.conftest import CONFIG, Clinic
from tests.elsewhere import Elsewhere
from tests.factories import Factory, id_of, tomorrow, wire
from tests.rows import across, kept

SHOWN = "host lastReadAt lastOkAt problem conflicts { id }"
OF_CALENDAR = f"query ($id: ID!) {{ calendar(id: $id) {{ externalCalendar {{ {SHOWN} }} }} }}"
SLOTS = """
query ($id: ID!, $from: DateTime!, $to: DateTime!) {
  calendar(id: $id) { cursor slots(from: $from, to: $to) { id status version isBookable } } }
"""
PATIENCE = 20.0


def nine(minutes: int = 0) -> datetime:
    """Nine o'clock tomorrow, and some minutes."""
    return tomorrow(9) + timedelta(minutes=minutes)


async def half_hours(clinic: Clinic, count: int = 4, *, capacity: int = 1) -> list[Slot]:
    """Slots from nine on tomorrow."""
    return [
        await clinic.factory.slot(
            calendar_of(clinic), nine(30 * n), capacity=capacity, hours_end_at=nine(30 * count)
        )
        for n in range(count)
    ]


async def busy_elsewhere(clinic: Clinic, *spans: tuple[datetime, datetime]) -> None:
    """Let the doctor be busy at these times, as if a calendar elsewhere had been read just now."""
    await be_busy(clinic.factory, calendar_of(clinic).id, *spans)


async def be_busy(factory: Factory, calendar_id: UUID, *spans: tuple[datetime, datetime]) -> None:
    """The same for any calendar."""
    server = server_of(factory.database)
    context = Context(server, factory.organization)
    async with context.writing() as session:
        await locked(session, calendar_id)
        await replace_busy(context, session, calendar_id, merged(spans), context.now)
    server.passwords.close()


def server_of(database: Database, **changes: Any) -> Server:
    """What a server has that reads calendars and answers nobody."""
    live = Live(database, url="memory://")
    return Server(replace(CONFIG, **changes), database, live, NullMailer(), Passwords())


async def connect(clinic: Clinic, elsewhere: Elsewhere, api: Api | None = None) -> dict[str, Any]:
    """Connect the doctor's calendar, and wait until the other one was read: how it is shown."""
    await (api or clinic.doctor).done(
        "connectExternalCalendar",
        "externalCalendar { host }",
        calendarId=id_of(calendar_of(clinic)),
        url=elsewhere.url,
    )
    return await read(clinic)


async def read_again(clinic: Clinic) -> dict[str, Any]:
    """Have it read once more: how it is shown then."""
    before = await clinic.doctor.done(
        "refreshExternalCalendar",
        "externalCalendar { lastReadAt }",
        calendarId=id_of(calendar_of(clinic)),
    )
    return await read(clinic, before["lastReadAt"])


async def read(clinic: Clinic, since: str | None = None) -> dict[str, Any]:
    """How it is shown, once it was read after a time."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await shown(clinic, clinic.reception)
            if found is not None and found["lastReadAt"] not in {None, since}:
                return found
            await asyncio.sleep(0.1)


async def shown(clinic: Clinic, api: Api) -> dict[str, Any] | None:
    """How it is shown to somebody."""
    answer = await api.ask(OF_CALENDAR, id=id_of(calendar_of(clinic)))
    found: dict[str, Any] | None = answer["calendar"]["externalCalendar"]
    return found


async def slots_seen(clinic: Clinic, api: Api | None = None) -> list[dict[str, Any]]:
    """The slots of tomorrow, as the public sees them or somebody else."""
    window = {"from": wire(tomorrow(0)), "to": wire(tomorrow(23))}
    answer = await (api or clinic.public).ask(SLOTS, id=id_of(calendar_of(clinic)), **window)
    found: list[dict[str, Any]] = answer["calendar"]["slots"]
    return found


async def statuses(clinic: Clinic) -> list[str]:
    return [slot["status"] for slot in await slots_seen(clinic)]


async def cursor(clinic: Clinic) -> str:
    """Where the calendar stands."""
    window = {"from": wire(tomorrow(0)), "to": wire(tomorrow(23))}
    answer = await clinic.public.ask(SLOTS, id=id_of(calendar_of(clinic)), **window)
    found: str = answer["calendar"]["cursor"]
    return found


async def busy_claims(clinic: Clinic) -> dict[str, str]:
    """The times that the other calendar is busy: the id of the claim by when it begins."""
    found = {}
    for row in await kept(clinic.factory, Claim):
        if row["kind"] == ClaimKind.EXTERNAL.name:
            found[row["during"]] = row["id"]
    return found


async def stored(clinic: Clinic) -> dict[str, Any]:
    """The row of the connection, whole."""
    statement = "SELECT to_jsonb(external_calendars) AS row FROM external_calendars"
    async with across(clinic.factory) as connection:
        found = await connection.execute(
            text(f"{statement} WHERE organization_id = :id"), {"id": clinic.factory.organization.id}
        )
        row: dict[str, Any] = found.scalar_one()
    return row


async def change(clinic: Clinic, assignment: str) -> None:
    """Change the row of the connection behind everybody's back."""
    async with across(clinic.factory) as connection:
        statement = text(f"UPDATE external_calendars SET {assignment} WHERE organization_id = :id")
        await connection.execute(statement, {"id": clinic.factory.organization.id})


async def connections(clinic: Clinic) -> int:
    return len(await kept(clinic.factory, ExternalCalendar))
