"""Places: where in a calendar a visit can be put. One rule, asked by every act that takes time and
by what is shown as bookable.

How time is claimed is in `grid`; what the clock and the organization's terms say, in `rules`.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, any_, exists, func, select, true
from sqlalchemy.dialects.postgresql import Range

from models import Claim, ClaimKind, Doctor, Slot, SlotStatus, VisitType, VisitTypeDoctor
from models.database import ReadSession, WriteSession
from services.access import STAFF
from services.calendar.grid import Holder, Span, lanes_in_use, refresh_span, release, take
from services.calendar.rules import why_not_bookable
from services.context import Context
from services.errors import NotBookable, NotBookableReason, NotFound, SlotTaken


@dataclass(frozen=True)
class Place:
    """A slot, free and open to the viewer, whose it is, and what a visit takes from there on."""

    slot: Slot
    doctor: Doctor
    span: Span


async def calendar_of(session: ReadSession, slot_id: UUID) -> UUID:
    """The calendar that a slot is in.

    Raises:
        NotFound: there is no such slot.

    """
    statement = select(Slot.calendar_id).where(Slot.id == slot_id)
    calendar_id: UUID | None = (await session.execute(statement)).scalar_one_or_none()
    if calendar_id is None:
        raise NotFound("slot_id")
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
    context: Context, session: WriteSession, slot_id: UUID, visit_type: VisitType | None
) -> Place:
    """Where a visit that begins with the slot would be; its calendar is locked.

    Raises:
        NotBookable: the rules do not let the viewer book it.
        SlotTaken: the slot is not free; whether the rest of the time is, `claim` finds out.

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
    )
    slot, doctor, is_offered = (await session.execute(statement)).one()
    span = span_from(slot, visit_type)
    # Holds are looked for only where there can be some: mostly there are none.
    if slot.held_by or span.ends_at > slot.ends_at:
        is_over = Claim.expires_at <= context.now
        if context.user_id in slot.held_by:
            is_over |= Claim.held_by_id == context.user_id
        await give_up_holds(session, span, is_over)
        await session.refresh(slot)
    reason = why_not_bookable(
        slot,
        policy=context.organization.booking_policy,
        is_accepting_patients=doctor.is_accepting_patients and doctor.archived_at is None,
        role=context.role,
        now=context.now,
        visit_minutes=visit_type.minutes if visit_type else None,
    )
    if reason is None and not is_offered:
        reason = NotBookableReason.NOT_OFFERED
    if reason is not None:
        raise NotBookable(reason)
    if slot.status is not SlotStatus.AVAILABLE:
        raise SlotTaken
    return Place(slot, doctor, span)


async def give_up_holds(session: WriteSession, span: Span, which: ColumnElement[bool]) -> None:
    """Let others have what is held in a time of a locked calendar."""
    during = Range(span.starts_at, span.ends_at)
    for freed in await release(
        session,
        Claim.calendar_id == span.calendar_id,
        Claim.kind == ClaimKind.HOLD,
        Claim.during.overlaps(during),
        which,
    ):
        await refresh_span(session, freed)


async def claim(
    context: Context, session: WriteSession, place: Place, taker: UUID | Holder
) -> None:
    """Take a place for an appointment, or for somebody who holds it.

    Raises:
        SlotTaken: a part of the time is not free.
        NotBookable: it is free, but has to be kept clear of the visits before and after it.

    """
    slot, span = place.slot, place.span
    keeps_clear = context.role not in STAFF
    capacity = slot.capacity
    if await take(session, span, taker, capacity=capacity, keeps_clear=keeps_clear):
        return
    bodies = lanes_in_use(
        span.calendar_id, span.starts_at, span.ends_at, span.ends_at, keeps_clear=False
    )
    if len(set(await session.rows(bodies))) < capacity:
        raise NotBookable(NotBookableReason.KEPT_CLEAR)
    raise SlotTaken


def span_from(slot: Slot, visit_type: VisitType | None) -> Span:
    """What a visit takes that begins with a slot: without a type, the slot."""
    if visit_type is None:
        return Span(slot.calendar_id, slot.starts_at, slot.ends_at, slot.ends_at)
    ends_at = slot.starts_at + timedelta(minutes=visit_type.minutes)
    clear_until = ends_at + timedelta(minutes=visit_type.buffer_minutes)
    return Span(slot.calendar_id, slot.starts_at, ends_at, clear_until)


def has_room(context: Context, visit_type: VisitType | None) -> ColumnElement[bool]:
    """Which slots the viewer could have a visit begin with, as far as time is taken: what they hold
    of that very slot is not.
    """
    is_patient = context.role not in STAFF
    if visit_type is None:
        return ~Slot.in_buffer if is_patient else true()
    ends_at = Slot.starts_at + timedelta(minutes=visit_type.minutes)
    clear_until = ends_at + timedelta(minutes=visit_type.buffer_minutes)
    in_use = lanes_in_use(
        Slot.calendar_id, Slot.starts_at, ends_at, clear_until, keeps_clear=is_patient
    )
    if context.user_id is not None:
        is_own = (Claim.held_by_id == context.user_id) & (context.user_id == any_(Slot.held_by))
        in_use = in_use.where(is_own.is_not(True))
    count = in_use.with_only_columns(func.count(Claim.lane.distinct())).correlate(Slot)
    has_lane = count.scalar_subquery() < Slot.capacity
    return has_lane & (ends_at <= Slot.hours_end_at) if is_patient else has_lane
