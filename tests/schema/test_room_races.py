"""Many at once who need the same rooms: each has one or none, and nobody waits for each other."""

import asyncio
from collections import Counter
from typing import Any

from models import Claim, Role, Slot
from tests.booking import APPOINTMENT
from tests.conftest import Clinic
from tests.factories import id_of
from tests.rivals import codes, deadlocks, held, line_up
from tests.rooms import (
    a_kind,
    a_room,
    another_doctor,
    calendar_in,
    half_hours,
    room_slots,
)
from tests.rows import kept


async def booked(clinic: Clinic, slot: Slot, kind: str) -> dict[str, Any]:
    """The answer to the front desk, which books for somebody."""
    payload: dict[str, Any] = await clinic.reception.act(
        "bookAppointment",
        APPOINTMENT,
        slotId=id_of(slot),
        visitTypeId=kind,
        patientId=id_of(await clinic.factory.patient()),
    )
    return payload


async def test_of_two_doctors_who_want_one_room_the_first_has_it(clinic: Clinic) -> None:
    room = await a_room(clinic)
    kind = await a_kind(clinic, room)
    slots, theirs = await half_hours(clinic), await another_doctor(clinic, kind)
    async with held(clinic.factory, await calendar_in(clinic, room)):
        rivals = await line_up(
            clinic.factory, booked(clinic, slots[0], kind), booked(clinic, theirs[0], kind)
        )
    payloads = await asyncio.gather(*rivals)
    assert [p["errors"][0]["code"] if p["errors"] else "DONE" for p in payloads] == [
        "DONE",
        "SLOT_TAKEN",
    ]
    assert len(await kept(clinic.factory, Claim)) == 2


async def test_holding_and_booking_meet_in_the_room(clinic: Clinic) -> None:
    room = await a_room(clinic)
    kind = await a_kind(clinic, room)
    slots, theirs = await half_hours(clinic), await another_doctor(clinic, kind)
    holding = clinic.patient.act(
        "holdSlot", "slot { id }", slotId=id_of(slots[0]), visitTypeId=kind
    )
    async with held(clinic.factory, await calendar_in(clinic, room)):
        rivals = await line_up(clinic.factory, booked(clinic, theirs[0], kind), holding)
    assert codes(await asyncio.gather(*rivals)) == ["DONE", "SLOT_TAKEN"]


async def test_closing_a_room_and_booking_it_meet(clinic: Clinic) -> None:
    room = await a_room(clinic)
    kind = await a_kind(clinic, room)
    slots = await half_hours(clinic)
    times = {"startsAt": slots[0].starts_at.isoformat(), "endsAt": slots[0].ends_at.isoformat()}
    closing = clinic.admin.act(
        "blockTime", "slots { id }", calendarId=room["calendar"]["id"], **times
    )
    async with held(clinic.factory, await calendar_in(clinic, room)):
        rivals = await line_up(clinic.factory, closing, booked(clinic, slots[0], kind))
    assert codes(await asyncio.gather(*rivals)) == ["DONE", "SLOT_TAKEN"]


async def test_a_crowd_of_doctors_shares_two_rooms_without_a_deadlock(clinic: Clinic) -> None:
    rooms = [await a_room(clinic, name) for name in ("A", "B")]
    kind = await a_kind(clinic, *rooms)
    doctors = [await half_hours(clinic)]
    doctors += [await another_doctor(clinic, kind) for _ in range(4)]
    shown = [await room_slots(clinic, room) for room in rooms]
    before = await deadlocks(clinic.factory)
    visits = await asyncio.gather(
        *(booked(clinic, slot, kind) for slots in doctors for slot in slots)
    )
    made = [p["appointment"]["id"] for p in visits if p["appointment"]]
    # Five doctors at each of four times, and two rooms.
    assert Counter(codes(visits)) == {"DONE": 8, "SLOT_TAKEN": 12}
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Slot { status } } }"
    ids = [id_of(slot) for slots in shown for slot in slots]
    nodes = (await clinic.reception.ask(document, ids=ids))["nodes"]
    assert [node["status"] for node in nodes] == ["BOOKED"] * 8
    # All of them move to where they are not, cancel, and hold, at the same time.
    patient = clinic.person(Role.PATIENT)
    assert patient.patient
    await asyncio.gather(
        *(
            clinic.reception.act(
                "rescheduleAppointment",
                "appointment { id }",
                appointmentId=id,
                slotId=id_of(doctors[(place + 1) % 5][place % 4]),
            )
            for place, id in enumerate(made[:4])
        ),
        *(
            clinic.reception.act("cancelAppointment", "appointment { id }", appointmentId=id)
            for id in made[4:]
        ),
        *(
            clinic.patient.act("holdSlot", "slot { id }", slotId=id_of(slots[0]), visitTypeId=kind)
            for slots in doctors
        ),
    )
    assert await deadlocks(clinic.factory) == before
