"""Live views: for one viewer as an async generator, or rendered once for all who are sent the same.

Cursors are made in the room of what is watched; transports are `schema`'s.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import TypeVar

from strawberry import ID, Info

from resolvers import ids
from resolvers.calendar import Cursor, revision_in
from services.calendar.watch import CalendarUpdate, Rendering, watch_calendar
from services.context import Context
from services.live.audiences import Subscriber, updates

__all__ = ["Rendering", "Subscriber", "calendar_changes", "shared_calendar_changes", "updates"]

Rendered = TypeVar("Rendered")


async def calendar_changes(
    info: Info[Context, None],
    calendar_id: ID,
    starts_at: datetime,
    ends_at: datetime,
    after: Cursor | None = None,
) -> AsyncGenerator[CalendarUpdate]:
    """A live view of one calendar, for its viewer alone."""

    async def as_it_is(update: CalendarUpdate) -> CalendarUpdate:
        return update

    view = partial(
        shared_calendar_changes,
        info.context,
        calendar_id,
        starts_at,
        ends_at,
        after,
        Rendering(as_it_is, object()),
    )
    async with aclosing(updates(view)) as stream:
        async for update in stream:
            # What was loaded for the update before may be old by now.
            info.context.memory.clear()
            yield update


async def shared_calendar_changes(
    context: Context,
    calendar_id: str,
    starts_at: datetime,
    ends_at: datetime,
    after: str | None,
    rendering: Rendering[Rendered],
    subscriber: Subscriber[Rendered],
) -> None:
    """A live view of one calendar, rendered once for all who are sent the same."""
    id = ids.key(calendar_id, "Calendar", "calendar_id")
    await watch_calendar(
        context,
        calendar_id=id,
        starts_at=starts_at,
        ends_at=ends_at,
        after=revision_in(after, id),
        subscriber=subscriber,
        rendering=rendering,
    )
