"""The live view of a calendar: its slots in a window. How views go on is said in `watching`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import and_, select

from models import Calendar, Event, Role, Room, Slot, SlotStatus
from services.access import STAFF, Permission, feed
from services.calendar.grid import overlapping
from services.calendar.owners import is_there_for_all
from services.calendar.slots import checked_window
from services.context import Context
from services.errors import NotFound
from services.live.audiences import Subscriber
from services.live.feeds import Feed
from services.watching import FIRST_PICTURE_SECONDS, Delta, Rendering, Watched, watch

T = TypeVar("T")


@dataclass(frozen=True)
class CalendarUpdate:
    """Where a calendar stands, and the slots to show.

    Attributes:
        reset: `slots` is the whole window; forget what was there.
        previous_revision: where the calendar stood before this update; None after a reset.

    """

    watched_id: UUID
    reset: bool
    slots: Sequence[Slot]
    revision: int
    previous_revision: int | None

    @property
    def holders(self) -> Collection[UUID]:
        """Who holds one of the slots."""
        return {holder for slot in self.slots for holder in slot.held_by}


@feed(Permission.SEE_CALENDAR)
async def watch_calendar(
    context: Context,
    *,
    calendar_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    subscriber: Subscriber[T],
    rendering: Rendering[CalendarUpdate, T],
    after: int | None = None,
) -> None:
    """Send a subscriber the slots of a calendar that overlap a window, and each change of them.

    Args:
        after: the revision that the viewer holds; None for everything.

    Raises:
        InvalidInput: the window is not one.
        NotFound: there is no such calendar, or it is that of an event that is published no more.
        NotSignedIn: the token that it was opened with has ended.

    """
    checked_window(starts_at, ends_at)
    with context.server.live.feed(calendar_id) as watched:
        sees_hidden = await _sees_hidden(context, watched, calendar_id)
        window = _Window(context, calendar_id, starts_at, ends_at, sees_hidden)
        # Those whose view goes on while it is hidden are never shown it together with others.
        apart = replace(rendering, group=(rendering.group, sees_hidden))
        await watch(context, window, apart, subscriber, after)


async def _sees_hidden(context: Context, watched: Feed, calendar_id: UUID) -> bool:
    """Whether it is the calendar of a room, or of an event that the viewer manages. Asked once for
    all staff who come at the same time, and not at all for the others.
    """
    if context.role not in STAFF:
        return False

    async def read() -> tuple[UUID | None, bool]:
        organizer = select(Event.organizer_id).where(Event.calendar_id == calendar_id)
        of_room = select(Room.id).where(Room.calendar_id == calendar_id).exists()
        async with context.reading() as session:
            row = (await session.execute(select(organizer.scalar_subquery(), of_room))).one()
        return row[0], row[1]

    organizer_id, is_of_room = await watched.shared("owner", read, seconds=FIRST_PICTURE_SECONDS)
    if organizer_id is None:
        return is_of_room
    return context.role is Role.ADMIN or organizer_id == context.user_id


@dataclass(frozen=True)
class _Window(Watched[Slot, CalendarUpdate]):
    """The part of a calendar that a view shows: what overlaps [starts_at, ends_at)."""

    context: Context
    calendar_id: UUID
    starts_at: datetime
    ends_at: datetime
    sees_hidden: bool

    @property
    def id(self) -> UUID:
        """The calendar has the feed, whatever the window."""
        return self.calendar_id

    async def read_all(self) -> CalendarUpdate:
        """All slots of the window."""
        in_window = and_(
            Slot.calendar_id == Calendar.id,
            Slot.status != SlotStatus.REMOVED,
            overlapping(self.starts_at, self.ends_at),
        )
        statement = (
            select(Calendar.revision, Slot)
            .outerjoin(Slot, in_window)
            .where(Calendar.id == self.calendar_id)
            .order_by(Slot.starts_at, Slot.id)
        )
        if not self.sees_hidden:
            statement = statement.where(is_there_for_all(self.calendar_id))
        async with self.context.reading() as session:
            rows = (await session.execute(statement)).all()
        if not rows:
            raise NotFound("calendar_id")
        slots = [slot for _, slot in rows if slot is not None]
        return CalendarUpdate(self.calendar_id, True, slots, rows[0][0], None)

    async def read_since(self, revision: int) -> Delta[Slot]:
        """The slots of the whole calendar, whatever the window, so that one read serves all."""
        changed = and_(Slot.calendar_id == Calendar.id, Slot.revision > revision)
        statement = (
            select(
                Calendar.revision,
                Calendar.purged_through,
                is_there_for_all(self.calendar_id),
                Slot,
            )
            .outerjoin(Slot, changed)
            .where(Calendar.id == self.calendar_id)
            .order_by(Slot.starts_at, Slot.id)
        )
        async with self.context.reading() as session:
            rows = (await session.execute(statement)).all()
        if not rows:
            raise NotFound("calendar_id")
        newest, purged_through, is_public, _ = rows[0]
        # A revision from the future is one of another database, as before a restored backup.
        is_complete = purged_through <= revision <= newest
        slots = [slot for *_, slot in rows if slot is not None]
        return Delta(slots, newest, is_complete, is_public)

    def shown(self, delta: Delta[Slot], previous: int) -> CalendarUpdate:
        """Those of the slots that are in the window."""
        if not (delta.is_public or self.sees_hidden):
            raise NotFound("calendar_id")
        slots = [
            slot
            for slot in delta.rows
            if slot.starts_at < self.ends_at and slot.ends_at > self.starts_at
        ]
        return CalendarUpdate(self.calendar_id, False, slots, delta.revision, previous)

    def is_empty(self, update: CalendarUpdate) -> bool:
        """Whether nothing changed in the window."""
        return not update.slots
