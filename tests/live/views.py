"""Live views for tests, stricter than a client has to be, and changes made behind the API."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

import aiohttp
from gql import gql
from sqlalchemy import text

from models import Calendar, Role, Slot
from models.database import Database, WriteSession
from services.accounts import tokens
from services.config import Config
from tests.api import Api, Watcher
from tests.conftest import CONFIG, Clinic, serving
from tests.factories import id_of, tomorrow, wire

# Far more than any update takes, even where many tests share few processors.
PATIENCE = 60.0
FIELDS = "id startsAt endsAt status version bookedCount"
APPOINTMENTS = "appointments { reference status reason staffNotes patient { name } }"
WITH_APPOINTMENTS = f"{FIELDS} {APPOINTMENTS}"
CHANGES = """
subscription ($id: ID!, $from: DateTime!, $to: DateTime!, $after: Cursor) {
  calendarChanges(calendarId: $id, from: $from, to: $to, after: $after) {
    reset cursor previousCursor slots { %s }
  }
}
"""
PICTURE = """
query ($id: ID!, $from: DateTime!, $to: DateTime!) {
  calendar(id: $id) { cursor slots(from: $from, to: $to) { %s } }
}
"""


class View(Watcher):
    """A watcher that also refuses repeats, and that can come back with what it held."""

    def back(self, updates: AsyncIterator[dict[str, Any]]) -> Self:
        """The same view on a new stream."""
        view = type(self)(updates)
        view.slots, view.cursor = dict(self.slots), self.cursor
        return view

    async def next(self, seconds: float = PATIENCE) -> dict[str, Any]:
        """The next update, applied; a slot in it must be newer than the one that was held."""
        before = dict(self.slots)
        update = await super().next(seconds)
        for slot in () if update["reset"] else update["slots"]:
            held = before.get(slot["id"])
            if held is not None and slot["version"] <= held["version"]:
                raise AssertionError(f"A change was repeated: {held} and then {slot}.")
        return update

    async def equals(self, picture: dict[str, dict[str, Any]], seconds: float = PATIENCE) -> None:
        """Return when the view shows `picture`, and nothing else."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.slots != picture:
                    await self.next(seconds)
        assert self.slots == picture


@asynccontextmanager
async def viewing(
    api: Api,
    calendar: Calendar,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    after: str | None = None,
    back: View | None = None,
    fields: str = FIELDS,
) -> AsyncIterator[View]:
    """A live view of tomorrow, or of another time; with `back` it goes on where that one left."""
    values = {
        "id": id_of(calendar),
        "from": wire(start or tomorrow(0)),
        "to": wire(end or tomorrow(0, days=2)),
        "after": back.cursor if back else after,
    }
    async with api.socket() as session:
        request = gql(CHANGES % fields)
        request.variable_values = values
        updates = session.subscribe(request)
        try:
            yield back.back(updates) if back else View(updates)
        finally:
            await updates.aclose()


async def asked(
    api: Api,
    calendar: Calendar,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    fields: str = FIELDS,
) -> tuple[dict[str, dict[str, Any]], str]:
    """What a query shows of the same window: slots by id, and the cursor."""
    answer = await api.ask(
        PICTURE % fields,
        id=id_of(calendar),
        **{"from": wire(start or tomorrow(0)), "to": wire(end or tomorrow(0, days=2))},
    )
    shown = answer["calendar"]
    return {slot["id"]: slot for slot in shown["slots"]}, shown["cursor"]


def shown(slot: Slot, status: str, *, version: int, booked: int = 0) -> dict[str, Any]:
    """A slot as a view shows it."""
    return {
        "id": id_of(slot),
        "startsAt": wire(slot.starts_at),
        "endsAt": wire(slot.ends_at),
        "status": status,
        "version": version,
        "bookedCount": booked,
    }


def doctors_calendar(clinic: Clinic) -> Calendar:
    """The calendar of the clinic's doctor."""
    calendar = clinic.person(Role.DOCTOR).calendar
    assert calendar is not None
    return calendar


async def book(api: Api, slot: Slot, **values: str) -> dict[str, Any]:
    """An appointment in the slot, which must be free."""
    made: dict[str, Any] = await api.done(
        "bookAppointment", "appointment { id reference }", slotId=id_of(slot), **values
    )
    return made


RAISE = text("UPDATE calendars SET revision = revision + 1 WHERE id = :id RETURNING revision")
CHANGE = text("""
    UPDATE slots SET status = CAST(:status AS slot_status), revision = :revision WHERE id = :id
""")


async def change(session: WriteSession, slot: Slot, status: str) -> int:
    """Change a slot as any program has to that follows the write protocol; the new revision."""
    revision: int = (await session.execute(RAISE, {"id": slot.calendar_id})).scalar_one()
    values = {"id": slot.id, "status": status, "revision": revision}
    await session.execute(CHANGE, values)
    return revision


async def change_behind_the_api(database: Database, slot: Slot, status: str) -> int:
    """Commit a change that nobody is told of."""
    async with database.crossing_organizations() as session:
        return await change(session, slot, status)


async def revision_of(database: Database, calendar_id: UUID) -> int:
    """Where a calendar stands."""
    async with database.crossing_organizations() as session:
        row = await session.execute(
            text("SELECT revision FROM calendars WHERE id = :id"), {"id": calendar_id}
        )
        revision: int = row.scalar_one()
    return revision


def config(**changes: Any) -> Config:
    """The settings of the tests with some changed, and with the same secret."""
    return replace(CONFIG, **changes)


@asynccontextmanager
async def another_server(api: Api, database_url: str, **changes: Any) -> AsyncIterator[Api]:
    """A second server on the same database, for the same person."""
    stack = contextlib.ExitStack()
    url = await asyncio.to_thread(stack.enter_context, serving(config(**changes), database_url))
    try:
        yield Api(url, api.http, api.slug, api.token)
    finally:
        await asyncio.to_thread(stack.close)


def token_for(seconds: float, token: str) -> str:
    """A token for the same sign-in as `token`, good for some seconds more."""
    claims = tokens.read_access_token(CONFIG, token)
    lasts = timedelta(minutes=CONFIG.access_token_minutes)
    short, _ = tokens.access_token(
        CONFIG,
        datetime.now(UTC) - lasts + timedelta(seconds=seconds),
        user_id=claims.user_id,
        organization_id=claims.organization_id,
        sign_in_id=claims.sign_in_id,
    )
    return short


async def subscribed_by_hand(
    socket: aiohttp.ClientWebSocketResponse, calendar_id: str
) -> dict[str, Any]:
    """Say what a client says on a socket, word by word; the first update."""
    await socket.send_json({"type": "connection_init"})
    assert await socket.receive_json(timeout=PATIENCE) == {"type": "connection_ack"}
    variables = {"id": calendar_id, "from": wire(tomorrow(0)), "to": wire(tomorrow(0, days=2))}
    payload = {"query": CHANGES % FIELDS, "variables": variables}
    await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
    message = await socket.receive_json(timeout=PATIENCE)
    assert (message["id"], message["type"]) == ("1", "next")
    update: dict[str, Any] = message["payload"]["data"]["calendarChanges"]
    return update
