"""The second half of the matrix: who sees which field of a thing.

The cells mean what they mean in `matrix`, about the value of one field: `-` is null or an empty
list although there is something, and where the thing itself cannot be had, its fields say how.
Nobody of another organization sees any of it: what they are shown is what their own has.
"""

from models import Role
from tests.access.matrix import COLUMNS

PUBLIC = "+  +  +  +  +"
PEOPLE = "-  o  o  +  +"
OF_PATIENTS = "U  o  o  +  +"
RUNNING = "-  -  o  +  +"

# Whole types first, then the fields that differ.
TYPES = {
    "Organization": PUBLIC,
    "BookingPolicy": PUBLIC,
    "Department": PUBLIC,
    "Office": PUBLIC,
    "VisitType": PUBLIC,
    "Room": PUBLIC,
    "Doctor": PUBLIC,
    "Calendar": PUBLIC,
    "AvailabilityTemplate": PUBLIC,
    "AvailabilityException": PUBLIC,
    "Slot": PUBLIC,
    "Explanation": PUBLIC,
    "Opening": PUBLIC,
    "ExternalCalendar": RUNNING,
    "CalendarUpdate": PUBLIC,
    "Event": PUBLIC,
    "Guest": "U  -  o  o  +",
    "Attendee": "U  -  o  o  +",
    "Session": "o  o  o  o  o",
    "User": PEOPLE,
    "Patient": OF_PATIENTS,
    "Appointment": OF_PATIENTS,
    "AppointmentEvent": OF_PATIENTS,
    "WaitlistEntry": OF_PATIENTS,
    "AppointmentSeries": OF_PATIENTS,
    "SeriesOccurrence": OF_PATIENTS,
    "KeptAppointment": OF_PATIENTS,
    "AppointmentUpdate": "U  o  o  F  F",
    "AvailabilityPreview": "U  F  o  +  +",
    "Statistics": "U  F  o  o  o",
    "StatusCount": "U  F  o  o  o",
    "DayCount": "U  F  o  o  o",
    "DoctorUtilization": "U  F  o  o  o",
    "SignIn": "-  o  o  o  o",
    "Notification": "-  -  -  -  +",
    "AuditEvent": "-  -  -  -  +",
}
FIELDS = """
Organization: id slug name timeZone locale bookingPolicy
BookingPolicy: horizonMonths minimumNoticeMinutes cancellationNoticeMinutes
BookingPolicy: maxOpenAppointmentsPerPatient holdMinutes offerMinutes reminderHoursBefore
Department: id name description doctors doctorCount
VisitType: id name description minutes bufferMinutes doctors rooms
Room: id name office
Room.calendar                       -  -  +  +  +
Office: id name address phone timeZone doctors
Doctor: id name title specialty bio languages isAcceptingPatients department office calendar
Doctor: nextAvailableSlot
Doctor.user                         -  -  +  +  +
Calendar: id owner timeZone slots templates exceptions cursor
Calendar.externalCalendar           -  -  o  +  +
ExternalCalendar: host lastReadAt lastOkAt problem conflicts
AvailabilityTemplate: id calendar weekdays startTime endTime slotMinutes bufferMinutes capacity
AvailabilityTemplate: validFrom validUntil
AvailabilityException: id calendar kind startsAt endsAt slotMinutes
AvailabilityException.reason        -  -  +  +  +
Slot: id calendar startsAt endsAt status capacity bookedCount version isBookable
Slot: heldUntil isHeldByViewer
Slot.appointments                   -  o  o  +  +
Explanation: reason message until
Opening: slot doctor startsAt endsAt
CalendarUpdate: reset slots cursor previousCursor
Event: id title description date timeZone slug url isPublished perPersonLimit organizerName calendar
Event: createdAt
Event.organizer                     -  -  +  +  +
Event.bookings                      -  -  o  o  +
Event.attendanceCsv                 -  -  o  o  +
Guest: name email phone
Attendee: name email phone
Session: accessToken accessTokenExpiresAt refreshToken user
User: id username email name phone role isActive locale timeZone doctor patient createdAt updatedAt
Patient: id user name email phone birthDate appointments createdAt
Patient.notes                       U  -  o  +  +
Appointment: id reference slot slots visitType doctor patient startsAt endsAt status
Appointment: cancelledAt cancellationReason canCancelUntil rescheduledFrom bookedBy version history
Appointment: createdAt updatedAt series
Appointment: isOverbooked room
Appointment.event                   U  o  o  o  +
Appointment.guest                   U  -  o  o  +
Appointment.attendee                U  o  o  o  +
Appointment.overbookingReason       U  -  o  +  +
Appointment.reason                  U  o  o  -  -
Appointment.staffNotes              U  -  o  +  +
AppointmentEvent: at by status note
AppointmentSeries: id recurrence everyWeeks timeZone appointments createdAt
SeriesOccurrence: number date startsAt appointment obstacle message alternatives
KeptAppointment: appointment reason message
AppointmentUpdate: reset appointments removedIds cursor previousCursor
AvailabilityPreview: created kept removed uncovered
Statistics: appointmentCount appointmentsByStatus appointmentsByDay byDoctor noShowRate
Statistics: cancellationRate averageLeadHours
StatusCount: status count
DayCount: date booked completed cancelled noShow
DoctorUtilization: doctor openMinutes bookedMinutes utilization
WaitlistEntry: id patient doctor department visitType from to status offeredSlot offerExpiresAt
WaitlistEntry: position createdAt
SignIn: id createdAt lastUsedAt userAgent ipAddress isCurrent
Notification: id channel kind recipient subject status attempts lastError appointment createdAt
Notification: scheduledAt sentAt
AuditEvent: id at actor role action subject subjectIds outcome ipAddress details
SlotTaken.alternatives              U  +  +  +  +
TimeTaken.appointments              U  F  o  +  +
PatientBusy.conflicting             U  o  o  +  +
AlreadyWaiting.waitlistEntry        U  o  o  +  +
SeriesNotBookable.occurrences       U  o  o  +  +
"""


def _fields() -> dict[str, dict[Role | None, str]]:
    rows: dict[str, str] = {}
    for line in FIELDS.strip().splitlines():
        if ":" in line:
            kind, _, names = line.partition(":")
            found = {f"{kind}.{name}": TYPES[kind] for name in names.split()}
        else:
            name, cells = line.split(maxsplit=1)
            found = {name: cells}
        if rows.keys() & found.keys():
            raise ValueError(line)
        rows |= found
    return {name: dict(zip(COLUMNS, cells.split(), strict=True)) for name, cells in rows.items()}


CELLS = _fields()


def fields_of(kind: str) -> dict[str, dict[Role | None, str]]:
    """The cells of a type's fields."""
    return {
        name.partition(".")[2]: cells
        for name, cells in CELLS.items()
        if name.partition(".")[0] == kind
    }
