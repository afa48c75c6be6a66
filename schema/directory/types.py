"""What the directory holds: departments, offices, doctors and patients."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from models import Department as DepartmentRow
from models import Doctor as DoctorRow
from models import Office as OfficeRow
from models import Patient as PatientRow
from resolvers import appointments as appointment_resolvers
from resolvers import calendar as calendar_resolvers
from resolvers import directory as resolvers
from schema.accounts import User
from schema.connections import Connection
from schema.fields import PAGE, Arg, Node, Scope, entity, field
from schema.scalars import TimeZone

if TYPE_CHECKING:
    from schema.appointments import Appointment, AppointmentFilter
    from schema.calendar import Calendar, Slot
else:
    Calendar = Annotated["Calendar", strawberry.lazy("schema.calendar")]
    Slot = Annotated["Slot", strawberry.lazy("schema.calendar")]
    Appointment = Annotated["Appointment", strawberry.lazy("schema.appointments")]
    AppointmentFilter = Annotated["AppointmentFilter", strawberry.lazy("schema.appointments")]


@entity(DoctorRow)
class Doctor(Node):
    """A doctor as patients see them."""

    user: User | None = field("For staff; null for the public and for patients.", resolvers.user_of)
    name: str = field("Name as shown to patients.", scope=Scope.PUBLIC)
    title: str | None = field("Such as Dr. or Prof.", scope=Scope.PUBLIC)
    specialty: str | None = field("What the doctor treats.", scope=Scope.PUBLIC)
    bio: str | None = field("What the doctor tells about themselves.", scope=Scope.PUBLIC)
    languages: list[str] = field("Languages spoken, as locales such as es.", scope=Scope.PUBLIC)
    is_accepting_patients: bool = field(
        "False: patients cannot book; staff can.", scope=Scope.PUBLIC
    )
    department: Annotated["Department", strawberry.lazy("schema.directory.types")] | None = field(
        "Where the doctor belongs.", resolvers.department_of, scope=Scope.PUBLIC
    )
    office: Annotated["Office", strawberry.lazy("schema.directory.types")] | None = field(
        "Where the doctor sees patients.", resolvers.office_of, scope=Scope.PUBLIC
    )
    calendar: Calendar = field(
        "The doctor's time.", calendar_resolvers.calendar_of, scope=Scope.PUBLIC
    )
    next_available_slot: Slot | None = field(
        "The first slot that can be booked now; null where there is none within the horizon.",
        calendar_resolvers.next_available_slot,
        scope=Scope.PUBLIC,
        weight=5,
    )


@entity(DepartmentRow)
class Department(Node):
    """A part of the organization that doctors belong to."""

    name: str = field("Its name, unique in the organization.", scope=Scope.PUBLIC)
    description: str | None = field("What it does.", scope=Scope.PUBLIC)
    doctors: Connection[Doctor] = field(
        "Its doctors in order of name.",
        resolvers.doctors_of_department,
        arguments=PAGE,
        scope=Scope.PUBLIC,
    )
    doctor_count: int = field(
        "How many doctors it has.", resolvers.doctor_count, scope=Scope.PUBLIC
    )


@entity(OfficeRow)
class Office(Node):
    """A place where doctors see patients."""

    name: str = field("Its name, unique in the organization.", scope=Scope.PUBLIC)
    address: str | None = field("Where it is.", scope=Scope.PUBLIC)
    phone: str | None = field("Telephone number in E.164.", scope=Scope.PUBLIC)
    time_zone: TimeZone = field("The zone of its doctors' working hours.", scope=Scope.PUBLIC)
    doctors: Connection[Doctor] = field(
        "Its doctors in order of name.",
        resolvers.doctors_of_office,
        arguments=PAGE,
        scope=Scope.PUBLIC,
    )


@entity(PatientRow)
class Patient(Node):
    """The front desk sees every patient of the organization; a doctor those with an appointment and
    those who wait for one; a patient only their own.
    """

    user: User | None = field(
        "Null for someone that the front desk registered without an account.", resolvers.user_of
    )
    name: str = field("The person's name.")
    email: str | None = field("Address to write to.")
    phone: str | None = field("Telephone number in E.164.")
    birth_date: date | None = field("Day of birth.")
    notes: str | None = field("What the front desk noted; for staff.", resolvers.notes_of_patient)
    appointments: Connection[Appointment] = field(
        "The patient's appointments that the viewer may see, in order of start.",
        appointment_resolvers.appointments_of_patient,
        arguments={**PAGE, "filter": Arg("Which ones.", type=AppointmentFilter | None)},
    )
    created_at: datetime = field("When the patient was registered.")
