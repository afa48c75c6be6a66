"""Reading events: the public list, an organizer's own, one by its link, and by what hangs on them.

What is found by an id or a link is what the viewer may see. What is found by something that the
viewer has, such as a booking, is shown whatever has become of the event.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import func, select

from models import Doctor, Event, Slot, SlotStatus, User
from services import trail
from services.access import Permission, act
from services.calendar.owners import is_public, manages_events, visible_events
from services.calendar.rules import Terms, why_no_seat
from services.context import Context
from services.pages import Page, PageRequest, page_of

ORDER = (Event.ends_at, Event.id)


@act(Permission.SEE_EVENTS)
async def list_events(context: Context, *, page: PageRequest) -> Page[Event]:
    """Published events that are not over, the next first."""
    statement = select(Event).where(is_public(), Event.ends_at > context.now)
    return await page_of(context, statement, ORDER, page)


@act(Permission.MANAGE_EVENTS)
async def list_managed_events(context: Context, *, page: PageRequest) -> Page[Event]:
    """Events that the viewer manages, published or not, the last first."""
    statement = select(Event).where(manages_events(context), Event.archived_at.is_(None))
    return await page_of(context, statement, ORDER, page, descending=True)


@act(Permission.SEE_EVENTS)
async def get_event_by_slug(context: Context, *, slug: str) -> Event | None:
    """The event with this link, if the viewer may see it."""
    there = (Event.slug == slug) & Event.archived_at.is_(None)
    async with context.reading() as session:
        statement = select(Event).where(there, visible_events(context))
        found: Event | None = (await session.execute(statement)).scalar_one_or_none()
    if found is None:
        await trail.note_hidden(context, "get_event_by_slug", Event, select(Event.id).where(there))
    return found


@act(Permission.SEE_EVENTS)
async def visible_events_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, Event]:
    """Events by id, those that the viewer may see."""
    async with context.reading() as session:
        rows = await session.rows(select(Event).where(Event.id.in_(ids), visible_events(context)))
    return {row.id: row for row in rows}


@act(Permission.SEE_EVENTS)
async def events_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, Event]:
    """Events by id, for whoever has an appointment there; archived ones too."""
    async with context.reading() as session:
        rows = await session.rows(select(Event).where(Event.id.in_(ids)))
    return {row.id: row for row in rows}


@act(Permission.SEE_EVENTS)
async def organizer_names(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """Who organizes each event, as everybody is told: doctors by the name that patients know."""
    statement = (
        select(Event.id, func.coalesce(Doctor.name, User.name))
        .join(User, User.id == Event.organizer_id)
        .outerjoin(Doctor, Doctor.user_id == User.id)
        .where(Event.id.in_(ids))
    )
    async with context.reading() as session:
        return dict((await session.execute(statement)).all())


def url_of(context: Context, event: Event) -> str:
    """The address of an event's page."""
    return f"{context.server.config.base_url}/e/{event.slug}"


def is_seat_bookable(context: Context, slot: Slot, event: Event) -> bool:
    """Whether the viewer may book a place in the slot now; the same rule that booking asks."""
    terms = Terms.of(context)
    is_closed = why_no_seat(slot, terms, is_published=event.is_published)
    return slot.status is SlotStatus.AVAILABLE and not is_closed
