"""Live views: for one viewer as an async generator, or rendered once for all who are sent the same.

Cursors are made in `cursors`; transports are `schema`'s.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from strawberry import ID, Info

from resolvers import ids
from resolvers.cursors import Cursor, revision_in
from services.appointments import agendas
from services.calendar import watch
from services.context import Context
from services.live.audiences import Subscriber, updates
from services.watching import Rendering

__all__ = ["Rendering", "Subscriber", "updates"]

T = TypeVar("T")
U = TypeVar("U", bound=Any)


async def watch_calendar(
    context: Context,
    rendering: Rendering[watch.CalendarUpdate, T],
    subscriber: Subscriber[T],
    calendar_id: str,
    starts_at: datetime,
    ends_at: datetime,
    after: str | None = None,
) -> None:
    """A live view of one calendar."""
    id = ids.key(calendar_id, "Calendar", "calendar_id")
    await watch.watch_calendar(
        context,
        calendar_id=id,
        starts_at=starts_at,
        ends_at=ends_at,
        after=revision_in(after, id),
        subscriber=subscriber,
        rendering=rendering,
    )


async def watch_appointments(
    context: Context,
    rendering: Rendering[agendas.AppointmentUpdate, T],
    subscriber: Subscriber[T],
    after: str | None = None,
) -> None:
    """A live view of the viewer's own appointments."""
    id = await agendas.own_agenda_id(context)
    await agendas.watch_agenda(
        context,
        agenda_id=id,
        after=revision_in(after, id),
        subscriber=subscriber,
        rendering=rendering,
    )


async def calendar_changes(
    info: Info[Context, None],
    calendar_id: ID,
    starts_at: datetime,
    ends_at: datetime,
    after: Cursor | None = None,
) -> AsyncGenerator[watch.CalendarUpdate]:
    """A live view of one calendar, for its viewer alone."""

    def view(
        rendering: Rendering[watch.CalendarUpdate, watch.CalendarUpdate],
        subscriber: Subscriber[watch.CalendarUpdate],
    ) -> Awaitable[None]:
        return watch_calendar(
            info.context, rendering, subscriber, calendar_id, starts_at, ends_at, after
        )

    async with aclosing(_alone(info, view)) as updates_of_view:
        async for update in updates_of_view:
            yield update


async def appointment_changes(
    info: Info[Context, None], after: Cursor | None = None
) -> AsyncGenerator[agendas.AppointmentUpdate]:
    """A live view of the viewer's own appointments, for its viewer alone."""

    def view(
        rendering: Rendering[agendas.AppointmentUpdate, agendas.AppointmentUpdate],
        subscriber: Subscriber[agendas.AppointmentUpdate],
    ) -> Awaitable[None]:
        return watch_appointments(info.context, rendering, subscriber, after)

    async with aclosing(_alone(info, view)) as updates_of_view:
        async for update in updates_of_view:
            yield update


async def _alone(
    info: Info[Context, None],
    view: Callable[[Rendering[U, U], Subscriber[U]], Awaitable[None]],
) -> AsyncGenerator[U]:
    """The updates of a view as they are, in a group of its own."""

    async def as_it_is(update: U) -> U:
        return update

    async with aclosing(updates(partial(view, Rendering(as_it_is, object())))) as stream:
        async for update in stream:
            # What was loaded for the update before may be old by now.
            info.context.memory.clear()
            yield update


def removed_ids(root: agendas.AppointmentUpdate) -> list[ID]:
    """The ids of the appointments that have left an agenda."""
    return [ID(ids.global_id("Appointment", id)) for id in root.removed_ids]
