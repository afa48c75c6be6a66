"""Claims: time taken in the lanes of a calendar. Which lane is free, taking it, giving it back.

Parts of acts, which have locked the calendar; what the slots above are made to tell is in `grid`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Insert,
    Integer,
    Select,
    Table,
    Uuid,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

from models import (
    EXTERNAL_LANE,
    Appointment,
    Claim,
    ClaimKind,
    Slot,
    SlotStatus,
    WaitlistEntry,
    WaitlistStatus,
)
from models.database import WriteSession, violated_constraint
from services.calendar.lines import NOTHING_OFFERED
from services.calendar.opened import opened_by
from services.errors import SlotTaken

# More than a slot has places at most (a constraint of the templates), for deliberate overbooking.
MOST_LANES = EXTERNAL_LANE
# So far behind a claim may lie what it keeps clear (a constraint of visit types).
LONGEST_BUFFER = timedelta(minutes=240)
LONGEST_CLAIM = timedelta(days=1)
# No slot is longer than a day (a constraint of the templates), so a slot that overlaps a time
# begins at most a day before it: the index on the start can be used from there.
LONGEST_SLOT = timedelta(days=1)


@dataclass(frozen=True)
class Holder:
    """Who a time is held for, and until when."""

    user_id: UUID
    expires_at: datetime


@dataclass(frozen=True)
class Offered:
    """Whom on the waitlist a time is offered to, and until when.

    Attributes:
        claim_id: the id that the claim shall have.
        user_id: the account of the patient, where there is one: it holds the time as well.

    """

    claim_id: UUID
    entry_id: UUID
    user_id: UUID | None
    expires_at: datetime


@dataclass(frozen=True)
class Span:
    """What is to be taken of a calendar: a time, and how long it is kept clear after it."""

    calendar_id: UUID
    starts_at: datetime
    ends_at: datetime
    clear_until: datetime


def lanes_in_use(
    calendar_id: Any, starts_at: Any, ends_at: Any, clear_until: Any, *, keeps_clear: bool
) -> Select[int]:
    """The lanes of a calendar that are in use in a time, those of deliberate overbooking too.

    All of them count, as `count_of` counts: a place that is freed beside somebody who is overbooked
    is not free.
    """
    return select(Claim.lane).where(
        Claim.calendar_id == calendar_id,
        in_the_way(starts_at, ends_at, clear_until, keeps_clear=keeps_clear),
    )


def in_the_way(
    starts_at: Any, ends_at: Any, clear_until: Any, *, keeps_clear: bool
) -> ColumnElement[bool]:
    """Which claims of a calendar are in the way of a time.

    Args:
        starts_at, ends_at, clear_until: values, or columns of an outer statement.
        keeps_clear: so is also what is kept clear after a visit, and what this visit would have to
            be kept clear of.

    """
    if not keeps_clear:
        return lying_in(starts_at, ends_at)
    is_near = lying_in(starts_at - LONGEST_BUFFER, clear_until)
    return is_near & or_(Claim.ends_at > starts_at, Claim.clear_until > starts_at)


def lying_in(starts_at: Any, ends_at: Any) -> ColumnElement[bool]:
    """Which claims overlap a time, of values or of columns of an outer statement."""
    return and_(
        Claim.starts_at < ends_at,
        Claim.ends_at > starts_at,
        Claim.starts_at > starts_at - LONGEST_CLAIM,
    )


def count_of(lane: Any) -> ColumnElement[int]:
    """How many of the lanes in a column are in use: all, where a calendar elsewhere is busy."""
    is_busy_elsewhere = func.max(lane) == EXTERNAL_LANE
    return case((is_busy_elsewhere, MOST_LANES), else_=func.count(lane.distinct()))


class Care(Enum):
    """What a new claim pays attention to: an overbooked one to the constraint alone, others also to
    how many places there are and to calendars elsewhere, and those of patients to what is kept
    clear.
    """

    NONE = "none"
    PLACES = "places"
    BUFFERS = "buffers"


def _taking(care: Care) -> Insert:
    """The claim of a visit in the lowest lane that is not in use, made once for all visits."""
    calendar_id = bindparam("calendar_id", type_=Uuid())
    starts_at, ends_at, clear_until = (
        bindparam(name, type_=DateTime(timezone=True))
        for name in ("starts_at", "ends_at", "clear_until")
    )
    in_use = lanes_in_use(
        calendar_id, starts_at, ends_at, clear_until, keeps_clear=care is Care.BUFFERS
    ).cte("in_use")
    capacity = bindparam("capacity", type_=Integer())
    last = MOST_LANES - 1 if care is Care.NONE else capacity - 1
    lanes = func.generate_series(0, last).table_valued("lane").render_derived("lanes")
    claim = {
        "organization_id": bindparam("organization_id", type_=Uuid()),
        "id": bindparam("id", type_=Uuid()),
        "calendar_id": calendar_id,
        "appointment_id": bindparam("appointment_id", type_=Uuid()),
        "doctor_calendar_id": bindparam("doctor_calendar_id", type_=Uuid()),
        "kind": bindparam("kind", type_=Claim.kind.type),
        "held_by_id": bindparam("held_by_id", type_=Uuid()),
        "waitlist_entry_id": bindparam("waitlist_entry_id", type_=Uuid()),
        "expires_at": bindparam("expires_at", type_=DateTime(timezone=True)),
        "lane": func.min(lanes.c.lane),
        "during": func.tstzrange(starts_at, ends_at),
        "clear_until": func.nullif(clear_until, ends_at),
    }
    count = select(count_of(in_use.c.lane)).scalar_subquery()
    free = (
        select(*claim.values())
        .where(lanes.c.lane.not_in(select(in_use.c.lane)))
        .having(func.count() > 0 if care is Care.NONE else count < capacity)
    )
    # Into the table itself: of an entity the ORM would expect rows.
    table = cast("Table", Claim.__table__)
    return insert(table).from_select(list(claim), free).returning(table.c.lane)


TAKE = {care: _taking(care) for care in Care}
Taker = UUID | Holder | Offered


async def take(
    session: WriteSession,
    span: Span,
    taker: Taker,
    *,
    capacity: int,
    care: Care,
    doctor_calendar_id: UUID | None = None,
) -> bool:
    """Claim a time for an appointment, for a holder or for an offer, in the lowest free lane; False
    where there is none.

    Args:
        doctor_calendar_id: of a room's time, the calendar of the doctor whose visit takes it.

    Raises:
        SlotTaken: somebody has taken it past the lock; the constraint has seen it.

    """
    values = {
        "organization_id": session.organization_id,
        "calendar_id": span.calendar_id,
        "starts_at": span.starts_at,
        "ends_at": span.ends_at,
        "clear_until": span.clear_until,
        "capacity": capacity,
        "doctor_calendar_id": doctor_calendar_id,
        "id": uuid4(),
        **dict.fromkeys(("appointment_id", "held_by_id", "waitlist_entry_id", "expires_at")),
    }
    if isinstance(taker, UUID):
        values |= {"kind": ClaimKind.APPOINTMENT, "appointment_id": taker}
    else:
        held = {"held_by_id": taker.user_id, "expires_at": taker.expires_at}
        values |= {"kind": ClaimKind.HOLD, **held}
    if isinstance(taker, Offered):
        values |= {"id": taker.claim_id, "waitlist_entry_id": taker.entry_id}
    try:
        lane = (await session.execute(TAKE[care], values)).scalar_one_or_none()
    except IntegrityError as error:
        if violated_constraint(error) == "no_overlap_in_lane":
            raise SlotTaken from error
        raise
    return lane is not None


async def keep(session: WriteSession, hold_id: UUID, appointment_id: UUID) -> None:
    """Let what is held be an appointment's. Whom it was offered to has accepted it; where it is
    booked for somebody else, they go on waiting.
    """
    is_theirs = exists().where(
        Appointment.id == appointment_id, Appointment.patient_id == WaitlistEntry.patient_id
    )
    accepted, waiting = (
        literal(status, WaitlistEntry.status.type)
        for status in (WaitlistStatus.ACCEPTED, WaitlistStatus.WAITING)
    )
    await session.execute(
        update(WaitlistEntry)
        .where(WaitlistEntry.id == Claim.waitlist_entry_id, Claim.id == hold_id)
        .values(status=case((is_theirs, accepted), else_=waiting), **NOTHING_OFFERED)
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        update(Claim)
        .where(Claim.id == hold_id)
        .values(
            kind=ClaimKind.APPOINTMENT,
            appointment_id=appointment_id,
            held_by_id=None,
            waitlist_entry_id=None,
            expires_at=None,
            is_extended=False,
        )
        .execution_options(synchronize_session=False)
    )


async def release(session: WriteSession, *conditions: ColumnElement[bool]) -> Sequence[Span]:
    """Give back the time of the claims that meet the conditions; what time that was. Where it was
    offered to somebody, that is noted.
    """
    statement = delete(Claim).where(*conditions).execution_options(synchronize_session=False)
    gone = await session.execute(
        statement.returning(
            Claim.calendar_id,
            Claim.starts_at,
            Claim.ends_at,
            func.coalesce(Claim.clear_until, Claim.ends_at),
            Claim.waitlist_entry_id,
            Claim.doctor_calendar_id,
        )
    )
    spans = []
    for calendar_id, starts_at, ends_at, clear_until, entry_id, doctor_calendar_id in gone.all():
        spans.append(Span(calendar_id, starts_at, ends_at, clear_until))
        # With an offer ends the room that comes with it, and not the other way round.
        if entry_id is not None and doctor_calendar_id is None:
            opened_by(session).entry_ids.add(entry_id)
    return spans


async def move_down(session: WriteSession, freed: Span) -> None:
    """Let visits that were overbooked have the lanes that are free now, so that the constraint
    guards their time as that of all others: mostly there are none.
    """
    overbooked = (
        select(Claim)
        .join(Slot, (Slot.calendar_id == Claim.calendar_id) & (Slot.status != SlotStatus.REMOVED))
        .where(
            Claim.calendar_id == freed.calendar_id,
            Claim.kind == ClaimKind.APPOINTMENT,
            lying_in(freed.starts_at, freed.ends_at),
            Slot.starts_at == Claim.starts_at,
            Claim.lane >= Slot.capacity,
        )
        .order_by(Claim.lane)
    )
    for claim in await session.rows(overbooked):
        in_use = lanes_in_use(
            freed.calendar_id, claim.starts_at, claim.ends_at, claim.ends_at, keeps_clear=False
        )
        taken = set(await session.rows(in_use))
        lowest = next(lane for lane in range(claim.lane + 1) if lane not in taken - {claim.lane})
        claim.lane = lowest
        await session.flush()


async def replace_blocks(
    session: WriteSession,
    calendar_id: UUID,
    gone: Sequence[UUID],
    blocks: Sequence[tuple[datetime, datetime, str | None]],
    lanes: int,
) -> None:
    """Delete block claims and make others, each in every lane, none of them longer than a day."""
    await session.execute(delete(Claim).where(Claim.id.in_(gone)))
    session.add_all(
        Claim(
            organization_id=session.organization_id,
            calendar_id=calendar_id,
            kind=ClaimKind.BLOCK,
            lane=lane,
            during=during,
            reason=reason,
        )
        for starts_at, ends_at, reason in blocks
        for during in _days(starts_at, ends_at)
        for lane in range(lanes)
    )
    await session.flush()


def _days(starts_at: datetime, ends_at: datetime) -> Iterator[Range[datetime]]:
    """A time in pieces of a day."""
    while starts_at < ends_at:
        until = min(starts_at + LONGEST_CLAIM, ends_at)
        yield Range(starts_at, until)
        starts_at = until
