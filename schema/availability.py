"""Availability: weekly working hours, and making slots from them."""

from datetime import date, time
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import ID

from models import AvailabilityTemplate as TemplateRow
from models import Weekday
from resolvers import calendar as resolvers
from schema.fields import Node, Scope, describe_enum, entity, field, given, inputs, mutation, value
from schema.sizes import SLOTS_A_DAY

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
        "Makes slots from the working hours; slots with appointments are never removed.",
        resolvers.generate_slots,
        GenerateSlotsInput,
        returns=GENERATED,
    )
