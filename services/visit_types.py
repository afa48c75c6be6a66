"""Visit types: what kinds of visits there are, how long they take, and who offers them.

What a visit takes of a calendar is decided in `calendar.places`.
"""

from collections.abc import Mapping, Sequence
from typing import TypedDict, Unpack
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from models import (
    OPEN_STATUSES,
    Appointment,
    Doctor,
    Room,
    VisitType,
    VisitTypeDoctor,
    VisitTypeRoom,
)
from models.database import WriteSession, violated_constraint
from services import checks
from services.access import Permission, act
from services.context import Context
from services.errors import InUse, NameTaken, NotFound
from services.idempotency import creating

LONGEST_VISIT, LONGEST_BUFFER = 1440, 240


class VisitTypeChanges(TypedDict, total=False):
    """What of a visit type changes."""

    name: str
    description: str | None
    minutes: int
    buffer_minutes: int
    doctor_ids: list[UUID]
    room_ids: list[UUID]


@act(Permission.SEE_DIRECTORY)
async def list_visit_types(
    context: Context, *, doctor_id: UUID | None = None
) -> Sequence[VisitType]:
    """Visit types in order of name; of one doctor, those that the doctor offers."""
    statement = select(VisitType).where(VisitType.archived_at.is_(None))
    if doctor_id is not None:
        offered = select(VisitTypeDoctor.visit_type_id).where(
            VisitTypeDoctor.doctor_id == doctor_id
        )
        statement = statement.where(VisitType.id.in_(offered))
    async with context.reading() as session:
        return await session.rows(statement.order_by(VisitType.name, VisitType.id))


@act(Permission.SEE_DIRECTORY)
async def visit_types_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, VisitType]:
    """Visit types by id, archived ones too: appointments of the past name them."""
    async with context.reading() as session:
        rows = await session.rows(select(VisitType).where(VisitType.id.in_(ids)))
    return {row.id: row for row in rows}


@act(Permission.SEE_DIRECTORY)
async def offered_by_id(context: Context, visit_type_id: UUID, *path: str) -> VisitType:
    """A visit type that can be booked.

    Args:
        path: where the id stands in the input.

    Raises:
        NotFound: there is none, or none any more.

    """
    found = (await visit_types_by_id(context, [visit_type_id])).get(visit_type_id)
    return require_offered(found, *path)


def require_offered(visit_type: VisitType | None, *path: str) -> VisitType:
    """Go on only with a visit type that is there and not archived; NotFound otherwise."""
    if visit_type is None or visit_type.archived_at is not None:
        raise NotFound(*path)
    return visit_type


@act(Permission.SEE_DIRECTORY)
async def doctors_by_visit_type(
    context: Context, ids: Sequence[UUID]
) -> Mapping[UUID, list[Doctor]]:
    """The doctors who offer each visit type, in order of name."""
    statement = (
        select(VisitTypeDoctor.visit_type_id, Doctor)
        .join(Doctor, Doctor.id == VisitTypeDoctor.doctor_id)
        .where(VisitTypeDoctor.visit_type_id.in_(ids), Doctor.archived_at.is_(None))
        .order_by(Doctor.name, Doctor.id)
    )
    found: dict[UUID, list[Doctor]] = {}
    async with context.reading() as session:
        for visit_type_id, doctor in (await session.execute(statement)).all():
            found.setdefault(visit_type_id, []).append(doctor)
    return found


@act(Permission.SEE_DIRECTORY)
async def rooms_by_visit_type(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, list[Room]]:
    """The rooms that each visit type may use, in order of name."""
    statement = (
        select(VisitTypeRoom.visit_type_id, Room)
        .join(Room, Room.id == VisitTypeRoom.room_id)
        .where(VisitTypeRoom.visit_type_id.in_(ids), Room.archived_at.is_(None))
        .order_by(Room.name, Room.id)
    )
    found: dict[UUID, list[Room]] = {}
    async with context.reading() as session:
        for visit_type_id, room in (await session.execute(statement)).all():
            found.setdefault(visit_type_id, []).append(room)
    return found


@act(Permission.MANAGE_DIRECTORY, NameTaken)
@creating(VisitType)
async def create_visit_type(
    context: Context,
    session: WriteSession,
    *,
    name: str,
    minutes: int,
    description: str | None = None,
    buffer_minutes: int = 0,
    doctor_ids: Sequence[UUID] | None = None,
    room_ids: Sequence[UUID] = (),
) -> VisitType:
    """Add a kind of visit. Without `doctor_ids`, all doctors that there are offer it; without
    `room_ids` it needs no room.

    Raises:
        NameTaken: another visit type has this name.

    """
    visit_type = VisitType(
        organization_id=context.organization.id,
        id=uuid4(),
        name=checks.name(name),
        description=checks.optional_text(description, "description"),
        minutes=checks.between(minutes, 1, LONGEST_VISIT, "minutes"),
        buffer_minutes=checks.between(buffer_minutes, 0, LONGEST_BUFFER, "buffer_minutes"),
    )
    session.add(visit_type)
    await _saved(session, visit_type)
    await _offer(session, visit_type, doctor_ids)
    await _need(session, visit_type, room_ids)
    return visit_type


