"""Holds that are over and not yet swept, as a server sees them whose clock is ahead of the others,
so that none of these sweeps them first."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from models import Role, Slot
from models.database import Database
from services.appointments import booking
from services.calendar import holds
from services.calendar.slots import slots_by_id
from services.context import Context, Server, Viewer
from services.live.feeds import Live
from services.mailer import NullMailer
from services.passwords import Passwords
from tests.booking import calendar_of
from tests.conftest import CONFIG, Clinic
from tests.factories import Person, id_of, tomorrow
from tests.rivals import held, line_up


@pytest.fixture
async def later(database: Database) -> AsyncIterator[Server]:
    """What a server has in which it is an hour later: every hold is over."""
    live = Live(database, url="memory://")
    server = Server(
        CONFIG,
        database,
        live,
        NullMailer(),
        Passwords(),
        clock=lambda: datetime.now(UTC) + timedelta(hours=1),
    )
    await live.start()
    # What other tests have left.
    while await holds.give_up_expired(server):
        pass
    yield server
    await live.stop()
    server.passwords.close()


def context_of(server: Server, clinic: Clinic, person: Person) -> Context:
    """Somebody at that server."""
    patient_id = person.patient.id if person.patient else None
    viewer = Viewer(person.user, uuid4(), tomorrow(), None, patient_id)
    return Context(server, clinic.factory.organization, viewer)


async def hold(clinic: Clinic, slot: Slot) -> None:
    """Let the clinic's patient hold a slot, an hour before."""
    await clinic.patient.done("holdSlot", "slot { id }", slotId=id_of(slot))


async def status(context: Context, slot: Slot) -> str:
    return (await slots_by_id(context, [slot.id]))[slot.id].status.name


@pytest.mark.parametrize("who", ["the holder", "somebody else"])
async def test_nobody_waits_for_the_sweep_to_have_what_is_over(
    clinic: Clinic, later: Server, who: str
) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await hold(clinic, slot)
    person = clinic.person(Role.PATIENT)
    if who == "somebody else":
        person = await clinic.factory.person(Role.PATIENT)
    context = context_of(later, clinic, person)
    assert await status(context, slot) == "HELD"
    await booking.book_appointment(context, slot_id=slot.id)
    assert await status(context, slot) == "BOOKED"
    assert await holds.give_up_expired(later) == 0


async def test_what_is_over_can_be_held_by_somebody_else(clinic: Clinic, later: Server) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await hold(clinic, slot)
    other = await clinic.factory.person(Role.PATIENT)
    shown = await holds.hold_slot(context_of(later, clinic, other), slot_id=slot.id)
    assert (shown.status.name, shown.held_by) == ("HELD", [other.user.id])


@pytest.mark.parametrize("wanted", [0, 1])
async def test_who_held_a_time_until_now_holds_it_anew_or_another_one(
    clinic: Clinic, later: Server, wanted: int
) -> None:
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    await hold(clinic, slots[0])
    context = context_of(later, clinic, clinic.person(Role.PATIENT))
    shown = await holds.hold_slot(context, slot_id=slots[wanted].id)
    assert (shown.status.name, shown.held_by) == ("HELD", [context.user_id])
    assert await status(context, slots[1 - wanted]) == "AVAILABLE"


async def test_the_sweep_gives_up_what_is_over_once(clinic: Clinic, later: Server) -> None:
    slots = await clinic.factory.slots(calendar_of(clinic), tomorrow(), 2)
    await hold(clinic, slots[0])
    context = context_of(later, clinic, clinic.person(Role.PATIENT))
    # Any number of servers may do so at once.
    assert sum(await asyncio.gather(*(holds.give_up_expired(later) for _ in range(4)))) == 1
    assert [await status(context, slot) for slot in slots] == ["AVAILABLE", "AVAILABLE"]
    (freed,) = (await slots_by_id(context, [slots[0].id])).values()
    # One change to hold it, one to give it up.
    assert freed.revision == 2


async def test_the_sweep_leaves_a_calendar_alone_that_somebody_works_on(
    clinic: Clinic, later: Server
) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await hold(clinic, slot)
    context = context_of(later, clinic, clinic.person(Role.PATIENT))
    async with held(clinic.factory, calendar_of(clinic)):
        work = booking.book_appointment(context, slot_id=slot.id)
        (task,) = await line_up(clinic.factory, work)
        assert await holds.give_up_expired(later) == 0
    await task
    assert await holds.give_up_expired(later) == 0
    assert await status(context, slot) == "BOOKED"
