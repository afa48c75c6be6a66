"""The live view of a calendar: a snapshot or what was missed, then every change, in order.

State, not events: an update holds the current state of each slot that changed since the revision
that the viewer holds, read from the database in one statement. So a lost hint loses nothing, a
slow viewer gets one update for many changes, and a change seen twice is impossible.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
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
from services.live.audiences import Place, Step, Subscriber
from services.live.feeds import Feed

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
    """How updates are turned into what viewers are sent, and who is sent the same.

    Viewers of an equal `group` are one audience, and get one rendering.
    """

    render: Callable[[CalendarUpdate], Awaitable[T]]
    group: Hashable


@feed(Permission.SEE_CALENDAR)
async def watch_calendar(
    context: Context,
    *,
    calendar_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    subscriber: Subscriber[T],
    rendering: Rendering[T],
    after: int | None = None,
) -> None:
    """Send a subscriber the slots of a calendar that overlap a window, and each change of them.

    It goes on until the caller ends it.

    Args:
        after: the revision that the viewer holds; None for everything.

    Raises:
        InvalidInput: the window is not one.
        NotFound: there is no such calendar.
        NotSignedIn: the token that it was opened with has ended.

    """
    checked_window(starts_at, ends_at)
    viewer = context.viewer
    seconds = (viewer.expires_at - context.now).total_seconds() if viewer else None
    # Joined before the first read: what is committed in between is heard, and read next.
    with context.server.live.feed(calendar_id) as calendar_feed:
        view = _View(context, calendar_feed, Window(calendar_id, starts_at, ends_at), rendering)
        with calendar_feed.joined(rendering.group, view.follow) as audience:
            try:
                async with asyncio.timeout(seconds) as token:
                    first = await view.first(after)
                    await subscriber.begin(first.update)
                    with audience.sitting(subscriber, first.revision) as seat:
                        await seat.failed
            except TimeoutError:
                if not token.expired():
                    raise
                # Said aloud, so that the client renews its token and comes back with its cursor.
                raise NotSignedIn from None


@dataclass(frozen=True)
class _First(Generic[T]):
    """The first update of a view, and the revision that it leads to."""

    update: T
    revision: int


class _View(Generic[T]):
    """Reads and renders for all who are sent the same."""

    def __init__(
        self, context: Context, calendar_feed: Feed, window: Window, rendering: Rendering[T]
    ) -> None:
        self._context = context
        self._feed = calendar_feed
        self._window = window
        self._rendering = rendering

    async def first(self, after: int | None) -> _First[T]:
        """What one is sent first who holds the revision `after`, or nothing."""

        async def first() -> _First[T]:
            update = await self._first(after)
            if update.reset and after is not None:
                self._feed.meters.resets.inc()
            return _First(await self._rendering.render(update), update.revision)

        key = (self._rendering.group, "first", after)
        return await self._feed.shared(key, first, seconds=FIRST_PICTURE_SECONDS)

    async def follow(self, place: Place) -> Step[T]:
        """What those who stand at a place are sent next."""
        delta = await self._since(place.seen)
        if not delta.is_complete:
            # Tombstones were purged while nobody here could read them: show all, and go on.
            self._feed.meters.resets.inc()
            update = await _snapshot(self._context, self._window)
            return Step(update.revision, await self._rendering.render(update))
        slots = self._window.within(delta.slots)
        if not slots:
            return Step(delta.revision, None)
        update = self._update(slots, delta.revision, place.held)
        return Step(delta.revision, await self._rendering.render(update))

    async def _first(self, after: int | None) -> CalendarUpdate:
        if after is not None:
            delta = await _read_delta(self._context, self._window.calendar_id, after)
            if delta.is_complete:
                slots = self._window.within(delta.slots)
                return self._update(slots, delta.revision, after)
        return await _snapshot(self._context, self._window)

    def _update(self, slots: Sequence[Slot], revision: int, previous: int) -> CalendarUpdate:
        return CalendarUpdate(self._window.calendar_id, False, slots, revision, previous)

    async def _since(self, revision: int) -> Delta:
        """What changed since `revision`, read once for all audiences that stand there.

        While the database cannot be reached it is asked again: a stream outlives a restart.
        """

        async def read() -> Delta:
            told = self._feed.told
            delta = await _read_delta(self._context, self._window.calendar_id, revision)
            self._feed.believe(delta.revision, rather_than=told)
            return delta

        while True:
            try:
                return await self._feed.shared(revision, read)
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
