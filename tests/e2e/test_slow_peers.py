"""Peers that say nothing, drip or flood: sent away in time, and no burden to the others.

What takes its time is one test in which all of it happens at once: it waits, and does nearly no
work.
"""

import asyncio
import base64
import json
import secrets
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

import aiohttp
import pytest

from models import Role
from serving.lines import BODY_SECONDS, HEAD_SECONDS, KEEP_ALIVE_SECONDS, LARGEST_HEAD
from serving.sockets import MOST_FRAMES
from tests.e2e.conftest import SLUG, World
from tests.factories import id_of, tomorrow, wire
from tests.live.views import viewing
from tests.processes import ServerProcess

REQUESTS = 50
PEERS = 200
# Far more than the server waits, even on a busy machine.
PATIENCE = 40.0
POST = (
    "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    f"X-Organization: {SLUG}\r\n"
)
H2C = b"\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
HANDSHAKE = (
    "GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
    f"X-Organization: {SLUG}\r\n"
)


class Peer:
    """A connection of bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._began = time.monotonic()

    def send(self, *parts: bytes | str) -> None:
        """Say something, whether the other end listens or not."""
        for part in parts:
            self._writer.write(part.encode() if isinstance(part, str) else part)

    async def answer(self) -> bytes:
        """The next answer: its head, and as much of its body as it says."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        size = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return head + await self._reader.readexactly(int(size or 0))

    async def end(self, drip: bytes = b"", *, every: float = 0.5) -> tuple[bytes, float]:
        """What is still said until the connection ends, and after how many seconds it does."""
        dripping = asyncio.create_task(self._drip(drip, every)) if drip else None
        try:
            async with asyncio.timeout(PATIENCE):
                said = await self._read()
        finally:
            if dripping is not None:
                dripping.cancel()
        return said, time.monotonic() - self._began

    async def _read(self) -> bytes:
        said = b""
        try:
            while part := await self._reader.read(65536):
                said += part
        except ConnectionError:
            pass
        return said

    async def _drip(self, drip: bytes, every: float) -> None:
        while True:
            self.send(drip)
            await asyncio.sleep(every)


