"""Five hundred guests who want fifty seats, through the API of a real server: fifty have one each,
and everybody else is told that it is taken."""

import asyncio
import time
from collections import Counter
from typing import Any

import aiohttp

from models import Role
from tests.api import Api
from tests.e2e.conftest import SLUG, World
from tests.e2e.load import QUEUED, code_of
from tests.occasions import WINDOW, a_guest, an_event, slots_of
from tests.processes import ServerProcess

GUESTS, FEWER, SEATS = 500, 100, 50
# So many at once: more would wait for a connection to the database, and be told to come back.
AT_ONCE = 100
BOOK = """
mutation ($slot: ID!, $guest: GuestInput!) {
  bookEventSlot(input: {slotId: $slot, guest: $guest}) {
    appointment { id } errors { ... on UserError { code } ... on SlotTaken { alternatives { id } } }
  } }
"""


async def answer_to(api: Api, slot_id: str, turn: asyncio.Semaphore) -> dict[str, Any]:
    """What a guest is answered who wants a seat, once the server has time."""
    code = QUEUED
    async with turn:
        while code == QUEUED:
            called = time.monotonic()
            answer = await api.send(BOOK, slot=slot_id, guest=a_guest())
            if "errors" not in answer:
                payload: dict[str, Any] = answer["data"]["bookEventSlot"]
                return payload
            code = code_of(answer, time.monotonic() - called)
    raise AssertionError(answer)


async def test_of_all_guests_who_come_at_once_as_many_have_a_seat_as_there_are(
    world: World, http: aiohttp.ClientSession
) -> None:
    """All of them for one slot, and some for five slots of one event."""
    organizer = await world.factory.person(Role.RECEPTIONIST)
    async with ServerProcess(world.environment) as server:
        public = server.api(http, SLUG)
        staff = public.signed_in(organizer.token)
        await crowd(world, public, await an_event(staff, slots=slots(1, SEATS)), GUESTS)
        await crowd(world, public, await an_event(staff, slots=slots(5, SEATS // 5)), FEWER)
        assert "Internal error" not in server.output


def slots(count: int, capacity: int) -> list[dict[str, Any]]:
    """So many slots, one hour after the other."""
    hours = range(10, 10 + count)
    return [{"startTime": f"{h}:00", "endTime": f"{h + 1}:00", "capacity": capacity} for h in hours]


async def crowd(world: World, public: Api, event: dict[str, Any], guests: int) -> None:
    """Let so many guests want the slots of an event, each slot as many of them."""
    shown = {slot["id"]: slot["capacity"] for slot in event["calendar"]["slots"]}
    wanted = slots_of(event)
    async with public.watching(event["calendar"]["id"], WINDOW["from"], WINDOW["to"]) as view:
        await view.next()
        turn = asyncio.Semaphore(AT_ONCE)
        answers = await asyncio.gather(
            *(answer_to(public, wanted[n % len(wanted)], turn) for n in range(guests))
        )
        for slot in wanted:
            await view.until(slot, "BOOKED", 30)
        assert {id: slot["bookedCount"] for id, slot in view.slots.items()} == shown
    codes = Counter(error["code"] for answer in answers for error in answer["errors"])
    assert codes == {"SLOT_TAKEN": guests - SEATS}
    assert sum(answer["appointment"] is not None for answer in answers) == SEATS
    of_event = f"calendar_id = '{event['calendar']['id'].rpartition('_')[2]}'"
    lanes = await world.rows(
        "SELECT array_agg(lane ORDER BY lane) AS lanes, count(DISTINCT appointment_id) AS bookings "
        f"FROM claims WHERE {of_event} GROUP BY lower(during)"
    )
    each = SEATS // len(wanted)
    assert [tuple(row) for row in lanes] == [(list(range(each)), each)] * len(wanted)
    booked = f"SELECT count(*) FROM appointments WHERE status = 'BOOKED' AND {of_event}"
    assert await world.value(booked) == SEATS
    told = "notifications JOIN appointments ON appointments.id = appointment_id"
    assert await world.value(f"SELECT count(*) FROM {told} WHERE {of_event}") == SEATS
