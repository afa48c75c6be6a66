"""Users: how accounts are made, invited and changed."""

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TypedDict, Unpack
from uuid import UUID, uuid4

from sqlalchemy import exists, select, update
from sqlalchemy.exc import IntegrityError

from models import Patient, Role, User, UserToken
from models.database import ReadSession, WriteSession, violated_constraint
from services import checks
from services.access import Permission, act, allows
from services.accounts import tokens
from services.accounts.sessions import Session, end_sign_ins, open_session
from services.context import Context
from services.errors import (
    EmailTaken,
    InvalidCredentials,
    InvalidInput,
    InvalidToken,
    NotSignedIn,
    Refusal,
    UsernameTaken,
    WeakPassword,
)
from services.limits import household
from services.mailer import Mail
from services.passwords import LONGEST

INVITATION_LASTS = timedelta(days=7)
TAKEN: dict[str | None, type[Refusal]] = {
    "uq_users_email": EmailTaken,
    "uq_users_username": UsernameTaken,
}


class ProfileChanges(TypedDict, total=False):
    """What people change about themselves."""

    name: str
    phone: str | None
    locale: str
    time_zone: str


@act(Permission.SEE_SELF)
async def get_viewer(context: Context) -> User | None:
    """The signed-in user; None for the public."""
    return context.viewer.user if context.viewer else None


@act(Permission.SEE_SELF)
async def users_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, User]:
    """Accounts by id: staff see all, patients their own, the public none."""
    seen = (
        ids if allows(context, Permission.SEE_USERS) else [i for i in ids if i == context.user_id]
    )
    async with context.reading() as session:
        users = await session.rows(select(User).where(User.id.in_(seen)))
    return {user.id: user for user in users}


async def checked_password(context: Context, password: str, *personal: str) -> str:
    """The hash of a new password.

    Raises:
        InvalidInput: it is longer than 256 characters.
        WeakPassword: it is shorter than 15 characters or easy to guess.

    """
    if len(password) > LONGEST or "\0" in password:
        raise InvalidInput(f"A password has at most {LONGEST} characters.", "password")
    known = [*personal, context.organization.name, context.organization.slug]
    if not await context.server.passwords.are_strong(password, known):
        raise WeakPassword("password")
    return await context.server.passwords.hashed(password)


async def add_user(
    context: Context,
    session: WriteSession,
    *,
    name: str,
    email: str,
    role: Role,
    username: str | None = None,
    phone: str | None = None,
    locale: str | None = None,
    time_zone: str | None = None,
    password_hash: str | None = None,
) -> User:
    """A new account; a part of the acts that make one.

    Raises:
        EmailTaken, UsernameTaken: somebody else has it.

    """
    email = checks.email(email)
    organization = context.organization
    user = User(
        organization_id=organization.id,
        id=uuid4(),
        name=checks.name(name),
        email=email,
        username=checks.username(username) if username else await _free_username(session, email),
        phone=checks.phone(phone, organization.locale),
        role=role,
        locale=checks.locale(locale or organization.locale),
        time_zone=checks.time_zone(time_zone or organization.time_zone),
        password_hash=password_hash,
    )
    session.add(user)
    try:
        await session.flush()
    except IntegrityError as error:
        taken = TAKEN.get(violated_constraint(error))
        # A username that was made here is made again by whoever repeats the act.
        if taken is None or (taken is UsernameTaken and not username):
            raise
        raise taken("email" if taken is EmailTaken else "username") from error
    await session.refresh(user)
    return user


async def _free_username(session: ReadSession, email: str) -> str:
    """A username made from the address, with some letters added where it is taken."""
    base = re.sub(r"[^a-z0-9]+", "-", email.partition("@")[0])[:30].strip("-")
    candidate = base if len(base) >= 3 else f"user-{secrets.token_hex(3)}"
    taken = (await session.execute(select(exists().where(User.username == candidate)))).scalar_one()
    return f"{candidate}-{secrets.token_hex(3)}" if taken else candidate


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
) -> Session:
    """Make a patient's account and sign in with it.

    Raises:
        EmailTaken, UsernameTaken: somebody else has it.
        WeakPassword: the password is easy to guess.
        RateLimited: too many accounts were made from this address within an hour.

    """
    limits = context.server.limits
    await limits.spend(limits.rates.sign_ups, household(context.client.ip_address))
    password_hash = await checked_password(context, password, name, email, username or "")
    async with context.writing() as session:
        user = await add_user(
            context,
            session,
            name=name,
            email=email,
            role=Role.PATIENT,
            username=username,
            phone=phone,
            locale=locale,
            time_zone=time_zone,
            password_hash=password_hash,
        )
        # The front desk may know somebody by this address already. Whether that is the same person
        # is not proven by an address: the records stay apart, and the old one keeps it.
        known = exists().where(Patient.email == user.email, Patient.archived_at.is_(None))
        is_known = (await session.execute(select(known))).scalar_one()
        session.add(
            Patient(
                organization_id=context.organization.id,
                user_id=user.id,
                name=user.name,
                email=None if is_known else user.email,
                phone=user.phone,
            )
        )
        return await open_session(context, session, user)


