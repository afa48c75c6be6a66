"""Invitations: accounts that others make, whose first password only their owner knows."""

from datetime import timedelta
from uuid import UUID, uuid4

from models import NotificationKind, Role, TokenPurpose, User
from models.database import WriteSession
from services import trail
from services.access import Permission, act
from services.accounts.mailed import holder_of, kept, use, use_up
from services.accounts.sessions import Session, locked_user, open_session
from services.accounts.users import add_patient, add_user, checked_password
from services.context import Context
from services.errors import (
    EmailTaken,
    InvalidInput,
    InvalidToken,
    InvitationAccepted,
    UsernameTaken,
    WeakPassword,
)
from services.idempotency import creating
from services.notifications import notify

INVITATION_LASTS = timedelta(days=7)


async def invite(context: Context, session: WriteSession, user: User) -> None:
    """Mail a link with which `user` sets a password; a part of the acts that make accounts."""
    id = uuid4()
    expires_at = context.now + INVITATION_LASTS
    session.add(kept(context, id, user, TokenPurpose.INVITATION, expires_at))
    notify(context, session, NotificationKind.INVITATION, user.email, id=id)


@act(Permission.MANAGE_USERS, EmailTaken, UsernameTaken)
@creating(User)
async def invite_user(
    context: Context,
    session: WriteSession,
    *,
    name: str,
    email: str,
    role: Role,
    username: str | None = None,
) -> User:
    """Make an account and mail an invitation to choose its password.

    Raises:
        EmailTaken, UsernameTaken: somebody else has it.

    """
    if role is Role.DOCTOR:
        raise InvalidInput("A doctor comes with a calendar: use createDoctor.", "role")
    user = await add_user(context, session, name=name, email=email, role=role, username=username)
    if role is Role.PATIENT:
        await add_patient(context, session, user)
    trail.note_act(context, session, user)
    await invite(context, session, user)
    return user


@act(Permission.MANAGE_USERS, InvitationAccepted)
@creating(User)
async def resend_invitation(context: Context, session: WriteSession, *, user_id: UUID) -> User:
    """Mail a new invitation; those before it are not good any more.

    Raises:
        InvitationAccepted: the account has a password.

    """
    user = await locked_user(session, user_id)
    if user.password_hash is not None:
        raise InvitationAccepted("user_id")
    if not user.is_active:
        raise InvalidInput("This account is not active.", "user_id")
    await use_up(context, session, user)
    trail.note_act(context, session, user)
    await invite(context, session, user)
    return user


@act(Permission.SIGN_IN, InvalidToken, WeakPassword)
async def accept_invitation(context: Context, *, token: str, password: str) -> Session:
    """Choose the first password with the token of an invitation, and sign in.

    Raises:
        InvalidToken: it is unknown, used or expired.
        WeakPassword: the password is easy to guess.

    """
    user = await holder_of(context, TokenPurpose.INVITATION, token)
    password_hash = await checked_password(context, password, user.name, user.email, user.username)
    async with context.writing() as session:
        _, user = await use(context, session, TokenPurpose.INVITATION, token)
        user.password_hash = password_hash
        trail.note_act(context, session, user)
        return await open_session(context, session, user)
