"""Rooms and devices, and who manages them. Which one a visit takes is decided in `calendar`."""

from collections.abc import Mapping, Sequence
from typing import TypedDict, Unpack
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from models import OPEN_STATUSES, Appointment, Calendar, Room
from models.database import WriteSession, violated_constraint
from services import checks
from services.access import Permission, act
from services.calendar.grid import close_calendar
from services.context import Context
from services.directory.offices import require_office
from services.errors import InUse, NameTaken, NotFound
from services.idempotency import creating


class RoomChanges(TypedDict, total=False):
    """What of a room changes."""

    name: str
    office_id: UUID | None


@act(Permission.SEE_DIRECTORY)
async def list_rooms(context: Context, *, office_id: UUID | None = None) -> Sequence[Room]:
    """Rooms in order of name; of one office, those that are there."""
    statement = select(Room).where(Room.archived_at.is_(None))
    if office_id is not None:
        statement = statement.where(Room.office_id == office_id)
    async with context.reading() as session:
        return await session.rows(statement.order_by(Room.name, Room.id))


@act(Permission.SEE_DIRECTORY)
async def rooms_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, Room]:
    """Rooms by id, archived ones too: appointments of the past name them."""
    async with context.reading() as session:
        rows = await session.rows(select(Room).where(Room.id.in_(ids)))
    return {row.id: row for row in rows}


@act(Permission.SEE_DIRECTORY)
async def rooms_by_calendar(context: Context, calendar_ids: Sequence[UUID]) -> Mapping[UUID, Room]:
    """The rooms whose calendars these are, for whoever has the calendar."""
    async with context.reading() as session:
        rows = await session.rows(select(Room).where(Room.calendar_id.in_(calendar_ids)))
    return {row.calendar_id: row for row in rows}


@act(Permission.MANAGE_DIRECTORY, NameTaken)
@creating(Room)
async def create_room(
    context: Context, session: WriteSession, *, name: str, office_id: UUID | None = None
) -> Room:
    """Add a room, with a calendar in its office's time zone, otherwise in the organization's.

    Raises:
        NameTaken: another room has this name.

    """
    office = await require_office(session, office_id)
    zone = office.time_zone if office else context.organization.time_zone
    calendar = Calendar(organization_id=session.organization_id, id=uuid4(), time_zone=zone)
    session.add(calendar)
    await session.flush()
    room = Room(
        organization_id=session.organization_id,
        id=uuid4(),
        name=checks.name(name),
        office_id=office_id,
        calendar_id=calendar.id,
    )
    session.add(room)
    await _saved(session, room)
    return room


@act(Permission.MANAGE_DIRECTORY, NameTaken)
async def update_room(context: Context, *, room_id: UUID, **changes: Unpack[RoomChanges]) -> Room:
    """Change a room; what is left out stays. Its calendar follows the zone of another office, as
    doctors' do.

    Raises:
        NameTaken: another room has this name.

    """
    async with context.writing() as session:
        room = await _locked(session, room_id)
        if "name" in changes:
            room.name = checks.name(changes["name"])
        if "office_id" in changes:
            office = await require_office(session, changes["office_id"])
            room.office_id = changes["office_id"]
            if office is not None:
                of_room = select(Calendar).where(Calendar.id == room.calendar_id)
                calendar = (await session.execute(of_room)).scalar_one()
                calendar.time_zone = office.time_zone
        await _saved(session, room)
    return room


@act(Permission.MANAGE_DIRECTORY, InUse)
async def delete_room(context: Context, *, room_id: UUID) -> UUID:
    """Archive a room: no visit takes it any more; history stays.

    Raises:
        InUse: there are open appointments in it.

    """
    async with context.writing() as session:
        room = await _locked(session, room_id)
        await close_calendar(context, session, room.calendar_id)
        # Asked under the calendar's lock: nobody can take it in between.
        open_ones = select(func.count()).where(
            Appointment.room_id == room_id, Appointment.status.in_(OPEN_STATUSES)
        )
        if (await session.execute(open_ones)).scalar_one():
            raise InUse("room_id")
        room.archived_at = context.now
    return room_id


async def _locked(session: WriteSession, room_id: UUID) -> Room:
    statement = (
        select(Room)
        .where(Room.id == room_id, Room.archived_at.is_(None))
        .with_for_update(key_share=True)
    )
    room: Room | None = (await session.execute(statement)).scalar_one_or_none()
    if room is None:
        raise NotFound("room_id")
    return room


async def _saved(session: WriteSession, room: Room) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        if violated_constraint(error) == "uq_rooms_name":
            raise NameTaken("name") from error
        raise
    await session.refresh(room)
