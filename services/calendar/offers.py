"""Offers: time that opens is held for the first who waits for it, in the transaction in which it
opened, so that nobody comes in between and no view shows it free.

Joining the line, and what is done with an offer, is the business of `waitlist`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Uuid,
    any_,
    case,
    column,
    exists,
    func,
    literal,
    not_,
    select,
    true,
    update,
)
from sqlalchemy.sql.selectable import LateralFromClause

from models import (
    OPEN_STATUSES,
    Appointment,
    Claim,
    ClaimKind,
    Doctor,
    NotificationKind,
    Patient,
    Room,
    Slot,
    SlotStatus,
    VisitType,
    WaitlistEntry,
    WaitlistStatus,
)
from models.database import WriteSession
from services.calendar.claims import Care, Offered, Span, count_of, lanes_in_use, lying_in, take
from services.calendar.lines import LINE, NOTHING_OFFERED, is_named, is_waited_for
from services.calendar.locks import lock_calendars
from services.calendar.opened import Stretch, apart, opened_by
from services.calendar.refreshing import give_back, refresh_span
from services.calendar.rooms import calendars_of_rooms, has_free_room, rooms_for, take_room
from services.calendar.rules import is_patient_busy, open_to_patients
from services.context import Context
from services.notifications import notify


class _Match(NamedTuple):
    """The first in line, and what of the time that opened fits them."""

    entry_id: UUID
    visit_type_id: UUID | None
    user_id: UUID | None
    email: str | None
    slot_id: UUID
    capacity: int
    calendar_id: UUID
    starts_at: datetime
    ends_at: datetime
    clear_until: datetime


def attend(context: Context, session: WriteSession) -> None:
    """See to it that what the transaction opens is offered before it is committed."""
    if "offers" not in session.info:
        session.info["offers"] = True
        session.before_commit(partial(make_offers, context, session))


async def make_offers(context: Context, session: WriteSession) -> None:
    """Offer what the transaction has opened so far, as long as somebody fits. The calendars are
    locked, and the entries follow in the order of the line.
    """
    await _end_what_is_gone(session)
    opened = opened_by(session)
    if opened.entry_ids:
        await _end_offers(context, session, opened.entry_ids)
        opened.entry_ids = set()
    if not opened.free or not await _anybody_waits(session, opened.free):
        opened.free = []
        return
    stretches, opened.free = opened.free, []
    passed_over: list[UUID] = []
    while match := await _next_match(context, session, stretches, passed_over):
        if not await _offer(context, session, match):
            passed_over.append(match.entry_id)


async def end_expired(context: Context, session: WriteSession, span: Span) -> None:
    """Give up the holds that are over in a time of a locked calendar. Whoever waits in line for it
    comes before whoever asks for it now.
    """
    with apart(session):
        await give_back(
            session,
            Claim.calendar_id == span.calendar_id,
            Claim.kind == ClaimKind.HOLD,
            lying_in(span.starts_at, span.ends_at),
            Claim.expires_at <= context.now,
        )
        await make_offers(context, session)


async def _end_what_is_gone(session: WriteSession) -> None:
    """Take back offers of slots that have gone."""
    gone, opened_by(session).gone = opened_by(session).gone, []
    for calendar_id, starts_at, ends_at in gone:
        await give_back(
            session,
            Claim.calendar_id == calendar_id,
            Claim.waitlist_entry_id.is_not(None),
            lying_in(starts_at, ends_at),
        )


async def _end_offers(context: Context, session: WriteSession, entry_ids: set[UUID]) -> None:
    """Note that offers have ended. One that was left unanswered was the last; one that was taken
    back leaves its patient in line.
    """
    is_over = WaitlistEntry.offer_expires_at <= context.now
    expired, waiting = (
        literal(status, WaitlistEntry.status.type)
        for status in (WaitlistStatus.EXPIRED, WaitlistStatus.WAITING)
    )
    await session.execute(
        update(WaitlistEntry)
        .where(WaitlistEntry.id.in_(entry_ids), WaitlistEntry.status == WaitlistStatus.OFFERED)
        .values(status=case((is_over, expired), else_=waiting), **NOTHING_OFFERED)
        .execution_options(synchronize_session=False)
    )


async def _anybody_waits(session: WriteSession, stretches: Sequence[Stretch]) -> bool:
    """Whether anybody stands in line for one of these calendars: mostly nobody does."""
    calendar_ids = list({calendar_id for calendar_id, _, _ in stretches})
    statement = select(
        exists()
        .where(WaitlistEntry.status == WaitlistStatus.WAITING, is_named())
        .where(Doctor.calendar_id == any_(literal(calendar_ids, ARRAY(Uuid()))))
    )
    return bool((await session.execute(statement)).scalar_one())


async def _next_match(
    context: Context,
    session: WriteSession,
    stretches: Sequence[Stretch],
    passed_over: Sequence[UUID],
) -> _Match | None:
    """The first in line whom something of the time fits, locked. Whoever is passed over stays."""
    fitting = _fitting(context, stretches)
    statement = (
        select(
            WaitlistEntry.id, WaitlistEntry.visit_type_id, Patient.user_id, Patient.email, fitting
        )
        .select_from(WaitlistEntry)
        .join(Patient, Patient.id == WaitlistEntry.patient_id)
        .outerjoin(VisitType, VisitType.id == WaitlistEntry.visit_type_id)
        .join(fitting, true())
        .where(
            WaitlistEntry.status == WaitlistStatus.WAITING,
            WaitlistEntry.id.not_in(passed_over),
            Patient.archived_at.is_(None),
            VisitType.archived_at.is_(None),
            _is_below_limit(context),
        )
        .order_by(*LINE)
        .limit(1)
        .with_for_update(of=WaitlistEntry)
    )
    found = (await session.execute(statement)).one_or_none()
    return _Match(*found) if found else None


def _fitting(context: Context, stretches: Sequence[Stretch]) -> LateralFromClause:
    """The first slot with which the visit of an entry can begin, in time that has opened."""
    policy = context.organization.booking_policy
    notice = timedelta(minutes=policy.minimum_notice_minutes)
    minutes = func.make_interval(0, 0, 0, 0, 0, VisitType.minutes)
    buffer = func.make_interval(0, 0, 0, 0, 0, func.coalesce(VisitType.buffer_minutes, 0))
    ends_at = func.coalesce(Slot.starts_at + minutes, Slot.ends_at)
    in_use = lanes_in_use(
        Slot.calendar_id, Slot.starts_at, ends_at, ends_at + buffer, keeps_clear=True
    )
    used = in_use.with_only_columns(count_of(Claim.lane)).correlate(Slot, VisitType)
    fitting = (
        select(
            Slot.id.label("slot_id"),
            Slot.capacity,
            Slot.calendar_id,
            Slot.starts_at,
            ends_at.label("ends_at"),
            (ends_at + buffer).label("clear_until"),
        )
        .join(Doctor, Doctor.calendar_id == Slot.calendar_id)
        .where(
            Doctor.is_accepting_patients,
            Doctor.archived_at.is_(None),
            is_waited_for(),
            Slot.status == SlotStatus.AVAILABLE,
            open_to_patients(policy, context.now),
            # There must be a moment left to accept in.
            Slot.starts_at > context.now + notice,
            Slot.starts_at >= WaitlistEntry.starts_at,
            ends_at <= WaitlistEntry.ends_at,
            ends_at <= Slot.hours_end_at,
            _has_opened(stretches, ends_at),
            not_(Slot.id == any_(WaitlistEntry.declined_slot_ids)),
            not_(is_patient_busy(WaitlistEntry.patient_id, ends_at)),
            used.scalar_subquery() < Slot.capacity,
            has_free_room(context.now, VisitType.id, ends_at, ends_at + buffer, for_patient=True),
        )
        .order_by(Slot.starts_at, Slot.id)
        .limit(1)
    )
    return fitting.correlate(WaitlistEntry, VisitType).lateral("fitting")


def _has_opened(stretches: Sequence[Stretch], ends_at: Any) -> ColumnElement[bool]:
    """Whether any of the time of a visit, which begins with a slot, is among some times."""
    moments = ARRAY(DateTime(timezone=True))
    calendar_ids, begins, ends = (list(values) for values in zip(*stretches, strict=True))
    opened = (
        func.unnest(
            literal(calendar_ids, ARRAY(Uuid())), literal(begins, moments), literal(ends, moments)
        )
        .table_valued(
            column("calendar_id", Uuid()),
            column("begins_at", DateTime(timezone=True)),
            column("ends_at", DateTime(timezone=True)),
        )
        .render_derived("opened")
    )
    within = exists().where(
        opened.c.calendar_id == Slot.calendar_id,
        opened.c.begins_at < ends_at,
        opened.c.ends_at > Slot.starts_at,
    )
    return within.correlate(Slot, VisitType)


def _is_below_limit(context: Context) -> ColumnElement[bool]:
    """Whether the patient of an entry may have one more open appointment."""
    limit = context.organization.booking_policy.max_open_appointments_per_patient
    if limit is None:
        return true()
    open_ones = select(func.count()).where(
        Appointment.patient_id == WaitlistEntry.patient_id,
        Appointment.status.in_(OPEN_STATUSES),
        Appointment.ends_at > context.now,
    )
    return open_ones.correlate(WaitlistEntry).scalar_subquery() < limit


async def _offer(context: Context, session: WriteSession, match: _Match) -> bool:
    """Hold what fits for the first in line, and tell them: until the minimum notice at most. False
    where a room that they need is being taken.
    """
    policy = context.organization.booking_policy
    notice_begins = match.starts_at - timedelta(minutes=policy.minimum_notice_minutes)
    until = min(context.now + timedelta(minutes=policy.offer_minutes), notice_begins)
    span = Span(match.calendar_id, match.starts_at, match.ends_at, match.clear_until)
    rooms = await _free_rooms(context, session, match.visit_type_id, span)
    if rooms is not None and not rooms:
        return False
    offered = Offered(uuid4(), match.entry_id, match.user_id, until)
    await session.execute(
        update(WaitlistEntry)
        .where(WaitlistEntry.id == match.entry_id)
        .values(
            status=WaitlistStatus.OFFERED, offered_slot_id=match.slot_id, offer_expires_at=until
        )
        .execution_options(synchronize_session=False)
    )
    await take(session, span, offered, capacity=match.capacity, care=Care.BUFFERS)
    await refresh_span(session, span)
    if rooms:
        there = await take_room(context, session, rooms[0], span, offered)
        await refresh_span(session, there)
    if match.email is not None:
        # Under the id of the claim: it tells of this offer, and of no later one.
        notify(context, session, NotificationKind.WAITLIST_OFFER, match.email, id=offered.claim_id)
    return True


async def _free_rooms(
    context: Context, session: WriteSession, visit_type_id: UUID | None, span: Span
) -> list[Room] | None:
    """The rooms that a visit could take, locked; None where it needs none. One that somebody has
    locked is left alone: to wait for it here, after other calendars, could be for ever.
    """
    if visit_type_id is None:
        return None
    usable = calendars_of_rooms(visit_type_id)
    locked = await lock_calendars(session, usable, skip_locked=True)
    rooms = await rooms_for(context, session, visit_type_id, span, for_patient=True)
    if not rooms:
        return None
    return [room for room, is_free in rooms if is_free and room.calendar_id in locked]
