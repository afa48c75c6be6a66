"""Waiting for a visit that needs a room: what is offered is held with its room, or not at all."""

import asyncio
from uuid import UUID

from sqlalchemy.dialects.postgresql import Range

from models import Claim, ClaimKind
from tests.booking import book, calendar_of
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow
from tests.rivals import held
from tests.rooms import (
    a_kind,
    a_room,
    another_doctor,
    bookable,
    calendar_in,
    half_hours,
    room_slots,
    statuses,
)
from tests.rows import kept
from tests.waiting import PATIENCE, WAITING, cancel, offered, status, taken, waiter


async def test_what_is_offered_has_its_room(clinic: Clinic) -> None:
    room = await a_room(clinic)
    kind = await a_kind(clinic, room)
    slots, there = await half_hours(clinic), await room_slots(clinic, room)
    theirs = await another_doctor(clinic, kind)
    appointment = await taken(clinic, slots[1], visitTypeId=kind)
    one = await waiter(clinic, visitTypeId=kind)
    await cancel(clinic, appointment)
    assert await one.seen() == offered(slots[1])
    assert await statuses(clinic.reception, there) == ["AVAILABLE", "HELD"] + ["AVAILABLE"] * 2
    assert await bookable(clinic.public, theirs, kind) == [True, False, True, True]
    await one.done("acceptOffer")
    claims = await kept(clinic.factory, Claim)
    assert [(row["kind"], row["lane"]) for row in claims] == [("APPOINTMENT", 0)] * 2
    assert await statuses(clinic.reception, there) == ["AVAILABLE", "BOOKED"] + ["AVAILABLE"] * 2
    document = (
        "query ($id: ID!) { node(id: $id) { ... on Slot { appointments { room { name } } } } }"
    )
    found = await clinic.reception.ask(document, id=id_of(slots[1]))
    assert found["node"]["appointments"] == [{"room": {"name": "Laser"}}]


async def test_the_room_goes_with_the_offer_to_the_next_in_line(clinic: Clinic) -> None:
    room = await a_room(clinic)
    kind = await a_kind(clinic, room)
    slots = await half_hours(clinic)
    theirs = await another_doctor(clinic, kind)
    appointment = await taken(clinic, slots[1], visitTypeId=kind)
    first, second = [await waiter(clinic, visitTypeId=kind) for _ in range(2)]
    await cancel(clinic, appointment)
    await first.done("declineOffer")
    assert (await first.seen(), await second.seen()) == (WAITING, offered(slots[1]))
    assert await bookable(clinic.public, theirs, kind) == [True, False, True, True]
    await second.done("declineOffer")
    assert await bookable(clinic.public, theirs, kind) == [True] * 4


async def test_without_a_room_nothing_is_offered(clinic: Clinic) -> None:
    room = await a_room(clinic)
    kind = await a_kind(clinic, room)
    slots = await half_hours(clinic)
    theirs = await another_doctor(clinic, kind)
    other = id_of(await clinic.factory.patient())
    await book(clinic.reception, theirs[1], visitTypeId=kind, patientId=other)
    appointment = await taken(clinic, slots[1])
    needs, needs_none = await waiter(clinic, visitTypeId=kind), await waiter(clinic)
    await cancel(clinic, appointment)
    assert (await needs.seen(), await needs_none.seen()) == (WAITING, offered(slots[1]))


async def test_nobody_waits_for_a_room_that_is_being_taken(clinic: Clinic) -> None:
    room = await a_room(clinic)
    kind = await a_kind(clinic, room)
    slots = await half_hours(clinic)
    appointment = await taken(clinic, slots[1])
    one = await waiter(clinic, visitTypeId=kind)
    async with held(clinic.factory, await calendar_in(clinic, room)), asyncio.timeout(10):
        await cancel(clinic, appointment)
    assert await one.seen() == WAITING
    assert await status(clinic, slots[1]) == "AVAILABLE"


async def test_a_room_that_is_left_of_one_offer_ends_no_other(clinic: Clinic) -> None:
    room = await a_room(clinic)
    kind = await a_kind(clinic, room)
    slots = await half_hours(clinic)
    appointment = await taken(clinic, slots[1])
    one = await waiter(clinic, visitTypeId=kind)
    await cancel(clinic, appointment)
    assert await one.seen() == offered(slots[1])
    # As after an offer that was declined, until the sweep comes by.
    left = Claim(
        organization_id=clinic.factory.organization.id,
        calendar_id=(await calendar_in(clinic, room)).id,
        doctor_calendar_id=calendar_of(clinic).id,
        waitlist_entry_id=UUID(one.id.rpartition("_")[2]),
        kind=ClaimKind.HOLD,
        lane=0,
        during=Range(slots[2].starts_at, slots[2].ends_at),
        expires_at=tomorrow(),
    )
    await clinic.factory.add(left)
    async with asyncio.timeout(PATIENCE):
        while len(await kept(clinic.factory, Claim)) > 2:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert await one.seen() == offered(slots[1])
    await one.done("acceptOffer")
