"""Acts on events, and what guests do with their bookings."""

import datetime as dt

import strawberry
from strawberry import ID, Maybe

from resolvers import events as resolvers
from schema.appointments import Appointment
from schema.events import Event
from schema.fields import KEY, given, inputs, mutation
from schema.scalars import TimeZone


@inputs
class EventSlotInput:
    """One slot of an event."""

    start_time: dt.time = given("When it begins, in the event's zone.")
    end_time: dt.time = given("When it ends; 00:00 is midnight at the end of the day.")
    capacity: int | None = given("How many may book it, 1 to 1000.", default=1)


@inputs
class CreateEventInput:
    """A new event, which nobody else sees yet."""

    title: str = given("What it is, in one line.")
    description: str | None = given("More about it.", default=None)
    date: dt.date = given("On which day; not one that is over.")
    time_zone: TimeZone | None = given(
        "The zone of its times; the organization's where left out.", default=None
    )
    slots: list[EventSlotInput] = given("What can be booked, at most 200.")
    per_person_limit: Maybe[int] = given("How many places one person may have; otherwise one.")
    idempotency_key: str | None = given(KEY, default=None)


@inputs
class UpdateEventInput:
    """What changes; what is left out stays."""

    event_id: ID = given("Which event.", node="Event")
    title: Maybe[str] = given("What it is, in one line.")
    description: Maybe[str | None] = given("More about it.")
    date: Maybe[dt.date] = given("On which day; slots that are not given anew have the same times.")
    time_zone: Maybe[TimeZone] = given("The zone of its times.")
    slots: Maybe[list[EventSlotInput]] = given(
        "What can be booked, all of it; slots that stay keep their ids."
    )
    per_person_limit: Maybe[int] = given("How many places one person may have.")


@inputs
class PublishEventInput:
    """What to publish."""

    event_id: ID = given("Which event.", node="Event")


@inputs
class UnpublishEventInput:
    """What to hide."""

    event_id: ID = given("Which event.", node="Event")


@inputs
class DeleteEventInput:
    """What to delete."""

    event_id: ID = given("Which event.", node="Event")


@inputs
class GuestInput:
    """Who comes without an account."""

    name: str = given("The person's name.")
    email: str = given("Where the confirmation is sent, with a link to manage the booking.")
    phone: str | None = given("Telephone number.", default=None)


@inputs
class BookEventSlotInput:
    """What to book, and for whom."""

    slot_id: ID = given("Which slot.", node="Slot")
    guest: GuestInput | None = given(
        "Who comes. Not for signed-in patients, who book for themselves.", default=None
    )
    idempotency_key: str | None = given(f"For those who are signed in. {KEY}", default=None)


TOKEN = "The secret that the booking was answered with, and that is in its mails."  # noqa: S105


@inputs
class RescheduleGuestBookingInput:
    """What to move, and where."""

    manage_token: str = given(TOKEN)
    slot_id: ID = given("The slot of the same event to move to.", node="Slot")


@inputs
class CancelGuestBookingInput:
    """What to cancel, and why."""

    manage_token: str = given(TOKEN)
    reason: str | None = given("Why.", default=None)


FOR_GUESTS = (
    "For a guest who has booked without an account: to see, move or cancel it until the event is "
    "over. Keep it secret."
)
CHANGED = {"event": (Event, "The event as it is now.")}
BOOKED = {"appointment": (Appointment, "The booking as it is now.")}


@strawberry.type
class EventMutations:
    """See the root."""

    create_event = mutation(
        "Makes an event that the viewer organizes.",
        resolvers.create_event,
        CreateEventInput,
        returns=CHANGED,
    )
    update_event = mutation(
        "Changes an event; slots that are booked stay.",
        resolvers.update_event,
        UpdateEventInput,
        returns=CHANGED,
    )
    publish_event = mutation(
        "Lets everybody with the link see and book an event.",
        resolvers.publish_event,
        PublishEventInput,
        returns=CHANGED,
    )
    unpublish_event = mutation(
        "Hides an event; what is booked stays booked.",
        resolvers.unpublish_event,
        UnpublishEventInput,
        returns=CHANGED,
    )
    delete_event = mutation(
        "Archives an event: out of every list; history stays.",
        resolvers.delete_event,
        DeleteEventInput,
        returns={"deleted_id": (ID, "The id of what is gone.")},
    )
    book_event_slot = mutation(
        "Books a place of an event: patients for themselves, everybody else for a guest, who gets "
        "a mail. With one address, and from one network address, so many in an hour.",
        resolvers.book_event_slot,
        BookEventSlotInput,
        returns={**BOOKED, "manage_token": (str, FOR_GUESTS)},
    )
    reschedule_guest_booking = mutation(
        "Moves a guest's booking in place: the same id, and the old place is free at once.",
        resolvers.reschedule_guest_booking,
        RescheduleGuestBookingInput,
        returns=BOOKED,
        sensitive=True,
    )
    cancel_guest_booking = mutation(
        "Cancels a guest's booking; its place is free at once.",
        resolvers.cancel_guest_booking,
        CancelGuestBookingInput,
        returns=BOOKED,
        sensitive=True,
    )
