"""Calendars: slots in a window, what is free next, the live view and its cursor."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from strawberry import ID, Info

from models import AvailabilityTemplate, Calendar, Doctor, Event, Room, Slot, SlotStatus
from resolvers import ids, pages
from resolvers.acts import act
from resolvers.cursors import Cursor, cursor
from resolvers.loaders import load, loaded
from resolvers.pages import Connection
from services import availability, visit_types
from services.calendar import blocks, explanations, generation, holds, openings, owners
from services.calendar import slots as slot_service
from services.calendar.explanations import Obstacle
from services.calendar.generation import Preview
from services.context import Context
from services.directory import doctors, rooms
from services.events import lists as events

__all__ = ["Obstacle"]

set_availability = act(generation.set_availability)
generate_slots = act(generation.generate_slots)
hold_slot = act(holds.hold_slot)
release_hold = act(holds.release_hold)
block_time = act(blocks.block_time)
unblock_time = act(blocks.unblock_time)


async def calendar(info: Info[Context, None], id: ID) -> Calendar | None:
    """A calendar by id."""
    return await calendar_by_id(info, ids.key(id, "Calendar", "id"))


async def calendar_by_id(info: Info[Context, None], id: Any) -> Calendar | None:
    """A calendar by key, if the viewer may see it."""
    return await load(info, slot_service.visible_calendars_by_id, id)


calendar_of = loaded(slot_service.calendars_by_id, "calendar_id")
calendar_shown = loaded(slot_service.visible_calendars_by_id, "calendar_id")


async def owner_of(root: Any, info: Info[Context, None]) -> Doctor | Event | Room | None:
    """Whose calendar it is."""
    kinds = doctors.doctors_by_calendar, owners.events_by_calendar, rooms.rooms_by_calendar
    for of_kind in kinds:
        owner: Doctor | Event | Room | None = await load(info, of_kind, root.id)
        if owner is not None:
            return owner
    return None


async def slots(
    root: Any,
    info: Info[Context, None],
    starts_at: datetime,
    ends_at: datetime,
    status: list[SlotStatus] | None = None,
) -> Sequence[Slot]:
    """The slots of a calendar that overlap a window."""
    return await slot_service.slots_between(
        info.context,
        calendar_id=root.id,
        starts_at=starts_at,
        ends_at=ends_at,
        statuses=status,
    )


async def visible_slot_by_id(info: Info[Context, None], id: Any) -> Slot | None:
    """A slot by key, if the viewer may see it."""
    return await load(info, slot_service.visible_slots_by_id, id)


async def is_bookable(
    root: Any, info: Info[Context, None], visit_type_id: ID | None = None
) -> bool:
    """Whether the viewer may book a slot now, or have a visit of a type begin with it."""
    accepts = await load(info, slot_service.acceptance_by_calendar, root.calendar_id)
    if accepts is None:
        event = await load(info, owners.events_by_calendar, root.calendar_id)
        # No kind of visit begins with a slot of an event.
        if event is None or visit_type_id is not None:
            return False
        return events.is_seat_bookable(info.context, root, event)
    if visit_type_id is None:
        return slot_service.is_bookable(info.context, root, is_accepting_patients=bool(accepts))
    key = ids.key(visit_type_id, "VisitType", "visit_type_id")
    found = await load(info, visit_types.visit_types_by_id, key)
    visit_type = visit_types.require_offered(found, "visit_type_id")
    is_open = slot_service.is_bookable(
        info.context,
        root,
        is_accepting_patients=bool(accepts),
        visit_minutes=visit_type.minutes,
    )
    if not is_open:
        return False
    has_room = await load(info, slot_service.slots_with_room, root.id, visit_type=visit_type)
    return bool(has_room)


def is_held_by_viewer(root: Any, info: Info[Context, None]) -> bool:
    """Whether the viewer holds a place in a slot."""
    return slot_service.is_held_by_viewer(info.context, root)


next_available_slot = loaded(slot_service.next_available, "calendar_id")
templates = loaded(availability.templates_by_calendar, "id", otherwise=())


async def template_by_id(info: Info[Context, None], id: Any) -> AvailabilityTemplate | None:
    """Working hours by key."""
    return await load(info, availability.templates_by_id, id)


async def found_openings(
    info: Info[Context, None],
    search: Any,
    first: int | None = 20,
    after: str | None = None,
) -> Connection[openings.Opening]:
    """What can be booked first, over many doctors."""
    page = pages.request("openings", pages.BY_TIME, first, after)
    found = await openings.list_openings(info.context, search=search, page=page)
    return Connection(found, "openings")


async def why_not_bookable(
    info: Info[Context, None], slot_id: ID, visit_type_id: ID | None = None
) -> explanations.Explanation | None:
    """Why the viewer cannot book a slot."""
    return await explanations.explain(
        info.context,
        slot_id=ids.key(slot_id, "Slot", "slot_id"),
        visit_type_id=ids.optional_key(visit_type_id, "VisitType", "visit_type_id"),
    )


doctor_of_opening = loaded(doctors.doctors_by_calendar, "calendar_id")


def cursor_of_calendar(root: Any) -> Cursor:
    """Where a calendar stands."""
    return cursor(root.id, root.revision)


async def preview(
    info: Info[Context, None],
    calendar_id: ID,
    first_day: date,
    last_day: date,
    templates: list[Any] | None = None,
) -> Preview:
    """What generating slots would do."""
    return await generation.preview_availability(
        info.context,
        calendar_id=ids.key(calendar_id, "Calendar", "calendar_id"),
        first_day=first_day,
        last_day=last_day,
        templates=templates,
    )
