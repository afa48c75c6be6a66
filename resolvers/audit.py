"""The audit trail: its list, what its events name, and the moment at which readings are noted."""

from typing import Any
from uuid import UUID

from strawberry import ID, Info

from models import (
    Appointment,
    AppointmentSeries,
    AuditEvent,
    Event,
    Owned,
    Patient,
    User,
    WaitlistEntry,
)
from resolvers import (
    accounts,
    appointments,
    calendar,
    directory,
    events,
    ids,
    pages,
    series,
    waitlist,
)
from resolvers.loaders import load, loaded
from resolvers.pages import Connection
from services import trail
from services.accounts import users
from services.audit import events as service
from services.context import Context

# What may be there and not for everybody, and how it is read.
GUARDED: dict[str, type[Owned]] = {
    "patient": Patient,
    "appointment": Appointment,
    "appointment_series": AppointmentSeries,
    "event": Event,
    "waitlist_entry": WaitlistEntry,
    "user": User,
    "audit_event": AuditEvent,
}
SUBJECTS = {
    "Patient": directory.patient_by_id,
    "Appointment": appointments.appointment_by_id,
    "AppointmentSeries": series.series_by_id,
    "Event": events.event_by_id,
    "WaitlistEntry": waitlist.entry_by_id,
    "User": accounts.user_by_id,
    "Calendar": calendar.calendar_by_id,
}


async def audit_events(
    info: Info[Context, None],
    first: int | None = 20,
    after: str | None = None,
    subject_id: ID | None = None,
    actor_id: ID | None = None,
) -> Connection[AuditEvent]:
    """What happened in the organization."""
    page = pages.request("audit-events", pages.BY_TIME, first, after)
    found = await service.list_events(
        info.context,
        page=page,
        subject_id=None if subject_id is None else ids.split(subject_id, "subject_id")[1],
        actor_id=ids.optional_key(actor_id, "User", "actor_id"),
    )
    return Connection(found, "audit-events")


async def event_by_id(info: Info[Context, None], id: Any) -> AuditEvent | None:
    """An event by key."""
    return await load(info, service.events_by_id, id)


actor = loaded(users.users_by_id, "actor_id")


async def subject(root: Any, info: Info[Context, None]) -> Any:
    """The one thing that it was done to."""
    read = SUBJECTS.get(root.subject_type)
    if read is None or len(root.subject_ids) != 1:
        return None
    return await read(info, root.subject_ids[0])


def subject_ids(root: Any) -> list[ID]:
    """The ids of all things that it was done to."""
    return [ID(ids.global_id(root.subject_type, id)) for id in root.subject_ids]


def action(root: Any) -> str:
    """The act, by the name that it has in the API."""
    first, *rest = root.action.split("_")
    return str(first + "".join(word.title() for word in rest))


async def note_hidden(context: Context, prefix: str, id: UUID) -> None:
    """Note that something was asked for by its id which is there, and not for the viewer."""
    if kind := GUARDED.get(prefix):
        await trail.note_hidden(context, "node", kind, trail.there(kind, id))


async def write_readings(context: Context) -> None:
    """Note what an operation has read, before its answer leaves."""
    await trail.write_readings(context)
