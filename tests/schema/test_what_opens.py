"""Everything that opens time offers it: each way in which a slot becomes free."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from models import Slot
from tests.booking import book, calendar_of
from tests.conftest import Clinic
from tests.connected import busy_elsewhere
from tests.factories import id_of, tomorrow, wire
from tests.hours import generate, on, work
from tests.rows import kept
from tests.waiting import WAITING, cancel, offered, status, taken, waiter

# Closes a slot, and what opens it again.
Opener = Callable[[], Awaitable[object]]
Closing = Callable[[Clinic, Slot], Awaitable[Opener]]


async def is_moved(clinic: Clinic, slot: Slot) -> Opener:
    elsewhere = await clinic.factory.slot(calendar_of(clinic), tomorrow(20))
    values = {"appointmentId": await taken(clinic, slot), "slotId": id_of(elsewhere)}
    return lambda: clinic.reception.done("rescheduleAppointment", "appointment { id }", **values)


async def is_released(clinic: Clinic, slot: Slot) -> Opener:
    await clinic.reception.done("holdSlot", "slot { id }", slotId=id_of(slot))
    return lambda: clinic.reception.done("releaseHold", "slot { id }", slotId=id_of(slot))


async def is_held_elsewhere(clinic: Clinic, slot: Slot) -> Opener:
    other = await clinic.factory.slot(calendar_of(clinic), tomorrow(20))
    await clinic.reception.done("holdSlot", "slot { id }", slotId=id_of(slot))
    return lambda: clinic.reception.done("holdSlot", "slot { id }", slotId=id_of(other))


async def is_unblocked(clinic: Clinic, slot: Slot) -> Opener:
    times = {"startsAt": wire(slot.starts_at), "endsAt": wire(slot.ends_at)}
    values = {"calendarId": id_of(calendar_of(clinic)), **times}
    await clinic.doctor.done("blockTime", "slots { id }", **values)
    return lambda: clinic.doctor.done("unblockTime", "slots { id }", **values)


async def is_not_busy_elsewhere(clinic: Clinic, slot: Slot) -> Opener:
    await busy_elsewhere(clinic, (slot.starts_at, slot.ends_at))
    return lambda: busy_elsewhere(clinic)


async def is_cancelled_beside_another(clinic: Clinic, slot: Slot) -> Opener:
    """What is kept clear after a visit is nobody's; when the visit goes, it is free."""
    before = await clinic.factory.slot(
        calendar_of(clinic), slot.starts_at - timedelta(minutes=30), hours_end_at=slot.ends_at
    )
    values = {"name": "With care", "minutes": 30, "bufferMinutes": 30}
    made = await clinic.admin.done("createVisitType", "visitType { id }", **values)
    appointment = await taken(clinic, before, visitTypeId=made["id"])
    assert await status(clinic, slot) == "AVAILABLE"
    return lambda: cancel(clinic, appointment)


@pytest.mark.parametrize(
    "closing",
    [
        is_moved,
        is_released,
        is_held_elsewhere,
        is_unblocked,
        is_not_busy_elsewhere,
        is_cancelled_beside_another,
    ],
)
async def test_what_is_free_again_is_offered(clinic: Clinic, closing: Closing) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    opening = await closing(clinic, slot)
    first = await waiter(clinic, **{"from": wire(slot.starts_at), "to": wire(slot.ends_at)})
    assert await first.seen() == WAITING
    await opening()
    assert await first.seen() == offered(slot)
    assert await status(clinic, slot) == "HELD"


