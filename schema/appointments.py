"""Appointments: visits, their history, how booking can be refused, and the acts."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import ID, Maybe

from models import Appointment as AppointmentRow
from models import AppointmentStatus
from resolvers import appointments as resolvers
from resolvers import directory as directory_resolvers
from resolvers import events as event_resolvers
from resolvers import live as live_resolvers
from resolvers import rooms as room_resolvers
from resolvers import series as series_resolvers
from resolvers import visit_types as visit_type_resolvers
from resolvers.cursors import cursor_of_update, previous_cursor_of_update
from schema.accounts import User
from schema.calendar import Slot
from schema.directory.types import Doctor, Patient
from schema.errors import UserError, shows
from schema.events import Event
from schema.fields import KEY, Node, describe_enum, entity, field, given, inputs, mutation, value
from schema.rooms import Room
from schema.scalars import Cursor
from schema.sizes import HandedDown
from schema.visit_types import VisitType
from services import errors

if TYPE_CHECKING:
    from schema.series import AppointmentSeries
else:
    AppointmentSeries = Annotated["AppointmentSeries", strawberry.lazy("schema.series")]

describe_enum(
    AppointmentStatus,
    "Where an appointment stands.",
    {
        "BOOKED": "Agreed.",
        "CHECKED_IN": "The patient has arrived.",
        "COMPLETED": "The visit has taken place.",
        "CANCELLED": "Called off; its time is free.",
        "NO_SHOW": "The patient did not come.",
    },
)


@value
class AppointmentEvent:
    """One line of an appointment's history."""

    at: datetime = field("When.")
    by: User | None = field("Who, for those who may see it.", resolvers.by)
    status: AppointmentStatus = field("The status from then on.")
    note: str | None = field("What was said, such as the reason of a cancellation.", resolvers.note)


@value
class Guest:
    """Somebody who booked an event without an account, as they say who they are."""

    name: str = field("The person's name.")
    email: str = field("Address to write to; it is not confirmed.")
    phone: str | None = field("Telephone number in E.164.")


@value
class Attendee:
    """Who comes to an event, a patient or a guest."""

    name: str = field("The person's name.")
    email: str | None = field("Address to write to.")
    phone: str | None = field("Telephone number in E.164.")


@entity(AppointmentRow)
class Appointment(Node):
    """A visit: one patient with one doctor at one time; or a place in a slot of an event, of a
    patient or of a guest. Moving it keeps its id.
    """

    reference: str = field("Short code to read out, such as K7QF-2M9D.")
    slot: Slot = field("Where it starts.", resolvers.slot_of)
    slots: list[Slot] = field("All that it takes.", resolvers.slots_of, rows=4)
    visit_type: VisitType | None = field(
        "What kind of visit it is; null where it just takes its slot.",
        visit_type_resolvers.visit_type_of,
    )
    room: Room | None = field("Where, if this kind of visit needs a room.", room_resolvers.room_of)
    doctor: Doctor | None = field("With whom; null at an event.", directory_resolvers.doctor_of)
    event: Event | None = field("At which event; null with a doctor.", event_resolvers.event_of)
    patient: Patient | None = field(
        "Who comes, for those who may see it. Null for a guest who booked an event without an "
        "account.",
        directory_resolvers.patient_of,
    )
    guest: Guest | None = field("Who comes without an account.", resolvers.guest)
    attendee: Attendee | None = field(
        "Who comes to an event, for whoever sees the booking; null with a doctor.",
        resolvers.attendee,
    )
    starts_at: datetime = field("When it begins.")
    ends_at: datetime = field("When it ends.")
    status: AppointmentStatus = field("Where it stands.")
    is_overbooked: bool = field("It was booked although no place was free.")
    overbooking_reason: str | None = field("Why it was, for staff.", resolvers.overbooking_reason)
    reason: str | None = field("Why the patient comes; for patient and doctor.", resolvers.reason)
    staff_notes: str | None = field("For staff and the doctor alone.", resolvers.staff_notes)
    cancelled_at: datetime | None = field("When it was cancelled.")
    cancellation_reason: str | None = field("Why it was cancelled.", resolvers.cancellation_reason)
    can_cancel_until: datetime | None = field(
        "The last moment for the patient or guest to cancel or move it."
    )
    rescheduled_from: Slot | None = field(
        "Where it was before it was moved.", resolvers.rescheduled_from
    )
    booked_by: User | None = field("Who booked it.", resolvers.booked_by)
    version: int = field("Rises with every change; see `expectedVersion`.")
    history: list[AppointmentEvent] = field(
        "What happened to it, oldest first.", resolvers.history, rows=5
    )
    series: AppointmentSeries | None = field(
        "The series that it was booked in; null where it was booked alone.",
        series_resolvers.series_of,
    )
    created_at: datetime = field("When it was booked.")
    updated_at: datetime = field("When it last changed.")


