"""Availability: weekly working hours, exceptions of them, and making slots."""

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import ID

from models import AvailabilityException as ExceptionRow
from models import AvailabilityTemplate as TemplateRow
from models import ExceptionKind, Weekday
from resolvers import availability as exceptions
from resolvers import calendar as resolvers
from schema.fields import (
    KEY,
    Node,
    Scope,
    describe_enum,
    entity,
    field,
    given,
    inputs,
    mutation,
    value,
)
from schema.sizes import PUBLIC_HOLIDAYS, SLOTS_A_DAY

if TYPE_CHECKING:
    from schema.appointments import Appointment
    from schema.calendar import Calendar
else:
    Calendar = Annotated["Calendar", strawberry.lazy("schema.calendar")]
    Appointment = Annotated["Appointment", strawberry.lazy("schema.appointments")]

describe_enum(
    Weekday,
    "A day of the week.",
    {day.name: f"{day.name.title()}." for day in Weekday},
)
describe_enum(
    ExceptionKind,
    "What an exception does.",
    {
        "CLOSED": "Closes a time: holidays, days off, an afternoon.",
        "EXTRA_HOURS": "Opens a time besides the weekly hours.",
    },
)


@entity(TemplateRow)
class AvailabilityTemplate(Node):
    """Working hours that repeat every week, in wall-clock time of the calendar's time zone."""

    calendar: Calendar = field("Whose hours they are.", resolvers.calendar_of, scope=Scope.PUBLIC)
    weekdays: list[Weekday] = field("On which days.", scope=Scope.PUBLIC)
    start_time: time = field("When they begin.", scope=Scope.PUBLIC)
    end_time: time = field(
        "When they end; 00:00 is midnight at the end of the day.", scope=Scope.PUBLIC
    )
    slot_minutes: int = field("How long each slot is.", scope=Scope.PUBLIC)
    buffer_minutes: int = field("Free minutes between two slots.", scope=Scope.PUBLIC)
    capacity: int = field("How many may book each slot.", scope=Scope.PUBLIC)
    valid_from: date | None = field("First day; null: since ever.", scope=Scope.PUBLIC)
    valid_until: date | None = field("Last day; null: for good.", scope=Scope.PUBLIC)


@entity(ExceptionRow)
class AvailabilityException(Node):
    """Closed time or extra hours; stronger than any template. What is a calendar's own is stronger
    than what is the organization's, and of either closed time is stronger than extra hours.
    """

    calendar: Calendar | None = field(
        "Whose; null for the whole organization, such as a public holiday.",
        resolvers.calendar_of,
        scope=Scope.PUBLIC,
    )
    kind: ExceptionKind = field("What it does.", scope=Scope.PUBLIC)
    starts_at: datetime = field(
        "When it begins. What the clock shows then in the organization's time zone, the "
        "organization's exceptions mean in each calendar's own zone.",
        scope=Scope.PUBLIC,
    )
    ends_at: datetime = field("When it ends, likewise.", scope=Scope.PUBLIC)
    slot_minutes: int | None = field(
        "How long slots of extra hours are; null: as in the weekly hours that begin earliest in "
        "the day, or 30 where there are none.",
        scope=Scope.PUBLIC,
    )
    reason: str | None = field(
        "Why. Of a calendar's own exceptions it is for staff, and null for others.",
        exceptions.reason_of,
        scope=Scope.ROLE,
    )


@value
class AvailabilityPreview:
    """What generating slots does, or would do."""

    created: int = field("Slots that are made.")
    kept: int = field("Slots that stay.")
    removed: int = field("Slots that go.")
    uncovered: list[Appointment] = field(
        "Appointments that the new availability would leave outside working hours. They are never "
        "cancelled silently.",
        rows=SLOTS_A_DAY,
    )


@inputs
class AvailabilityTemplateInput:
    """One weekly range of working hours."""

    weekdays: list[Weekday] = given("On which days, at least one.")
    start_time: time = given("When it begins, in the calendar's zone.")
    end_time: time = given("When it ends; 00:00 is midnight at the end of the day.")
    slot_minutes: int = given("How long each slot is, 1 to 1440.")
    buffer_minutes: int | None = given("Free minutes between two slots.", default=0)
    capacity: int | None = given("How many may book each slot.", default=1)
    valid_from: date | None = given("First day; null: since ever.", default=None)
    valid_until: date | None = given("Last day; null: for good.", default=None)


