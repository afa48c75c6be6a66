"""Rooms, as tests of many things need them: one, what needs it, and what its calendar says."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from models import Calendar, Role, Slot, VisitTypeDoctor
from tests.api import Api
from tests.booking import calendar_of
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow

ROOM = "room { id name calendar { id } }"


async def a_room(clinic: Clinic, name: str = "Laser") -> dict[str, Any]:
    room: dict[str, Any] = await clinic.admin.done("createRoom", ROOM, name=name)
    return room


async def a_kind(clinic: Clinic, *rooms: dict[str, Any], **values: Any) -> str:
    """A kind of visit of half an hour that all doctors offer and that needs one of the rooms."""
    given = {"name": "Laser", "minutes": 30, "roomIds": [room["id"] for room in rooms], **values}
    made = await clinic.admin.done("createVisitType", "visitType { id }", **given)
    return str(made["id"])


async def half_hours(clinic: Clinic, *, capacity: int = 1) -> list[Slot]:
    """Slots of the clinic's doctor, tomorrow from nine on."""
    return await slots_of(clinic, calendar_of(clinic), capacity=capacity)


async def slots_of(
    clinic: Clinic, calendar: Calendar, *, capacity: int = 1, count: int = 4
) -> list[Slot]:
    ends = tomorrow(12)
    return [
        await clinic.factory.slot(
            calendar, tomorrow(9) + timedelta(minutes=30 * n), capacity=capacity, hours_end_at=ends
        )
        for n in range(count)
    ]


async def another_doctor(clinic: Clinic, kind: str, *, count: int = 4) -> list[Slot]:
    """The slots of one more doctor who offers a kind of visit."""
    person = await clinic.factory.person(Role.DOCTOR)
    assert person.doctor
    assert person.calendar
    await clinic.factory.add(
        VisitTypeDoctor(
            organization_id=clinic.factory.organization.id,
            visit_type_id=UUID(kind.rpartition("_")[2]),
            doctor_id=person.doctor.id,
        )
    )
    return await slots_of(clinic, person.calendar, count=count)


async def calendar_in(clinic: Clinic, room: dict[str, Any]) -> Calendar:
    """The row of a room's calendar."""
    key = UUID(room["calendar"]["id"].rpartition("_")[2])
    async with clinic.factory.database.reading(clinic.factory.organization.id) as session:
        return await session.get_one(Calendar, (clinic.factory.organization.id, key))


async def room_slots(clinic: Clinic, room: dict[str, Any]) -> list[Slot]:
    """Slots that the room's calendar has, tomorrow from nine on."""
    return await slots_of(clinic, await calendar_in(clinic, room))


async def statuses(api: Api, slots: list[Slot]) -> list[str]:
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Slot { status } } }"
    nodes = (await api.ask(document, ids=[id_of(slot) for slot in slots]))["nodes"]
    return [node["status"] for node in nodes]


async def bookable(api: Api, slots: list[Slot], kind: str) -> list[bool]:
    document = """query ($ids: [ID!]!, $kind: ID!) {
        nodes(ids: $ids) { ... on Slot { isBookable(visitTypeId: $kind) } } }"""
    nodes = (await api.ask(document, ids=[id_of(slot) for slot in slots], kind=kind))["nodes"]
    return [node["isBookable"] for node in nodes]
