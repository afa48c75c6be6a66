"""Passwords of accounts: changing the own one, and choosing a new one where it was forgotten."""

from models import NotificationKind, TokenPurpose, User
from models.database import WriteSession
from services import checks, trail
from services.access import Permission, act
from services.accounts.attempts import forget_account, forget_attempt, require_password
from services.accounts.mailed import holder_of, use, use_up
from services.accounts.sessions import Session, end_sign_ins, locked_user, open_session
from services.accounts.users import checked_password, own_account
from services.context import Context
from services.errors import InvalidCredentials, InvalidToken, TooManyAttempts, WeakPassword
from services.limits import household
from services.notifications import notify


@act(Permission.CHANGE_SELF, InvalidCredentials, TooManyAttempts, WeakPassword)
async def change_password(context: Context, *, current_password: str, password: str) -> Session:
    """Set a new password; every other sign-in ends.

    Raises:
        InvalidCredentials: the current password is wrong.
        TooManyAttempts: too many were tried for this account, or from this address.
        WeakPassword: the new one is easy to guess.

    """
    found = await own_account(context)
    await require_password(context, found, current_password, "current_password")
    password_hash = await checked_password(
        context, password, found.name, found.email, found.username
    )
    async with context.writing() as session:
        user = await locked_user(session, found.id)
        if user.password_hash != found.password_hash:
            raise InvalidCredentials("current_password")
        await forget_attempt(context, session, user)
        await use_up(context, session, user)
        await _replace(context, session, user, password_hash)
        return await open_session(context, session, user)


@act(Permission.SIGN_IN)
async def request_password_reset(context: Context, *, email: str) -> bool:
    """Have a link mailed with which a new password can be chosen, if anybody has this address:
    that is looked up when the mail is sent, and neither the answer nor its time tells.

    Raises:
        RateLimited: too many were asked for within an hour, for this address or from this network
            address; for one that is unknown alike.

    """
    email = checks.email(email)
    limits = context.server.limits
    for whom in (f"{context.organization.id} {email}", household(context.client.ip_address)):
        await limits.spend(limits.rates.password_resets, whom)
    async with context.writing() as session:
        notify(context, session, NotificationKind.PASSWORD_RESET, email)
    return True


@act(Permission.SIGN_IN, InvalidToken, WeakPassword)
async def reset_password(context: Context, *, token: str, password: str) -> User:
    """Choose a new password with the token of a mail. Every sign-in ends, and nobody is signed in.

    Raises:
        InvalidToken: it is unknown, used or expired.
        WeakPassword: the password is easy to guess.

    """
    user = await holder_of(context, TokenPurpose.PASSWORD_RESET, token)
    password_hash = await checked_password(context, password, user.name, user.email, user.username)
    async with context.writing() as session:
        _, user = await use(context, session, TokenPurpose.PASSWORD_RESET, token)
        await forget_account(context, session, user)
        await _replace(context, session, user, password_hash)
        await session.flush()
        await session.refresh(user)
    return user


async def _replace(context: Context, session: WriteSession, user: User, password_hash: str) -> None:
    """Set a password that is not the first one, and tell its owner."""
    user.password_hash = password_hash
    trail.note_act(context, session, user)
    await end_sign_ins(session, user, context.now)
    notify(context, session, NotificationKind.PASSWORD_CHANGED, user.email)
