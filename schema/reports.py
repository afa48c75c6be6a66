"""Reports: what happened and what is planned, in numbers."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import strawberry

from models import AppointmentStatus
from resolvers import reports as resolvers
from schema.fields import Arg, field, value

if TYPE_CHECKING:
    from schema.directory.types import Doctor
else:
    Doctor = Annotated["Doctor", strawberry.lazy("schema.directory.types")]

STATUSES = 5
USUAL_DAYS = 31
USUAL_DOCTORS = 50


@value
class StatusCount:
    """How many appointments stand so."""

    status: AppointmentStatus = field("Where they stand.")
    count: int = field("How many.")


@value
class DayCount:
    """The appointments that begin on a day."""

    day: date = field("Which day, in the organization's time zone.", name="date")
    booked: int = field("Booked or checked in: not over yet.")
    completed: int = field("They have taken place.")
    cancelled: int = field("They were cancelled.")
    no_show: int = field("Nobody came.")


@value
class DoctorUtilization:
    """How much of what a doctor offers is taken."""

    doctor: Doctor = field("Who.")
    open_minutes: int = field(
        "What the doctor's slots offer, each as often as it can be booked; blocked ones do not."
    )
    booked_minutes: int = field("What of it appointments take that were not cancelled.")
    utilization: float = field("bookedMinutes / openMinutes, 0 to 1; 0 where nothing is open.")


@value
class Statistics:
    """Some days in numbers: of doctors their own, of receptionists all but those of events."""

    appointment_count: int = field("All appointments, cancelled ones too.")
    appointments_by_status: list[StatusCount] = field(
        "Each status, also one without appointments.", rows=STATUSES
    )
    appointments_by_day: list[DayCount] = field("Each of the days, in order.", rows=USUAL_DAYS)
    by_doctor: list[DoctorUtilization] = field(
        "Each doctor who is not archived, in order of the name.", rows=USUAL_DOCTORS
    )
    no_show_rate: float = field("Of the visits that are over, how many nobody came to, 0 to 1.")
    cancellation_rate: float = field("How many of all were cancelled, 0 to 1.")
    average_lead_hours: float | None = field(
        "Mean hours between booking and beginning; null where nothing was booked."
    )


# It looks through everything that there is on the days.
WEIGHT = 50


@strawberry.type
class ReportQueries:
    """What of the root `Query` is about reports."""

    statistics: Statistics = field(
        "Some days in numbers, at most 366. For ADMIN, DOCTOR, RECEPTIONIST.",
        resolvers.statistics,
        arguments={
            "first_day": Arg("First day, in the organization's time zone.", name="from"),
            "last_day": Arg("Last day.", name="until"),
            "doctor_id": Arg("Of this doctor alone."),
            "department_id": Arg("Of this department's doctors alone."),
        },
        weight=WEIGHT,
    )
