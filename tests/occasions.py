"""Events, as tests of many things need them: a published one, its slots, and a guest's booking.

What a test proves about events stands in the test. Here is only what has to have happened before.
"""

from secrets import token_hex
from typing import Any
from uuid import UUID

from sqlalchemy import text

from models import Calendar
from tests.api import Api
from tests.factories import Factory, tomorrow, wire
from tests.rows import across

DAY = wire(tomorrow())[:10]
SLOTS = [
    {"startTime": "18:00", "endTime": "19:00", "capacity": 2},
    {"startTime": "19:00", "endTime": "20:00"},
]
WINDOW = {"from": wire(tomorrow(0)), "to": wire(tomorrow(0, days=2))}
EVENT = """
event { id title slug isPublished calendar { id slots(%s) { id startsAt endsAt capacity } } }
""" % ", ".join(f'{name}: "{value}"' for name, value in WINDOW.items())  # noqa: UP031
BOOKED = "appointment { id status version reference } manageToken"


async def an_event(api: Api, *, is_published: bool = True, **values: Any) -> dict[str, Any]:
    """An event of tomorrow evening that somebody of the staff organizes."""
    given = {"title": "An evening", "date": DAY, "slots": SLOTS, **values}
    event: dict[str, Any] = await api.done("createEvent", EVENT, **given)
    if is_published:
        event = await api.done("publishEvent", EVENT, eventId=event["id"])
    return event


def slots_of(event: dict[str, Any]) -> list[str]:
    """The ids of an event's slots, in order of start."""
    return [slot["id"] for slot in event["calendar"]["slots"]]


def a_guest(**values: Any) -> dict[str, Any]:
    """Somebody without an account."""
    return {"name": "Gil Guest", "email": f"{token_hex(6)}@mail.example", **values}


async def booked(api: Api, slot_id: str, **guest: Any) -> dict[str, Any]:
    """A guest's booking, which must succeed, with its `manageToken`."""
    payload = await api.act("bookEventSlot", BOOKED, slotId=slot_id, guest=a_guest(**guest))
    assert payload["errors"] == [], payload
    return {**payload["appointment"], "manageToken": payload["manageToken"]}


TIMES = "starts_at = starts_at - interval '3 days', ends_at = ends_at - interval '3 days'"
LONG_AGO = (
    "UPDATE events SET ends_at = ends_at - interval '3 days' WHERE id = :id",
    f"UPDATE slots SET {TIMES} WHERE calendar_id = (SELECT calendar_id FROM events WHERE id = :id)",
    f"UPDATE appointments SET {TIMES} WHERE event_id = :id",
)


async def over(factory: Factory, event: dict[str, Any]) -> None:
    """Let an event, its slots and its bookings have been two days ago."""
    async with across(factory) as connection:
        for statement in LONG_AGO:
            await connection.execute(text(statement), {"id": event["id"].rpartition("_")[2]})


async def calendar_of_event(factory: Factory, event: dict[str, Any]) -> Calendar:
    """The row of an event's calendar."""
    key = UUID(event["calendar"]["id"].rpartition("_")[2])
    async with factory.database.reading(factory.organization.id) as session:
        return await session.get_one(Calendar, (factory.organization.id, key))
