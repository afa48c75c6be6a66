"""Users: how accounts are made, found and changed."""

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import TypedDict, Unpack
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, exists, false, or_, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute

from models import Appointment, Doctor, Patient, Role, User
from models.database import ReadSession, WriteSession, violated_constraint
from services import checks, trail
from services.access import Permission, act, allows
from services.accounts.closing import is_closed
from services.accounts.sessions import end_sign_ins, locked_user
from services.context import Context
from services.errors import (
    EmailTaken,
    Forbidden,
    InvalidInput,
    LastAdmin,
    NotSignedIn,
    Refusal,
    UsernameTaken,
    WeakPassword,
)
from services.pages import Page, PageRequest, page_of
from services.passwords import LONGEST

ORDER: tuple[InstrumentedAttribute[str], InstrumentedAttribute[UUID]] = (User.name, User.id)
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


class UserChanges(TypedDict, total=False):
    """What administrators change about an account."""

    role: Role
    is_active: bool


@act(Permission.SEE_SELF)
async def get_viewer(context: Context) -> User | None:
    """The signed-in user; None for the public."""
    return context.viewer.user if context.viewer else None


@act(Permission.MANAGE_USERS)
async def list_users(
    context: Context,
    *,
    page: PageRequest,
    role: Role | None = None,
    search: str | None = None,
    include_inactive: bool = False,
) -> Page[User]:
    """Accounts in order of name; `search` finds a part of name, username or address."""
    statement = select(User)
    if role is not None:
        statement = statement.where(User.role == role)
    if not include_inactive:
        statement = statement.where(User.is_active)
    if search:
        pattern = checks.escaped_like(search)
        columns = (User.name, User.username, User.email)
        statement = statement.where(or_(*(column.ilike(pattern) for column in columns)))
    return await page_of(context, statement, ORDER, page)


def visible_users(context: Context) -> ColumnElement[bool]:
    """Which accounts the viewer sees: the front desk all; doctors those of staff, and of patients
    whom they treat; everybody else their own, and the public none.
    """
    viewer = context.viewer
    if viewer is None:
        return false()
    own = User.id == viewer.user.id
    if not allows(context, Permission.SEE_USERS):
        return own
    if context.role is not Role.DOCTOR:
        return true()
    treated = exists().where(
        Patient.user_id == User.id,
        Appointment.patient_id == Patient.id,
        Appointment.doctor_id == viewer.doctor_id,
        # Who is no doctor any more treats nobody, those who come to events neither.
        Appointment.doctor_id.is_not(None),
    )
    return or_(own, User.role != Role.PATIENT, treated)


@act(Permission.SEE_SELF)
async def users_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, User]:
    """Accounts by id, those that the viewer may see."""
    async with context.reading() as session:
        users = await session.rows(select(User).where(User.id.in_(ids), visible_users(context)))
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
    is_taken = await is_username_taken(session, candidate)
    return f"{candidate}-{secrets.token_hex(3)}" if is_taken else candidate


async def is_username_taken(session: ReadSession, username: str) -> bool:
    """Whether an account has this username."""
    taken = select(exists().where(User.username == username))
    return bool((await session.execute(taken)).scalar_one())


async def add_patient(context: Context, session: WriteSession, user: User) -> None:
    """The patient's record of a new account; a part of the acts that make one.

    The front desk may know somebody by this address already. Whether that is the same person is not
    proven by an address: the records stay apart, and the old one keeps it.
    """
    known = exists().where(Patient.email == user.email, Patient.archived_at.is_(None))
    is_known = (await session.execute(select(known))).scalar_one()
    patient = Patient(
        organization_id=context.organization.id,
        id=uuid4(),
        user_id=user.id,
        name=user.name,
        email=None if is_known else user.email,
        phone=user.phone,
    )
    session.add(patient)
    trail.note_act(context, session, patient)


