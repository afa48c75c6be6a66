"""Peers that take nothing or answer nothing: found out, sent away, and no burden to the others.

All of it in one test: it takes its time, and nearly no work.
"""

import asyncio
import base64
import json
import secrets
import signal
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from models import Calendar, Role
from tests.api import Api
from tests.e2e.conftest import SLUG, World
from tests.factories import Person, id_of, tomorrow, wire
from tests.live.event_streams import EventStream, events
from tests.live.views import CHANGES, FIELDS, View, asked, subscribed_by_hand, viewing
from tests.processes import ServerProcess, free_port

TRY_AGAIN_LATER, RESTART = 1013, 1012
# The promise is 45 seconds; a busy machine may take a little longer to look.
GONE_SECONDS = 60.0
SLOTS = 300
CHANGES_TOO_MANY = 40
TEXT, CLOSE = 0x81, 0x88
DAY = {"start": tomorrow(0), "end": tomorrow(0, days=2)}


class Meters:
    """What Prometheus would read."""

    def __init__(self, http: aiohttp.ClientSession, address: str) -> None:
        self._http = http
        self._url = f"http://{address}/metrics"

    async def read(self) -> dict[str, float]:
        """All values by name."""
        async with self._http.get(self._url) as response:
            text = await response.text()
        return {
            sample.name: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if "le" not in sample.labels
        }

    async def until(self, name: str, value: float) -> None:
        """Return when a meter shows a value."""
        async with asyncio.timeout(GONE_SECONDS):
            while (await self.read())[name] != value:  # noqa: ASYNC110
                await asyncio.sleep(0.2)


async def doctor_with_a_full_day(world: World) -> Person:
    """A doctor whose day has so many slots that an update of all of them is large."""
    doctor = await world.factory.person(Role.DOCTOR)
    for number in range(SLOTS):
        start = tomorrow(0) + timedelta(minutes=5 * number)
        await world.factory.slot(doctor.calendar, start, minutes=5)
    return doctor


def request_for(calendar: Calendar) -> dict[str, Any]:
    """The live view of the day, as it is asked for."""
    window = {"from": wire(DAY["start"]), "to": wire(DAY["end"])}
    return {"query": CHANGES % FIELDS, "variables": {"id": id_of(calendar), **window}}


def masked(message: dict[str, Any]) -> bytes:
    """A text frame as clients send it; with a mask of zeros it stays as it is."""
    body = json.dumps(message).encode()
    return b"\x81\xfe" + len(body).to_bytes(2) + bytes(4) + body


async def deaf(server: ServerProcess, *sent: bytes) -> socket.socket:
    """A connection that says something and then takes no byte more."""
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(peer, ("127.0.0.1", server.port))
    for part in sent:
        await loop.sock_sendall(peer, part)
        # A little of the answer, so that what was said is known to have arrived.
        assert await loop.sock_recv(peer, 16)
    return peer


async def deaf_socket(server: ServerProcess, calendar: Calendar) -> socket.socket:
    """A WebSocket with a live view that is not read."""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    handshake = (
        "GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: graphql-transport-ws\r\nX-Organization: {SLUG}\r\n\r\n"
    )
    subscribe = {"id": "1", "type": "subscribe", "payload": request_for(calendar)}
    return await deaf(
        server, handshake.encode(), masked({"type": "connection_init"}), masked(subscribe)
    )


async def deaf_stream(server: ServerProcess, calendar: Calendar) -> socket.socket:
    """An event stream that is not read."""
    body = json.dumps(request_for(calendar))
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: localhost\r\nX-Organization: {SLUG}\r\n"
        "Accept: text/event-stream\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return await deaf(server, head.encode() + body.encode())


async def silent_socket(server: ServerProcess, http: aiohttp.ClientSession) -> int | None:
    """How a socket ends that reads everything and answers nothing."""
    peer = await http.ws_connect(
        server.url,
        protocols=["graphql-transport-ws"],
        headers={"x-organization": SLUG},
        autoping=False,
    )
    await peer.send_json({"type": "connection_init"})
    kinds = []
    async with asyncio.timeout(GONE_SECONDS):
        while not peer.closed:
            kinds.append((await peer.receive()).type)
    assert set(kinds) == {
        aiohttp.WSMsgType.TEXT,
        aiohttp.WSMsgType.PING,
        aiohttp.WSMsgType.CLOSE,
    }
    return peer.close_code


