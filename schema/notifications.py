"""Notifications: what is sent to people, and what administrators see of it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import ID

from models import Notification as NotificationRow
from models import NotificationChannel, NotificationKind, NotificationStatus
from resolvers import appointments as appointment_resolvers
from resolvers import notifications as resolvers
from schema.fields import Node, describe_enum, entity, field, given, inputs, mutation

if TYPE_CHECKING:
    from schema.appointments import Appointment
else:
    Appointment = Annotated["Appointment", strawberry.lazy("schema.appointments")]

describe_enum(
    NotificationChannel,
    "How a message reaches its recipient.",
    {"EMAIL": "By e-mail.", "SMS": "By text message; not used yet."},
)
describe_enum(
    NotificationStatus,
    "How far a message has come.",
    {
        "PENDING": "Waits to be sent, for the first time or again.",
        "SENT": "Was taken by the mail server.",
        "FAILED": "Was given up; `retryNotification` has it tried again.",
    },
)
describe_enum(
    NotificationKind,
    "What a message is about.",
    {
        "INVITATION": "A link to choose the first password of an account.",
        "SIGN_UP": "A link to confirm the address of a new account.",
        "PASSWORD_RESET": "A link to choose a new password.",
        "PASSWORD_CHANGED": "Tells that the password was changed.",
        "EMAIL_CHANGE": "A link to confirm the new address of an account.",
        "EMAIL_CHANGED": "Tells the old address that there is a new one.",
        "SIGN_IN_COPIED": "Tells that a sign-in was ended because it had been copied.",
        "GUEST_BOOKED": "Confirms a guest's booking of an event, with a link to manage it.",
        "GUEST_MOVED": "Tells a guest that the booking has another time.",
        "GUEST_CANCELLED": "Tells a guest that the booking is cancelled.",
        "GUEST_LIMIT": "Tells a guest who booked again what is booked already.",
        "WAITLIST_OFFER": "Tells a patient on the waitlist that a time is kept for them.",
    },
)


@entity(NotificationRow)
class Notification(Node):
    """A message to one recipient. Its text is written when it is sent, and not kept."""

    channel: NotificationChannel = field("How it reaches the recipient.")
    kind: NotificationKind = field("What it is about.")
    recipient: str = field("The address that it goes to.")
    subject: str | None = field("Its subject; null until it is sent.")
    status: NotificationStatus = field("How far it has come.")
    attempts: int = field("How often it was tried; after eight times it has FAILED.")
    last_error: str | None = field("Why it was not sent the last time; null once it is.")
    appointment: Appointment | None = field(
        "The appointment that it is about; null where it is about an account.",
        appointment_resolvers.appointment_of,
    )
    created_at: datetime = field("When what it tells of happened.")
    scheduled_at: datetime = field(
        "While PENDING: when it is tried next, at the earliest. After that: when it was tried last."
    )
    sent_at: datetime | None = field("When the mail server took it.")


@inputs
class RetryNotificationInput:
    """What to try again."""

    notification_id: ID = given("Which message; one that has FAILED.", node="Notification")


@strawberry.type
class NotificationMutations:
    """See the root."""

    retry_notification = mutation(
        "Has a message that failed tried again, as often as a new one.",
        resolvers.retry_notification,
        RetryNotificationInput,
        returns={"notification": (Notification, "The message, which waits to be sent.")},
    )
