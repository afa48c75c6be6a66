"""The organization and its booking policy."""

import strawberry
from strawberry import Maybe

from models import Organization as OrganizationRow
from resolvers import organizations as resolvers
from schema.fields import Node, entity, field, given, inputs, mutation, value
from schema.scalars import TimeZone


@value
class BookingPolicy:
    """The terms on which patients book; they do not bind staff."""

    horizon_months: int = field("How far ahead slots are generated and may be booked, in months.")
    minimum_notice_minutes: int = field("How long before its start a slot can last be booked.")
    cancellation_notice_minutes: int = field(
        "How long before its start an appointment can last be cancelled or moved."
    )
    max_open_appointments_per_patient: int | None = field(
        "Open appointments one patient may have; null: no limit."
    )
    hold_minutes: int = field("How long a slot is kept for somebody who is booking.")
    offer_minutes: int = field(
        "How long a slot is kept for somebody on the waitlist whom it is offered to."
    )
    reminder_hours_before: list[int] = field("How many hours before the visit reminders go out.")


@entity(OrganizationRow)
class Organization(Node):
    """A clinic or a group of clinics; nothing is shared between two of them."""

    slug: str = field("Its short name in addresses.")
    name: str = field("Its name.")
    time_zone: TimeZone = field("The zone of offices and calendars that name no other.")
    locale: str = field("Language and country, such as es-MX.")
    booking_policy: BookingPolicy = field("The terms on which patients book.")


@inputs
class BookingPolicyInput:
    """The parts of the booking policy that change."""

    horizon_months: Maybe[int] = given("1 to 24.")
    minimum_notice_minutes: Maybe[int] = given("0 to 86400.")
    cancellation_notice_minutes: Maybe[int] = given("0 to 86400.")
    max_open_appointments_per_patient: Maybe[int | None] = given("1 to 1000; null: no limit.")
    hold_minutes: Maybe[int] = given("1 to 120.")
    offer_minutes: Maybe[int] = given("5 to 1440.")
    reminder_hours_before: Maybe[list[int]] = given("At most 5, each 1 to 720.")


@inputs
class UpdateOrganizationInput:
    """The settings that change; what is left out stays."""

    name: Maybe[str] = given("Its name.")
    time_zone: Maybe[TimeZone] = given("Its time zone.")
    locale: Maybe[str] = given("Language and country, such as es-MX.")
    booking_policy: Maybe[BookingPolicyInput] = given("The terms on which patients book.")


@strawberry.type
class OrganizationMutations:
    """See the root."""

    update_organization = mutation(
        "Changes the organization's settings.",
        resolvers.update_organization,
        UpdateOrganizationInput,
        returns={"organization": (Organization, "The organization as it is now.")},
    )