@value
class AppointmentUpdate:
    """A step of the live view of the viewer's appointments."""

    reset: bool = field("True: forget what you hold, `appointments` is all of it.")
    appointments: list[Appointment] = field(
        "Current state; also of those that are cancelled or over, if they changed.",
        rows=HandedDown.FROM_ABOVE,
    )
    removed_ids: list[ID] = field(
        "Appointments that are the viewer's no longer, moved to another doctor; to be dropped.",
        live_resolvers.removed_ids,
    )
    cursor: Cursor = field("Keep it; pass it as `after` when you come back.", cursor_of_update)
    previous_cursor: Cursor | None = field(
        "Where things stood before this update: equal to the cursor that you hold, or you missed "
        "something. Null after a reset.",
        previous_cursor_of_update,
    )


@shows(errors.PatientBusy)
class PatientBusy(UserError):
    """See the refusal."""

    conflicting: Appointment | None = field("The other appointment, for those who may see it.")


@shows(errors.BookingLimitReached)
class BookingLimitReached(UserError):
    """See the refusal."""

    limit: int = field(
        "How many open appointments a patient may have, or one person of this event."
    )


@shows(errors.CancellationClosed)
class CancellationClosed(UserError):
    """See the refusal."""

    closed_at: datetime = field("The last moment at which it could be changed.")


@shows(errors.InvalidTransition)
class InvalidTransition(UserError):
    """See the refusal."""

    status: AppointmentStatus = field("The status it has.")


@inputs
class AppointmentFilter:
    """Which appointments to list; what is left out does not matter."""

    status: list[AppointmentStatus] | None = given("One of these.", default=None)
    doctor_id: ID | None = given("With this doctor.", node="Doctor", default=None)
    patient_id: ID | None = given("Of this patient.", node="Patient", default=None)
    department_id: ID | None = given("In this department.", node="Department", default=None)
    event_id: ID | None = given("At this event.", node="Event", default=None)
    from_: datetime | None = given(
        "That begin then or later.", wire="from", name="starts_from", default=None
    )
    to: datetime | None = given("That begin before then.", name="starts_before", default=None)
    search: str | None = given(
        "A part of reference or of the patient's or guest's name.", default=None
    )


EXPECTED = "Refuse if the appointment's version is another one by now."


@inputs
class BookAppointmentInput:
    """What to book, and for whom."""

    slot_id: ID = given("Which slot.", node="Slot")
    patient_id: ID | None = given(
        "For whom; the viewer's own where left out.", node="Patient", default=None
    )
    visit_type_id: ID | None = given(
        "What kind of visit; it may take several slots. Just the slot where left out.",
        node="VisitType",
        default=None,
    )
    reason: str | None = given("Why the patient comes.", default=None)
    idempotency_key: str | None = given(KEY, default=None)


