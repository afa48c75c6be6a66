"""Places: where in a calendar a visit can be put. One rule, asked by every act that takes time and
by what is shown as bookable.

How time is claimed is in `claims`; what the clock and the organization's terms say, in `rules`.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select, true

from models import (
    EXTERNAL_LANE,
    Claim,
    ClaimKind,
    Doctor,
    Room,
    Slot,
    SlotStatus,
    VisitType,
    VisitTypeDoctor,
)
from models.database import WriteSession
from services.access import STAFF
from services.calendar.claims import (
    Care,
    Span,
    Taker,
    count_of,
    in_the_way,
    keep,
    lanes_in_use,
    lying_in,
    take,
)
from services.calendar.grid import locked_for_change
from services.calendar.locks import lock_calendars
from services.calendar.offers import end_expired
from services.calendar.owners import of_doctor
from services.calendar.refreshing import give_back
from services.calendar.rooms import calendars_of_rooms, free_room, has_free_room, take_room
from services.calendar.rules import Terms, why_not_bookable
from services.context import Context
from services.errors import NotBookable, NotBookableReason, NotFound, SlotTaken


@dataclass(frozen=True)
class Length:
    """How long a visit takes, and how long it is kept clear after it."""

    minutes: int
    buffer_minutes: int = 0
    # Of what kind it is: it may need a room.
    visit_type_id: UUID | None = None

    @classmethod
    def of(cls, visit_type: VisitType) -> "Length":
        """That of a visit of a type."""
        return cls(visit_type.minutes, visit_type.buffer_minutes, visit_type.id)


@dataclass(frozen=True)
class Place:
    """A slot, free and open to the viewer, whose it is, and what a visit takes from there on."""

    slot: Slot
    doctor: Doctor
    span: Span
    # The claim by which the viewer holds it already.
    hold_id: UUID | None
    # Where the visit is, if it needs a room.
    room: Room | None


async def lock_place(
    context: Context,
    session: WriteSession,
    slot_id: UUID,
    visit_type_id: UUID | None,
    *others: UUID,
) -> UUID:
    """Lock what a visit that begins with a doctor's slot may take: the doctor's calendar, which is
    returned, and those of the rooms that it may use; and with them others that will change.

    Raises:
        NotFound: there is no such slot, or it is not a doctor's.

    """
    statement = select(Slot.calendar_id).where(Slot.id == slot_id, of_doctor(Slot.calendar_id))
    calendar_id: UUID | None = (await session.execute(statement)).scalar_one_or_none()
    if calendar_id is None:
        raise NotFound("slot_id")
    rooms = await session.rows(calendars_of_rooms(visit_type_id)) if visit_type_id else ()
    if rooms:
        # Most of them stay as they are, so their revisions do.
        await lock_calendars(session, (calendar_id, *others, *rooms))
    await locked_for_change(context, session, calendar_id, *others)
    return calendar_id


async def offered(session: WriteSession, visit_type_id: UUID | None) -> VisitType | None:
    """A visit type that is not archived, and stays so until the end; None where none is named.

    Raises:
        NotFound: there is none.

    """
    if visit_type_id is None:
        return None
    statement = (
        select(VisitType)
        .where(VisitType.id == visit_type_id, VisitType.archived_at.is_(None))
        .with_for_update(read=True, key_share=True)
    )
    visit_type: VisitType | None = (await session.execute(statement)).scalar_one_or_none()
    if visit_type is None:
        raise NotFound("visit_type_id")
    return visit_type


async def free_place(
    context: Context,
    session: WriteSession,
    slot_id: UUID,
    visit_type: VisitType | None,
    *,
    overbooks: bool = False,
    hold_id: UUID | None = None,
) -> Place:
    """Where a visit that begins with the slot would be; what it may take is locked.

    Args:
        overbooks: it may be beside others, and beside what is busy elsewhere; only a time that is
            closed is not free for that.
        hold_id: the claim by which just this time is held for the visit, whoever books it.

    Raises:
        NotBookable: the rules do not let the viewer book it.
        SlotTaken: the slot is not free, or no room is; whether the rest of the time is, `claim`
            finds out.

    """
    offers: ColumnElement[bool] = true()
    if visit_type is not None:
        offers = exists().where(
            VisitTypeDoctor.doctor_id == Doctor.id, VisitTypeDoctor.visit_type_id == visit_type.id
        )
    statement = (
        select(Slot, Doctor, offers)
        .join(Doctor, Doctor.calendar_id == Slot.calendar_id)
        .where(Slot.id == slot_id)
        # Somebody may have looked at the slot before the lock, and it has changed since.
        .execution_options(populate_existing=True)
    )
    slot, doctor, is_offered = (await session.execute(statement)).one()
    span = span_from(slot, visit_type)
    own = hold_id or await _own_hold(context, session, slot, span)
    if own is None:
        await _clear_holds(context, session, slot, span)
    _require_allowed(context, slot, doctor, visit_type, is_held=own is not None)
    if not is_offered:
        raise NotBookable(NotBookableReason.NOT_OFFERED)
    if overbooks:
        await _require_open(session, slot, span)
    elif slot.status is not SlotStatus.AVAILABLE and own is None:
        raise SlotTaken
    room = await free_room(context, session, visit_type.id, span) if visit_type else None
    return Place(slot, doctor, span, own, room)


async def _own_hold(context: Context, session: WriteSession, slot: Slot, span: Span) -> UUID | None:
    """The claim by which the viewer holds just this time, while that lasts."""
    if context.user_id is None or context.user_id not in slot.held_by:
        return None
    clear_until = span.clear_until if span.clear_until > span.ends_at else None
    statement = select(Claim.id).where(
        Claim.calendar_id == span.calendar_id,
        Claim.held_by_id == context.user_id,
        Claim.starts_at == span.starts_at,
        Claim.ends_at == span.ends_at,
        Claim.clear_until.is_not_distinct_from(clear_until),
        Claim.expires_at > context.now,
    )
    own: UUID | None = (await session.execute(statement)).scalar_one_or_none()
    return own


async def _clear_holds(context: Context, session: WriteSession, slot: Slot, span: Span) -> None:
    """Give up what is held in a time and in nobody's way: what is over, and what the viewer holds
    for something else.
    """
    # Looked for only where there can be some: mostly there are none.
    is_held = slot.held_by or slot.status is SlotStatus.HELD or slot.in_buffer
    if not (is_held or span.clear_until > slot.ends_at):
        return
    await end_expired(context, session, span)
    if context.user_id is not None:
        await give_back(
            session,
            Claim.calendar_id == span.calendar_id,
            Claim.kind == ClaimKind.HOLD,
            Claim.held_by_id == context.user_id,
            in_the_way(
                span.starts_at,
                span.ends_at,
                span.clear_until,
                keeps_clear=context.role not in STAFF,
            ),
        )
    await session.refresh(slot)


def _require_allowed(
    context: Context, slot: Slot, doctor: Doctor, visit_type: VisitType | None, *, is_held: bool
) -> None:
    """Go on only if the rules let the viewer have a visit begin with the slot, free or not."""
    reason = why_not_bookable(
        slot,
        Terms.of(context),
        is_accepting_patients=doctor.is_accepting_patients and doctor.archived_at is None,
        visit_minutes=visit_type.minutes if visit_type else None,
        is_held=is_held,
    )
    if reason is not None:
        raise NotBookable(reason)


async def _require_open(session: WriteSession, slot: Slot, span: Span) -> None:
    """Go on only if the slot is one of the working hours, and nothing in the time is closed; what
    a calendar elsewhere says is for staff to judge.
    """
    closed = exists().where(
        Claim.calendar_id == span.calendar_id,
        Claim.kind == ClaimKind.BLOCK,
        lying_in(span.starts_at, span.ends_at),
    )
    is_closed = slot.is_withdrawn or slot.status is SlotStatus.REMOVED
    if is_closed or (await session.execute(select(closed))).scalar_one():
        raise SlotTaken


async def give_up_holds(session: WriteSession, span: Span, which: ColumnElement[bool]) -> None:
    """Let others have what is held in a time of a locked calendar."""
    await give_back(
        session,
        Claim.calendar_id == span.calendar_id,
        Claim.kind == ClaimKind.HOLD,
        lying_in(span.starts_at, span.ends_at),
        which,
    )


async def claim(
    context: Context,
    session: WriteSession,
    place: Place,
    taker: Taker,
    *,
    overbooks: bool = False,
) -> list[Span]:
    """Take a place for an appointment, or for somebody who holds it; in which times slots have to
    tell of it now.

    Raises:
        SlotTaken: a part of the time is not free.
        NotBookable: it is free, but has to be kept clear of the visits before and after it.

    """
    if place.hold_id is not None and isinstance(taker, UUID):
        # In place: between the hold and the appointment nobody else finds the time free.
        await keep(session, place.hold_id, taker)
    else:
        await _take(context, session, place, taker, overbooks=overbooks)
    if place.room is None:
        return [place.span]
    return [place.span, await take_room(context, session, place.room, place.span, taker)]


async def _take(
    context: Context, session: WriteSession, place: Place, taker: Taker, *, overbooks: bool
) -> None:
    """Take the time of the doctor's calendar."""
    span, capacity = place.span, place.slot.capacity
    care = Care.PLACES if context.role in STAFF else Care.BUFFERS
    if await take(session, span, taker, capacity=capacity, care=Care.NONE if overbooks else care):
        return
    bodies = lanes_in_use(
        span.calendar_id, span.starts_at, span.ends_at, span.ends_at, keeps_clear=False
    )
    taken = set(await session.rows(bodies))
    if EXTERNAL_LANE not in taken and len(taken) < capacity:
        raise NotBookable(NotBookableReason.KEPT_CLEAR)
    raise SlotTaken


