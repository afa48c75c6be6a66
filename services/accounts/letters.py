"""Letters: what the mails about accounts say, written when they are sent.

Nothing in them was said by whoever caused them: otherwise anybody could have us mail their words to
strangers.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert

from models import Base, Notification, NotificationKind, SignUp, TokenPurpose, User, UserToken
from models.database import ReadSession, WriteSession
from services.accounts import tokens
from services.context import Context
from services.letters import Letter, mail_of
from services.mailer import Mail, NotSent

RESET_LASTS = timedelta(minutes=30)
NOT_YOU = "If it was not you, there is nothing to do."
WAS_NOT_YOU = "If it was not you, choose a new password at once, and tell us."


async def _invitation(
    context: Context, session: WriteSession, notification: Notification
) -> Mail | None:
    await _require(session, UserToken, _is_open(context, notification))
    link = _link(context, notification, "accept-invitation")
    subject = f"Your account at {context.organization.name}"
    return mail_of(notification, subject, f"Choose a password within seven days: {link}")


async def _sign_up(
    context: Context, session: WriteSession, notification: Notification
) -> Mail | None:
    clinic = context.organization.name
    if await _has_account(session, notification.recipient):
        return mail_of(
            notification,
            f"You have an account at {clinic}",
            f"Somebody, perhaps you, has signed up at {clinic} with this address, which has an "
            f"account already. Sign in with it at {context.server.config.base_url}, where you "
            f"can also choose a new password. {NOT_YOU}",
        )
    hashed = _hashed(context, notification)
    waits = (SignUp.token_hash == hashed) & (SignUp.expires_at > context.now)
    await _require(session, SignUp, waits)
    link = _link(context, notification, "confirm-email")
    return mail_of(
        notification,
        f"Confirm your address at {clinic}",
        f"Confirm within a day that this is your address: {link}\n\n{NOT_YOU}",
    )


async def _password_reset(
    context: Context, session: WriteSession, notification: Notification
) -> Mail | None:
    """Only here is it looked who has the address: whoever asked has had the answer before."""
    having = select(User).where(User.email == notification.recipient, User.is_active)
    user: User | None = (await session.execute(having)).scalar_one_or_none()
    if user is None:
        return None
    making = insert(UserToken).values(
        organization_id=notification.organization_id,
        id=notification.id,
        user_id=user.id,
        purpose=TokenPurpose.PASSWORD_RESET,
        token_hash=_hashed(context, notification),
        expires_at=notification.created_at + RESET_LASTS,
    )
    await session.execute(making.on_conflict_do_nothing(constraint="pk_user_tokens"))
    await _require(session, UserToken, _is_open(context, notification))
    link = _link(context, notification, "reset-password")
    return mail_of(
        notification,
        f"A new password at {context.organization.name}",
        f"Choose a new password within half an hour: {link}\n\n{NOT_YOU}",
    )


async def _email_change(
    context: Context, session: WriteSession, notification: Notification
) -> Mail | None:
    if await _has_account(session, notification.recipient):
        return None
    await _require(session, UserToken, _is_open(context, notification))
    link = _link(context, notification, "confirm-email-change")
    return mail_of(
        notification,
        f"Confirm your new address at {context.organization.name}",
        f"Confirm within a day that this is your address, where you are signed in: {link}\n\n"
        f"{NOT_YOU}",
    )


def _notice(subject: str, body: str) -> Letter:
    """A letter that only tells something; `{}` stands for the organization's name."""

    async def letter(context: Context, _: WriteSession, notification: Notification) -> Mail | None:
        clinic = context.organization.name
        return mail_of(notification, subject.replace("{}", clinic), body.replace("{}", clinic))

    return letter


LETTERS: Mapping[NotificationKind, Letter] = {
    NotificationKind.INVITATION: _invitation,
    NotificationKind.SIGN_UP: _sign_up,
    NotificationKind.PASSWORD_RESET: _password_reset,
    NotificationKind.PASSWORD_CHANGED: _notice(
        "Your password at {} was changed",
        "The password of your account at {} was changed, and everybody who was signed in with the "
        f"old one is signed out. {WAS_NOT_YOU}",
    ),
    NotificationKind.EMAIL_CHANGE: _email_change,
    NotificationKind.EMAIL_CHANGED: _notice(
        "Your address at {} was changed",
        "Your account at {} has another e-mail address now, and nothing more is sent to this one. "
        "If it was not you, tell us at once.",
    ),
    NotificationKind.SIGN_IN_COPIED: _notice(
        "You were signed out at {}",
        "Something was used at {} that only a copy of your sign-in can know: somebody else may "
        "have it. That sign-in was ended everywhere; sign in again. If that happens again, choose "
        "a new password, and tell us.",
    ),
}


def _link(context: Context, notification: Notification, path: str) -> str:
    secret = tokens.mailed_secret(context.server.config, notification.id)
    # The secret stands behind a #, so that it reaches no server's log.
    return f"{context.server.config.base_url}/{path}#{secret}"


def _hashed(context: Context, notification: Notification) -> bytes:
    """What is kept of the secret. Where it was made with another secret key, nothing is."""
    return tokens.hashed(tokens.mailed_secret(context.server.config, notification.id))


def _is_open(context: Context, notification: Notification) -> Any:
    return (
        (UserToken.token_hash == _hashed(context, notification))
        & UserToken.used_at.is_(None)
        & (UserToken.expires_at > context.now)
    )


async def _require(session: ReadSession, table: type[Base], condition: Any) -> None:
    found = await session.execute(select(exists(select(table).where(condition))))
    if not found.scalar_one():
        raise NotSent("The link in it is used or has expired.", is_final=True)


async def _has_account(session: ReadSession, email: str) -> bool:
    found = await session.execute(select(exists().where(User.email == email)))
    return bool(found.scalar_one())
