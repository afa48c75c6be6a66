"""A PostgreSQL that says nothing for a while, and answers that never arrive: nothing is lost and
nothing done twice, and everybody hears so in good time.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
from sqlalchemy.engine import make_url

from models import Role, Slot
from tests.api import Api
from tests.conftest import CONFIG, serving
from tests.e2e.conftest import SLUG, World
from tests.e2e.load import DOUBLE_BOOKED, WRONG_SLOTS, many_patients, new_key
from tests.factories import id_of, tomorrow
from tests.live.views import asked, viewing
from tests.processes import ServerProcess
from tests.proxy import Proxy

SECONDS = 2.0
# Far more than the limits, on however busy a machine.
PATIENCE = 40.0
PEOPLE = 4
BOOK = """mutation ($input: BookAppointmentInput!) {
  bookAppointment(input: $input) { appointment { id } errors { ... on UserError { code } } }
}"""


@asynccontextmanager
async def beyond(road: Proxy, world: World, http: aiohttp.ClientSession) -> AsyncIterator[Api]:
    """A server whose way to PostgreSQL is the road."""
    config = replace(CONFIG, secret_key=world.environment["SECRET_KEY"], operation_seconds=SECONDS)
    url = make_url(world.database.dsn).set(host="127.0.0.1", port=road.port, query={})
    served = serving(config, url.render_as_string())
    address = await asyncio.to_thread(served.__enter__)
    try:
        yield Api(address, http, SLUG)
    finally:
        await asyncio.to_thread(served.__exit__, None, None, None)


def socket_of(world: World) -> str:
    """Where PostgreSQL listens."""
    url = make_url(world.database.dsn)
    return f"{url.query['host']}/.s.PGSQL.{url.query['port']}"


async def booked(api: Api, slot: Slot, key: str) -> tuple[int, str]:
    """How a booking is answered: the status, and the appointment's id or the code of an error."""
    body = {"query": BOOK, "variables": {"input": {"slotId": id_of(slot), "idempotencyKey": key}}}
    async with api.http.post(api.url, json=body, headers=api.headers) as response:
        answer = await response.json()
        if "errors" in answer:
            (error,) = answer["errors"]
            return response.status, error["extensions"]["code"]
        payload = answer["data"]["bookAppointment"]
        assert payload["errors"] == []
        return response.status, payload["appointment"]["id"]


async def state_of(api: Api) -> tuple[int, int]:
    """What the server says of its life and of its readiness."""
    root = api.url.removesuffix("/graphql")
    found = []
    for path in ("/healthz", "/readyz"):
        async with api.http.get(root + path) as response:
            found.append(response.status)
    return found[0], found[1]


@pytest.mark.timeout(120)
async def test_while_postgresql_says_nothing_everybody_hears_so_and_afterwards_all_goes_on(
    world: World, http: aiohttp.ClientSession
) -> None:
    calendar = (await world.factory.person(Role.DOCTOR)).calendar
    assert calendar is not None
    slots = await world.factory.slots(calendar, tomorrow(8), 3 * PEOPLE)
    tokens = await many_patients(world, len(slots))
    keys = [new_key() for _ in slots]
    async with Proxy(socket_of(world)) as road, beyond(road, world, http) as public:
        acts = list(zip(map(public.signed_in, tokens), slots, keys, strict=True))
        async with viewing(public, calendar) as view, asyncio.timeout(PATIENCE):
            await view.next()
            begun = [asyncio.create_task(booked(*act)) for act in acts[:PEOPLE]]
            # Somewhere on their way.
            await asyncio.sleep(0.02)
            road.stall(new_ones=True)
            early = [asyncio.create_task(booked(*act)) for act in acts[PEOPLE : 2 * PEOPLE]]
            # Long before a connection is given up that is not made.
            async with asyncio.timeout(4 * SECONDS):
                assert await state_of(public) == (200, 503)
                assert await asyncio.gather(*early) == [(503, "UNAVAILABLE")] * PEOPLE
            late = [asyncio.create_task(booked(*act)) for act in acts[2 * PEOPLE :]]
            await asyncio.sleep(SECONDS / 10)
            road.resume()
            answers = [*await asyncio.gather(*begun), *await asyncio.gather(*late)]
            while await state_of(public) != (200, 200):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            # As if nothing had been: what was done is answered again, what was not is done now.
            again = [await booked(*act) for act in acts]
            assert {status for status, _ in again} == {200}
            for first, second in zip(answers, again[:PEOPLE] + again[2 * PEOPLE :], strict=True):
                assert first in {second, (503, "UNAVAILABLE")}
            await is_booked_once(world, [id for _, id in again])
            picture, _ = await asked(public, calendar)
            await view.equals(picture)
            assert {slot["status"] for slot in picture.values()} == {"BOOKED"}


async def is_booked_once(world: World, ids: list[str]) -> None:
    """These are all the appointments that there are, and the slots say the same."""
    rows = await world.rows("SELECT id FROM appointments")
    assert sorted(f"appointment_{row['id'].hex}" for row in rows) == sorted(ids)
    assert await world.value(DOUBLE_BOOKED) == await world.value(WRONG_SLOTS) == 0


async def test_what_was_committed_before_a_kill_and_never_answered_is_done_once(
    world: World, http: aiohttp.ClientSession
) -> None:
    calendar = (await world.factory.person(Role.DOCTOR)).calendar
    assert calendar is not None
    first, second, third = await world.factory.slots(calendar, tomorrow(), 3)
    patient, other = [(await world.factory.person(Role.PATIENT)).token for _ in range(2)]
    fields = "appointment { id version slot { id } }"
    async with ServerProcess(world.environment) as server, Proxy(server.port) as road:
        api = server.api(http, SLUG)
        made = await api.signed_in(patient).done("bookAppointment", fields, slotId=id_of(first))
        acts: list[tuple[str, str, dict[str, str]]] = [
            (patient, "rescheduleAppointment", {"appointmentId": made["id"]}),
            (other, "bookAppointment", {}),
        ]
        for (*_, values), slot in zip(acts, (second, third), strict=True):
            values |= {"slotId": id_of(slot), "idempotencyKey": new_key()}
        far = Api(f"http://127.0.0.1:{road.port}/graphql", http, SLUG)
        # On connections that are there, so that all that is answered on them is withheld.
        await asyncio.gather(*(far.ask("{ __typename }") for _ in acts))
        road.lose()
        lost = [
            asyncio.create_task(far.signed_in(token).act(act, fields, **values))
            for token, act, values in acts
        ]
        await asyncio.wait_for(road.has_lost('"version"', times=len(acts)), PATIENCE)
        server.kill()
        for task in lost:
            with pytest.raises((aiohttp.ClientError, ConnectionError)):
                await task
        await server.start()
        for _ in range(2):
            moved, booked = [
                await api.signed_in(token).done(act, fields, **values)
                for token, act, values in acts
            ]
            assert moved == {"id": made["id"], "version": 2, "slot": {"id": id_of(second)}}
            assert (booked["version"], booked["slot"]) == (1, {"id": id_of(third)})
            await is_booked_once(world, [made["id"], booked["id"]])
        assert await world.value("SELECT count(*) FROM appointment_events") == 3
        assert await world.value("SELECT count(*) FROM claims") == 2
        assert "Traceback" not in server.output
