"""Openings: looking for the first times that can be booked, over any number of doctors."""

from datetime import datetime, time

from strawberry import ID

from models import Weekday
from resolvers import calendar as resolvers
from schema.calendar import Slot
from schema.directory.types import Doctor
from schema.fields import field, given, inputs, value


@value
class Opening:
    """A time that can be booked: `slot` is where it starts."""

    slot: Slot = field("The slot that it begins with.")
    doctor: Doctor = field("Whose time it is.", resolvers.doctor_of_opening)
    starts_at: datetime = field("When it begins.")
    ends_at: datetime = field("When the visit would end.")


@inputs
class OpeningSearch:
    """What to look for; what is left out does not matter."""

    department_id: ID | None = given("In this department.", node="Department", default=None)
    office_id: ID | None = given("In this office.", node="Office", default=None)
    doctor_ids: list[ID] | None = given(
        "With one of these, at most 500.", node="Doctor", default=None
    )
    specialty: str | None = given("With this specialty, whole.", default=None)
    language: str | None = given("With somebody who speaks it, a locale such as es.", default=None)
    visit_type_id: ID | None = given(
        "For this kind of visit, with room for all of it.", node="VisitType", default=None
    )
    from_: datetime = given("That begin then or later.", wire="from", name="starts_from")
    to: datetime | None = given("That begin before then.", name="starts_before", default=None)
    weekdays: list[Weekday] | None = given("On one of these days, where it is.", default=None)
    earliest_time: time | None = given("Not before this time of day, where it is.", default=None)
    latest_time: time | None = given(
        "That begin no later than this time of day, where it is.", default=None
    )
    minimum_minutes: int | None = given(
        "With at least so many minutes free, 1 to 1440.", default=None
    )
