"""Calendars: slots in a window, what is free next, the live view and its cursor."""

import base64
import binascii
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NewType
from uuid import UUID

from strawberry import ID, Info

from models import AvailabilityTemplate, Calendar, Doctor, Slot, SlotStatus
from resolvers import ids
from resolvers.acts import act
from resolvers.loaders import load
from services import availability
from services.calendar import blocks, generation
from services.calendar import slots as slot_service
from services.calendar.generation import Preview
from services.calendar.watch import CalendarUpdate
from services.context import Context
from services.directory import doctors
from services.errors import InvalidInput

set_availability = act(generation.set_availability)
generate_slots = act(generation.generate_slots)
block_time = act(blocks.block_time)
unblock_time = act(blocks.unblock_time)

Cursor = NewType("Cursor", str)
REVISION_BYTES = 8
# A forged cursor may say more than the column holds; it is one of the future all the same.
LARGEST_REVISION = 2**63 - 1


def cursor(calendar_id: UUID, revision: int) -> Cursor:
    """The resume token for a revision of a calendar. Forging one opens nothing: it only says
    from where on the changes are wanted.
    """
    place = calendar_id.bytes + revision.to_bytes(REVISION_BYTES)
    return Cursor(base64.urlsafe_b64encode(place).decode())


def revision_in(after: str | None, calendar_id: UUID) -> int | None:
    """The revision in a resume token; None without one, or where it is another calendar's.

    Raises:
        InvalidInput: it is no resume token.

    """
    if after is None:
        return None
    try:
        place = base64.b64decode(after.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeError) as error:
        raise InvalidInput("This is not a cursor.", "after") from error
    if len(place) != len(calendar_id.bytes) + REVISION_BYTES:
        raise InvalidInput("This is not a cursor.", "after")
    if place[: len(calendar_id.bytes)] != calendar_id.bytes:
        return None
    return min(int.from_bytes(place[len(calendar_id.bytes) :]), LARGEST_REVISION)


async def calendar(info: Info[Context, None], id: ID) -> Calendar | None:
    """A calendar by id."""
    return await calendar_by_id(info, ids.key(id, "Calendar", "id"))


async def calendar_by_id(info: Info[Context, None], id: Any) -> Calendar | None:
    """A calendar by key."""
    return await load(info, slot_service.calendars_by_id, id)


async def calendar_of(root: Any, info: Info[Context, None]) -> Calendar | None:
    """The calendar of a doctor, a slot or working hours."""
    return await calendar_by_id(info, root.calendar_id)


async def owner_of(root: Any, info: Info[Context, None]) -> Doctor | None:
    """Whose calendar it is."""
    return await load(info, doctors.doctors_by_calendar, root.id)


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


async def slot_by_id(info: Info[Context, None], id: Any) -> Slot | None:
    """A slot by key."""
    return await load(info, slot_service.slots_by_id, id)


async def is_bookable(root: Any, info: Info[Context, None]) -> bool:
    """Whether the viewer may book a slot now."""
    accepts = await load(info, slot_service.acceptance_by_calendar, root.calendar_id)
    return slot_service.is_bookable(info.context, root, is_accepting_patients=bool(accepts))


async def next_available_slot(root: Any, info: Info[Context, None]) -> Slot | None:
    """The first slot of a doctor that can be booked."""
    return await load(info, slot_service.next_available, root.calendar_id)


async def templates(root: Any, info: Info[Context, None]) -> Sequence[AvailabilityTemplate]:
    """The working hours of a calendar."""
    return await load(info, availability.templates_by_calendar, root.id) or ()


async def template_by_id(info: Info[Context, None], id: Any) -> AvailabilityTemplate | None:
    """Working hours by key."""
    return await load(info, availability.templates_by_id, id)


def cursor_of_calendar(root: Any) -> Cursor:
    """Where a calendar stands."""
    return cursor(root.id, root.revision)


def cursor_of_update(root: CalendarUpdate) -> Cursor:
    """Where the calendar stands after an update."""
    return cursor(root.calendar_id, root.revision)


def previous_cursor_of_update(root: CalendarUpdate) -> Cursor | None:
    """Where the calendar stood before an update."""
    if root.previous_revision is None:
        return None
    return cursor(root.calendar_id, root.previous_revision)


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
