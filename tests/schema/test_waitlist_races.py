"""Rivals for what is offered: each gap has somebody put into it, and a crowd meets by chance."""

import asyncio
import random
from uuid import UUID

import pytest
from sqlalchemy import text

from models import Calendar, Role, Slot, WaitlistEntry
from tests.booking import calendar_of
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow
from tests.rivals import codes, held, line_up
from tests.rows import across
from tests.waiting import WAITING, Waiter, cancel, offered, overdue, status, taken, waiter

# Where an entry is offered something, a claim is, of that slot's beginning and for the same time,
# and the other way round; and a slot that is HELD is held by somebody.
TRUE = """
SELECT (SELECT count(*) FROM waitlist_entries WHERE organization_id = :id AND status = 'OFFERED'),
       (SELECT count(*) FROM claims WHERE organization_id = :id AND waitlist_entry_id IS NOT NULL),
       (SELECT count(*) FROM waitlist_entries AS entries
        JOIN slots ON slots.id = offered_slot_id AND slots.status = 'HELD'
        JOIN claims ON waitlist_entry_id = entries.id AND kind = 'HOLD'
                   AND claims.expires_at = offer_expires_at
                   AND claims.calendar_id = slots.calendar_id
                   AND claims.starts_at = slots.starts_at
        WHERE entries.organization_id = :id),
       (SELECT count(*) FROM slots WHERE organization_id = :id AND status = 'HELD')
"""


def row(one: Waiter) -> WaitlistEntry:
    """An entry as it is locked."""
    return WaitlistEntry(id=UUID(one.id.rpartition("_")[2]))


async def a_taken_slot(clinic: Clinic, hour: int = 9) -> tuple[Slot, str]:
    """A slot that is booked, and by which appointment."""
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(hour))
    return slot, await taken(clinic, slot)


async def test_who_leaves_while_being_offered_something_passes_it_on(clinic: Clinic) -> None:
    slot, appointment = await a_taken_slot(clinic)
    first, second = await waiter(clinic), await waiter(clinic)
    async with held(clinic.factory, row(first)):
        tasks = await line_up(
            clinic.factory, cancel(clinic, appointment), first.done("leaveWaitlist")
        )
    _, left = await asyncio.gather(*tasks)
    assert left["status"] == "LEFT"
    assert (await first.seen(), await second.seen()) == (("LEFT", None), offered(slot))


async def test_who_has_just_left_is_offered_nothing(clinic: Clinic) -> None:
    slot, appointment = await a_taken_slot(clinic)
    first, second = await waiter(clinic), await waiter(clinic)
    async with held(clinic.factory, row(first)):
        tasks = await line_up(
            clinic.factory, first.done("leaveWaitlist"), cancel(clinic, appointment)
        )
    await asyncio.gather(*tasks)
    assert (await first.seen(), await second.seen()) == (("LEFT", None), offered(slot))


async def test_of_two_times_that_open_at_once_one_who_waits_gets_one(clinic: Clinic) -> None:
    """In two calendars, neither of which waits for the other."""
    department = await clinic.admin.done("createDepartment", "department { id }", name="Hearts")
    other = await clinic.factory.person(Role.DOCTOR)
    for person in (clinic.person(Role.DOCTOR), other):
        values = {"doctorId": id_of(person.doctor), "departmentId": department["id"]}
        await clinic.admin.done("updateDoctor", "doctor { id }", **values)
    here, appointment = await a_taken_slot(clinic)
    there = await clinic.factory.slot(other.calendar, tomorrow())
    elsewhere = await taken(clinic, there)
    one = await waiter(clinic, departmentId=department["id"])
    async with held(clinic.factory, row(one)):
        freeing = [cancel(clinic, appointment), cancel(clinic, elsewhere)]
        tasks = await line_up(clinic.factory, *freeing)
    await asyncio.gather(*tasks)
    assert sorted([await status(clinic, slot) for slot in (here, there)]) == ["AVAILABLE", "HELD"]
    assert await one.seen() in {offered(here), offered(there)}


