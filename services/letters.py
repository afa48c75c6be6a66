"""Letters: what the texts of all our mails have in common. What each of them says is written in the
`letters` of the domain that it comes from, when it is sent.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from models import Notification
from models.database import WriteSession
from services.context import Context
from services.mailer import Mail

# A mail for a notification; None where there is nothing to tell any more.
Letter = Callable[[Context, WriteSession, Notification], Awaitable[Mail | None]]


def mail_of(notification: Notification, subject: str, body: str) -> Mail:
    """The mail that is sent for a notification: the same however often it is tried."""
    return Mail(notification.id.hex, notification.recipient, subject, body)


def day_and_time(instant: datetime, zone: str) -> str:
    """An instant on the calendar and the clock of a zone: Monday, 2 March 2026, 09:30."""
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local:%A}, {local.day} {local:%B %Y}, {local:%H:%M}"


def time_from_to(starts_at: datetime, ends_at: datetime, zone: str) -> str:
    """A time in a zone, which is named: Monday, 2 March 2026, 09:30 to 10:00 (Europe/Madrid)."""
    until = f"{ends_at.astimezone(ZoneInfo(zone)):%H:%M}"
    return f"{day_and_time(starts_at, zone)} to {until} ({zone})"
