"""Reading calendars and slots: by id, by window, what is bookable, what is free next."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, cast, false, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from models import Calendar, Doctor, Role, Slot, SlotStatus, VisitType, VisitTypeDoctor
from models.database import ReadSession
from services import checks
from services.access import Permission, act
from services.calendar.grid import overlapping
from services.calendar.owners import is_there, of_event
from services.calendar.places import Length, has_room
from services.calendar.rules import (
    Terms,
    after_notice,
    horizon_ends,
    open_to_patients,
    why_not_bookable,
)
from services.context import Context
from services.errors import InvalidInput, NotFound
from services.visit_types import visit_types_by_id

LONGEST_WINDOW = timedelta(days=92)


def checked_window(
    starts_at: datetime, ends_at: datetime, start: str = "from", end: str = "to"
) -> None:
    """Go on only with a window that a view may ask for; `start` and `end` are its fields' names.

    Raises:
        InvalidInput: it ends before it begins, or is longer than 92 days.

    """
    checks.in_order(starts_at, ends_at, start, end)
    # An hour more than 92 times 24: clocks may have been set back in between.
    if ends_at - starts_at > LONGEST_WINDOW + timedelta(hours=1):
        raise InvalidInput("At most 92 days at once are allowed.", end)


@act(Permission.SEE_CALENDAR)
async def calendars_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, Calendar]:
    """Calendars by id, for whoever has something that is in them."""
    async with context.reading() as session:
        rows = await session.rows(select(Calendar).where(Calendar.id.in_(ids)))
    return {row.id: row for row in rows}


@act(Permission.SEE_CALENDAR)
async def visible_calendars_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, Calendar]:
    """Calendars by id, those that are there for the viewer."""
    statement = select(Calendar).where(Calendar.id.in_(ids), is_there(context, Calendar.id))
    async with context.reading() as session:
        rows = await session.rows(statement)
    return {row.id: row for row in rows}


@act(Permission.SEE_CALENDAR)
async def visible_slots_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, Slot]:
    """Slots by id, those that are there for the viewer, removed ones too."""
    statement = select(Slot).where(Slot.id.in_(ids), is_there(context, Slot.calendar_id))
    async with context.reading() as session:
        rows = await session.rows(statement)
    return {row.id: row for row in rows}


@act(Permission.SEE_CALENDAR)
async def slots_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, Slot]:
    """Slots by id, for whoever has something that is in them; removed ones too: appointments may
    have been in them.
    """
    async with context.reading() as session:
        rows = await session.rows(select(Slot).where(Slot.id.in_(ids)))
    return {row.id: row for row in rows}


@act(Permission.SEE_CALENDAR)
async def slots_between(
    context: Context,
    *,
    calendar_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    statuses: Sequence[SlotStatus] | None = None,
) -> Sequence[Slot]:
    """The slots of a calendar that overlap a window, in order of start.

    Raises:
        InvalidInput: the window is not one.

    """
    checked_window(starts_at, ends_at)
    statement = (
        select(Slot)
        .where(
            Slot.calendar_id == calendar_id,
            Slot.status != SlotStatus.REMOVED,
            overlapping(starts_at, ends_at),
            is_there(context, calendar_id),
        )
        .order_by(Slot.starts_at, Slot.id)
    )
    if statuses is not None:
        statement = statement.where(Slot.status.in_(statuses))
    async with context.reading() as session:
        return await session.rows(statement)


@act(Permission.SEE_CALENDAR)
async def acceptance_by_calendar(
    context: Context, calendar_ids: Sequence[UUID]
) -> Mapping[UUID, bool]:
    """Whether the doctor of each calendar accepts patients; of doctors' calendars alone."""
    accepting = Doctor.is_accepting_patients & Doctor.archived_at.is_(None)
    statement = select(Doctor.calendar_id, accepting).where(Doctor.calendar_id.in_(calendar_ids))
    async with context.reading() as session:
        return dict((await session.execute(statement)).all())


def is_bookable(
    context: Context,
    slot: Slot,
    *,
    is_accepting_patients: bool,
    visit_minutes: int | None = None,
) -> bool:
    """Whether the viewer may book the slot now; the same rule that booking asks.

    Whether there is room for a visit of a certain type, `slots_with_room` knows.
    """
    is_held = is_held_by_viewer(context, slot)
    is_free = slot.status is SlotStatus.AVAILABLE or is_held
    return is_free and not why_not_bookable(
        slot,
        Terms.of(context),
        is_accepting_patients=is_accepting_patients,
        visit_minutes=visit_minutes,
        is_held=is_held,
    )


def is_held_by_viewer(context: Context, slot: Slot) -> bool:
    """Whether the viewer holds a place in the slot."""
    return context.user_id is not None and context.user_id in slot.held_by