def span_from(slot: Slot, visit_type: VisitType | None) -> Span:
    """What a visit takes that begins with a slot: without a type, the slot."""
    if visit_type is None:
        return Span(slot.calendar_id, slot.starts_at, slot.ends_at, slot.ends_at)
    ends_at = slot.starts_at + timedelta(minutes=visit_type.minutes)
    clear_until = ends_at + timedelta(minutes=visit_type.buffer_minutes)
    return Span(slot.calendar_id, slot.starts_at, ends_at, clear_until)


def has_room(context: Context, length: Length | None) -> ColumnElement[bool]:
    """Which slots the viewer could have a visit begin with, as far as time is taken: what they hold
    themselves is not.

    Args:
        length: of the visit; None: as long as the slot.

    """
    is_patient = context.role not in STAFF
    if length is None:
        return ~Slot.in_buffer if is_patient else true()
    ends_at = Slot.starts_at + timedelta(minutes=length.minutes)
    clear_until = ends_at + timedelta(minutes=length.buffer_minutes)
    in_use = lanes_in_use(
        Slot.calendar_id, Slot.starts_at, ends_at, clear_until, keeps_clear=is_patient
    )
    if context.user_id is not None:
        in_use = in_use.where(Claim.held_by_id.is_distinct_from(context.user_id))
    count = in_use.with_only_columns(count_of(Claim.lane)).correlate(Slot)
    has_lane = count.scalar_subquery() < Slot.capacity
    if length.visit_type_id is not None:
        has_lane &= has_free_room(
            context.now, length.visit_type_id, ends_at, clear_until, for_patient=is_patient
        )
    return has_lane & (ends_at <= Slot.hours_end_at) if is_patient else has_lane
