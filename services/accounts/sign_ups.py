"""Signing up: patients who make an account of their own.

Where addresses must be confirmed, what was said waits in a row of its own, and there is an account
only once its address is confirmed: nobody keeps a stranger from an account by signing up first, and
whether an address is known can be seen neither in the answer nor in what is done for it.
"""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy import delete

from models import NotificationKind, Role, SignUp
from models.database import WriteSession
from services import checks, trail
from services.access import Permission, act
from services.accounts import tokens
from services.accounts.sessions import Session, open_session
from services.accounts.users import add_patient, add_user, checked_password, is_username_taken
from services.context import Context
from services.errors import EmailTaken, InvalidToken, UsernameTaken, WeakPassword
from services.limits import household
from services.notifications import notify

SIGN_UP_LASTS = timedelta(days=1)


@act(Permission.SIGN_IN, EmailTaken, UsernameTaken, WeakPassword)
async def sign_up(
    context: Context,
    *,
    name: str,
    email: str,
    password: str,
    username: str | None = None,
    phone: str | None = None,
    locale: str | None = None,
    time_zone: str | None = None,
) -> Session | None:
    """Make a patient's account and sign in with it; None where the address is to be confirmed
    first.

    Raises:
        EmailTaken: somebody else has it; told only where addresses are not confirmed.
        UsernameTaken: somebody else has it.
        WeakPassword: the password is easy to guess.
        RateLimited: too many accounts were made from this address within an hour.

    """
    organization, limits = context.organization, context.server.limits
    await limits.spend(limits.rates.sign_ups, household(context.client.ip_address))
    wanted = SignUp(
        organization_id=organization.id,
        name=checks.name(name),
        email=checks.email(email),
        username=checks.username(username) if username else None,
        phone=checks.phone(phone, organization.locale),
        locale=checks.locale(locale or organization.locale),
        time_zone=checks.time_zone(time_zone or organization.time_zone),
        password_hash=await checked_password(context, password, name, email, username or ""),
    )
    async with context.writing() as session:
        if context.server.config.confirm_email:
            await _wait_for_address(context, session, wanted)
            return None
        return await _opened(context, session, wanted, wanted.username)


async def _wait_for_address(context: Context, session: WriteSession, wanted: SignUp) -> None:
    """Keep what was said, and write to the address, whoever may have it."""
    if wanted.username and await is_username_taken(session, wanted.username):
        raise UsernameTaken("username")
    wanted.id = uuid4()
    secret = tokens.mailed_secret(context.server.config, wanted.id)
    wanted.token_hash = tokens.hashed(secret)
    wanted.expires_at = context.now + SIGN_UP_LASTS
    session.add(wanted)
    notify(context, session, NotificationKind.SIGN_UP, wanted.email, id=wanted.id)


@act(Permission.SIGN_IN, InvalidToken)
async def confirm_email(context: Context, *, token: str) -> Session:
    """Make the account that somebody signed up for, with the token that was mailed there, and sign
    in with it.

    Raises:
        InvalidToken: it is unknown, used or expired, or the address has an account by now.

    """
    taking = (
        delete(SignUp)
        .where(SignUp.token_hash == tokens.hashed(token), SignUp.expires_at > context.now)
        .returning(SignUp)
    )
    try:
        async with context.writing() as session:
            wanted: SignUp | None = (await session.execute(taking)).scalar_one_or_none()
            if wanted is None:
                raise InvalidToken("token")
            username = wanted.username
            if username and await is_username_taken(session, username):
                username = None
            return await _opened(context, session, wanted, username)
    except (EmailTaken, UsernameTaken) as error:
        raise InvalidToken("token") from error


async def _opened(
    context: Context, session: WriteSession, wanted: SignUp, username: str | None
) -> Session:
    user = await add_user(
        context,
        session,
        name=wanted.name,
        email=wanted.email,
        role=Role.PATIENT,
        username=username,
        phone=wanted.phone,
        locale=wanted.locale,
        time_zone=wanted.time_zone,
        password_hash=wanted.password_hash,
    )
    trail.note_act(context, session, user)
    await add_patient(context, session, user)
    return await open_session(context, session, user)