async def quiet_stream(api: Api, calendar: Calendar) -> int:
    """How many signs of life an event stream gives while nothing happens."""
    window = {"id": id_of(calendar), "from": wire(DAY["start"]), "to": wire(DAY["end"])}
    async with events(api, CHANGES % FIELDS, window) as stream:
        await stream.next()
        before = stream.comments
        await asyncio.wait([asyncio.create_task(_read(stream))], timeout=35)
        return stream.comments - before


async def _read(stream: EventStream) -> None:
    while True:
        line = await stream.response.content.readline()
        stream.comments += line.startswith(b":")


async def change_all(reception: Api, calendar: Calendar, times: int) -> None:
    """Close the day and open it again, which changes all its slots each time."""
    values = {
        "calendarId": id_of(calendar),
        "startsAt": wire(DAY["start"]),
        "endsAt": wire(DAY["end"]),
    }
    for turn in range(times):
        act = "unblockTime" if turn % 2 else "blockTime"
        assert (await reception.act(act, "slots { id }", **values))["errors"] == []


@pytest.mark.timeout(200)
async def test_the_dead_and_the_deaf_are_sent_away_and_delay_nobody(
    world: World, http: aiohttp.ClientSession
) -> None:
    doctor = await doctor_with_a_full_day(world)
    still = await world.factory.person(Role.DOCTOR)
    receptionist = await world.factory.person(Role.RECEPTIONIST)
    address = f"127.0.0.1:{free_port()}"
    environment = {**world.environment, "METRICS_ADDRESS": address}
    async with ServerProcess(environment) as server:
        meters = Meters(http, address)
        public = server.api(http, SLUG)
        reception = server.api(http, SLUG, receptionist.token)
        quiet = asyncio.gather(silent_socket(server, http), quiet_stream(public, still.calendar))
        alive = await http.ws_connect(
            server.url, protocols=["graphql-transport-ws"], headers={"x-organization": SLUG}
        )
        await subscribed_by_hand(alive, id_of(still.calendar))
        listening = asyncio.create_task(alive.receive())
        async with viewing(public, doctor.calendar, **DAY) as view:
            await view.next()
            peers = [
                await deaf_socket(server, doctor.calendar),
                await deaf_stream(server, doctor.calendar),
            ]
            await meters.until("live_viewers", 5)
            await others_go_on(view, reception, doctor.calendar)
            await meters.until("live_viewers", 3)
            for peer in peers:
                await ended(peer)
        code, signs = await quiet
        assert code == TRY_AGAIN_LATER
        assert signs == 2
        # Who answers pings stays, however little there is to say.
        assert not listening.done()
        listening.cancel()
        assert "Traceback" not in server.output


async def test_who_reads_again_is_brought_up_to_date_by_one_update(
    world: World, http: aiohttp.ClientSession
) -> None:
    doctor = await doctor_with_a_full_day(world)
    receptionist = await world.factory.person(Role.RECEPTIONIST)
    address = f"127.0.0.1:{free_port()}"
    async with ServerProcess({**world.environment, "METRICS_ADDRESS": address}) as server:
        meters = Meters(http, address)
        reception = server.api(http, SLUG, receptionist.token)
        peer = await deaf_socket(server, doctor.calendar)
        await meters.until("live_viewers", 1)
        await change_all(reception, doctor.calendar, CHANGES_TOO_MANY)
        before = await meters.read()
        assert 0 < before["live_deliveries_total"] < CHANGES_TOO_MANY
        picture, _ = await asked(reception, doctor.calendar, **DAY)
        async with aclosing(frames(peer)) as updates:
            await View(updates).equals(picture)
        # What was on its way, and then one for all the rest.
        after = await meters.read()
        for name in ("live_deliveries_total", "live_merged_total"):
            assert after[name] == before[name] + 1


async def frames(peer: socket.socket) -> AsyncGenerator[dict[str, Any]]:
    """The results in the frames that a server sends, after what was read of the first."""
    reader, writer = await asyncio.open_connection(sock=peer)
    try:
        await reader.readuntil(b'"data":')
        first = await reader.readuntil(b"}]}}}}")
        yield json.loads(first[:-2])
        while True:
            kind, size = await reader.readexactly(2)
            assert kind == TEXT
            if size > 125:
                size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8))
            message = json.loads(await reader.readexactly(size))
            yield message["payload"]["data"]
    finally:
        writer.close()
        await writer.wait_closed()


