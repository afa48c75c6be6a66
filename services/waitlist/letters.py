"""Letters: what the mail about an offer says, written when it is sent."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from models import Calendar, Claim, ClaimKind, Doctor, Notification, NotificationKind
from models.database import WriteSession
from services.context import Context
from services.mailer import Mail

Letter = Callable[[Context, WriteSession, Notification], Awaitable[Mail | None]]


async def _offer(
    context: Context, session: WriteSession, notification: Notification
) -> Mail | None:
    """What is kept, and until when; none where that is over, or answered."""
    statement = (
        select(Claim.starts_at, Claim.ends_at, Claim.expires_at, Doctor.name, Calendar.time_zone)
        .join(Calendar, Calendar.id == Claim.calendar_id)
        .join(Doctor, Doctor.calendar_id == Calendar.id)
        .where(
            # The claim has the id of the message that tells of it.
            Claim.id == notification.id,
            Claim.kind == ClaimKind.HOLD,
            Claim.expires_at > context.now,
        )
    )
    found: Any = (await session.execute(statement)).one_or_none()
    if found is None:
        return None
    starts_at, ends_at, expires_at, doctor, zone = found
    clinic = context.organization.name
    return Mail(
        notification.id.hex,
        notification.recipient,
        f"{clinic}: a time has become free",
        f"You wait for a time at {clinic}. One has become free, and is kept for you.\n\n"
        f"{_moment(starts_at, zone)} to {_clock(ends_at, zone)} ({zone})\n"
        f"With {doctor}\n\n"
        f"It is kept until {_moment(expires_at, zone)}; then the next who waits gets it. "
        f"Accept or decline it: {context.server.config.base_url}/waitlist",
    )


LETTERS: Mapping[NotificationKind, Letter] = {NotificationKind.WAITLIST_OFFER: _offer}


def _moment(instant: datetime, zone: str) -> str:
    """Day and time on the calendar of a zone."""
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local:%A}, {local.day} {local:%B %Y}, {_clock(instant, zone)}"


def _clock(instant: datetime, zone: str) -> str:
    return f"{instant.astimezone(ZoneInfo(zone)):%H:%M}"
