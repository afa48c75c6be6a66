"""The write protocol of calendars: lock, claim, refresh. Parts of acts; none of them commits.

Every act that changes slots, wherever it lives, goes this way, in this order:
1. `locked_for_change` locks the calendar's row and raises its revision;
2. claims are made and released;
3. `refresh_slots` makes the slots above them tell the new truth, at the new revision.
The hint to live views follows the commit. PostgreSQL refuses overlapping claims, whatever the
code above forgets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Insert,
    Integer,
    Select,
    Table,
    Uuid,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

from models import AvailabilityTemplate, Calendar, Claim, ClaimKind, Slot, SlotStatus
from models.database import ReadSession, WriteSession, violated_constraint
from services.context import Context
from services.errors import NotFound, SlotTaken

# No slot is longer than a day (a constraint of the templates), so a slot that overlaps a time
# begins at most a day before it: the index on the start can be used from there.
LONGEST_SLOT = timedelta(days=1)

# So far behind a claim may lie what it keeps clear (a constraint of visit types).
LONGEST_BUFFER = timedelta(minutes=240)

# What is taken of a slot, from the claims that lie in it or keep it clear.
REFRESH = """
    WITH occupied AS (
        SELECT slots.id, calendars.revision,
               count(*) FILTER (WHERE claims.kind = 'APPOINTMENT' AND claims.during && cell)
                   AS booked,
               count(*) FILTER (WHERE claims.kind = 'HOLD' AND claims.during && cell) AS held,
               min(claims.expires_at) FILTER (WHERE claims.during && cell) AS held_until,
               coalesce(array_agg(DISTINCT claims.held_by_id) FILTER (
                   WHERE claims.held_by_id IS NOT NULL AND claims.during && cell), '{{}}')
                   AS held_by,
               coalesce(bool_or(claims.kind = 'BLOCK' AND claims.during && cell), false)
                   AS is_blocked,
               count(DISTINCT lane) AS used,
               slots.status = 'REMOVED' OR slots.is_withdrawn
                   AND count(*) FILTER (WHERE claims.kind = 'APPOINTMENT'
                                              AND claims.during && cell) = 0 AS is_gone
        FROM slots
        JOIN calendars ON calendars.organization_id = slots.organization_id
                      AND calendars.id = slots.calendar_id
        CROSS JOIN LATERAL (SELECT tstzrange(slots.starts_at, slots.ends_at, '[)') AS cell) AS cells
        LEFT JOIN claims ON claims.calendar_id = slots.calendar_id
            AND claims.during && tstzrange(slots.starts_at - CAST(:buffer AS interval),
                                           slots.ends_at, '[)')
            AND (claims.during && cell OR claims.clear_until > slots.starts_at)
        WHERE slots.organization_id = :organization_id AND {which}
        GROUP BY slots.organization_id, slots.id, calendars.revision),
    told AS (
        SELECT occupied.*, (CASE
            WHEN occupied.is_gone THEN 'REMOVED'
            WHEN slots.is_withdrawn OR booked >= slots.capacity THEN 'BOOKED'
            WHEN is_blocked THEN 'BLOCKED'
            WHEN booked + held >= slots.capacity THEN 'HELD'
            ELSE 'AVAILABLE'
        END)::slot_status AS status
        FROM occupied JOIN slots ON slots.organization_id = :organization_id
                                AND slots.id = occupied.id)
    UPDATE slots
    SET booked_count = told.booked,
        revision = told.revision,
        status = told.status,
        held_by = told.held_by,
        held_until = CASE WHEN told.status = 'HELD' THEN told.held_until END,
        in_buffer = told.status = 'AVAILABLE' AND told.used >= slots.capacity,
        removed_at = CASE WHEN told.is_gone THEN coalesce(slots.removed_at, now()) END
    FROM told
    WHERE slots.organization_id = :organization_id AND slots.id = told.id
