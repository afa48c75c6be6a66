"""The write protocol of calendars: lock, claim, refresh. Parts of acts; none of them commits.

Every act that changes slots, wherever it lives, goes this way, in this order:
1. `locked_for_change` locks the calendar's row and raises its revision;
2. claims are made and released;
3. `refresh_slots` makes the slots above them tell the new truth, at the new revision.
The hint to live views follows the commit. PostgreSQL refuses overlapping claims, whatever the
code above forgets.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, text, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

from models import AvailabilityTemplate, Calendar, Claim, ClaimKind, Slot, SlotStatus
from models.database import ReadSession, WriteSession, violated_constraint
from services.context import Context
from services.errors import NotFound, SlotTaken

# No slot is longer than a day (a constraint of the templates), so a slot that overlaps a time
# begins at most a day before it: the index on the start can be used from there.
LONGEST_SLOT = timedelta(days=1)

TAKE = text("""
    INSERT INTO claims (organization_id, id, calendar_id, appointment_id, kind, lane, during)
    SELECT :organization_id, gen_random_uuid(), :calendar_id, :appointment_id, 'APPOINTMENT',
           lane, tstzrange(:starts_at, :ends_at, '[)')
    FROM generate_series(0, :capacity - 1) AS lane
    WHERE NOT EXISTS (
        SELECT FROM claims
        WHERE claims.calendar_id = :calendar_id AND claims.lane = lane.lane
          AND claims.during && tstzrange(:starts_at, :ends_at, '[)'))
    ORDER BY lane LIMIT 1
    RETURNING lane
""")

REFRESH = text("""
    WITH occupied AS (
        SELECT slots.id,
               count(*) FILTER (WHERE claims.kind = 'APPOINTMENT') AS booked,
               coalesce(bool_or(claims.kind = 'BLOCK'), false) AS is_blocked,
               slots.status = 'REMOVED' OR slots.is_withdrawn
                   AND count(*) FILTER (WHERE claims.kind = 'APPOINTMENT') = 0 AS is_gone
        FROM slots
        LEFT JOIN claims ON claims.calendar_id = slots.calendar_id
                        AND claims.during && tstzrange(slots.starts_at, slots.ends_at, '[)')
        WHERE slots.organization_id = :organization_id AND slots.id = ANY(:slot_ids)
        GROUP BY slots.organization_id, slots.id)
    UPDATE slots
    SET booked_count = occupied.booked,
        revision = :revision,
        status = (CASE
            WHEN occupied.is_gone THEN 'REMOVED'
            WHEN slots.is_withdrawn OR occupied.booked >= slots.capacity THEN 'BOOKED'
            WHEN occupied.is_blocked THEN 'BLOCKED'
            ELSE 'AVAILABLE'
        END)::slot_status,
        removed_at = CASE WHEN occupied.is_gone THEN coalesce(slots.removed_at, now()) END
    FROM occupied
    WHERE slots.organization_id = :organization_id AND slots.id = occupied.id
""")


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


async def take(session: WriteSession, slot: Slot, appointment_id: UUID) -> None:
    """Claim the time of `slot` for an appointment, in the lowest free lane.

    Raises:
        SlotTaken: no lane is free. Its alternatives are looked up later, outside of the lock.

    """
    values = {
        "organization_id": session.organization_id,
        "calendar_id": slot.calendar_id,
        "appointment_id": appointment_id,
        "starts_at": slot.starts_at,
        "ends_at": slot.ends_at,
        "capacity": slot.capacity,
    }
    try:
        lane = (await session.execute(TAKE, values)).scalar_one_or_none()
    except IntegrityError as error:
        if violated_constraint(error) == "no_overlap_in_lane":
            raise SlotTaken from error
        raise
    if lane is None:
        raise SlotTaken


async def release(session: WriteSession, appointment_id: UUID) -> None:
    """Give back all the time that an appointment takes."""
    await session.execute(delete(Claim).where(Claim.appointment_id == appointment_id))


async def refresh_slots(
    session: WriteSession, calendar: Calendar, slot_ids: Sequence[UUID]
) -> None:
    """Make slots of a locked calendar say what the claims under them say, at its new revision."""
    values: dict[str, Any] = {
        "organization_id": session.organization_id,
        "slot_ids": list(slot_ids),
        "revision": calendar.revision,
    }
    await session.execute(REFRESH, values)


async def close_calendar(context: Context, session: WriteSession, calendar_id: UUID) -> None:
    """Take a calendar out of use: no working hours, and no slot that is not over to be booked."""
    calendar = (await locked_for_change(context, session, calendar_id))[calendar_id]
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
    await refresh_slots(session, calendar, await session.rows(withdrawing))


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
