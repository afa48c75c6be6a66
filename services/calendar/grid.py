"""The write protocol of calendars: lock, claim, refresh. Parts of acts; none of them commits.

Every act that changes slots, wherever it lives, goes this way, in this order:
1. `locked_for_change` locks the calendar's row and raises its revision;
2. claims are made and given back (`claims`);
3. `refreshing` makes the slots above them tell the new truth, at the new revision;
4. last of all, what has become free is offered to those who wait in line for it (`offers`).
The hint to live views follows the commit. PostgreSQL refuses overlapping claims, whatever the
code above forgets.
"""

from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, update

from models import AvailabilityTemplate, Calendar, ExternalCalendar, Slot, SlotStatus
from models.database import ReadSession, WriteSession
from services.calendar.claims import LONGEST_SLOT
from services.calendar.offers import attend
from services.calendar.refreshing import refresh_slots
from services.context import Context
from services.errors import NotFound


async def locked_for_change(
    context: Context, session: WriteSession, *calendar_ids: UUID
) -> dict[UUID, Calendar]:
    """Lock calendars and raise their revisions, in the order of their ids, so that no two acts
    wait for each other. After the commit their live views are told.

    Raises:
        NotFound: one of them does not exist.

    """
    attend(context, session)
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
