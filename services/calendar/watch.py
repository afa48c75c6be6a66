"""The live view of a calendar: a snapshot or what was missed, then every change, in order.

State, not events: an update holds the current state of each slot that changed since the revision
that the viewer holds, read from the database in one statement. So a lost hint loses nothing, a
slow viewer gets one update for many changes, and a change seen twice is impossible.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import and_, select

from models import Calendar, Slot, SlotStatus
from services.access import Permission, feed
from services.calendar.grid import overlapping
from services.calendar.slots import checked_window
from services.context import Context
from services.errors import NotFound, NotSignedIn, Unavailable
from services.live.feeds import Watch

RETRY_PAUSE = 0.5
# Many views open at once after a restart: the same first picture serves those that ask together.
FIRST_PICTURE_SECONDS = 1.0

T = TypeVar("T")


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


@dataclass(frozen=True)
class Window:
    """The part of a calendar that a view shows: what overlaps [starts_at, ends_at)."""

    calendar_id: UUID
    starts_at: datetime
    ends_at: datetime

    def within(self, slots: Sequence[Slot]) -> list[Slot]:
        """Those of the slots that the view shows."""
        return [s for s in slots if s.starts_at < self.ends_at and s.ends_at > self.starts_at]


@dataclass(frozen=True)
class Rendering(Generic[T]):
    """How updates are turned into what viewers are sent, and who may be sent the same.

    Viewers with an equal `group` get one rendering; without one, each gets a rendering of its own.
    """

    render: Callable[[CalendarUpdate], Awaitable[T]]
    group: Hashable | None = None


@feed(Permission.SEE_CALENDAR)
async def watch_calendar(
    context: Context,
    *,
    calendar_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    rendering: Rendering[T],
    after: int | None = None,
) -> AsyncGenerator[T]:
    """The slots of a calendar that overlap a window, and each change of them.

    Args:
        after: the revision that the viewer holds; None for everything.

    Raises:
        InvalidInput: the window is not one.
        NotFound: there is no such calendar.
        NotSignedIn: the token that it was opened with has ended.

    """
    checked_window(starts_at, ends_at)
    viewing = _Viewing(context, Window(calendar_id, starts_at, ends_at), rendering)
    viewer = context.viewer
    seconds = (viewer.expires_at - context.now).total_seconds() if viewer else None
    # Joined before the first read: what is committed in between is heard, and read next.
    with context.server.live.watching(calendar_id, seconds) as watch:
        rendered, revision = await viewing.begin(watch, after)
        yield rendered
        # Looked at up to `seen`; sent up to `held`, which a change outside of the window leaves.
        held = seen = revision
        while await watch.newer_than(seen):
            step = await viewing.step(watch, held, seen)
            seen = step.revision
            for rendered in step.rendered:
                yield rendered
                held = seen
    # Said aloud, so that the client renews its token and comes back with its cursor.
    raise NotSignedIn


@dataclass(frozen=True)
class _Step(Generic[T]):
    """What a change of the calendar means to a view: one update, or none that it shows."""

    revision: int
    rendered: Sequence[T]


class _Viewing(Generic[T]):
    """Reads and renders for one view, together with the views that are to be sent the same."""

    def __init__(self, context: Context, window: Window, rendering: Rendering[T]) -> None:
        self.context = context
        self.window = window
        self.rendering = rendering

    async def begin(self, watch: Watch, after: int | None) -> tuple[T, int]:
        """The first update, and the revision that it leads to."""

        async def first() -> tuple[T, int]:
            update = await self._first(after)
            return await self.rendering.render(update), update.revision

        if self.rendering.group is None:
            return await first()
        key = (self.rendering.group, "first", after)
        return await watch.feed.shared(key, first, seconds=FIRST_PICTURE_SECONDS)

    async def step(self, watch: Watch, held: int, seen: int) -> _Step[T]:
        """What a view that was sent `held` and has looked at `seen` is to be sent next."""

        async def step() -> _Step[T]:
            return await self._step(watch, held, seen)

        if self.rendering.group is None:
            return await step()
        return await watch.feed.shared((self.rendering.group, held, seen), step)

    async def _first(self, after: int | None) -> CalendarUpdate:
        if after is not None:
            delta = await _read_delta(self.context, self.window.calendar_id, after)
            if delta.is_complete:
                slots = self.window.within(delta.slots)
                return self._update(slots, delta.revision, after)
        return await _snapshot(self.context, self.window)

    async def _step(self, watch: Watch, held: int, seen: int) -> _Step[T]:
        delta = await self._since(watch, seen)
        if not delta.is_complete:
            # Tombstones were purged while nobody here could read them: show all, and go on.
            update = await _snapshot(self.context, self.window)
            return _Step(update.revision, [await self.rendering.render(update)])
        slots = self.window.within(delta.slots)
        if not slots:
            return _Step(delta.revision, [])
        update = self._update(slots, delta.revision, held)
        return _Step(delta.revision, [await self.rendering.render(update)])

    def _update(self, slots: Sequence[Slot], revision: int, previous: int) -> CalendarUpdate:
        return CalendarUpdate(self.window.calendar_id, False, slots, revision, previous)

    async def _since(self, watch: Watch, revision: int) -> Delta:
        """What changed since `revision`, read once for all viewers who stand there.

        While the database cannot be reached it is asked again: a stream outlives a restart.
        """

        async def read() -> Delta:
            told = watch.feed.told
            delta = await _read_delta(self.context, self.window.calendar_id, revision)
            watch.feed.believe(delta.revision, rather_than=told)
            return delta

        while True:
            try:
                return await watch.feed.shared(revision, read)
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


async def _snapshot(context: Context, window: Window) -> CalendarUpdate:
    in_window = and_(
        Slot.calendar_id == Calendar.id,
        Slot.status != SlotStatus.REMOVED,
        overlapping(window.starts_at, window.ends_at),
    )
    statement = (
        select(Calendar.revision, Slot)
        .outerjoin(Slot, in_window)
        .where(Calendar.id == window.calendar_id)
        .order_by(Slot.starts_at, Slot.id)
    )
    async with context.reading() as session:
        rows = (await session.execute(statement)).all()
    if not rows:
        raise NotFound("calendar_id")
    slots = [slot for _, slot in rows if slot is not None]
    return CalendarUpdate(window.calendar_id, True, slots, rows[0][0], None)