@act(Permission.CHANGE_SELF)
async def update_profile(context: Context, **changes: Unpack[ProfileChanges]) -> User:
    """Change the own name, telephone number, language or time zone; what is left out stays."""
    async with context.writing() as session:
        user = await locked_user(session, context.user_id)
        if "name" in changes:
            user.name = checks.name(changes["name"])
        if "phone" in changes:
            user.phone = checks.phone(changes["phone"], context.organization.locale)
        if "locale" in changes:
            user.locale = checks.locale(changes["locale"])
        if "time_zone" in changes:
            user.time_zone = checks.time_zone(changes["time_zone"])
        trail.note_act(context, session, user)
        await session.flush()
        await session.refresh(user)
        told = [field for field in ("name", "phone") if field in changes]
        await _say_in_record(context, session, user, told)
    return user


async def _say_in_record(
    context: Context, session: WriteSession, user: User, told: Sequence[str]
) -> None:
    """Let the patient's record say what people say about themselves."""
    if not told:
        return
    mine = select(Patient).where(Patient.user_id == user.id).with_for_update(key_share=True)
    for patient in await session.rows(mine):
        for field in told:
            setattr(patient, field, getattr(user, field))
        trail.note_act(context, session, patient)


@act(Permission.MANAGE_USERS, LastAdmin)
async def update_user(context: Context, *, user_id: UUID, **changes: Unpack[UserChanges]) -> User:
    """Change an account's role, or whether it may sign in; what is left out stays. Who is somebody
    else from now on is signed out.

    Raises:
        LastAdmin: nobody else could manage the organization.

    """
    async with context.writing() as session:
        # All who could be the last one, in one order: of two who take each other's rights away, the
        # second finds that it has none any more.
        admins = await session.rows(
            select(User)
            .where(User.role == Role.ADMIN, User.is_active)
            .order_by(User.id)
            .with_for_update(key_share=True)
        )
        if context.user_id not in {admin.id for admin in admins}:
            raise Forbidden
        user = await locked_user(session, user_id)
        if is_closed(user):
            raise InvalidInput("This account was closed; invite the person anew.", "user_id")
        before = user.role, user.is_active
        user.role = changes.get("role", user.role)
        user.is_active = changes.get("is_active", user.is_active)
        is_changed = before != (user.role, user.is_active)
        if is_changed:
            # Before the next statement, which flushes: the trail names what has changed.
            trail.note_act(context, session, user)
        if not any(
            one.role is Role.ADMIN and one.is_active and one.password_hash for one in admins
        ):
            raise LastAdmin("user_id")
        await _require_record(context, session, user)
        if is_changed:
            await end_sign_ins(session, user, context.now)
        await session.flush()
        await session.refresh(user)
    return user


async def _require_record(context: Context, session: WriteSession, user: User) -> None:
    """Doctors have a calendar, and patients a record."""
    records = {
        Role.DOCTOR: exists().where(Doctor.user_id == user.id, Doctor.archived_at.is_(None)),
        Role.PATIENT: exists().where(Patient.user_id == user.id, Patient.archived_at.is_(None)),
    }
    if user.role not in records or not user.is_active:
        return
    if (await session.execute(select(records[user.role]))).scalar_one():
        return
    if user.role is Role.DOCTOR:
        raise InvalidInput("A doctor comes with a calendar: use createDoctor.", "role")
    await add_patient(context, session, user)


async def own_account(context: Context) -> User:
    """The viewer's account as it is now: a socket may have been open for long.

    Raises:
        NotSignedIn: nobody is signed in.

    """
    async with context.reading() as session:
        found = await session.execute(select(User).where(User.id == context.user_id))
    user: User | None = found.scalar_one_or_none()
    if user is None:
        raise NotSignedIn
    return user


async def create_admin(context: Context, *, name: str, email: str, password: str) -> User:
    """Make an administrator. For the command line: no caller of the API may."""
    password_hash = await checked_password(context, password, name, email)
    async with context.writing() as session:
        return await add_user(
            context, session, name=name, email=email, role=Role.ADMIN, password_hash=password_hash
        )


async def save_account(context: Context, session: WriteSession, user: User) -> None:
    """Save the new address or username of a locked account; a part of the acts that may.

    Raises:
        EmailTaken, UsernameTaken: somebody else has it.

    """
    trail.note_act(context, session, user)
    try:
        await session.flush()
    except IntegrityError as error:
        taken = TAKEN.get(violated_constraint(error))
        if taken is None:
            raise
        raise taken("email" if taken is EmailTaken else "username") from error