@act(Permission.CHANGE_SELF, InvalidCredentials, WeakPassword)
async def change_password(context: Context, *, current_password: str, password: str) -> Session:
    """Set a new password; every other sign-in ends.

    Raises:
        InvalidCredentials: the current password is wrong.
        WeakPassword: the new one is easy to guess.

    """
    if context.viewer is None:
        raise NotSignedIn
    user = context.viewer.user
    if not await context.server.passwords.matches(current_password, user.password_hash):
        raise InvalidCredentials("current_password")
    password_hash = await checked_password(context, password, user.name, user.email, user.username)
    async with context.writing() as session:
        await session.execute(
            update(User).where(User.id == user.id).values(password_hash=password_hash)
        )
        await end_sign_ins(session, user, context.now)
        return await open_session(context, session, user)


@act(Permission.CHANGE_SELF)
async def update_profile(context: Context, **changes: Unpack[ProfileChanges]) -> User:
    """Change the own name, telephone number, language or time zone; what is left out stays."""
    if context.viewer is None:
        raise NotSignedIn
    async with context.writing() as session:
        user: User = (
            await session.execute(
                select(User)
                .where(User.id == context.viewer.user.id)
                .with_for_update(key_share=True)
            )
        ).scalar_one()
        if "name" in changes:
            user.name = checks.name(changes["name"])
        if "phone" in changes:
            user.phone = checks.phone(changes["phone"], context.organization.locale)
        if "locale" in changes:
            user.locale = checks.locale(changes["locale"])
        if "time_zone" in changes:
            user.time_zone = checks.time_zone(changes["time_zone"])
        await session.flush()
        # What people say about themselves, their patient's record says too.
        said = {field: getattr(user, field) for field in ("name", "phone") if field in changes}
        if said:
            await session.execute(update(Patient).where(Patient.user_id == user.id).values(said))
        await session.refresh(user)
    return user


async def invite(context: Context, session: WriteSession, user: User) -> None:
    """Mail a link with which `user` sets a password; a part of the acts that make accounts."""
    secret = tokens.new_secret()
    session.add(
        UserToken(
            organization_id=context.organization.id,
            user_id=user.id,
            token_hash=tokens.hashed(secret),
            expires_at=context.now + INVITATION_LASTS,
        )
    )
    mail = Mail(
        to=user.email,
        subject=f"Your account at {context.organization.name}",
        # The token stands behind a #, so that it reaches no server's log.
        body=f"Choose a password within seven days: "
        f"{context.server.config.base_url}/accept-invitation#{secret}",
    )
    session.after_commit(lambda: context.server.mailer.send(mail))


@act(Permission.SIGN_IN, InvalidToken, WeakPassword)
async def accept_invitation(context: Context, *, token: str, password: str) -> Session:
    """Choose the first password with the token of an invitation, and sign in.

    Raises:
        InvalidToken: it is unknown, used or expired.
        WeakPassword: the password is easy to guess.

    """
    usable = (
        select(UserToken, User)
        .join(User, User.id == UserToken.user_id)
        .where(
            UserToken.token_hash == tokens.hashed(token),
            UserToken.used_at.is_(None),
            UserToken.expires_at > context.now,
            User.is_active,
        )
    )
    async with context.reading() as reading:
        found = (await reading.execute(usable)).one_or_none()
    if found is None:
        raise InvalidToken("token")
    user = found[1]
    password_hash = await checked_password(context, password, user.name, user.email, user.username)
    async with context.writing() as session:
        row = (await session.execute(usable.with_for_update(key_share=True))).one_or_none()
        if row is None:
            raise InvalidToken("token")
        invitation, user = row
        invitation.used_at = context.now
        user.password_hash = password_hash
        return await open_session(context, session, user)


async def create_admin(context: Context, *, name: str, email: str, password: str) -> User:
    """Make an administrator. For the command line: no caller of the API may."""
    password_hash = await checked_password(context, password, name, email)
    async with context.writing() as session:
        return await add_user(
            context, session, name=name, email=email, role=Role.ADMIN, password_hash=password_hash
        )


async def save_account(session: WriteSession, user_id: UUID, values: Mapping[str, str]) -> None:
    """Give an account a new address or username; a part of the acts that may.

    Raises:
        EmailTaken, UsernameTaken: somebody else has it.

    """
    try:
        await session.execute(update(User).where(User.id == user_id).values(**values))
    except IntegrityError as error:
        taken = TAKEN.get(violated_constraint(error))
        if taken is None:
            raise
        raise taken("email" if taken is EmailTaken else "username") from error
