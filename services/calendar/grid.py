"""The write protocol of calendars: lock, claim, refresh. Parts of acts; none of them commits.

Every act that changes slots, wherever it lives, goes this way, in this order:
1. `locked_for_change` locks the calendar's row and raises its revision;
2. claims are made and given back (`claims`);
3. `refresh_slots` makes the slots above them tell the new truth, at the new revision.
The hint to live views follows the commit. PostgreSQL refuses overlapping claims, whatever the
code above forgets.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, text, update

from models import AvailabilityTemplate, Calendar, ExternalCalendar, Slot, SlotStatus
from models.database import ReadSession, WriteSession
from services.calendar.claims import LONGEST_BUFFER, LONGEST_CLAIM, Span, move_down, release
from services.context import Context
from services.errors import NotFound

# No slot is longer than a day (a constraint of the templates), so a slot that overlaps a time
# begins at most a day before it: the index on the start can be used from there.
LONGEST_SLOT = timedelta(days=1)
# So far before a slot a claim begins at most that lies in it, or keeps it clear.
REACH = LONGEST_CLAIM + LONGEST_BUFFER

# What is taken of a slot, from the claims that lie in it or keep it clear.
REFRESH = """
    WITH occupied AS (
        SELECT slots.id, calendars.revision,
               count(*) FILTER (WHERE is_in AND kind = 'APPOINTMENT') AS booked,
               count(*) FILTER (WHERE is_in AND kind = 'HOLD') AS held,
               min(expires_at) FILTER (WHERE is_in) AS held_until,
               coalesce(array_agg(DISTINCT held_by_id) FILTER (
                   WHERE is_in AND held_by_id IS NOT NULL), '{{}}') AS held_by,
               coalesce(bool_or(is_in AND kind IN ('BLOCK', 'EXTERNAL')), false) AS is_blocked,
               count(DISTINCT lane) AS used,
               slots.status = 'REMOVED' OR slots.is_withdrawn
                   AND count(*) FILTER (WHERE is_in AND kind = 'APPOINTMENT') = 0 AS is_gone
        FROM slots
        JOIN calendars ON calendars.organization_id = slots.organization_id
                      AND calendars.id = slots.calendar_id
        LEFT JOIN LATERAL (
            SELECT kind, lane, expires_at, held_by_id, claims.ends_at > slots.starts_at AS is_in
            FROM claims
            WHERE claims.organization_id = slots.organization_id
              AND claims.calendar_id = slots.calendar_id
              AND claims.starts_at < slots.ends_at
              AND claims.starts_at > slots.starts_at - CAST(:reach AS interval)
              AND (claims.ends_at > slots.starts_at OR claims.clear_until > slots.starts_at)
        ) AS around ON true
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


async def give_back(session: WriteSession, *conditions: ColumnElement[bool]) -> None:
    """Give back the time of the claims that meet the conditions, and make the slots tell."""
    for span in await release(session, *conditions):
        await move_down(session, span)
        await refresh_span(session, span)


async def refresh_slots(session: WriteSession, slot_ids: Sequence[UUID]) -> None:
    """Make slots of locked calendars say what the claims under them say, at the new revisions."""
    await session.execute(
        REFRESH_SLOTS,
        {
            "organization_id": session.organization_id,
            "slot_ids": list(slot_ids),
            "reach": REACH,
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
            "reach": REACH,
        },
    )


async def close_calendar(context: Context, session: WriteSession, calendar_id: UUID) -> None:
    """Take a calendar out of use: no working hours, no other calendar that is read for it, and no
    slot that is not over to be booked.
    """
    await locked_for_change(context, session, calendar_id)
    for kind in (AvailabilityTemplate, ExternalCalendar):
        await session.execute(delete(kind).where(kind.calendar_id == calendar_id))
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
