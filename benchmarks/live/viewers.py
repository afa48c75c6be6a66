"""The viewers: raw protocols with a handshake made by hand and just enough of WebSocket to count
frames and note when they came, so that thousands of them fit into one process and the generator
takes as little as possible from what is measured.

Nothing here knows what a change is.
"""

import asyncio
import base64
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import cast
from uuid import uuid4

HANDSHAKE = b"\r\n".join(
    (
        b"GET /graphql HTTP/1.1",
        b"Host: 127.0.0.1",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Key: " + base64.b64encode(b"sixteen bytes!!!"),
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Protocol: graphql-transport-ws",
        b"\r\n",
    )
)
SWITCHING = b"HTTP/1.1 101 "
BLANK_LINE = b"\r\n\r\n"
TEXT, PING, PONG = 0x81, 0x89, 0x8A
MASKED = 0x80
# A key of zeros leaves the bytes as they are, and is a key as good as any to the server.
MASK = bytes(4)
INIT = b'{"type":"connection_init"}'
ACK = b'"connection_ack"'
NEXT = b'"type":"next"'
PAYLOAD = b'"payload":'
# The type of a message stands before its payload.
HEAD_BYTES = 120
CONNECTING_AT_ONCE = 50
PATIENCE = 60.0


class CrowdError(RuntimeError):
    """The viewers were not served."""


def frame(opcode: int, payload: bytes) -> bytes:
    """A frame as a client sends it."""
    size = len(payload)
    if size < 126:
        return bytes((opcode, MASKED | size)) + MASK + payload
    return bytes((opcode, MASKED | 126)) + size.to_bytes(2) + MASK + payload


class Viewer(asyncio.Protocol):
    """One connection with one subscription, under an id of its own as graphql-ws makes them."""

    __slots__ = (
        "_crowd",
        "_is_open",
        "_ready",
        "_rest",
        "_subscribe",
        "_transport",
        "last",
        "seen",
    )

    def __init__(self, crowd: "Crowd", subscription: bytes, ready: asyncio.Future[None]) -> None:
        self.seen = 0
        self.last = b""
        self._crowd = crowd
        # Until the first picture.
        self._ready: asyncio.Future[None] | None = ready
        self._subscribe = subscription
        self._transport: asyncio.Transport | None = None
        self._is_open = False
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        """Take the frames apart."""
        now = time.time()
        if self._rest:
            data = self._rest + data
        place, size = 0, len(data)
        if not self._is_open:
            place = self._opened(data)
        while size - place >= 2:
            length, begin = data[place + 1], place + 2
            if length == 126:
                begin += 2
                length = int.from_bytes(data[place + 2 : begin])
            elif length == 127:
                begin += 8
                length = int.from_bytes(data[place + 2 : begin])
            end = begin + length
            if end > size or begin > size:
                break
            self._take(data[place], data[begin:end], now)
            place = end
        self._rest = data[place:] if place < size else b""

    def connection_lost(self, exc: Exception | None) -> None:
        """Say so, unless everybody goes."""
        self._crowd.note_failure(f"The server closed a connection ({exc}).")
        self._is_ready()

    def leave(self) -> None:
        """Go without a word, as people do."""
        if self._transport is not None:
            self._transport.abort()

    def _opened(self, data: bytes) -> int:
        end = data.find(BLANK_LINE)
        if end < 0:
            return 0
        if not data.startswith(SWITCHING):
            self._crowd.note_failure(data[:300].decode(errors="replace"))
            self.leave()
        self._is_open = True
        self._send(TEXT, INIT)
        return end + len(BLANK_LINE)

    def _take(self, opcode: int, message: bytes, now: float) -> None:
        if opcode == TEXT:
            if message.find(NEXT, 0, HEAD_BYTES) >= 0:
                self.last = message
                if self._ready is None:
                    self.seen += 1
                    self._crowd.note_arrival(now)
                else:
                    self._is_ready()
                return
            if ACK in message:
                id = str(uuid4()).encode()
                asked = b'{"id":"%b","type":"subscribe","payload":%b}'
                self._send(TEXT, asked % (id, self._subscribe))
                return
        elif opcode == PING:
            self._send(PONG, message)
            return
        self._crowd.note_failure(message[:300].decode(errors="replace"))
        self._is_ready()

    def _send(self, opcode: int, payload: bytes) -> None:
        if self._transport is not None:
            self._transport.write(frame(opcode, payload))

    def _is_ready(self) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(None)
        self._ready = None


class Crowd:
    """All viewers of a turn; each sends one of the subscriptions, dealt out in turn."""

    def __init__(self, port: int, subscriptions: Sequence[bytes]) -> None:
        self.viewers: list[Viewer] = []
        self.first_failure = ""
        self._port = port
        self._subscriptions = subscriptions
        self._arrivals: list[float] = []
        self._expected = 0
        self._arrived = asyncio.Event()
        self._is_over = False

    async def grow(self, count: int) -> float:
        """Let viewers come until there are `count`, some at a time, each until it shows its first
        picture; the seconds that it took.

        Raises:
            CrowdError: one of them was not let in.

        """
        began = time.perf_counter()
        coming = iter(range(len(self.viewers), count))
        async with asyncio.TaskGroup() as together:
            for _ in range(CONNECTING_AT_ONCE):
                together.create_task(self._come(coming))
        return time.perf_counter() - began

    async def _come(self, coming: Iterator[int]) -> None:
        loop = asyncio.get_running_loop()
        for number in coming:
            ready: asyncio.Future[None] = loop.create_future()
            viewer = Viewer(self, self._subscriptions[number % len(self._subscriptions)], ready)
            self.viewers.append(viewer)
            await loop.create_connection(lambda made=viewer: made, "127.0.0.1", self._port)
            async with asyncio.timeout(PATIENCE):
                await ready
            if self.first_failure:
                raise CrowdError(self.first_failure)

    def watchers(self, place: int) -> int:
        """How many viewers send the subscription at `place`."""
        return len(range(place, len(self.viewers), len(self._subscriptions)))

    def expect(self, count: int) -> None:
        """Begin to note arrivals, of `count` updates."""
        self._arrivals, self._expected = [], count
        self._arrived.clear()

    async def arrivals(self) -> list[float]:
        """When the expected updates came, in order; fewer where some did not in good time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._arrived.wait()
        return self._arrivals

    def note_arrival(self, now: float) -> None:
        """Remember when an update came."""
        self._arrivals.append(now)
        if len(self._arrivals) == self._expected:
            self._arrived.set()

    def note_failure(self, text: str) -> None:
        """Remember the first of what went wrong."""
        if not self._is_over:
            self.first_failure = self.first_failure or text

    def wrong(self, updates: Sequence[int]) -> int:
        """How many viewers were sent fewer or more updates than the subscription at their place
        was to be sent, or hold another last one than most who sent the same.
        """
        count = len(self._subscriptions)
        found = 0
        for place in range(count):
            held = Counter(
                (v.seen, v.last.partition(PAYLOAD)[2]) for v in self.viewers[place::count]
            )
            right = [n for (seen, _), n in held.most_common() if seen == updates[place]]
            found += held.total() - (right[0] if right else 0)
        return found

    def leave(self) -> None:
        """All go at once."""
        self._is_over = True
        for viewer in self.viewers:
            viewer.leave()