"""
REFRESH_SLOTS = text(REFRESH.format(which="slots.id = ANY(:slot_ids)"))
REFRESH_TIME = text(
    REFRESH.format(
        which="""slots.calendar_id = :calendar_id AND slots.status <> 'REMOVED'
            AND slots.starts_at < :ends_at AND slots.ends_at > :starts_at
            AND slots.starts_at > CAST(:starts_at AS timestamptz) - interval '1 day'"""
    )
)


@dataclass(frozen=True)
class Holder:
    """Who a time is held for, and until when."""

    user_id: UUID
    expires_at: datetime


@dataclass(frozen=True)
class Span:
    """What is to be taken of a calendar: a time, and how long it is kept clear after it."""

    calendar_id: UUID
    starts_at: datetime
    ends_at: datetime
    clear_until: datetime


async def locked_for_change(
    context: Context, session: WriteSession, *calendar_ids: UUID
) -> dict[UUID, Calendar]:
    """Lock calendars and raise their revisions, in the order of their ids, so that no two acts
    wait for each other. After the commit their live views are told.

    Raises:
        NotFound: one of them does not exist.

    """
    calendars = {}
    for calendar_id in sorted(set(calendar_ids)):
        raising = (
            update(Calendar)
            .where(Calendar.id == calendar_id)
            .values(revision=Calendar.revision + 1)
            .returning(Calendar)
            .execution_options(populate_existing=True)
        )
        calendar: Calendar | None = (await session.execute(raising)).scalar_one_or_none()
        if calendar is None:
            raise NotFound("calendar_id")
        calendars[calendar_id] = calendar
        announce = partial(context.server.live.announce, calendar_id, calendar.revision)
        session.after_commit(announce)
    return calendars


def lanes_in_use(
    calendar_id: Any, starts_at: Any, ends_at: Any, clear_until: Any, *, keeps_clear: bool
) -> Select[int]:
    """The lanes of a calendar that are in use in a time, those of deliberate overbooking too.

    All of them count: a place that is freed beside somebody who is overbooked is not free.

    Args:
        calendar_id, starts_at, ends_at, clear_until: values, or columns of an outer statement.
        keeps_clear: a lane is also in use where it is kept clear after its visit, and where this
            visit would have to be kept clear of the next one.

    """
    taken: ColumnElement[bool] = Claim.during.op("&&")(func.tstzrange(starts_at, ends_at))
    if keeps_clear:
        taken = or_(taken, func.upper(Claim.during) > starts_at, Claim.clear_until > starts_at)
    around = func.tstzrange(starts_at - LONGEST_BUFFER, clear_until)
    return select(Claim.lane).where(
        Claim.calendar_id == calendar_id, Claim.during.op("&&")(around), taken
    )


def _taking(*, keeps_clear: bool) -> Insert:
    """The claim of a visit in the lowest lane that is not in use, made once for all visits."""
    calendar_id = bindparam("calendar_id", type_=Uuid())
    starts_at, ends_at, clear_until = (
        bindparam(name, type_=DateTime(timezone=True))
        for name in ("starts_at", "ends_at", "clear_until")
    )
    in_use = lanes_in_use(
        calendar_id, starts_at, ends_at, clear_until, keeps_clear=keeps_clear
    ).cte("in_use")
    capacity = bindparam("capacity", type_=Integer())
    lanes = func.generate_series(0, capacity - 1).table_valued("lane").render_derived("lanes")
    claim = {
        "organization_id": bindparam("organization_id", type_=Uuid()),
        "id": func.gen_random_uuid(),
        "calendar_id": calendar_id,
        "appointment_id": bindparam("appointment_id", type_=Uuid()),
        "kind": bindparam("kind", type_=Claim.kind.type),
        "held_by_id": bindparam("held_by_id", type_=Uuid()),
        "expires_at": bindparam("expires_at", type_=DateTime(timezone=True)),
        "lane": func.min(lanes.c.lane),
        "during": func.tstzrange(starts_at, ends_at),
        "clear_until": func.nullif(clear_until, ends_at),
    }
    free = (
        select(*claim.values())
        .where(lanes.c.lane.not_in(select(in_use.c.lane)))
        .having(select(func.count(in_use.c.lane.distinct())).scalar_subquery() < capacity)
    )
    # Into the table itself: of an entity the ORM would expect rows.
    table = cast("Table", Claim.__table__)
    return insert(table).from_select(list(claim), free).returning(table.c.lane)


TAKE = {keeps_clear: _taking(keeps_clear=keeps_clear) for keeps_clear in (True, False)}


async def take(
    session: WriteSession, span: Span, taker: UUID | Holder, *, capacity: int, keeps_clear: bool
) -> bool:
    """Claim a time for an appointment or for a holder, in the lowest free lane; False where there
    is none.

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
    }
    if isinstance(taker, Holder):
        held = {"held_by_id": taker.user_id, "expires_at": taker.expires_at}
        values |= {"kind": ClaimKind.HOLD, "appointment_id": None, **held}
    else:
        held = {"held_by_id": None, "expires_at": None}
        values |= {"kind": ClaimKind.APPOINTMENT, "appointment_id": taker, **held}
    try:
        lane = (await session.execute(TAKE[keeps_clear], values)).scalar_one_or_none()
    except IntegrityError as error:
        if violated_constraint(error) == "no_overlap_in_lane":
            raise SlotTaken from error
        raise
    return lane is not None