@asynccontextmanager
async def peer(server: ServerProcess, *said: bytes | str) -> AsyncIterator[Peer]:
    """A connection on which something has been said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        made = Peer(reader, writer)
        made.send(*said)
        yield made
    finally:
        writer.transport.abort()


async def ending(
    server: ServerProcess, *said: bytes | str, drip: bytes = b"", answers: int = 0
) -> tuple[bytes, float]:
    """How a connection ends on which something was said, and is said on drop by drop."""
    async with peer(server, *said) as made:
        for _ in range(answers):
            assert (await made.answer()).startswith(b"HTTP/1.1 200 OK")
        return await made.end(drip)


def status(said: bytes) -> str:
    """The status of an answer; nothing where there is none."""
    return said.partition(b"\r\n")[0].decode()


SWITCHED = "HTTP/1.1 101 Switching Protocols"
LATE = "HTTP/1.1 408 Request Timeout"


def slow_peers(
    server: ServerProcess,
) -> dict[str, tuple[Coroutine[None, None, tuple[bytes, float]], float, str]]:
    """How peers end that do not get on: what happens, after how many seconds, with what answer."""
    body = json.dumps({"query": "{ __typename }"})
    sized = f"{POST}Content-Length: {len(body)}\r\n\r\n"
    chunked = f"{POST}Transfer-Encoding: chunked\r\n\r\n"
    return {
        "silent": (ending(server), HEAD_SECONDS, ""),
        "blank lines": (ending(server, drip=b"\r\n"), HEAD_SECONDS, ""),
        "half a line": (ending(server, "GET /healthz HT"), HEAD_SECONDS, LATE),
        "dripping line": (ending(server, "GET /", drip=b"x"), HEAD_SECONDS, LATE),
        "dripping head": (
            ending(server, "GET /healthz HTTP/1.1\r\nA: ", drip=b"x\r\nA: "),
            HEAD_SECONDS,
            LATE,
        ),
        "dripping handshake": (ending(server, HANDSHAKE, drip=b"A: b\r\n"), HEAD_SECONDS, LATE),
        "no body": (ending(server, sized), BODY_SECONDS, LATE),
        "half a body": (ending(server, sized, body[:9]), BODY_SECONDS, LATE),
        "dripping body": (
            ending(server, f"{POST}Content-Length: 999\r\n\r\n", drip=b" "),
            BODY_SECONDS,
            LATE,
        ),
        "dripping chunks": (ending(server, chunked, drip=b"1\r\n \r\n"), BODY_SECONDS, LATE),
        "dripping trailers": (
            ending(server, chunked, "0\r\n", drip=b"A: b\r\n"),
            BODY_SECONDS,
            LATE,
        ),
        "waits for 100": (
            ending(server, f"{POST}Expect: 100-continue\r\nContent-Length: 9\r\n\r\n"),
            BODY_SECONDS,
            "HTTP/1.1 100 Continue",
        ),
        "body after its answer": (
            ending(
                server,
                "POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\n",
                drip=b" ",
            ),
            BODY_SECONDS,
            "HTTP/1.1 200 OK",
        ),
        "kept alive": (ending(server, WHOLE, answers=1), KEEP_ALIVE_SECONDS, ""),
        "kept alive by blank lines": (
            ending(server, WHOLE, drip=b"\r\n", answers=1),
            KEEP_ALIVE_SECONDS,
            "",
        ),
        "second head": (ending(server, WHOLE, WHOLE[:20], answers=1), HEAD_SECONDS, LATE),
        "no introduction": (
            ending(server, HANDSHAKE, key()),
            3,
            SWITCHED,
        ),
    }


@pytest.mark.timeout(120)
async def test_who_drips_is_sent_away_in_time_and_the_others_do_not_notice(
    world: World, http: aiohttp.ClientSession
) -> None:
    doctor, receptionist = [
        await world.factory.person(role) for role in (Role.DOCTOR, Role.RECEPTIONIST)
    ]
    slot = await world.factory.slot(doctor.calendar, tomorrow())
    async with ServerProcess(world.environment) as server:
        crowd = [
            asyncio.create_task(ending(server, *said, drip=drip))
            for said, drip in ((("GET /",), b"x"), ((), b""))
            for _ in range(PEERS // 2)
        ]
        cases = slow_peers(server)
        reception = server.api(http, SLUG, receptionist.token)
        async with viewing(server.api(http, SLUG), doctor.calendar) as view:
            await view.next()
            slow = asyncio.gather(*(case[0] for case in cases.values()))
            asked = 0
            while asked < REQUESTS and not any(task.done() for task in crowd):
                assert await reception.ask("{ __typename }") == {"__typename": "Query"}
                asked += 1
            # On a slow machine it may be fewer before the first of the crowd is sent away.
            assert asked > 0
            ended = dict(zip(cases, await slow, strict=True))
            # A live view says nothing either, and stays.
            window = {"startsAt": wire(tomorrow(0)), "endsAt": wire(tomorrow(23))}
            blocked = {"calendarId": id_of(doctor.calendar), **window}
            assert await reception.done("blockTime", "slots { id }", **blocked)
            await view.until(id_of(slot), "BLOCKED", PATIENCE)
        for name, (_, seconds, answer) in cases.items():
            said, lasted = ended[name]
            assert status(said) == answer, name
            assert seconds - 0.2 <= lasted <= seconds + 10, name
        for said, lasted in await asyncio.gather(*crowd):
            assert status(said) in {LATE, ""}
            assert lasted <= HEAD_SECONDS + 10
        assert "Traceback" not in server.output


async def test_a_head_has_sixteen_kilobytes_and_no_more(world: World) -> None:
    too_large = "HTTP/1.1 431 Request Header Fields Too Large"
    begin = "GET /healthz HTTP/1.1\r\n"
    room = LARGEST_HEAD - len("/healthz") - len("A: \r\n")
    async with ServerProcess(world.environment) as server:
        async with peer(server, f"{begin}A: {'x' * room}\r\n\r\n") as fitting:
            assert status(await fitting.answer()) == "HTTP/1.1 200 OK"
        for said in (
            (f"{begin}A: {'x' * room}x\r\n\r\n",),
            (begin, *(f"A{number}: {'x' * 90}\r\n" for number in range(200)), "\r\n"),
            (f"GET /healthz?{'x' * LARGEST_HEAD} HTTP/1.1\r\n\r\n",),
            # These never end.
            (begin, "A: ", *["x" * 4096] * 99),
            ("GET /", *["x" * 4096] * 99),
            (WHOLE, begin, "A: ", *["x" * 4096] * 99),
        ):
            answer, seconds = await ending(server, *said, answers=int(said[0] is WHOLE))
            assert status(answer) == too_large
            assert seconds < HEAD_SECONDS
        # What comes after a body is no part of the head, and has an end too.
        trailers = f"{POST}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n"
        answer, seconds = await ending(server, trailers, "A: ", *["x" * 65536] * 40)
        assert status(answer) == "HTTP/1.1 413 Content Too Large"
        assert seconds < BODY_SECONDS
        async with peer(server, WHOLE.replace(b"\r\n\r\n", H2C)) as asking_for_more:
            assert status(await asking_for_more.answer()) == "HTTP/1.1 200 OK"
        assert "Traceback" not in server.output


async def test_a_flood_of_frames_ends_its_own_socket(
    world: World, http: aiohttp.ClientSession
) -> None:
    ping, empty, fragment = b"\x89\x80", b"\x00\x80", b"\x01\x80"
    mask = bytes(4)
    async with ServerProcess(world.environment) as server:
        async with other_socket(server, http) as other:
            for frames in (
                (ping + mask) * (MOST_FRAMES * 2),
                fragment + mask + (empty + mask) * (MOST_FRAMES * 2),
            ):
                async with peer(server, HANDSHAKE, key()) as flooding:
                    assert status(await flooding.answer()) == SWITCHED
                    flooding.send(frames)
                    assert b"Too many frames" in (await flooding.end())[0]
            await other.send_json({"type": "ping"})
            assert await other.receive_json(timeout=PATIENCE) == {"type": "pong"}
        async with peer(server, HANDSHAKE, key()) as allowed:
            assert status(await allowed.answer()) == SWITCHED
            allowed.send((ping + mask) * (MOST_FRAMES // 2))
            allowed.send(b"\x88\x80" + mask)
            pongs = (await allowed.end())[0]
            assert pongs.startswith(b"\x8a\x00" * (MOST_FRAMES // 2))
        assert "Traceback" not in server.output


def key() -> str:
    """The end of a handshake."""
    return f"Sec-WebSocket-Key: {base64.b64encode(secrets.token_bytes(16)).decode()}\r\n\r\n"


@asynccontextmanager
async def other_socket(
    server: ServerProcess, http: aiohttp.ClientSession
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A socket of somebody who behaves."""
    async with http.ws_connect(
        server.url, protocols=["graphql-transport-ws"], headers={"x-organization": SLUG}
    ) as socket:
        await socket.send_json({"type": "connection_init"})
        assert await socket.receive_json(timeout=PATIENCE) == {"type": "connection_ack"}
        yield socket
