"""Making events, changing, publishing and archiving them: by whoever organizes one, and by
administrators. The lock of an event is that of its calendar.
"""

import secrets
from collections.abc import Sequence
from datetime import date
from typing import TypedDict, Unpack
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from models import OPEN_STATUSES, Appointment, Calendar, Event
from models.database import WriteSession
from services import checks, timetable
from services.access import Permission, act
from services.calendar.grid import close_calendar, locked_for_change
from services.calendar.owners import manages_events
from services.calendar.refreshing import refresh_slots
from services.context import Context
from services.errors import (
    InUse,
    InvalidInput,
    NoSlots,
    NotFound,
    NotSignedIn,
    OverlappingTemplates,
)
from services.events.slots import SlotInput, arrange, as_given, planned, present
from services.idempotency import creating

# 128 bits: nobody finds one by trying.
SLUG_BYTES = 16
YEARS_AHEAD = 5
MOST_PER_PERSON = 100


class EventChanges(TypedDict, total=False):
    """What of an event changes."""

    title: str
    description: str | None
    date: date
    time_zone: str
    per_person_limit: int
    slots: Sequence[SlotInput]


@act(Permission.MANAGE_EVENTS, OverlappingTemplates)
@creating(Event)
async def create_event(
    context: Context,
    session: WriteSession,
    *,
    title: str,
    date: date,
    slots: Sequence[SlotInput],
    description: str | None = None,
    time_zone: str | None = None,
    per_person_limit: int = 1,
) -> Event:
    """Make an event that the viewer organizes, in the organization's zone unless one is named.
    Nobody else sees it before it is published.

    Raises:
        OverlappingTemplates: two of the slots share time.

    """
    if context.user_id is None:
        raise NotSignedIn
    zone = checks.time_zone(time_zone or context.organization.time_zone)
    owner = {"organization_id": context.organization.id}
    calendar = Calendar(**owner, id=uuid4(), time_zone=zone, revision=0)
    event = Event(
        **owner,
        id=uuid4(),
        organizer_id=context.user_id,
        calendar_id=calendar.id,
        title=checks.name(title, "title"),
        description=checks.optional_text(description, "description"),
        slug=secrets.token_urlsafe(SLUG_BYTES),
        per_person_limit=_checked_limit(per_person_limit),
    )
    _put_on(context, event, date, zone)
    session.add(calendar)
    await session.flush()
    session.add(event)
    await arrange(session, calendar, planned(slots, date, ZoneInfo(zone)))
    await session.refresh(event)
    return event


@act(Permission.MANAGE_EVENTS, OverlappingTemplates, InUse)
async def update_event(
    context: Context, *, event_id: UUID, **changes: Unpack[EventChanges]
) -> Event:
    """Change an event; what is left out stays. Slots that are not among the new ones go, and those
    that stay keep their ids. On another day the slots have the same times.

    Raises:
        OverlappingTemplates: two of the slots share time.
        InUse: a slot that would go is booked, or one would have fewer places than are booked.

    """
    async with context.writing() as session:
        event, calendar = await _locked(context, session, event_id)
        if "title" in changes:
            event.title = checks.name(changes["title"], "title")
        if "description" in changes:
            event.description = checks.optional_text(changes["description"], "description")
        if "per_person_limit" in changes:
            event.per_person_limit = _checked_limit(changes["per_person_limit"])
        slots = changes.get("slots")
        if slots is None:
            slots = await as_given(session, calendar)
        day = changes.get("date", event.date)
        zone = checks.time_zone(changes.get("time_zone", event.time_zone))
        if (day, zone) != (event.date, event.time_zone):
            _put_on(context, event, day, zone)
            calendar.time_zone = zone
        elif "slots" not in changes:
            return await _saved(session, event)
        await arrange(session, calendar, planned(slots, day, ZoneInfo(zone)))
        return await _saved(session, event)


@act(Permission.MANAGE_EVENTS, NoSlots)
async def publish_event(context: Context, *, event_id: UUID) -> Event:
    """Let everybody with the link see an event and book it.

    Raises:
        NoSlots: it has no slot that is still to come.

    """
    async with context.writing() as session:
        event, calendar = await _locked(context, session, event_id)
        if event.published_at is None:
            slots = await present(session, calendar)
            if not any(slot.ends_at > context.now for slot in slots):
                raise NoSlots("event_id")
            event.published_at = context.now
            await _retold(session, calendar)
        return await _saved(session, event)


@act(Permission.MANAGE_EVENTS)
async def unpublish_event(context: Context, *, event_id: UUID) -> Event:
    """Hide an event; what is booked stays booked, and live views of others end."""
    async with context.writing() as session:
        event, calendar = await _locked(context, session, event_id)
        if event.published_at is not None:
            event.published_at = None
            await _retold(session, calendar)
        return await _saved(session, event)


@act(Permission.MANAGE_EVENTS, InUse)
async def delete_event(context: Context, *, event_id: UUID) -> UUID:
    """Archive an event: out of every list, and nobody can book it; history stays.

    Raises:
        InUse: there are open bookings that are not over.

    """
    async with context.writing() as session:
        event, calendar = await _locked(context, session, event_id)
        open_ones = select(func.count()).where(
            Appointment.event_id == event_id,
            Appointment.status.in_(OPEN_STATUSES),
            Appointment.ends_at > context.now,
        )
        if (await session.execute(open_ones)).scalar_one():
            raise InUse("event_id")
        event.archived_at = context.now
        await close_calendar(context, session, calendar.id)
    return event_id


async def _locked(
    context: Context, session: WriteSession, event_id: UUID
) -> tuple[Event, Calendar]:
    """An event that the viewer manages, and its calendar, locked: nobody books it meanwhile.

    Raises:
        NotFound: there is none.

    """
    managed = (Event.id == event_id) & Event.archived_at.is_(None) & manages_events(context)
    calendar_id = select(Event.calendar_id).where(managed)
    found: UUID | None = (await session.execute(calendar_id)).scalar_one_or_none()
    if found is None:
        raise NotFound("event_id")
    calendar = (await locked_for_change(context, session, found))[found]
    # Read under the lock: somebody may have changed it before we had that.
    event: Event | None = (await session.execute(select(Event).where(managed))).scalar_one_or_none()
    if event is None:
        raise NotFound("event_id")
    return event, calendar


def _put_on(context: Context, event: Event, day: date, zone: str) -> None:
    """Let an event be on a day that is not over."""
    today = context.now.astimezone(ZoneInfo(zone)).date()
    if day < today:
        raise InvalidInput("This day is over.", "date")
    if day.year > today.year + YEARS_AHEAD:
        raise InvalidInput("This is too far away.", "date")
    event.date, event.time_zone = day, zone
    event.ends_at = timetable.day_bounds(day, ZoneInfo(zone))[1]


def _checked_limit(value: int) -> int:
    """How many places one person may have."""
    return checks.between(value, 1, MOST_PER_PERSON, "per_person_limit")


async def _retold(session: WriteSession, calendar: Calendar) -> None:
    """Let live views know that the slots may be booked, or may not any more."""
    await session.flush()
    await refresh_slots(session, [slot.id for slot in await present(session, calendar)])


async def _saved(session: WriteSession, event: Event) -> Event:
    await session.flush()
    await session.refresh(event)
    return event
