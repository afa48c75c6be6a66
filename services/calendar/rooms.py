"""Rooms: which one a visit takes besides its doctor's time. What rooms there are, and who manages
them, is in `directory`.

A room is a calendar as any other, and its time is taken by claims, as all time is. Who is with the
same doctor at the same time shares it: a group, or somebody who is overbooked.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Row, Select, and_, exists, or_, select, update
from sqlalchemy.orm import aliased

from models import (
    Appointment,
    AvailabilityTemplate,
    Claim,
    ClaimKind,
    Room,
    Slot,
    SlotStatus,
    VisitType,
    VisitTypeRoom,
)
from models.database import ReadSession, WriteSession
from services.access import STAFF
from services.calendar.claims import (
    LONGEST_SLOT,
    Care,
    Holder,
    Offered,
    Span,
    Taker,
    lanes_in_use,
    lying_in,
    take,
)
from services.calendar.locks import raise_revisions
from services.calendar.refreshing import give_back, refresh_span
from services.context import Context
from services.errors import SlotTaken


def calendars_of_rooms(visit_type_id: UUID) -> Select[UUID]:
    """The calendars of the rooms that a kind of visit may use."""
    return (
        select(Room.calendar_id)
        .join(VisitTypeRoom, VisitTypeRoom.room_id == Room.id)
        .where(VisitTypeRoom.visit_type_id == visit_type_id)
    )


async def calendars_of(session: ReadSession, *appointments: Appointment) -> Sequence[UUID]:
    """The calendars that appointments are in: of doctors or events, and of rooms."""
    calendars = [one.calendar_id for one in appointments]
    rooms = [one.room_id for one in appointments if one.room_id is not None]
    if rooms:
        calendars += await session.rows(select(Room.calendar_id).where(Room.id.in_(rooms)))
    return calendars


async def free_room(
    context: Context, session: WriteSession, visit_type_id: UUID, span: Span
) -> Room | None:
    """A room for a visit at a time of its doctor's calendar, first one where the doctor is then;
    None where none is needed. The calendars of all that may be used are locked.

    Raises:
        SlotTaken: none is free.

    """
    for_patient = context.role not in STAFF
    rooms = await rooms_for(context, session, visit_type_id, span, for_patient=for_patient)
    found = next((room for room, is_free in rooms if is_free), None)
    if rooms and found is None:
        raise SlotTaken
    return found


async def rooms_for(
    context: Context, session: WriteSession, visit_type_id: UUID, span: Span, *, for_patient: bool
) -> Sequence[Row[Room, bool]]:
    """What rooms a kind of visit may use, and whether each is free; first those where the doctor is
    then.
    """
    with_doctor = exists().where(
        Claim.calendar_id == Room.calendar_id,
        Claim.doctor_calendar_id == span.calendar_id,
        lying_in(span.starts_at, span.ends_at),
    )
    times = span.starts_at, span.ends_at, span.clear_until
    is_free = _is_free(context.now, span.calendar_id, *times, for_patient=for_patient)
    statement = (
        select(Room, is_free)
        .join(VisitTypeRoom, VisitTypeRoom.room_id == Room.id)
        .where(VisitTypeRoom.visit_type_id == visit_type_id)
        .order_by(with_doctor.desc(), Room.name, Room.id)
    )
    return (await session.execute(statement)).all()


def has_free_room(
    now: datetime, visit_type_id: Any, ends_at: Any, clear_until: Any, *, for_patient: bool
) -> ColumnElement[bool]:
    """For which slots a room is free for a visit of a type that begins there, or none is needed.

    Args:
        visit_type_id, ends_at, clear_until: values, or columns of an outer statement.

    """
    of_type = (
        select(VisitTypeRoom.room_id)
        .where(VisitTypeRoom.visit_type_id == visit_type_id)
        .correlate(VisitType)
    )
    is_free = _is_free(
        now, Slot.calendar_id, Slot.starts_at, ends_at, clear_until, for_patient=for_patient
    )
    usable = select(Room.id).where(Room.id.in_(of_type), is_free).correlate(Slot, VisitType)
    return ~of_type.exists() | usable.exists()


def _is_free(
    now: datetime,
    doctor_calendar_id: Any,
    starts_at: Any,
    ends_at: Any,
    clear_until: Any,
    *,
    for_patient: bool,
) -> ColumnElement[bool]:
    """Which rooms nobody else uses in a time, of values or of columns of slots; for patients, only
    in their working hours, where they have any.
    """
    taken = (
        lanes_in_use(Room.calendar_id, starts_at, ends_at, clear_until, keeps_clear=for_patient)
        .where(Claim.doctor_calendar_id.is_distinct_from(doctor_calendar_id), ~is_over(now))
        .correlate(Room, Slot, VisitType)
    )
    is_free = Room.archived_at.is_(None) & ~taken.exists()
    if not for_patient:
        return is_free
    hours = exists().where(AvailabilityTemplate.calendar_id == Room.calendar_id)
    open_slot = aliased(Slot)
    is_open = (
        select(open_slot.id)
        .where(
            open_slot.calendar_id == Room.calendar_id,
            open_slot.status != SlotStatus.REMOVED,
            ~open_slot.is_withdrawn,
            open_slot.starts_at <= starts_at,
            open_slot.starts_at > starts_at - LONGEST_SLOT,
            open_slot.hours_end_at >= ends_at,
        )
        .correlate(Room, Slot, VisitType)
    )
    return is_free & (~hours | is_open.exists())


def is_over(now: datetime) -> ColumnElement[bool]:
    """Which claims are holds that have ended, or of rooms for such a one. These end with the hold
    of the doctor's time; the sweep removes them, and whoever wants the room.
    """
    hold = aliased(Claim)
    lasts = exists().where(
        hold.calendar_id == Claim.doctor_calendar_id,
        hold.kind == ClaimKind.HOLD,
        hold.held_by_id.is_not_distinct_from(Claim.held_by_id),
        hold.waitlist_entry_id.is_not_distinct_from(Claim.waitlist_entry_id),
        hold.starts_at == Claim.starts_at,
        hold.ends_at == Claim.ends_at,
    )
    is_left = Claim.doctor_calendar_id.is_not(None) & ~lasts
    return and_(Claim.kind == ClaimKind.HOLD, or_(Claim.expires_at <= now, is_left))


async def take_room(
    context: Context, session: WriteSession, room: Room, span: Span, taker: Taker
) -> Span:
    """Take a room, which is free and locked, for a visit at a time of its doctor's calendar; what
    that is of the room's.
    """
    there = replace(span, calendar_id=room.calendar_id)
    await raise_revisions(context, session, [room.calendar_id])
    await give_back(
        session,
        Claim.calendar_id == room.calendar_id,
        lying_in(span.starts_at, span.ends_at),
        is_over(context.now),
    )
    if isinstance(taker, Offered):
        taker = replace(taker, claim_id=uuid4())
    # Beside those whom the doctor has there already: nobody else is.
    doctor = span.calendar_id
    await take(session, there, taker, capacity=1, care=Care.NONE, doctor_calendar_id=doctor)
    return there


async def prolong_room(context: Context, session: WriteSession, span: Span, holder: Holder) -> None:
    """Let the room that somebody holds with a time of a doctor be held as long."""
    prolonging = (
        update(Claim)
        .where(
            Claim.doctor_calendar_id == span.calendar_id,
            Claim.kind == ClaimKind.HOLD,
            Claim.held_by_id == holder.user_id,
            Claim.starts_at == span.starts_at,
        )
        .values(expires_at=holder.expires_at)
        .returning(Claim.calendar_id)
        .execution_options(synchronize_session=False)
    )
    calendars = await session.rows(prolonging)
    await raise_revisions(context, session, calendars)
    for calendar_id in calendars:
        await refresh_span(session, replace(span, calendar_id=calendar_id))
