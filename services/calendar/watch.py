"""The live view of a calendar: a snapshot or what was missed, then every change, in order.

State, not events: an update holds the current state of each slot that changed since the revision
that the viewer holds, read from the database in one statement. So a lost hint loses nothing, a
slow viewer gets one update for many changes, and a change seen twice is impossible.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, select

from models import Calendar, Slot, SlotStatus
from services.access import Permission, feed
from services.calendar.grid import overlapping
from services.calendar.slots import checked_window
from services.context import Context
from services.errors import NotFound, NotSignedIn, Unavailable
from services.live import Watch

# Changes that come close together go out together: a browser redraws once for all of them.
SHORTEST_PAUSE = 0.05
RETRY_PAUSE = 0.5


@dataclass(frozen=True)
class CalendarUpdate:
    """Where a calendar stands, and the slots to show.

    Attributes:
        reset: `slots` is the whole window; forget what was there.
        previous_revision: where the calendar stood before this update; None after a reset.

    """

    calendar_id: UUID
    reset: bool
    slots: Sequence[Slot]
    revision: int
    previous_revision: int | None


@dataclass(frozen=True)
class Delta:
    """The slots that changed since a revision, and the revision that they lead to.

    `is_complete` is False where tombstones of that time may have been purged.
    """

    slots: Sequence[Slot]
    revision: int
    is_complete: bool


@feed(Permission.SEE_CALENDAR)
async def watch_calendar(
    context: Context,
    *,
    calendar_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    after: int | None = None,
) -> AsyncGenerator[CalendarUpdate]:
    """The slots of a calendar that overlap a window, and each change of them.

    Args:
        after: the revision that the viewer holds; None for everything.

    Raises:
        InvalidInput: the window is not one.
        NotFound: there is no such calendar.
        NotSignedIn: the token that it was opened with has ended.

    """
    checked_window(starts_at, ends_at)

    def in_window(slot: Slot) -> bool:
        return slot.starts_at < ends_at and slot.ends_at > starts_at

    # Joined before the first read: what is committed in between is heard, and read next.
    with context.server.live.watching(calendar_id) as watch:
        update = await _first(context, calendar_id, starts_at, ends_at, after)
        yield update
        # Looked at up to `seen`; sent up to `held`, which a change outside of the window leaves.
        held = seen = update.revision
        while await _changed(context, watch, seen):
            delta = await _since(context, watch, calendar_id, seen)
            seen = delta.revision
            if slots := [slot for slot in delta.slots if in_window(slot)]:
                yield CalendarUpdate(calendar_id, False, slots, seen, held)
                held = seen
                await asyncio.sleep(SHORTEST_PAUSE)
    # Said aloud, so that the client renews its token and comes back with its cursor.
    raise NotSignedIn


async def _changed(context: Context, watch: Watch, revision: int) -> bool:
    """Wait for a change after `revision`; False when the viewer's token has ended instead."""
    if context.viewer is None:
        await watch.newer_than(revision)
        return True
    left = (context.viewer.expires_at - context.now).total_seconds()
    try:
        await asyncio.wait_for(watch.newer_than(revision), max(left, 0))
    except TimeoutError:
        return False
    return True


async def _first(
    context: Context,
    calendar_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    after: int | None,
) -> CalendarUpdate:
    if after is not None:
        delta = await _read_delta(context, calendar_id, after)
        if delta.is_complete:
            slots = [s for s in delta.slots if s.starts_at < ends_at and s.ends_at > starts_at]
            return CalendarUpdate(calendar_id, False, slots, delta.revision, after)
    return await _snapshot(context, calendar_id, starts_at, ends_at)


async def _since(context: Context, watch: Watch, calendar_id: UUID, revision: int) -> Delta:
    """What changed since `revision`, read once for all viewers who stand there.

    While the database cannot be reached it is asked again: a stream outlives a restart.
    """
    while True:
        try:
            return await watch.feed.shared(
                revision, lambda: _read_delta(context, calendar_id, revision)
            )
        except Unavailable:
            await asyncio.sleep(RETRY_PAUSE)


async def _read_delta(context: Context, calendar_id: UUID, revision: int) -> Delta:
    """Revision and slots in one statement, and so of one moment."""
    changed = and_(Slot.calendar_id == Calendar.id, Slot.revision > revision)
    statement = (
        select(Calendar.revision, Calendar.purged_through, Slot)
        .outerjoin(Slot, changed)
        .where(Calendar.id == calendar_id)
        .order_by(Slot.starts_at, Slot.id)
    )
    async with context.reading() as session:
        rows = (await session.execute(statement)).all()
    if not rows:
        raise NotFound("calendar_id")
    newest, purged_through, _ = rows[0]
    # A revision from the future is one of another database, such as before a restored backup.
    is_complete = purged_through <= revision <= newest
    return Delta([slot for *_, slot in rows if slot is not None], newest, is_complete)


async def _snapshot(
    context: Context, calendar_id: UUID, starts_at: datetime, ends_at: datetime
) -> CalendarUpdate:
    in_window = and_(
        Slot.calendar_id == Calendar.id,
        Slot.status != SlotStatus.REMOVED,
        overlapping(starts_at, ends_at),
    )
    statement = (
        select(Calendar.revision, Slot)
        .outerjoin(Slot, in_window)
        .where(Calendar.id == calendar_id)
        .order_by(Slot.starts_at, Slot.id)
    )
    async with context.reading() as session:
        rows = (await session.execute(statement)).all()
    if not rows:
        raise NotFound("calendar_id")
    slots = [slot for _, slot in rows if slot is not None]
    return CalendarUpdate(calendar_id, True, slots, rows[0][0], None)
