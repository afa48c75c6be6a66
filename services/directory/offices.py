"""Offices: the places where doctors see patients."""

from collections.abc import Mapping, Sequence
from typing import TypedDict, Unpack
from uuid import UUID

from sqlalchemy import select, union_all, update
from sqlalchemy.exc import IntegrityError

from models import Calendar, Doctor, Office, Room
from models.database import WriteSession, violated_constraint
from services import checks
from services.access import Permission, act
from services.context import Context
from services.errors import InUse, NameTaken, NotFound
from services.idempotency import creating
from services.pages import Page, PageRequest, page_of

ORDER = (Office.name, Office.id)
# What is in an office.
THERE: tuple[type[Doctor], type[Room]] = (Doctor, Room)


class OfficeChanges(TypedDict, total=False):
    """What of an office changes."""

    name: str
    address: str | None
    phone: str | None
    time_zone: str


@act(Permission.SEE_DIRECTORY)
async def list_offices(context: Context, *, page: PageRequest) -> Page[Office]:
    """Offices in order of name."""
    return await page_of(context, select(Office), ORDER, page)


@act(Permission.SEE_DIRECTORY)
async def offices_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, Office]:
    """Offices by id, those that exist."""
    async with context.reading() as session:
        rows = await session.rows(select(Office).where(Office.id.in_(ids)))
    return {row.id: row for row in rows}


@act(Permission.MANAGE_DIRECTORY, NameTaken)
@creating(Office)
async def create_office(
    context: Context,
    session: WriteSession,
    *,
    name: str,
    address: str | None = None,
    phone: str | None = None,
    time_zone: str | None = None,
) -> Office:
    """Add an office; without a zone of its own it has the organization's.

    Raises:
        NameTaken: another office has this name.

    """
    office = Office(
        organization_id=context.organization.id,
        name=checks.name(name),
        address=checks.optional_text(address, "address"),
        phone=checks.phone(phone, context.organization.locale),
        time_zone=checks.time_zone(time_zone or context.organization.time_zone),
    )
    session.add(office)
    await _saved(session, office)
    return office


@act(Permission.MANAGE_DIRECTORY, NameTaken)
async def update_office(
    context: Context, *, office_id: UUID, **changes: Unpack[OfficeChanges]
) -> Office:
    """Change an office; what is left out stays.

    The calendars of its doctors and rooms follow its time zone: working hours keep their wall-clock
    times from the next generation of slots on, and slots that exist keep their instants.

    Raises:
        NameTaken: another office has this name.

    """
    async with context.writing() as session:
        office = await _locked(session, office_id)
        if "name" in changes:
            office.name = checks.name(changes["name"])
        if "address" in changes:
            office.address = checks.optional_text(changes["address"], "address")
        if "phone" in changes:
            office.phone = checks.phone(changes["phone"], context.organization.locale)
        if "time_zone" in changes:
            office.time_zone = checks.time_zone(changes["time_zone"])
        await _saved(session, office)
        if "time_zone" in changes:
            there = union_all(
                *(select(kind.calendar_id).where(kind.office_id == office_id) for kind in THERE)
            )
            follow = update(Calendar).where(Calendar.id.in_(there))
            await session.execute(follow.values(time_zone=office.time_zone))
    return office


@act(Permission.MANAGE_DIRECTORY, InUse)
async def delete_office(context: Context, *, office_id: UUID) -> UUID:
    """Delete an office where no doctor works and no room is; archived ones leave it.

    Raises:
        InUse: doctors work there, or there are rooms.

    """
    async with context.writing() as session:
        office = await _locked(session, office_id)
        for kind in THERE:
            there = select(kind).where(kind.office_id == office_id)
            for one in await session.rows(there.with_for_update(key_share=True)):
                if one.archived_at is None:
                    raise InUse("office_id")
                one.office_id = None
        await session.flush()
        await session.delete(office)
    return office_id


async def require_office(session: WriteSession, office_id: UUID | None) -> Office | None:
    """The office, which stays as it is until the end; or None where none is named.

    Raises:
        NotFound: there is no such office.

    """
    if office_id is None:
        return None
    statement = select(Office).where(Office.id == office_id).with_for_update(read=True)
    office = (await session.execute(statement)).scalar_one_or_none()
    if office is None:
        raise NotFound("office_id")
    return office


async def _locked(session: WriteSession, office_id: UUID) -> Office:
    # Waits for doctors who are just moving in.
    statement = select(Office).where(Office.id == office_id).with_for_update()
    office = (await session.execute(statement)).scalar_one_or_none()
    if office is None:
        raise NotFound("office_id")
    return office


async def _saved(session: WriteSession, office: Office) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        if violated_constraint(error) == "uq_offices_name":
            raise NameTaken("name") from error
        raise
    await session.refresh(office)