@inputs
class SetAvailabilityInput:
    """The working hours of a calendar, all of them."""

    calendar_id: ID = given("Whose hours.", node="Calendar")
    templates: list[AvailabilityTemplateInput] = given("They replace the ones before.")


@inputs
class GenerateSlotsInput:
    """Which slots to make."""

    calendar_id: ID = given("For which calendar.", node="Calendar")
    from_: date = given("First day.", wire="from", name="first_day")
    until: date = given("Last day, at most as far as the booking horizon.", name="last_day")


@inputs
class AddAvailabilityExceptionInput:
    """What to close or to open. Exceptions may overlap."""

    calendar_id: ID | None = given(
        "In which calendar; the whole organization where left out, for ADMIN and RECEPTIONIST.",
        node="Calendar",
        default=None,
    )
    kind: ExceptionKind = given("Close or open.")
    starts_at: datetime = given(
        "From when. For the whole organization, the wall-clock time that this is in its time zone "
        "holds in each calendar's own."
    )
    ends_at: datetime = given(
        "Until when, likewise: at most 366 days later, and 24 months from now."
    )
    slot_minutes: int | None = given(
        "How long slots of extra hours are, 1 to 1440; as in the weekly hours that begin earliest "
        "in the day where left out, or 30 where there are none.",
        default=None,
    )
    reason: str | None = given(
        "For staff; for the whole organization, for everybody.", default=None
    )
    idempotency_key: str | None = given(KEY, default=None)


@inputs
class RemoveAvailabilityExceptionInput:
    """What to take away again."""

    exception_id: ID = given("Which exception.", node="AvailabilityException")


UNCOVERED = (
    "Open appointments, in order of start and at most a thousand, that stand in the closed time. "
    "They are never cancelled silently."
)


@inputs
class ImportPublicHolidaysInput:
    """Which public holidays."""

    country: str = given("ISO 3166 code of the country, such as ES.")
    subdivision: str | None = given(
        "ISO 3166-2 code of a part of it, such as MD or ES-MD, for its holidays besides the "
        "country's.",
        default=None,
    )
    year: int = given("Which year: this one, or one of the next two.")


GENERATED = {
    "calendar": (Calendar, "The calendar."),
    "preview": (AvailabilityPreview, "What was done, or would be."),
}


@strawberry.type
class AvailabilityMutations:
    """See the root."""

    set_availability = mutation(
        "Replaces a calendar's working hours, and says what generating would do.",
        resolvers.set_availability,
        SetAvailabilityInput,
        returns=GENERATED,
    )
    generate_slots = mutation(
        "Makes the slots of some days from the working hours and their exceptions, anew where "
        "there are slots; those with appointments are never removed.",
        resolvers.generate_slots,
        GenerateSlotsInput,
        returns=GENERATED,
    )
    add_availability_exception = mutation(
        "Closes a time, or opens one: of slots that were made already, free ones in closed time "
        "go, those with appointments can no longer be booked, and slots of extra hours come. "
        "Without a calendar it is not for doctors.",
        exceptions.add_availability_exception,
        AddAvailabilityExceptionInput,
        returns={
            "exception": (AvailabilityException, "What was added."),
            "uncovered": (list[Appointment], UNCOVERED),
        },
        rows={"uncovered": SLOTS_A_DAY},
    )
    remove_availability_exception = mutation(
        "Takes an exception away: slots come back, and go, as if there had been none.",
        exceptions.remove_availability_exception,
        RemoveAvailabilityExceptionInput,
        returns={"deleted_id": (ID, "The id of what is gone.")},
    )
    import_public_holidays = mutation(
        "Closes the whole organization on the public holidays to come of a year, each named in the "
        "organization's language where that is known. Each is imported once: one that was removed "
        "does not come back.",
        exceptions.import_public_holidays,
        ImportPublicHolidaysInput,
        returns={
            "exceptions": (
                list[AvailabilityException],
                "The holidays, in order; those of earlier imports too.",
            ),
            "uncovered": (list[Appointment], UNCOVERED),
        },
        rows={"exceptions": PUBLIC_HOLIDAYS, "uncovered": SLOTS_A_DAY},
    )