async def release(session: WriteSession, *conditions: ColumnElement[bool]) -> Sequence[Span]:
    """Give back the time of the claims that meet the conditions; what time that was."""
    statement = delete(Claim).where(*conditions).execution_options(synchronize_session=False)
    gone = await session.execute(
        statement.returning(
            Claim.calendar_id,
            func.lower(Claim.during),
            func.upper(Claim.during),
            func.coalesce(Claim.clear_until, func.upper(Claim.during)),
        )
    )
    return [Span(*row) for row in gone.all()]


async def refresh_slots(session: WriteSession, slot_ids: Sequence[UUID]) -> None:
    """Make slots of locked calendars say what the claims under them say, at the new revisions."""
    await session.execute(
        REFRESH_SLOTS,
        {
            "organization_id": session.organization_id,
            "slot_ids": list(slot_ids),
            "buffer": LONGEST_BUFFER,
        },
    )


async def refresh_span(session: WriteSession, span: Span) -> None:
    """Make the slots in a time, and in what is kept clear after it, say what the claims say."""
    await session.execute(
        REFRESH_TIME,
        {
            "organization_id": session.organization_id,
            "calendar_id": span.calendar_id,
            "starts_at": span.starts_at,
            "ends_at": span.clear_until,
            "buffer": LONGEST_BUFFER,
        },
    )


async def close_calendar(context: Context, session: WriteSession, calendar_id: UUID) -> None:
    """Take a calendar out of use: no working hours, and no slot that is not over to be booked."""
    await locked_for_change(context, session, calendar_id)
    hours = delete(AvailabilityTemplate).where(AvailabilityTemplate.calendar_id == calendar_id)
    await session.execute(hours)
    withdrawing = (
        update(Slot)
        .where(
            Slot.calendar_id == calendar_id,
            Slot.ends_at > context.now,
            Slot.status != SlotStatus.REMOVED,
        )
        .values(is_withdrawn=True)
        .returning(Slot.id)
        .execution_options(synchronize_session=False)
    )
    # A withdrawn slot is gone with its last appointment: most of them at once.
    await refresh_slots(session, await session.rows(withdrawing))


def overlapping(starts_at: datetime, ends_at: datetime) -> ColumnElement[bool]:
    """Which slots overlap [starts_at, ends_at)."""
    return (
        (Slot.starts_at < ends_at)
        & (Slot.ends_at > starts_at)
        & (Slot.starts_at > starts_at - LONGEST_SLOT)
    )


async def overlapping_ids(
    session: ReadSession, calendar_id: UUID, starts_at: datetime, ends_at: datetime
) -> list[UUID]:
    """The ids of the slots of a calendar, tombstones aside, that overlap a time."""
    return await session.rows(
        select(Slot.id).where(
            Slot.calendar_id == calendar_id,
            Slot.status != SlotStatus.REMOVED,
            overlapping(starts_at, ends_at),
        )
    )


async def replace_blocks(
    session: WriteSession,
    calendar_id: UUID,
    gone: Sequence[UUID],
    blocks: Sequence[tuple[Range[datetime], str | None]],
    lanes: int,
) -> None:
    """Delete block claims and make others, each in every lane."""
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
        for during, reason in blocks
        for lane in range(lanes)
    )
    await session.flush()
