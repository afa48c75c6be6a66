"""Whose a calendar is, as far as that decides who may see it: everybody sees a doctor's, staff a
room's, and everybody an event's as soon as the event is published. What is done with events is
decided in `events`.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, false, or_, select, true

from models import Doctor, Event, Role, Room
from services.access import STAFF, Permission, act
from services.context import Context


@act(Permission.SEE_EVENTS)
async def events_by_calendar(
    context: Context, calendar_ids: Sequence[UUID]
) -> Mapping[UUID, Event]:
    """The events whose calendars these are, for whoever has the calendar."""
    async with context.reading() as session:
        rows = await session.rows(select(Event).where(Event.calendar_id.in_(calendar_ids)))
    return {row.calendar_id: row for row in rows}


def manages_events(context: Context) -> ColumnElement[bool]:
    """Which events the viewer manages: administrators all, other staff those they organize."""
    if context.role is Role.ADMIN:
        return true()
    # Who is no staff any more organizes nothing.
    if context.role not in STAFF or context.user_id is None:
        return false()
    return Event.organizer_id == context.user_id


def is_public() -> ColumnElement[bool]:
    """Which events everybody may see who has the link."""
    return Event.published_at.is_not(None) & Event.archived_at.is_(None)


def visible_events(context: Context) -> ColumnElement[bool]:
    """Which events are there for the viewer."""
    return or_(is_public(), manages_events(context))


def of_event(calendar_id: Any) -> ColumnElement[bool]:
    """Whether a calendar is an event's; of a value, or of a column of an outer statement."""
    return exists().where(Event.calendar_id == calendar_id)


def of_doctor(calendar_id: Any) -> ColumnElement[bool]:
    """Whether a calendar is a doctor's: visits are booked in no other."""
    return exists().where(Doctor.calendar_id == calendar_id)


def is_there(context: Context, calendar_id: Any) -> ColumnElement[bool]:
    """Whether a calendar is there for the viewer."""
    hidden = exists().where(Event.calendar_id == calendar_id, ~visible_events(context))
    return ~hidden if context.role in STAFF else ~hidden & ~_of_room(calendar_id)


def is_there_for_all(calendar_id: Any) -> ColumnElement[bool]:
    """Whether a calendar is there for everybody."""
    hidden = exists().where(Event.calendar_id == calendar_id, ~is_public())
    return ~hidden & ~_of_room(calendar_id)


def _of_room(calendar_id: Any) -> ColumnElement[bool]:
    return exists().where(Room.calendar_id == calendar_id)
