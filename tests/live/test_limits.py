"""How many live connections there may be, and what is said to one more."""

import asyncio
from contextlib import AsyncExitStack

import aiohttp
import pytest

from tests.api import Api
from tests.booking import calendar_of
from tests.conftest import Clinic
from tests.factories import id_of
from tests.live.event_streams import EventStream, events
from tests.live.test_event_streams import WATCH, update, window
from tests.live.views import PATIENCE, another_server, subscribed_by_hand

TRY_AGAIN_LATER, TOO_MANY = 1013, 4429
SENTENCE = "Too many connections are open; close one, or try again later."


async def opened(api: Api) -> aiohttp.ClientWebSocketResponse:
    """A socket, as its handshake leaves it."""
    return await api.http.ws_connect(
        api.url, protocols=["graphql-transport-ws"], headers={"x-organization": api.slug}
    )


async def began(api: Api) -> aiohttp.ClientWebSocketResponse:
    """A socket on which somebody said who they are."""
    socket = await opened(api)
    token = {"authorization": f"Bearer {api.token}"} if api.token else {}
    await socket.send_json({"type": "connection_init", "payload": token})
    return socket


async def closed(socket: aiohttp.ClientWebSocketResponse) -> tuple[int | None, str]:
    """How a socket was closed."""
    message = await socket.receive(PATIENCE)
    assert message.type is aiohttp.WSMsgType.CLOSE
    return message.data, message.extra


async def acknowledged(socket: aiohttp.ClientWebSocketResponse) -> None:
    """It must have been let in."""
    assert await socket.receive_json(timeout=PATIENCE) == {"type": "connection_ack"}


async def let_in(api: Api) -> aiohttp.ClientWebSocketResponse:
    """A socket, once there is a place: the server sees a moment later that one has left."""
    async with asyncio.timeout(PATIENCE):
        while True:
            socket = await began(api)
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                assert message.json() == {"type": "connection_ack"}
                return socket


async def refused(stream: EventStream) -> None:
    """It must have been told to come back later."""
    assert stream.response.status == 429
    assert stream.response.headers["retry-after"] == "10"
    (error,) = (await stream.response.json())["errors"]
    assert (error["message"], error["extensions"]) == (SENTENCE, {"code": "RATE_LIMITED"})


@pytest.mark.parametrize("limit", ["connections", "connections_per_address"])
async def test_one_too_many_is_sent_away_and_let_in_when_another_leaves(
    clinic: Clinic, database_url: str, limit: str
) -> None:
    calendar = calendar_of(clinic)
    async with (
        another_server(clinic.public, database_url, **{limit: 2}) as here,
        AsyncExitStack() as stack,
    ):
        first = await opened(here)
        await subscribed_by_hand(first, id_of(calendar))
        stream = await stack.enter_async_context(events(here, WATCH, window(calendar)))
        await update(stream)
        assert await closed(await opened(here)) == (TRY_AGAIN_LATER, SENTENCE)
        async with events(here, WATCH, window(calendar)) as third:
            await refused(third)
        # Those who are in notice nothing, and requests are not counted.
        await first.send_json({"type": "ping"})
        assert await first.receive_json(timeout=PATIENCE) == {"type": "pong"}
        assert await here.ask("{ organization { name } }")
        await first.close()
        await let_in(here)


async def test_a_user_has_so_many_and_others_have_theirs(clinic: Clinic, database_url: str) -> None:
    calendar = calendar_of(clinic)
    async with another_server(clinic.patient, database_url, connections_per_user=2) as patient:
        sockets = [await began(patient) for _ in range(2)]
        for socket in sockets:
            await acknowledged(socket)
        assert await closed(await began(patient)) == (TOO_MANY, SENTENCE)
        async with events(patient, WATCH, window(calendar)) as stream:
            await refused(stream)
        doctor = patient.signed_in(str(clinic.doctor.token))
        await acknowledged(await began(doctor))
        public = Api(patient.url, patient.http, patient.slug)
        nobodies = [await began(public) for _ in range(3)]
        for socket in nobodies:
            await acknowledged(socket)
        await sockets[0].close()
        again = await let_in(patient)
        assert await closed(await began(patient)) == (TOO_MANY, SENTENCE)
        # Held until here: a socket that nobody holds is closed.
        await again.close()
