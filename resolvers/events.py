"""Events: the lists, one by its link, what hangs on them, and the acts."""

from typing import Any

from strawberry import Info

from models import Appointment, Event
from resolvers import pages
from resolvers.acts import act
from resolvers.loaders import load, loaded
from resolvers.pages import Connection
from services.accounts import users
from services.appointments import attendance, guests
from services.context import Context
from services.events import changes, lists

create_event = act(changes.create_event)
update_event = act(changes.update_event)
publish_event = act(changes.publish_event)
unpublish_event = act(changes.unpublish_event)
delete_event = act(changes.delete_event, deletes="Event")
book_event_slot = act(guests.book_event_slot)
reschedule_guest_booking = act(guests.reschedule_guest_booking)
cancel_guest_booking = act(guests.cancel_guest_booking)


async def events(
    info: Info[Context, None],
    first: int | None = 20,
    after: str | None = None,
    mine: bool | None = False,
) -> Connection[Event]:
    """Published events that are still to come, or all that the viewer manages."""
    name = "events-mine" if mine else "events"
    page = pages.request(name, pages.BY_TIME, first, after)
    read = lists.list_managed_events if mine else lists.list_events
    return Connection(await read(info.context, page=page), name)


async def event(info: Info[Context, None], slug: str) -> Event | None:
    """An event by its link."""
    return await lists.get_event_by_slug(info.context, slug=slug)


async def event_by_id(info: Info[Context, None], id: Any) -> Event | None:
    """An event by key, if the viewer may see it."""
    return await load(info, lists.visible_events_by_id, id)


event_of = loaded(lists.events_by_id, "event_id")


async def guest_booking(info: Info[Context, None], manage_token: str) -> Appointment | None:
    """The booking that a token is for."""
    return await guests.get_guest_booking(info.context, manage_token=manage_token)


organizer = loaded(users.users_by_id, "organizer_id")
organizer_name = loaded(lists.organizer_names, "id", otherwise="")


def url(root: Any, info: Info[Context, None]) -> str:
    """The address of an event's page."""
    return lists.url_of(info.context, root)


async def bookings(
    root: Any, info: Info[Context, None], first: int | None = 20, after: str | None = None
) -> Connection[Appointment]:
    """Who has booked an event, for those who manage it."""
    page = pages.request("bookings", pages.BY_TIME, first, after)
    found = await attendance.list_bookings(info.context, event_id=root.id, page=page)
    return Connection(found, "bookings")


async def attendance_csv(root: Any, info: Info[Context, None]) -> str | None:
    """Who comes to an event, for those who manage it."""
    return await load(info, attendance.attendance_csv, root.id)
