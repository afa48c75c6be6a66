"""Appointments: lists with cursors, things by id, and the acts."""

from typing import Any

from strawberry import Info

from models import Appointment, Guest
from resolvers import pages
from resolvers.acts import act
from resolvers.loaders import load, loaded
from resolvers.pages import Connection
from services.accounts import users
from services.appointments import booking, changes, lists
from services.calendar import slots as slot_service
from services.context import Context

book_appointment = act(booking.book_appointment)
overbook_appointment = act(booking.overbook_appointment)
reschedule_appointment = act(booking.reschedule_appointment)
cancel_appointment = act(changes.cancel_appointment)
check_in_appointment = act(changes.check_in_appointment)
complete_appointment = act(changes.complete_appointment)
mark_no_show = act(changes.mark_no_show)
update_appointment = act(changes.update_appointment)


async def appointments(
    info: Info[Context, None],
    first: int | None = 20,
    after: str | None = None,
    filter: Any | None = None,
    newest_first: bool | None = False,
) -> Connection[Appointment]:
    """The viewer's appointments, or everybody's for the front desk."""
    # The direction is part of the list: a cursor of one is none of the other.
    name = "appointments-newest" if newest_first else "appointments"
    page = pages.request(name, pages.BY_TIME, first, after)
    found = await lists.list_appointments(
        info.context, page=page, filter=filter, newest_first=bool(newest_first)
    )
    return Connection(found, name)


async def appointments_of_patient(
    root: Any,
    info: Info[Context, None],
    first: int | None = 20,
    after: str | None = None,
    filter: Any | None = None,
) -> Connection[Appointment]:
    """The appointments of a patient that the viewer may see."""
    page = pages.request("appointments", pages.BY_TIME, first, after)
    wanted: lists.AppointmentFilter = dict(filter or {}) | {"patient_id": root.id}  # type: ignore[assignment]
    found = await lists.list_appointments(info.context, page=page, filter=wanted)
    return Connection(found, "appointments")


async def appointment_by_id(info: Info[Context, None], id: Any) -> Appointment | None:
    """An appointment by key."""
    return await load(info, lists.appointments_by_id, id)


appointment_of = loaded(lists.appointments_by_id, "appointment_id")


async def appointment_by_reference(info: Info[Context, None], reference: str) -> Appointment | None:
    """An appointment by its code."""
    return await lists.get_appointment_by_reference(info.context, reference=reference)


appointments_of_slot = loaded(lists.appointments_by_slot, "id", otherwise=())
history = loaded(lists.history_by_appointment, "id", otherwise=())
slot_of = loaded(slot_service.slots_by_id, "slot_id")
slots_of = loaded(lists.slots_by_appointment, "id", otherwise=())
rescheduled_from = loaded(slot_service.slots_by_id, "rescheduled_from_id")
booked_by = loaded(users.users_by_id, "booked_by_id")
by = loaded(users.users_by_id, "by_id")


def guest(root: Any, info: Info[Context, None]) -> Guest | None:
    """Who comes without an account."""
    return lists.guest_of(info.context, root)


async def attendee(root: Any, info: Info[Context, None]) -> lists.Attendee | None:
    """Who comes to an event."""
    if root.event_id is None:
        return None
    return await load(info, lists.attendees_by_appointment, root.id)


def reason(root: Any, info: Info[Context, None]) -> str | None:
    """What the patient wrote, for those who may read it."""
    return lists.reason_of(info.context, root)


def overbooking_reason(root: Any, info: Info[Context, None]) -> str | None:
    """Why an appointment was overbooked, for staff."""
    return lists.overbooking_reason_of(info.context, root)


def staff_notes(root: Any, info: Info[Context, None]) -> str | None:
    """What staff wrote, for those who may read it."""
    return lists.staff_notes_of(info.context, root)


def cancellation_reason(root: Any, info: Info[Context, None]) -> str | None:
    """Why an appointment was cancelled."""
    return lists.cancellation_reason_of(info.context, root)


def note(root: Any, info: Info[Context, None]) -> str | None:
    """What was said in a line of the history."""
    return lists.note_of(info.context, root)
