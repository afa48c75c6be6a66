"""Races through the API of real servers: many want the same, and exactly one gets it."""

import asyncio
import os
import random
import time
from collections import Counter
from typing import Any

import aiohttp

from models import Calendar, Role, Slot
from tests.api import Api
from tests.e2e.conftest import SLUG, World
from tests.e2e.load import (
    QUEUED,
    Booker,
    Views,
    answers_of,
    code_of,
    many_patients,
    overlaps,
    require_all_acknowledged,
)
from tests.factories import id_of, tomorrow
from tests.live.views import asked, change_behind_the_api
from tests.processes import ServerProcess

SECONDS = float(os.environ.get("RACE_SECONDS", "15"))
CLIENTS = 200
CALENDARS = 5


async def test_of_two_hundred_who_want_one_slot_one_gets_it(
    world: World, http: aiohttp.ClientSession
) -> None:
    calendar = (await world.factory.person(Role.DOCTOR)).calendar
    assert calendar is not None
    slot, neighbour = await world.factory.slots(calendar, tomorrow(), 2)
    people = await many_patients(world, CLIENTS)
    async with ServerProcess(world.environment) as server:
        apis = [server.api(http, SLUG, token) for token in people]
        answers = await asyncio.gather(*(answer_to(api, id_of(slot)) for api in apis))
        assert "Internal error" not in server.output
    winners = [answer for answer in answers if answer["appointment"]]
    refusals = [error for answer in answers for error in answer["errors"]]
    assert len(winners) == 1
    assert Counter(error["code"] for error in refusals) == {"SLOT_TAKEN": CLIENTS - 1}
    assert all(e["alternatives"] == [{"id": id_of(neighbour)}] for e in refusals)
    (row,) = await world.rows("SELECT id, status FROM appointments")
    assert f"appointment_{row['id'].hex}" == winners[0]["appointment"]["id"]
    assert await world.value("SELECT count(*) FROM claims") == 1
    assert await world.value("SELECT revision FROM calendars") == 1


BOOK = """
mutation ($input: BookAppointmentInput!) {
  bookAppointment(input: $input) {
    appointment { id } errors { ... on UserError { code } ... on SlotTaken { alternatives { id } } }
  }
}
"""


async def answer_to(api: Api, slot_id: str) -> dict[str, Any]:
    """What somebody is answered who wants the slot."""
    code = QUEUED
    while code == QUEUED:
        called = time.monotonic()
        answer = await api.send(BOOK, input={"slotId": slot_id})
        if "errors" not in answer:
            payload: dict[str, Any] = answer["data"]["bookAppointment"]
            return payload
        code = code_of(answer, time.monotonic() - called)
    raise AssertionError(answer)


async def calendars_with_slots(world: World) -> list[tuple[Calendar, list[Slot]]]:
    """Calendars of ten slots at the same times, and one slot more that ends the test."""
    made = []
    for _ in range(CALENDARS):
        calendar = (await world.factory.person(Role.DOCTOR)).calendar
        assert calendar is not None
        made.append((calendar, await world.factory.slots(calendar, tomorrow(8), 11)))
    return made


async def test_nobody_is_booked_twice_and_every_view_ends_up_with_the_truth(
    world: World, http: aiohttp.ClientSession
) -> None:
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(10**9)))
    print(f"SEED={seed}")
    chance = random.Random(seed)
    calendars = await calendars_with_slots(world)
    slots = [id_of(slot) for _, of_one in calendars for slot in of_one[:-1]]
    people = await many_patients(world, CLIENTS)
    environment = world.environment
    async with ServerProcess(environment) as one, ServerProcess(environment) as two:
        apis = [server.api(http, SLUG) for server in (one, two)]
        bookers = [Booker(apis[n % 2].signed_in(t), slots, chance) for n, t in enumerate(people)]
        views = Views(come_back=False)
        async with asyncio.TaskGroup() as together:
            places = [(api, one, id_of(last)) for one, (*_, last) in calendars for api in apis]
            await views.open(together, places)
            ends = time.monotonic() + SECONDS
            async with asyncio.TaskGroup() as booking:
                for booker in bookers:
                    booking.create_task(booker.run(lambda: time.monotonic() < ends, 2))
            for _, (*_, last) in calendars:
                await change_behind_the_api(world.database, last, "BLOCKED")
        pictures = [(await asked(api, calendar))[0] for calendar, _ in calendars for api in apis]
        assert [task.result().slots for task in views.tasks] == pictures
        assert "Internal error" not in one.output + two.output
    answers = answers_of(bookers)
    print(dict(answers))
    assert set(answers) <= {"DONE", "SLOT_TAKEN", "PATIENT_BUSY", QUEUED}
    assert min(answers["DONE"], answers["SLOT_TAKEN"]) > 0
    assert overlaps(bookers) == []
    await require_all_acknowledged(world, bookers)
