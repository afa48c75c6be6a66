"""Tables, constraints, enums, engine and sessions.

What is true whatever the code above does lives here: keys, checks, exclusion constraints, the
wall between organizations. Rules that need a clock or a caller do not; they live in `services/`.
"""

from models.accounts import (
    PasswordAttempts,
    RefreshToken,
    Role,
    SignIn,
    SignUp,
    TokenPurpose,
    User,
    UserToken,
)
from models.appointments import (
    OPEN_STATUSES,
    Agenda,
    AgendaEntry,
    Appointment,
    AppointmentEvent,
    AppointmentStatus,
    Guest,
)
from models.audit import AuditEvent, AuditHead, AuditOutcome
from models.availability import (
    AvailabilityException,
    AvailabilityTemplate,
    ExceptionKind,
    Weekday,
)
from models.base import Base, Owned
from models.calendar import EXTERNAL_LANE, Calendar, Claim, ClaimKind, Slot, SlotStatus
from models.directory import Department, Doctor, Office, Patient
from models.events import Event
from models.external import ExternalCalendar, ExternalProblem
from models.idempotency import IdempotencyKey
from models.notifications import (
    Notification,
    NotificationChannel,
    NotificationKind,
    NotificationStatus,
)
from models.organizations import BookingPolicy, Organization
from models.rooms import Room, VisitTypeRoom
from models.series import AppointmentSeries, OnConflict, SeriesOccurrence, SeriesScope, WhyKept
from models.visit_types import VisitType, VisitTypeDoctor
from models.waitlist import OPEN_ENTRIES, WaitlistEntry, WaitlistStatus

__all__ = [
    "EXTERNAL_LANE",
    "OPEN_ENTRIES",
    "OPEN_STATUSES",
    "Agenda",
    "AgendaEntry",
    "Appointment",
    "AppointmentEvent",
    "AppointmentSeries",
    "AppointmentStatus",
    "AuditEvent",
    "AuditHead",
    "AuditOutcome",
    "AvailabilityException",
    "AvailabilityTemplate",
    "Base",
    "BookingPolicy",
    "Calendar",
    "Claim",
    "ClaimKind",
    "Department",
    "Doctor",
    "Event",
    "ExceptionKind",
    "ExternalCalendar",
    "ExternalProblem",
    "Guest",
    "IdempotencyKey",
    "Notification",
    "NotificationChannel",
    "NotificationKind",
    "NotificationStatus",
    "Office",
    "OnConflict",
    "Organization",
    "Owned",
    "PasswordAttempts",
    "Patient",
    "RefreshToken",
    "Role",
    "Room",
    "SeriesOccurrence",
    "SeriesScope",
    "SignIn",
    "SignUp",
    "Slot",
    "SlotStatus",
    "TokenPurpose",
    "User",
    "UserToken",
    "VisitType",
    "VisitTypeDoctor",
    "VisitTypeRoom",
    "WaitlistEntry",
    "WaitlistStatus",
    "Weekday",
    "WhyKept",
]
