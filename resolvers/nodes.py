"""Anything by its global id."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from strawberry import ID, Info

from resolvers import (
    accounts,
    appointments,
    audit,
    availability,
    calendar,
    directory,
    events,
    ids,
    notifications,
    rooms,
    series,
    visit_types,
    waitlist,
)
from services import organizations
from services.context import Context
from services.errors import InvalidInput, NotFound
from services.pages import LARGEST_PAGE

ById = Callable[[Info[Context, None], Any], Awaitable[Any]]


async def _organization_by_id(info: Info[Context, None], id: Any) -> Any:
    organization = await organizations.get_organization(info.context)
    return organization if organization.id == id else None


READERS: dict[str, ById] = {
    "organization": _organization_by_id,
    "user": accounts.user_by_id,
    "sign_in": accounts.sign_in_by_id,
    "notification": notifications.notification_by_id,
    "department": directory.department_by_id,
    "office": directory.office_by_id,
    "doctor": directory.doctor_by_id,
    "patient": directory.patient_by_id,
    "calendar": calendar.calendar_by_id,
    "slot": calendar.visible_slot_by_id,
    "availability_template": calendar.template_by_id,
    "availability_exception": availability.exception_by_id,
    "room": rooms.room_by_id,
    "visit_type": visit_types.visit_type_by_id,
    "event": events.event_by_id,
    "appointment": appointments.appointment_by_id,
    "waitlist_entry": waitlist.entry_by_id,
    "appointment_series": series.series_by_id,
    "audit_event": audit.event_by_id,
}


async def node(info: Info[Context, None], id: ID) -> Any:
    """The thing with this id; None where there is none that the viewer may see."""
    return await _node(info, id, "id")


async def _node(info: Info[Context, None], id: ID, *path: str | int) -> Any:
    prefix, key = ids.split(id, *path)
    if prefix not in READERS:
        raise NotFound(*path)
    found = await READERS[prefix](info, key)
    if found is None:
        await audit.note_hidden(info.context, prefix, key)
    return found


async def nodes(info: Info[Context, None], node_ids: list[ID]) -> list[Any]:
    """Several things by id, in the order of the ids."""
    if len(node_ids) > LARGEST_PAGE:
        raise InvalidInput(f"At most {LARGEST_PAGE} ids are allowed.", "ids")
    found = (_node(info, id, "ids", place) for place, id in enumerate(node_ids))
    return list(await asyncio.gather(*found))