@inputs
class OverbookAppointmentInput:
    """What to book beside what is booked, for whom, and why."""

    slot_id: ID = given("Which slot.", node="Slot")
    patient_id: ID = given("For whom.", node="Patient")
    overbooking_reason: str = given("Why it cannot wait for a free place; for staff.")
    visit_type_id: ID | None = given(
        "What kind of visit; just the slot where left out.", node="VisitType", default=None
    )
    reason: str | None = given("Why the patient comes.", default=None)
    idempotency_key: str | None = given(KEY, default=None)


@inputs
class RescheduleAppointmentInput:
    """What to move, and where."""

    appointment_id: ID = given("Which appointment.", node="Appointment")
    slot_id: ID = given("The slot to move to.", node="Slot")
    expected_version: int | None = given(EXPECTED, default=None)
    idempotency_key: str | None = given(KEY, default=None)


@inputs
class CancelAppointmentInput:
    """What to cancel, and why."""

    appointment_id: ID = given("Which appointment.", node="Appointment")
    reason: str | None = given("Why.", default=None)
    expected_version: int | None = given(EXPECTED, default=None)


@inputs
class CheckInAppointmentInput:
    """Who has arrived."""

    appointment_id: ID = given("Which appointment.", node="Appointment")
    staff_notes: str | None = given("For staff; replaces the notes before.", default=None)
    expected_version: int | None = given(EXPECTED, default=None)


@inputs
class CompleteAppointmentInput:
    """Which visit has taken place."""

    appointment_id: ID = given("Which appointment.", node="Appointment")
    staff_notes: str | None = given("For staff; replaces the notes before.", default=None)
    expected_version: int | None = given(EXPECTED, default=None)


@inputs
class MarkNoShowInput:
    """Who did not come."""

    appointment_id: ID = given("Which appointment.", node="Appointment")
    staff_notes: str | None = given("For staff; replaces the notes before.", default=None)
    expected_version: int | None = given(EXPECTED, default=None)


@inputs
class UpdateAppointmentInput:
    """What was written; what is left out stays."""

    appointment_id: ID = given("Which appointment.", node="Appointment")
    reason: Maybe[str | None] = given(
        "Why the patient comes; null clears it. Staff who do not read it write it once."
    )
    staff_notes: Maybe[str | None] = given("For staff; null clears it.")
    expected_version: int | None = given(EXPECTED, default=None)


BOOKED = {"appointment": (Appointment, "The appointment as it is now.")}


@strawberry.type
class AppointmentMutations:
    """See the root."""

    book_appointment = mutation(
        "Books a visit that begins with a slot.",
        resolvers.book_appointment,
        BookAppointmentInput,
        returns=BOOKED,
    )
    overbook_appointment = mutation(
        "Books a visit beside those that are booked or held, deliberately.",
        resolvers.overbook_appointment,
        OverbookAppointmentInput,
        returns=BOOKED,
    )
    reschedule_appointment = mutation(
        "Moves an appointment in place: the same id, and the old time is free at once.",
        resolvers.reschedule_appointment,
        RescheduleAppointmentInput,
        returns=BOOKED,
    )
    cancel_appointment = mutation(
        "Cancels an appointment; its time is free at once.",
        resolvers.cancel_appointment,
        CancelAppointmentInput,
        returns=BOOKED,
    )
    check_in_appointment = mutation(
        "Notes that the patient has arrived.",
        resolvers.check_in_appointment,
        CheckInAppointmentInput,
        returns=BOOKED,
    )
    complete_appointment = mutation(
        "Notes that the visit has taken place; not before it begins.",
        resolvers.complete_appointment,
        CompleteAppointmentInput,
        returns=BOOKED,
    )
    mark_no_show = mutation(
        "Notes that the patient did not come; not before the visit begins.",
        resolvers.mark_no_show,
        MarkNoShowInput,
        returns=BOOKED,
    )
    update_appointment = mutation(
        "Changes the reason or the notes.",
        resolvers.update_appointment,
        UpdateAppointmentInput,
        returns=BOOKED,
    )
