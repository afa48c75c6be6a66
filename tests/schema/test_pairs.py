"""Every way to take a time meets every other, again and again, for one time each: one of them has
it, nobody waits for ever, and the slot tells the truth. ROUNDS=100 tries each pair as often.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import combinations_with_replacement
from typing import Any

import pytest
from sqlalchemy import text

from models import Role, Slot
from tests.api import Api
from tests.booking import calendar_of
from tests.conftest import Clinic
from tests.connected import be_busy
from tests.factories import id_of, tomorrow, wire
from tests.hours import MADRID
from tests.occasions import a_guest, an_event, slots_of
from tests.rivals import deadlocks
from tests.rows import across
from tests.waiting import Waiter, cancel, offered, taken

ROUNDS = int(os.environ.get("ROUNDS", "2"))
HALF = timedelta(minutes=30)
CLAIMS = text("""
    SELECT kind::text FROM claims
    WHERE calendar_id = :id AND starts_at < :ends_at AND ends_at > :starts_at ORDER BY kind
""")
COUNT = text("SELECT count(*) FROM slots WHERE calendar_id = :id")


class Meeting:
    """One time of one calendar, and what is there for those who want it."""

    def __init__(self, clinic: Clinic, slot: Slot) -> None:
        self.clinic = clinic
        self.slot = slot
        self.times = {"startsAt": wire(slot.starts_at), "endsAt": wire(slot.ends_at)}
        self.calendar = {"calendarId": id_of(calendar_of(clinic))}
        self.waiter: Waiter | None = None

    async def somebody(self) -> dict[str, str]:
        """A patient who has nothing else."""
        return {"patientId": id_of(await self.clinic.factory.patient())}


Path = Callable[[Meeting], Awaitable[Awaitable[str]]]


async def code(payload: Awaitable[dict[str, Any]]) -> str:
    """How an act ends."""
    errors = (await payload)["errors"]
    return str(errors[0]["code"]) if errors else "DONE"


async def book(meeting: Meeting) -> Awaitable[str]:
    values = {"slotId": id_of(meeting.slot), **await meeting.somebody()}
    return code(meeting.clinic.reception.act("bookAppointment", "appointment { id }", **values))


async def hold(meeting: Meeting) -> Awaitable[str]:
    person = await meeting.clinic.factory.person(Role.PATIENT)
    api = meeting.clinic.public.signed_in(person.token)
    return code(api.act("holdSlot", "slot { id }", slotId=id_of(meeting.slot)))


async def move(meeting: Meeting) -> Awaitable[str]:
    other = await free_slot(meeting.clinic)
    ids = {"appointmentId": await taken(meeting.clinic, other), "slotId": id_of(meeting.slot)}
    return code(meeting.clinic.reception.act("rescheduleAppointment", "appointment { id }", **ids))


async def series(meeting: Meeting) -> Awaitable[str]:
    """Two visits, both or nothing; the second long after all other times."""
    # By the clinic's clock, which is set back or forward meanwhile.
    later = (meeting.slot.starts_at.astimezone(MADRID) + timedelta(weeks=12)).astimezone(UTC)
    there = text("SELECT 1 FROM slots WHERE calendar_id = :id AND starts_at = :later")
    async with across(meeting.clinic.factory) as connection:
        values = {"id": meeting.slot.calendar_id, "later": later}
        is_there = (await connection.execute(there, values)).all()
    if not is_there:
        await meeting.clinic.factory.slot(calendar_of(meeting.clinic), later)
    given = {"slotId": id_of(meeting.slot), "recurrence": {"count": 2, "everyWeeks": 12}}
    act = meeting.clinic.reception.act
    return code(act("bookSeries", "series { id }", **given, **await meeting.somebody()))


async def accept(meeting: Meeting) -> Awaitable[str]:
    """What is offered to somebody who waits; the time is held for them."""
    if meeting.waiter is None:
        appointment = await taken(meeting.clinic, meeting.slot)
        person = await meeting.clinic.factory.person(Role.PATIENT)
        window = {"from": meeting.times["startsAt"], "to": meeting.times["endsAt"]}
        meeting.waiter = await Waiter(meeting.clinic, person).join(**window)
        await cancel(meeting.clinic, appointment)
        assert await meeting.waiter.seen() == offered(meeting.slot)
    return code(meeting.waiter.act("acceptOffer"))


async def close(meeting: Meeting) -> Awaitable[str]:
    act = meeting.clinic.admin.act
    return code(act("blockTime", "slots { id }", **meeting.calendar, **meeting.times))


async def extra_hours(meeting: Meeting) -> Awaitable[str]:
    values = {**meeting.calendar, "kind": "EXTRA_HOURS", **meeting.times}
    act = meeting.clinic.admin.act
    return code(act("addAvailabilityException", "exception { id }", **values))


async def be_elsewhere(meeting: Meeting) -> Awaitable[str]:
    """Nobody refuses what a calendar elsewhere says."""

    async def read() -> str:
        times = meeting.slot.starts_at, meeting.slot.ends_at
        await be_busy(meeting.clinic.factory, meeting.slot.calendar_id, times)
        return "DONE"

    return read()


TAKING = {"book": book, "hold": hold, "move": move, "series": series, "accept": accept}
CLOSING = {"close": close, "be elsewhere": be_elsewhere}
PATHS: dict[str, Path] = {**TAKING, **CLOSING, "extra hours": extra_hours}
PAIRS = list(combinations_with_replacement(PATHS, 2))


async def free_slot(clinic: Clinic) -> Slot:
    """A slot at a time that nobody has used yet."""
    calendar = calendar_of(clinic)
    async with across(clinic.factory) as connection:
        number = (await connection.execute(COUNT, {"id": calendar.id})).scalar_one()
    begin: datetime = tomorrow(8, days=1 + number // 20) + HALF * (number % 20)
    return await clinic.factory.slot(calendar, begin)


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda name: name.replace(" ", "_"))
async def test_of_two_who_want_a_time_one_has_it(clinic: Clinic, one: str, other: str) -> None:
    before = await deadlocks(clinic.factory)
    for number in range(ROUNDS):
        meeting = Meeting(clinic, await free_slot(clinic))
        # Whatever is offered is so before anybody else is ready.
        first, second = sorted((one, other))
        acts = [(name, await PATHS[name](meeting)) for name in (first, second)]
        if number % 2:
            acts.reverse()
        ended = await asyncio.gather(*(act for _, act in acts))
        await check(meeting, list(zip((name for name, _ in acts), ended, strict=True)))
    assert await deadlocks(clinic.factory) == before


async def check(meeting: Meeting, outcome: list[tuple[str, str]]) -> None:
    """One has the time, or it is closed; and the slot says which."""
    slot = meeting.slot
    async with across(meeting.clinic.factory) as connection:
        values = {"id": slot.calendar_id, "starts_at": slot.starts_at, "ends_at": slot.ends_at}
        claims = [kind for (kind,) in (await connection.execute(CLAIMS, values)).all()]
    document = "query ($id: ID!) { node(id: $id) { ... on Slot { status bookedCount } } }"
    shown = (await meeting.clinic.public.ask(document, id=id_of(slot)))["node"]
    people = [kind for kind in claims if kind in {"APPOINTMENT", "HOLD"}]
    closed = {"BLOCK", "EXTERNAL"} & set(claims)
    told = f"{outcome}: {claims}, {shown}"
    # One has it. A visit stays where its doctor is elsewhere; nobody holds what is closed.
    assert len(people) <= 1, told
    assert people != ["HOLD"] or not closed, told
    assert not people or "BLOCK" not in claims, told
    status = {"APPOINTMENT": "BOOKED", "HOLD": "HELD"}.get("".join(people))
    status = status or ("BLOCKED" if closed else "AVAILABLE")
    assert shown == {"status": status, "bookedCount": int(people == ["APPOINTMENT"])}, told
    done = [name for name, how in outcome if how == "DONE"]
    rivals = [name for name, _ in outcome if name in TAKING]
    if not {name for name, _ in outcome} & set(CLOSING):
        assert len([name for name in done if name in TAKING]) == bool(rivals) == len(people), told
    elif "close" in done:
        assert not {"book", "move", "series", "accept"} & set(done), told
    # They are refused by nobody.
    assert {name for name, _ in outcome} & {"extra hours", "be elsewhere"} <= set(done), told


# ------------------------------------------------------------------------- at an event


@pytest.mark.parametrize("others", ["guests", "patients", "movers"])
async def test_of_two_who_want_a_place_at_an_event_one_has_it(clinic: Clinic, others: str) -> None:
    before = await deadlocks(clinic.factory)
    for _ in range(ROUNDS):
        event = await an_event(clinic.doctor)
        free, single = slots_of(event)

        async def come(who: str, free: str = free, single: str = single) -> Awaitable[str]:
            if who == "patients":
                person = await clinic.factory.person(Role.PATIENT)
                api: Api = clinic.public.signed_in(person.token)
                return code(api.act("bookEventSlot", "appointment { id }", slotId=single))
            act = clinic.public.act
            if who == "guests":
                values = {"slotId": single, "guest": a_guest()}
                return code(act("bookEventSlot", "appointment { id }", **values))
            fields = "appointment { id } manageToken"
            booked = await act("bookEventSlot", fields, slotId=free, guest=a_guest())
            token = {"manageToken": booked["manageToken"]}
            return code(act("rescheduleGuestBooking", "appointment { id }", slotId=single, **token))

        ended = await asyncio.gather(await come("guests"), await come(others))
        assert sorted(ended) == ["DONE", "SLOT_TAKEN"]
        document = "query ($id: ID!) { node(id: $id) { ... on Slot { status bookedCount } } }"
        shown = (await clinic.public.ask(document, id=single))["node"]
        assert shown == {"status": "BOOKED", "bookedCount": 1}
    assert await deadlocks(clinic.factory) == before