@act(Permission.MANAGE_DIRECTORY, NameTaken)
async def update_visit_type(
    context: Context, *, visit_type_id: UUID, **changes: Unpack[VisitTypeChanges]
) -> VisitType:
    """Change a kind of visit; what is left out stays. Visits that are booked keep their times.

    Raises:
        NameTaken: another visit type has this name.

    """
    async with context.writing() as session:
        visit_type = await _locked(session, visit_type_id)
        if "name" in changes:
            visit_type.name = checks.name(changes["name"])
        if "description" in changes:
            visit_type.description = checks.optional_text(changes["description"], "description")
        if "minutes" in changes:
            visit_type.minutes = checks.between(changes["minutes"], 1, LONGEST_VISIT, "minutes")
        if "buffer_minutes" in changes:
            visit_type.buffer_minutes = checks.between(
                changes["buffer_minutes"], 0, LONGEST_BUFFER, "buffer_minutes"
            )
        await _saved(session, visit_type)
        if "doctor_ids" in changes:
            no_more = VisitTypeDoctor.visit_type_id == visit_type_id
            await session.execute(delete(VisitTypeDoctor).where(no_more))
            await _offer(session, visit_type, changes["doctor_ids"])
        if "room_ids" in changes:
            no_more = VisitTypeRoom.visit_type_id == visit_type_id
            await session.execute(delete(VisitTypeRoom).where(no_more))
            await _need(session, visit_type, changes["room_ids"])
    return visit_type


@act(Permission.MANAGE_DIRECTORY, InUse)
async def delete_visit_type(context: Context, *, visit_type_id: UUID) -> UUID:
    """Archive a kind of visit: nobody offers it any more; history stays.

    Raises:
        InUse: there are open appointments of this kind.

    """
    async with context.writing() as session:
        # Waits for those who are booking it, and has the next ones find it archived.
        visit_type = await _locked(session, visit_type_id)
        open_ones = select(func.count()).where(
            Appointment.visit_type_id == visit_type_id, Appointment.status.in_(OPEN_STATUSES)
        )
        if (await session.execute(open_ones)).scalar_one():
            raise InUse("visit_type_id")
        visit_type.archived_at = context.now
    return visit_type_id


async def _locked(session: WriteSession, visit_type_id: UUID) -> VisitType:
    statement = (
        select(VisitType)
        .where(VisitType.id == visit_type_id, VisitType.archived_at.is_(None))
        .with_for_update()
    )
    visit_type: VisitType | None = (await session.execute(statement)).scalar_one_or_none()
    if visit_type is None:
        raise NotFound("visit_type_id")
    return visit_type


async def _offer(
    session: WriteSession, visit_type: VisitType, doctor_ids: Sequence[UUID] | None
) -> None:
    """Note which doctors offer a visit type; None stands for all that there are.

    Raises:
        NotFound: one of them is not there.

    """
    there = select(Doctor.id).where(Doctor.archived_at.is_(None))
    if doctor_ids is not None:
        there = there.where(Doctor.id.in_(doctor_ids))
    found = set(await session.rows(there))
    for place, doctor_id in enumerate(doctor_ids or ()):
        if doctor_id not in found:
            raise NotFound("doctor_ids", place)
    session.add_all(
        VisitTypeDoctor(
            organization_id=session.organization_id,
            visit_type_id=visit_type.id,
            doctor_id=doctor_id,
        )
        for doctor_id in found
    )
    await session.flush()


async def _need(session: WriteSession, visit_type: VisitType, room_ids: Sequence[UUID]) -> None:
    """Note which rooms a visit type may use; none stands for needing none.

    Raises:
        NotFound: one of them is not there.

    """
    there = select(Room.id).where(Room.id.in_(room_ids), Room.archived_at.is_(None))
    found = set(await session.rows(there)) if room_ids else set()
    for place, room_id in enumerate(room_ids):
        if room_id not in found:
            raise NotFound("room_ids", place)
    session.add_all(
        VisitTypeRoom(
            organization_id=session.organization_id,
            visit_type_id=visit_type.id,
            room_id=room_id,
        )
        for room_id in found
    )
    await session.flush()


async def _saved(session: WriteSession, visit_type: VisitType) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        if violated_constraint(error) == "uq_visit_types_name":
            raise NameTaken("name") from error
        raise
    await session.refresh(visit_type)