@act(Permission.SEE_CALENDAR)
async def slots_with_room(
    context: Context, slot_ids: Sequence[UUID], *, visit_type: VisitType
) -> Mapping[UUID, bool]:
    """With which slots a visit of a type can begin that the doctor offers; True for each."""
    statement = (
        select(Slot.id, true())
        .join(Doctor, Doctor.calendar_id == Slot.calendar_id)
        .join(VisitTypeDoctor, VisitTypeDoctor.doctor_id == Doctor.id)
        .where(
            Slot.id.in_(slot_ids),
            VisitTypeDoctor.visit_type_id == visit_type.id,
            has_room(context, Length.of(visit_type)),
        )
    )
    async with context.reading() as session:
        return dict((await session.execute(statement)).all())


@act(Permission.SEE_CALENDAR)
async def next_available(context: Context, calendar_ids: Sequence[UUID]) -> Mapping[UUID, Slot]:
    """The first slot of each calendar that patients can book now, in one statement for all."""
    policy = context.organization.booking_policy
    first_free = aliased(
        Slot,
        select(Slot)
        .where(
            Slot.calendar_id == Doctor.calendar_id,
            Slot.status == SlotStatus.AVAILABLE,
            ~Slot.in_buffer,
            open_to_patients(policy, context.now),
        )
        .order_by(Slot.starts_at)
        .limit(1)
        .lateral(),
    )
    statement = (
        select(first_free)
        .select_from(Doctor)
        .join(first_free, true())
        .where(
            Doctor.calendar_id.in_(calendar_ids),
            Doctor.is_accepting_patients,
            Doctor.archived_at.is_(None),
        )
    )
    async with context.reading() as session:
        return {slot.calendar_id: slot for slot in await session.rows(statement)}


async def alternatives(
    context: Context, slot_id: UUID, visit_type_id: UUID | None = None, count: int = 3
) -> Sequence[Slot]:
    """The slots of the same calendar that are nearest in time among those that the visit could
    begin with; a part of refusals.
    """
    slot = (await slots_by_id(context, [slot_id])).get(slot_id)
    if slot is None:
        return ()
    at, other = slot.starts_at, Slot.id != slot_id
    near = await alternatives_near(
        context, slot.calendar_id, [at], other, visit_type_id=visit_type_id, count=count
    )
    return near[at]


async def alternatives_near(
    context: Context,
    calendar_id: UUID,
    moments: Sequence[datetime],
    *conditions: ColumnElement[bool],
    visit_type_id: UUID | None = None,
    count: int = 3,
) -> Mapping[datetime, Sequence[Slot]]:
    """For each moment the slots of a calendar that are nearest to it among those that meet the
    conditions and that the visit could begin with; a part of refusals.
    """
    kinds = await visit_types_by_id(context, [visit_type_id]) if visit_type_id else {}
    visit_type = kinds.get(visit_type_id) if visit_type_id else None
    policy = context.organization.booking_policy
    bookable = select(Slot).where(
        Slot.calendar_id == calendar_id,
        Slot.status == SlotStatus.AVAILABLE,
        has_room(context, Length.of(visit_type) if visit_type else None),
        after_notice(policy, context.now),
        (Slot.starts_at < horizon_ends(policy, context.now)) | of_event(calendar_id),
        *conditions,
    )
    instant = DateTime(timezone=True)
    at: Any = func.unnest(cast(moments, ARRAY(instant)), type_=instant).column_valued("at")
    later = bookable.where(Slot.starts_at >= at).order_by(Slot.starts_at)
    earlier = bookable.where(Slot.starts_at < at).order_by(Slot.starts_at.desc())
    found: dict[datetime, list[Slot]] = {moment: [] for moment in moments}
    async with context.reading() as session:
        for statement in (later, earlier):
            near = aliased(Slot, statement.limit(count).lateral())
            rows = await session.execute(select(at, near).join(near, true()))
            for moment, slot in rows.all():
                found[moment].append(slot)
    return {moment: _nearest(free, moment, count) for moment, free in found.items()}


def _nearest(free: Sequence[Slot], moment: datetime, count: int) -> Sequence[Slot]:
    """Those that are nearest to a moment, in order of start."""
    nearest = sorted(free, key=lambda slot: abs(slot.starts_at - moment))[:count]
    return sorted(nearest, key=lambda slot: slot.starts_at)


async def require_managed(
    context: Context, session: ReadSession, calendar_id: UUID, field: str = "calendar_id"
) -> None:
    """Go on only if the viewer runs this calendar: the front desk all, a doctor their own.

    Raises:
        NotFound: it does not exist, is another doctor's, that of a doctor who has left, or an
            event's.

    """
    managed = (
        select(func.count())
        .select_from(Calendar)
        .outerjoin(Doctor, Doctor.calendar_id == Calendar.id)
        .where(Calendar.id == calendar_id, Doctor.archived_at.is_(None), ~of_event(Calendar.id))
    )
    if context.role is Role.DOCTOR:
        own = context.viewer.doctor_id if context.viewer else None
        # Who is no doctor any more runs no calendar, not even one that has none.
        managed = managed.where(Doctor.id == own if own else false())
    if not (await session.execute(managed)).scalar_one():
        raise NotFound(field)