@pytest.mark.parametrize(
    ("first", "second", "ended"),
    [
        ("acceptOffer", "acceptOffer", ["DONE", "OFFER_EXPIRED"]),
        ("acceptOffer", "declineOffer", ["DONE", "OFFER_EXPIRED"]),
        ("declineOffer", "acceptOffer", ["DONE", "OFFER_EXPIRED"]),
        ("acceptOffer", "leaveWaitlist", ["DONE", "DONE"]),
        ("leaveWaitlist", "acceptOffer", ["DONE", "OFFER_EXPIRED"]),
    ],
)
async def test_an_offer_is_answered_once(
    clinic: Clinic, first: str, second: str, ended: list[str]
) -> None:
    slot, appointment = await a_taken_slot(clinic)
    one, next_one = await waiter(clinic), await waiter(clinic)
    await cancel(clinic, appointment)
    async with held(clinic.factory, calendar_of(clinic)):
        tasks = await line_up(clinic.factory, one.act(first), one.act(second))
    assert codes(await asyncio.gather(*tasks)) == ended
    after = {
        "acceptOffer": (("ACCEPTED", None), WAITING, "BOOKED"),
        "declineOffer": (WAITING, offered(slot), "HELD"),
        "leaveWaitlist": (("LEFT", None), offered(slot), "HELD"),
    }
    found = (await one.seen(), await next_one.seen(), await status(clinic, slot))
    assert found == after[first]


async def test_what_ends_while_it_is_accepted_is_either(clinic: Clinic) -> None:
    """The offer is over as soon as the calendar can be had: the next in line has it, once."""
    slot, appointment = await a_taken_slot(clinic)
    one, next_one = await waiter(clinic), await waiter(clinic)
    await cancel(clinic, appointment)
    async with held(clinic.factory, calendar_of(clinic)):
        tasks = await line_up(clinic.factory, one.act("acceptOffer"))
        await overdue(clinic.factory)
    assert codes(await asyncio.gather(*tasks)) == ["OFFER_EXPIRED"]
    await next_one.until(offered(slot))
    assert await one.seen() == ("EXPIRED", None)


async def test_five_times_that_open_at_once_go_to_the_first_five(clinic: Clinic) -> None:
    slots = [await a_taken_slot(clinic, hour) for hour in range(8, 13)]
    waiters = [await waiter(clinic) for _ in range(6)]
    await asyncio.gather(*(cancel(clinic, appointment) for _, appointment in slots))
    found = [await one.seen() for one in waiters]
    assert set(found[:5]) == {offered(slot) for slot, _ in slots}
    assert found[5] == WAITING
    payloads = await asyncio.gather(*(one.act("acceptOffer") for one in waiters[:5] * 2))
    assert codes(payloads) == ["DONE"] * 5 + ["OFFER_EXPIRED"] * 5
    assert [await status(clinic, slot) for slot, _ in slots] == ["BOOKED"] * 5


async def test_whatever_meets_offers_and_claims_agree(clinic: Clinic) -> None:
    """A crowd of those who wait, cancel, answer and leave, at two doctors, at random."""
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    other = await clinic.factory.person(Role.DOCTOR)
    calendars: list[Calendar | None] = [calendar_of(clinic), other.calendar]
    slots = [
        await clinic.factory.slot(calendar, tomorrow(hour))  # type: ignore[arg-type]
        for calendar in calendars
        for hour in (9, 11, 13)
    ]
    doctors = [id_of(clinic.person(Role.DOCTOR).doctor), id_of(other.doctor)]
    waiters = [await waiter(clinic, doctorId=doctor) for doctor in doctors * 3]
    appointments = {id_of(slot): await taken(clinic, slot) for slot in slots}

    async def something() -> None:
        one = chance.choice(waiters)
        what = chance.choice(["cancel", "cancel", "answer", "answer", "answer", "end"])
        if what == "cancel" and appointments:
            await cancel(clinic, appointments.pop(chance.choice(list(appointments))))
        elif what == "end":
            await overdue(clinic.factory)
        else:
            await one.act(chance.choice(["acceptOffer", "declineOffer", "leaveWaitlist"]))

    for _ in range(8):
        await asyncio.gather(*(something() for _ in range(5)))
    async with asyncio.timeout(10):
        while True:
            async with across(clinic.factory) as connection:
                values = {"id": clinic.factory.organization.id}
                found = (await connection.execute(text(TRUE), values)).one()
            # What has just been declared to be over waits to be swept.
            if len(set(found)) == 1:
                break
            await asyncio.sleep(0.1)