async def test_slots_that_are_made_are_offered(clinic: Clinic) -> None:
    """And those that come back with the end of an exception, in the order of the line."""
    await work(clinic)
    first, second = await waiter(clinic), await waiter(clinic)
    await generate(clinic, on(2), on(4))
    slots = sorted(await kept(clinic.factory, Slot), key=lambda slot: str(slot["starts_at"]))
    found = [(await one.seen())[1] for one in (first, second)]
    assert found == [f"slot_{slot['id'].replace('-', '')}" for slot in slots[:2]]
    assert {slot["status"] for slot in slots[:2]} == {"HELD"}
    assert {slot["status"] for slot in slots[2:]} == {"AVAILABLE"}
    third = await waiter(clinic)
    closed = {
        "calendarId": id_of(calendar_of(clinic)),
        "kind": "CLOSED",
        "startsAt": slots[0]["starts_at"],
        "endsAt": slots[3]["ends_at"],
    }
    made = await clinic.doctor.done("addAvailabilityException", "exception { id }", **closed)
    assert [await one.seen() for one in (first, second, third)] == [WAITING] * 3
    await clinic.doctor.done("removeAvailabilityException", "deletedId", exceptionId=made["id"])
    back = [(await one.entry())["offeredSlot"] for one in (first, second, third)]
    assert None not in back
    assert len({slot["id"] for slot in back}) == 3


async def test_a_place_in_a_group_that_is_free_again_is_offered(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(), capacity=2)
    appointments = [await taken(clinic, slot) for _ in range(2)]
    first, second, third = [await waiter(clinic) for _ in range(3)]
    for appointment in appointments:
        await cancel(clinic, appointment)
    assert [await one.seen() for one in (first, second, third)] == [*[offered(slot)] * 2, WAITING]
    await second.done("acceptOffer")
    await first.done("declineOffer")
    assert await third.seen() == offered(slot)


@pytest.mark.parametrize("is_booked", [True, False])
async def test_a_lane_that_is_free_again_opens_a_group_for_a_long_visit(
    clinic: Clinic, is_booked: bool
) -> None:
    """Each slot had a place left before, but nobody changes chairs."""
    begin = tomorrow()
    slots = [
        await clinic.factory.slot(
            calendar_of(clinic),
            begin + timedelta(minutes=30 * n),
            capacity=2,
            hours_end_at=begin + timedelta(minutes=60),
        )
        for n in range(2)
    ]
    made = await clinic.admin.done("createVisitType", "visitType { id }", name="Long", minutes=60)
    lower, _ = [await taken(clinic, slots[0]) for _ in range(2)]
    if is_booked:
        other = await taken(clinic, slots[1])
    else:
        await clinic.reception.done("holdSlot", "slot { id }", slotId=id_of(slots[1]))
    await cancel(clinic, lower)
    assert [await status(clinic, slot) for slot in slots] == ["AVAILABLE"] * 2
    one = await waiter(clinic, visitTypeId=made["id"])
    if is_booked:
        await cancel(clinic, other)
    else:
        await clinic.reception.done("releaseHold", "slot { id }", slotId=id_of(slots[1]))
    assert await one.seen() == offered(slots[0])


async def test_who_moves_a_visit_is_not_in_their_own_way(clinic: Clinic) -> None:
    """What they leave is offered once they are where they want to be, and no sooner."""
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 3)
    made = await clinic.admin.done("createVisitType", "visitType { id }", name="Long", minutes=60)
    appointment = await taken(clinic, slots[0], visitTypeId=made["id"])
    first, second = await waiter(clinic), await waiter(clinic)
    values = {"appointmentId": appointment, "slotId": id_of(slots[1])}
    await clinic.reception.done("rescheduleAppointment", "appointment { id }", **values)
    assert [await one.seen() for one in (first, second)] == [offered(slots[0]), WAITING]
    assert [await status(clinic, slot) for slot in slots] == ["HELD", "BOOKED", "BOOKED"]


async def test_what_was_free_before_is_not_offered(clinic: Clinic) -> None:
    """It is everybody's, also theirs who wait; and what opens elsewhere changes nothing of that."""
    free, other = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    appointment = await taken(clinic, other)
    first, second = await waiter(clinic), await waiter(clinic)
    await cancel(clinic, appointment)
    assert [await one.seen() for one in (first, second)] == [offered(other), WAITING]
    assert await status(clinic, free) == "AVAILABLE"
    await book(second.api, free)
    assert await second.seen() == WAITING
