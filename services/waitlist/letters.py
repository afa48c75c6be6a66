"""Letters: what the mail about an offer says, written when it is sent."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from models import Calendar, Claim, ClaimKind, Doctor, Notification, NotificationKind
from models.database import WriteSession
from services.context import Context
from services.letters import Letter, day_and_time, mail_of, time_from_to
from services.mailer import Mail


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
    return mail_of(
        notification,
        f"{clinic}: a time has become free",
        f"You wait for a time at {clinic}. One has become free, and is kept for you.\n\n"
        f"{time_from_to(starts_at, ends_at, zone)}\n"
        f"With {doctor}\n\n"
        f"It is kept until {day_and_time(expires_at, zone)}; then the next who waits gets it. "
        f"Accept or decline it: {context.server.config.base_url}/waitlist",
    )


LETTERS: Mapping[NotificationKind, Letter] = {NotificationKind.WAITLIST_OFFER: _offer}
