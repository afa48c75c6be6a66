"""A server process: how it ends, and how it goes on without its database."""

import asyncio
import signal

import aiohttp

from models import Role
from tests.api import Api
from tests.e2e.conftest import SLUG, World
from tests.factories import id_of, tomorrow
from tests.live.views import asked, subscribed_by_hand, viewing
from tests.processes import ServerProcess, run, settings

RESTART = 1012
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


async def test_it_ends_soon_when_told_to_and_sends_its_clients_to_the_next(
    world: World, http: aiohttp.ClientSession
) -> None:
    doctor = await world.factory.person(Role.DOCTOR)
    async with ServerProcess(world.environment) as server:
        sockets = [
            await http.ws_connect(
                server.url, protocols=["graphql-transport-ws"], headers={"x-organization": SLUG}
            )
            for _ in range(3)
        ]
        for socket in sockets:
            await subscribed_by_hand(socket, id_of(doctor.calendar))
        async with asyncio.timeout(10):
            # It dies of the signal, but only once all is closed.
            assert await server.stop() == -signal.SIGTERM
        for socket in sockets:
            message = await socket.receive(timeout=10)
            assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, RESTART)
        assert "Traceback" not in server.output


async def test_generate_fills_every_calendar_and_tells_the_views_of_a_running_server(
    world: World, http: aiohttp.ClientSession
) -> None:
    first, second = [await world.factory.person(Role.DOCTOR) for _ in range(2)]
    for doctor in (first, second):
        await world.factory.template(doctor.calendar)
    week = {"start": tomorrow(0), "end": tomorrow(0, days=8)}
    async with ServerProcess(world.environment) as server:
        public = server.api(http, SLUG)
        async with viewing(public, first.calendar, **week) as view:
            assert (await view.next())["slots"] == []
            code, said, errors = await run(world.environment, "generate")
            assert (code, errors) == (0, "")
            made = await world.value("SELECT count(*) FROM slots")
            assert f"Made {made:,} slots." in said
            assert len((await view.next())["slots"]) == 5 * 16
            assert view.slots == (await asked(public, first.calendar, **week))[0]
        code, said, _ = await run(world.environment, "generate")
        assert "Made 0 slots." in said
        assert await world.value("SELECT count(*) FROM slots") == made


async def test_it_starts_without_a_database_and_says_that_it_is_not_ready(
    http: aiohttp.ClientSession,
) -> None:
    server = ServerProcess(settings(NOWHERE))
    server.launch()
    try:
        await server.says("The API")
        assert not await server.is_ready(http)
        assert await unavailable(server.api(http, SLUG))
        assert server.is_alive
        assert "Traceback" not in server.output
    finally:
        server.close()


async def unavailable(api: Api) -> bool:
    """Whether a query is answered with 503 and UNAVAILABLE."""
    body = {"query": "{ organization { name } }"}
    async with api.http.post(api.url, json=body, headers=api.headers) as response:
        answer = await response.json()
        (error,) = answer["errors"]
        return (response.status, error["extensions"]["code"]) == (503, "UNAVAILABLE")