BLOCKED = b"Nothing was taken for too long"
# The views of each of the two, so that the meter tells which of them ended.
OF_THE_SOCKET, OF_THE_STREAM = 2, 1


async def test_who_takes_nothing_for_too_long_is_ended_and_a_socket_is_told_why(
    world: World, http: aiohttp.ClientSession
) -> None:
    doctor = await doctor_with_a_full_day(world)
    receptionist = await world.factory.person(Role.RECEPTIONIST)
    address = f"127.0.0.1:{free_port()}"
    async with ServerProcess({**world.environment, "METRICS_ADDRESS": address}) as server:
        meters = Meters(http, address)
        socket_peer = await deaf_socket(server, doctor.calendar)
        again = {"id": "2", "type": "subscribe", "payload": request_for(doctor.calendar)}
        socket_peer.send(masked(again))
        peers = {
            OF_THE_SOCKET: socket_peer,
            OF_THE_STREAM: await deaf_stream(server, doctor.calendar),
        }
        left = sum(peers)
        await meters.until("live_viewers", left)
        reception = server.api(http, SLUG, receptionist.token)
        await change_all(reception, doctor.calendar, 20)
        rests = {}
        async with asyncio.timeout(GONE_SECONDS):
            while left:
                now = int((await meters.read())["live_viewers"])
                # At once, so that what the server still had to say gets out before its farewell.
                for views, peer in peers.items():
                    if views not in rests and left - now in {views, sum(peers)}:
                        rests[views] = asyncio.create_task(rest(peer))
                left = now
                await asyncio.sleep(0.2)
            said = (TRY_AGAIN_LATER).to_bytes(2) + BLOCKED
            assert (await rests[OF_THE_SOCKET]).endswith(bytes((CLOSE, len(said))) + said)
            # Not by a reset: the server has ended it, before the system that waited in vain.
            assert await rests[OF_THE_STREAM]
        assert "Traceback" not in server.output


async def rest(peer: socket.socket) -> bytes:
    """All that a peer can still read; the connection must end without a reset."""
    loop, said = asyncio.get_running_loop(), b""
    while part := await loop.sock_recv(peer, 65536):
        said += part
    peer.close()
    return said


async def test_it_ends_within_ten_seconds_beside_the_deaf_and_clients_come_back(
    world: World, http: aiohttp.ClientSession
) -> None:
    doctor = await doctor_with_a_full_day(world)
    receptionist = await world.factory.person(Role.RECEPTIONIST)
    window = {"id": id_of(doctor.calendar), "from": wire(DAY["start"]), "to": wire(DAY["end"])}
    async with ServerProcess(world.environment) as server:
        public = server.api(http, SLUG)
        reception = server.api(http, SLUG, receptionist.token)
        peers = [
            await deaf_socket(server, doctor.calendar),
            await deaf_stream(server, doctor.calendar),
        ]
        heard = await http.ws_connect(
            server.url, protocols=["graphql-transport-ws"], headers={"x-organization": SLUG}
        )
        await subscribed_by_hand(heard, id_of(doctor.calendar))
        async with events(public, CHANGES % FIELDS, window) as stream:
            await stream.next()
            await change_all(reception, doctor.calendar, 20)
            async with asyncio.timeout(10):
                assert await server.stop() == -signal.SIGTERM
            # Without `complete`, which would tell the client not to come back.
            assert {event.kind for event in await stream.rest()} == {"next"}
        while (message := await heard.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT:
            pass
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, RESTART)
        for peer in peers:
            await ended(peer)
        assert "Traceback" not in server.output


async def others_go_on(view: View, reception: Api, calendar: Calendar) -> None:
    """Change far more than the deaf can hold; who reads is told of each change."""
    await change_all(reception, calendar, 40)
    picture, _ = await asked(reception, calendar, **DAY)
    await view.equals(picture)


async def ended(peer: socket.socket) -> None:
    """What still lies in the way of a deaf peer, and after it the end of the connection."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(GONE_SECONDS):
        try:
            while await loop.sock_recv(peer, 65536):
                pass
        except ConnectionResetError:
            pass
    peer.close()
