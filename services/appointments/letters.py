"""Letters: what the mails about bookings say to guests, written when they are sent.

As in all our mails, nothing in them was said by whoever caused them: anybody can book with a
stranger's address.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from models import (
    OPEN_STATUSES,
    Appointment,
    AppointmentStatus,
    Event,
    Notification,
    NotificationKind,
)
from models.database import WriteSession
from services.accounts import tokens
from services.context import Context
from services.events.lists import url_of
from services.letters import Letter, mail_of, time_from_to
from services.mailer import Mail
from services.notifications import notify

NOT_YOU = (
    "If it was not you, somebody has mistaken your address for theirs: cancel it by this link, or "
    "leave it be."
)


def tell_guest(
    context: Context, session: WriteSession, appointment: Appointment, kind: NotificationKind
) -> None:
    """Have a guest told what has become of a booking; patients see it in their account."""
    if appointment.guest_email is not None:
        notify(context, session, kind, appointment.guest_email, appointment_id=appointment.id)


def _about(subject: str, body: str, *statuses: AppointmentStatus) -> Letter:
    """A letter about one booking; none where the booking is not what it says any more.

    Args:
        subject, body: `{title}`, `{when}`, `{reference}`, `{link}` and `{clinic}` are filled in.

    """

    async def letter(
        context: Context, session: WriteSession, notification: Notification
    ) -> Mail | None:
        found = await _bookings(session, Appointment.id == notification.appointment_id)
        # Whoever was told of what is over by now would be told of nothing.
        facts = [
            _facts(context, appointment, event)
            for appointment, event in found
            if appointment.status in statuses and event.ends_at > context.now
        ]
        if not facts:
            return None
        return mail_of(notification, subject.format(**facts[0]), body.format(**facts[0]))

    return letter


async def _limit(
    context: Context, session: WriteSession, notification: Notification
) -> Mail | None:
    """What is booked already, with its links: whoever has lost the mail finds them here."""
    of_event = select(Appointment.event_id).where(Appointment.id == notification.appointment_id)
    found = await _bookings(
        session,
        Appointment.event_id.in_(of_event),
        Appointment.guest_email == notification.recipient,
        Appointment.status.in_(OPEN_STATUSES),
    )
    facts = [_facts(context, *row) for row in found if row[1].ends_at > context.now]
    if not facts:
        return None
    lines = "\n\n".join("{when}, {reference}\n{link}".format(**one) for one in facts)
    return mail_of(
        notification,
        "{title}: you have booked already".format(**facts[0]),
        "Somebody, perhaps you, has tried to book {title} once more with this address. More places "
        "are not given to one person. What is booked:".format(**facts[0])
        + f"\n\n{lines}",
    )


LETTERS: Mapping[NotificationKind, Letter] = {
    NotificationKind.GUEST_BOOKED: _about(
        "{title}: you have a place",
        "You have a place at {title} of {clinic}.\n\n{when}\nReference {reference}\n\n"
        f"See, move or cancel it: {{link}}\n\n{NOT_YOU}",
        *OPEN_STATUSES,
    ),
    NotificationKind.GUEST_MOVED: _about(
        "{title}: you have another time",
        "Your place at {title} of {clinic} has another time.\n\n{when}\nReference {reference}\n\n"
        "See, move or cancel it: {link}",
        *OPEN_STATUSES,
    ),
    NotificationKind.GUEST_CANCELLED: _about(
        "{title}: your place is cancelled",
        "Your place at {title} of {clinic} is cancelled.\n\n{when}\nReference {reference}",
        AppointmentStatus.CANCELLED,
    ),
    NotificationKind.GUEST_LIMIT: _limit,
}


async def _bookings(
    session: WriteSession, *conditions: object
) -> Sequence[tuple[Appointment, Event]]:
    statement = (
        select(Appointment, Event)
        .join(Event, Event.id == Appointment.event_id)
        .where(*conditions)  # type: ignore[arg-type]
        .order_by(Appointment.starts_at, Appointment.id)
    )
    rows = (await session.execute(statement)).all()
    return [(appointment, event) for appointment, event in rows]


def _facts(context: Context, appointment: Appointment, event: Event) -> dict[str, str]:
    token = tokens.manage_token(context.server.config, appointment.id)
    return {
        "title": event.title,
        "when": time_from_to(appointment.starts_at, appointment.ends_at, event.time_zone),
        "reference": appointment.reference,
        "link": f"{url_of(context, event)}#booking={token}",
        "clinic": context.organization.name,
    }
