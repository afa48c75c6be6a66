"""Departments: the parts of the organization that doctors belong to."""

from collections.abc import Mapping, Sequence
from typing import TypedDict, Unpack
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from models import OPEN_ENTRIES, Department, Doctor, WaitlistEntry
from models.database import WriteSession, violated_constraint
from services import checks
from services.access import Permission, act
from services.context import Context
from services.errors import InUse, NameTaken, NotFound
from services.idempotency import creating
from services.pages import Page, PageRequest, page_of

ORDER = (Department.name, Department.id)


class DepartmentChanges(TypedDict, total=False):
    """What of a department changes."""

    name: str
    description: str | None


@act(Permission.SEE_DIRECTORY)
async def list_departments(
    context: Context, *, page: PageRequest, search: str | None = None
) -> Page[Department]:
    """Departments in order of name; `search` finds a part of the name."""
    statement = select(Department)
    if search:
        statement = statement.where(Department.name.ilike(checks.escaped_like(search)))
    return await page_of(context, statement, ORDER, page)


@act(Permission.SEE_DIRECTORY)
async def departments_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, Department]:
    """Departments by id, those that exist."""
    async with context.reading() as session:
        rows = await session.rows(select(Department).where(Department.id.in_(ids)))
    return {row.id: row for row in rows}


@act(Permission.MANAGE_DIRECTORY, NameTaken)
@creating(Department)
async def create_department(
    context: Context, session: WriteSession, *, name: str, description: str | None = None
) -> Department:
    """Add a department.

    Raises:
        NameTaken: another department has this name.

    """
    department = Department(
        organization_id=context.organization.id,
        name=checks.name(name),
        description=checks.optional_text(description, "description"),
    )
    session.add(department)
    await _saved(session, department)
    return department


@act(Permission.MANAGE_DIRECTORY, NameTaken)
async def update_department(
    context: Context, *, department_id: UUID, **changes: Unpack[DepartmentChanges]
) -> Department:
    """Change a department; what is left out stays.

    Raises:
        NameTaken: another department has this name.

    """
    async with context.writing() as session:
        department = await _locked(session, department_id)
        if "name" in changes:
            department.name = checks.name(changes["name"])
        if "description" in changes:
            department.description = checks.optional_text(changes["description"], "description")
        await _saved(session, department)
    return department


@act(Permission.MANAGE_DIRECTORY, InUse)
async def delete_department(context: Context, *, department_id: UUID) -> UUID:
    """Delete a department that no doctor belongs to; archived doctors leave it.

    Raises:
        InUse: doctors belong to it, or somebody waits for one of them.

    """
    async with context.writing() as session:
        department = await _locked(session, department_id)
        doctors = (
            select(Doctor)
            .where(Doctor.department_id == department_id)
            .with_for_update(key_share=True)
        )
        for doctor in await session.rows(doctors):
            if doctor.archived_at is None:
                raise InUse("department_id")
            doctor.department_id = None
        await _close_line(session, department_id)
        await session.flush()
        await session.delete(department)
    return department_id


async def _close_line(session: WriteSession, department_id: UUID) -> None:
    """Let those who waited once for a department be without it, if nobody waits now."""
    line = select(WaitlistEntry).where(WaitlistEntry.department_id == department_id)
    for entry in await session.rows(line.with_for_update()):
        if entry.status in OPEN_ENTRIES:
            raise InUse("department_id")
        entry.department_id = None


async def require_department(session: WriteSession, department_id: UUID | None) -> None:
    """Go on only if the department exists, and stays until the end; or none is named."""
    if department_id is not None:
        there = select(Department).where(Department.id == department_id)
        if not await session.rows(there.with_for_update(read=True)):
            raise NotFound("department_id")


async def _locked(session: WriteSession, department_id: UUID) -> Department:
    # Waits for doctors who are just joining it.
    statement = select(Department).where(Department.id == department_id).with_for_update()
    department = (await session.execute(statement)).scalar_one_or_none()
    if department is None:
        raise NotFound("department_id")
    return department


async def _saved(session: WriteSession, department: Department) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        if violated_constraint(error) == "uq_departments_name":
            raise NameTaken("name") from error
        raise
    await session.refresh(department)
