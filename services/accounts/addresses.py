"""Addresses of accounts: a new one is confirmed by who has it, and the old one is told."""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy import exists, select, update

from models import NotificationKind, Patient, TokenPurpose, User, UserToken
from models.database import WriteSession
from services import checks, trail
from services.access import Permission, act
from services.accounts.attempts import forget_attempt, require_password
from services.accounts.invitations import invite
from services.accounts.mailed import holder_of, kept, use, use_up
from services.accounts.users import own_account, save_account
from services.context import Context
from services.errors import (
    EmailTaken,
    InvalidCredentials,
    InvalidInput,
    InvalidToken,
    TooManyAttempts,
)
from services.notifications import notify

CHANGE_LASTS = timedelta(days=1)


@act(Permission.CHANGE_SELF, InvalidCredentials, TooManyAttempts)
async def request_email_change(context: Context, *, email: str, password: str) -> bool:
    """Have a link mailed to a new address of the viewer; until it is confirmed, nothing changes.
    Whether somebody has that address is not told: who has it is sent nothing.

    Raises:
        InvalidCredentials: the password is wrong.
        TooManyAttempts: too many were tried for this account, or from this address.

    """
    email = checks.email(email)
    user = await own_account(context)
    if email == user.email:
        raise InvalidInput("This is your address already.", "email")
    await require_password(context, user, password, "password")
    id = uuid4()
    expires_at = context.now + CHANGE_LASTS
    async with context.writing() as session:
        await forget_attempt(context, session, user)
        await session.execute(
            update(UserToken)
            .where(
                UserToken.user_id == user.id,
                UserToken.purpose == TokenPurpose.EMAIL_CHANGE,
                UserToken.used_at.is_(None),
            )
            .values(used_at=context.now)
        )
        session.add(kept(context, id, user, TokenPurpose.EMAIL_CHANGE, expires_at, email=email))
        notify(context, session, NotificationKind.EMAIL_CHANGE, email, id=id)
    return True


@act(Permission.CHANGE_SELF, InvalidToken, EmailTaken)
async def confirm_email_change(context: Context, *, token: str) -> User:
    """Take a new address with the token that was mailed there. It is good only for who is signed in
    to the account: a stranger, to whom a mistyped address may belong, gets nothing by it.

    Raises:
        InvalidToken: it is unknown, used or expired, or of another account.
        EmailTaken: somebody else has the address by now.

    """
    holder = await holder_of(context, TokenPurpose.EMAIL_CHANGE, token)
    if holder.id != context.user_id:
        raise InvalidToken("token")
    async with context.writing() as session:
        change, user = await use(context, session, TokenPurpose.EMAIL_CHANGE, token)
        await move_account(context, session, user, str(change.email))
        await session.refresh(user)
    return user


async def move_account(context: Context, session: WriteSession, user: User, email: str) -> None:
    """Give a locked account a new address: the old one is told, and what was mailed there is not
    good any more; a part of the acts that may.

    Raises:
        EmailTaken: somebody else has it.

    """
    old, user.email = user.email, email
    await save_account(context, session, user)
    await use_up(context, session, user)
    await _move_patient(context, session, user, old)
    notify(context, session, NotificationKind.EMAIL_CHANGED, old)
    if user.password_hash is None:
        await session.refresh(user)
        await invite(context, session, user)


async def _move_patient(context: Context, session: WriteSession, user: User, old: str) -> None:
    """Let the patient's record follow, unless it has another address or the new one is known."""
    known = select(exists().where(Patient.email == user.email, Patient.archived_at.is_(None)))
    if (await session.execute(known)).scalar_one():
        return
    mine = select(Patient).where(Patient.user_id == user.id, Patient.email == old)
    for patient in await session.rows(mine.with_for_update(key_share=True)):
        patient.email = user.email
        trail.note_act(context, session, patient)
