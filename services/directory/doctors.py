"""Doctors: their profile, their place in the directory and the calendar that comes with each."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal, TypedDict, Unpack
from uuid import UUID, uuid4

from sqlalchemy import func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from models import OPEN_STATUSES, Appointment, Calendar, Doctor, Role
from models.database import WriteSession
from services import checks, trail
from services.access import Permission, act
from services.accounts.addresses import move_account
from services.accounts.closing import close_account
from services.accounts.invitations import invite
from services.accounts.sessions import locked_user
from services.accounts.users import add_user, save_account
from services.calendar.grid import close_calendar
from services.context import Context
from services.directory.departments import require_department
from services.directory.offices import require_office
from services.errors import EmailTaken, InUse, InvalidInput, NotFound, UsernameTaken
from services.idempotency import creating
from services.pages import Page, PageRequest, checked_first, page_from_rows, page_of

ORDER: tuple[InstrumentedAttribute[str], InstrumentedAttribute[UUID]] = (Doctor.name, Doctor.id)
Group = Literal["department", "office"]
GROUPS = {"department": Doctor.department_id, "office": Doctor.office_id}


class DoctorProfile(TypedDict, total=False):
    """What patients see of a doctor, as far as it is given."""

    title: str | None
    specialty: str | None
    bio: str | None
    languages: list[str]
    department_id: UUID | None
    office_id: UUID | None


class DoctorChanges(DoctorProfile, total=False):
    """What of a doctor changes."""

    name: str
    email: str
    username: str
    is_accepting_patients: bool


@act(Permission.SEE_DIRECTORY)
async def list_doctors(
    context: Context,
    *,
    page: PageRequest,
    department_id: UUID | None = None,
    office_id: UUID | None = None,
    specialty: str | None = None,
    search: str | None = None,
) -> Page[Doctor]:
    """Doctors in order of name; `search` finds a part of the name or of the specialty."""
    statement = select(Doctor).where(Doctor.archived_at.is_(None))
    if department_id is not None:
        statement = statement.where(Doctor.department_id == department_id)
    if office_id is not None:
        statement = statement.where(Doctor.office_id == office_id)
    if specialty:
        statement = statement.where(func.lower(Doctor.specialty) == specialty.lower())
    if search:
        pattern = checks.escaped_like(search)
        statement = statement.where(
            or_(Doctor.name.ilike(pattern), Doctor.specialty.ilike(pattern))
        )
    return await page_of(context, statement, ORDER, page)


@act(Permission.SEE_DIRECTORY)
async def doctors_in(
    context: Context, parents: Sequence[UUID], *, group: Group, page: PageRequest
) -> Mapping[UUID, Page[Doctor]]:
    """A page of doctors of each department or office, in one statement for all of them."""
    column = GROUPS[group]
    first = checked_first(page.first)
    inner = select(
        Doctor, func.row_number().over(partition_by=column, order_by=ORDER).label("place")
    ).where(column.in_(parents), Doctor.archived_at.is_(None))
    if page.after is not None:
        inner = inner.where(func.row(*ORDER) > func.row(*page.after))
    numbered = inner.subquery()
    doctor = aliased(Doctor, numbered)
    statement = select(doctor).where(numbered.c.place <= first + 1).order_by(numbered.c.place)
    async with context.reading() as session:
        rows = await session.rows(statement)
    of_parent: dict[UUID, list[Doctor]] = {parent: [] for parent in parents}
    for row in rows:
        of_parent[getattr(row, column.key)].append(row)

    async def count_of(parent: UUID) -> int:
        return (await doctor_counts(context, [parent], group=group))[parent]

    return {
        parent: page_from_rows(doctors, ORDER, page, partial(count_of, parent))
        for parent, doctors in of_parent.items()
    }


@act(Permission.SEE_DIRECTORY)
async def doctor_counts(
    context: Context, parents: Sequence[UUID], *, group: Group
) -> Mapping[UUID, int]:
    """How many doctors each department or office has."""
    column = GROUPS[group]
    statement = (
        select(column, func.count())
        .where(column.in_(parents), Doctor.archived_at.is_(None))
        .group_by(column)
    )
    async with context.reading() as session:
        counted = dict((await session.execute(statement)).all())
    return {parent: counted.get(parent, 0) for parent in parents}


@act(Permission.SEE_DIRECTORY)
async def doctors_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, Doctor]:
    """Doctors by id, archived ones too: appointments of the past name them."""
    async with context.reading() as session:
        rows = await session.rows(select(Doctor).where(Doctor.id.in_(ids)))
    return {row.id: row for row in rows}


@act(Permission.SEE_DIRECTORY)
async def doctors_by_user(context: Context, user_ids: Sequence[UUID]) -> Mapping[UUID, Doctor]:
    """The doctors that these accounts are."""
    statement = select(Doctor).where(Doctor.user_id.in_(user_ids), Doctor.archived_at.is_(None))
    async with context.reading() as session:
        rows = await session.rows(statement)
    return {row.user_id: row for row in rows}


@act(Permission.SEE_DIRECTORY)
async def doctors_by_calendar(
    context: Context, calendar_ids: Sequence[UUID]
) -> Mapping[UUID, Doctor]:
    """The doctors whose calendars these are."""
    async with context.reading() as session:
        rows = await session.rows(select(Doctor).where(Doctor.calendar_id.in_(calendar_ids)))
    return {row.calendar_id: row for row in rows}


@act(Permission.MANAGE_DIRECTORY, EmailTaken, UsernameTaken)
@creating(Doctor)
async def create_doctor(
    context: Context,
    session: WriteSession,
    *,
    name: str,
    email: str,
    username: str | None = None,
    **profile: Unpack[DoctorProfile],
) -> Doctor:
    """Add a doctor with an account, an empty calendar and an invitation by mail.

    Raises:
        EmailTaken, UsernameTaken: somebody else has it.

    """
    user = await add_user(
        context, session, name=name, email=email, username=username, role=Role.DOCTOR
    )
    calendar = Calendar(
        organization_id=context.organization.id,
        id=uuid4(),
        time_zone=context.organization.time_zone,
    )
    session.add(calendar)
    await session.flush()
    doctor = Doctor(
        organization_id=context.organization.id,
        user_id=user.id,
        calendar_id=calendar.id,
        name=user.name,
    )
    await _apply_profile(session, doctor, calendar, profile)
    session.add(doctor)
    await session.flush()
    await session.refresh(doctor)
    trail.note_act(context, session, user)
    await invite(context, session, user)
    return doctor


@act(Permission.EDIT_DOCTOR, EmailTaken, UsernameTaken)
async def update_doctor(
    context: Context, *, doctor_id: UUID, **changes: Unpack[DoctorChanges]
) -> Doctor:
    """Change a doctor; what is left out stays. Doctors may change their own profile.

    Raises:
        EmailTaken, UsernameTaken: somebody else has it.

    """
    async with context.writing() as session:
        doctor = await _locked(session, doctor_id)
        if context.role is Role.DOCTOR and doctor.user_id != context.user_id:
            raise NotFound("doctor_id")
        calendar = (
            await session.execute(select(Calendar).where(Calendar.id == doctor.calendar_id))
        ).scalar_one()
        if "name" in changes:
            doctor.name = checks.name(changes["name"])
        if "is_accepting_patients" in changes:
            doctor.is_accepting_patients = changes["is_accepting_patients"]
        await _apply_profile(session, doctor, calendar, changes)
        await _change_account(context, session, doctor, changes)
        await session.flush()
        await session.refresh(doctor)
    return doctor


@act(Permission.MANAGE_DIRECTORY, InUse)
async def delete_doctor(context: Context, *, doctor_id: UUID) -> UUID:
    """Archive a doctor: out of the directory, calendar and account closed; history stays.

    Raises:
        InUse: there are open appointments.

    """
    async with context.writing() as session:
        doctor = await _locked(session, doctor_id)
        await close_calendar(context, session, doctor.calendar_id)
        # Asked under the calendar's lock: nobody can book in between.
        open_ones = select(func.count()).where(
            Appointment.doctor_id == doctor_id, Appointment.status.in_(OPEN_STATUSES)
        )
        if (await session.execute(open_ones)).scalar_one():
            raise InUse("doctor_id")
        doctor.archived_at = context.now
        await close_account(context, session, await locked_user(session, doctor.user_id))
    return doctor_id


async def _locked(session: WriteSession, doctor_id: UUID) -> Doctor:
    statement = (
        select(Doctor)
        .where(Doctor.id == doctor_id, Doctor.archived_at.is_(None))
        .with_for_update(key_share=True)
    )
    doctor = (await session.execute(statement)).scalar_one_or_none()
    if doctor is None:
        raise NotFound("doctor_id")
    return doctor


async def _apply_profile(
    session: WriteSession, doctor: Doctor, calendar: Calendar, profile: DoctorProfile
) -> None:
    if "title" in profile:
        doctor.title = checks.optional_line(profile["title"], "title")
    if "specialty" in profile:
        doctor.specialty = checks.optional_line(profile["specialty"], "specialty")
    if "bio" in profile:
        doctor.bio = checks.optional_text(profile["bio"], "bio")
    if "languages" in profile:
        doctor.languages = checks.languages(profile["languages"])
    if "department_id" in profile:
        await require_department(session, profile["department_id"])
        doctor.department_id = profile["department_id"]
    if "office_id" in profile:
        office = await require_office(session, profile["office_id"])
        doctor.office_id = profile["office_id"]
        if office is not None:
            calendar.time_zone = office.time_zone


async def _change_account(
    context: Context, session: WriteSession, doctor: Doctor, changes: DoctorChanges
) -> None:
    """Carry a new address or username over to the account. Doctors themselves have a new address
    confirmed first, as everybody has.
    """
    if not {"username", "email"} & changes.keys():
        return
    user = await locked_user(session, doctor.user_id)
    if "username" in changes:
        user.username = checks.username(changes["username"])
        await save_account(context, session, user)
    email = checks.email(changes.get("email", user.email))
    if email == user.email:
        return
    if context.role is Role.DOCTOR:
        raise InvalidInput("Use requestEmailChange for your own address.", "email")
    await move_account(context, session, user, email)
