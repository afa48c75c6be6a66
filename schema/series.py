"""Series: appointments that are booked together, week after week, and cancelled together."""

import datetime as dt

import strawberry
from strawberry import ID

from models import AppointmentSeries as AppointmentSeriesRow
from models import OnConflict, SeriesScope, WhyKept
from resolvers import appointments as appointment_resolvers
from resolvers import series as resolvers
from resolvers.calendar import Obstacle
from schema.appointments import EXPECTED, Appointment
from schema.calendar import Slot
from schema.errors import UserError, shows
from schema.fields import KEY, Node, describe_enum, entity, field, given, inputs, mutation, value
from schema.scalars import TimeZone
from services import errors

# More than a year of weeks has nobody.
MOST = 52

describe_enum(
    OnConflict,
    "What becomes of a series of which something cannot be booked.",
    {
        "FAIL_ALL": "Nothing is booked.",
        "SKIP": "What can be booked is; the rest is named, and counts as an occurrence.",
        "SUGGEST": "Nothing is booked, and what is free instead comes along.",
    },
)
describe_enum(
    SeriesScope,
    "Which appointments of a series are meant, seen from one of them.",
    {
        "THIS": "That one alone.",
        "FOLLOWING": "That one, and all that begin later by now, wherever they were moved from.",
        "ALL": "All that have not begun.",
    },
)
describe_enum(
    WhyKept,
    "Why an appointment of a series was not cancelled with the others.",
    {
        "CANCELLATION_CLOSED": "It is too late for the patient to cancel it.",
        "BEGUN": "It has begun.",
        "NOT_OPEN": "It has taken place, or the patient did not come.",
    },
)


@entity(AppointmentSeriesRow)
class AppointmentSeries(Node):
    """Appointments that were booked together: on one weekday and at one time by the clock on the
    wall, in summer and in winter. Each may be moved or cancelled alone, and stays in the series.
    """

    recurrence: str = field(
        "The rule by which it was booked, as RFC 5545 writes it: a line DTSTART with the zone, "
        "and a line RRULE."
    )
    every_weeks: int = field("How many weeks there are from one to the next.")
    time_zone: TimeZone = field("The zone of the clock.")
    appointments: list[Appointment] = field(
        "Its appointments that the viewer may see, in order of start, cancelled ones too; at most "
        "52.",
        resolvers.appointments_of_series,
        rows=MOST,
    )
    created_at: dt.datetime = field("When it was booked.")


@value
class SeriesOccurrence:
    """One of the times of a series as it was planned: booked, or with what stood in the way. In a
    refusal, without an obstacle, it could have been booked.
    """

    number: int = field("Which one, from 1.")
    day: dt.date = field("On which day in the calendar's zone.", name="date")
    starts_at: dt.datetime | None = field(
        "When it was to begin; null where the clocks leave that time out on that day."
    )
    appointment: Appointment | None = field(
        "What was booked, as it is now.", appointment_resolvers.appointment_of
    )
    obstacle: Obstacle | None = field("Why it was not booked, or cannot be.")
    message: str | None = field("The obstacle, for people.")
    alternatives: list[Slot] = field(
        "With SUGGEST the nearest slots of the same calendar that the patient could have instead, "
        "at most three; none where another time would not help.",
        rows=3,
    )


@value
class KeptAppointment:
    """An appointment of a series that was not cancelled with the others."""

    appointment: Appointment = field("Which one.")
    reason: WhyKept = field("Why.")
    message: str = field("For people.")


@shows(errors.SeriesNotBookable)
class SeriesNotBookable(UserError):
    """See the refusal."""

    occurrences: list[SeriesOccurrence] = field("Each of its times, in order.", rows=MOST)


@inputs
class RecurrenceInput:
    """How often: `count` times, or until a day; one of the two. From 2 to 52 times."""

    every_weeks: int = given("How many weeks from one to the next, 1 to 12.", default=1)
    count: int | None = given("How many, 2 to 52, the first one included.", default=None)
    until: dt.date | None = given(
        "The last day on which one may be, in the calendar's zone.", default=None
    )


@inputs
class BookSeriesInput:
    """What to book again and again, and for whom."""

    slot_id: ID = given("The slot of the first one.", node="Slot")
    recurrence: RecurrenceInput = given("How often, at the same time by the clock on the wall.")
    on_conflict: OnConflict = given(
        "What becomes of it where something of it cannot be booked.", default=OnConflict.FAIL_ALL
    )
    patient_id: ID | None = given(
        "For whom; the viewer's own where left out.", node="Patient", default=None
    )
    visit_type_id: ID | None = given(
        "What kind of visit; just the slots where left out.", node="VisitType", default=None
    )
    reason: str | None = given("Why the patient comes; said of each.", default=None)
    idempotency_key: str | None = given(KEY, default=None)


@inputs
class CancelSeriesInput:
    """What of a series to cancel, and why."""

    appointment_id: ID = given("One appointment of the series.", node="Appointment")
    scope: SeriesScope = given("Which of the others are meant.")
    reason: str | None = given("Why; said of each.", default=None)
    expected_version: int | None = given(EXPECTED, default=None)


@strawberry.type
class SeriesMutations:
    """See the root."""

    book_series = mutation(
        "Books a visit that begins with a slot, and again at the same time of later weeks.",
        resolvers.book_series,
        BookSeriesInput,
        returns={
            "series": (AppointmentSeries, "The series."),
            "occurrences": (
                list[SeriesOccurrence],
                "Each of its times, in order, as it was planned.",
            ),
        },
        rows={"occurrences": MOST},
    )
    cancel_series = mutation(
        "Cancels appointments of a series; their time is free at once.",
        resolvers.cancel_series,
        CancelSeriesInput,
        returns={
            "cancelled": (list[Appointment], "What was cancelled, in order of start."),
            "kept": (list[KeptAppointment], "What was meant and could not be."),
        },
        rows={"cancelled": MOST, "kept": MOST},
    )
