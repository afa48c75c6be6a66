"""How the application is served: uvicorn with its limits, and peers that are found out when they
drip, flood or are dead.

uvicorn is known here alone. What is said on a socket is the business of `schema`; here is only how
bytes get in and out of it, and how it ends: a peer that takes nothing or answers nothing is closed
with 1013, upon which clients come back, where uvicorn's own 1011 makes them give up.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from enum import Enum
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from services.limits import Allowance

SHUTDOWN_SECONDS = 10
LONGEST_MESSAGE = 64 * 1024
TRY_AGAIN_LATER = 1013

# How long a request may take to arrive; the next one on a connection, to begin.
HEAD_SECONDS, BODY_SECONDS, KEEP_ALIVE_SECONDS = 5.0, 10.0, 5
# What may arrive: the head of a request, and all bytes of a body, however small its chunks are.
LARGEST_HEAD, LARGEST_BODY = 16 * 1024, 1024 * 1024

# Each connection is looked at this often.
BEAT = 5.0
# After so many beats of silence a peer is asked for a sign of life, and without one is dead.
QUIET, DEAD = 3, 7
# For so many beats a peer may take nothing at all of what waits for it.
BLOCKED = 2
# So long what was said at the end may take to get out; then the connection is cut.
FAREWELL = 3.0
# What was sent and is not even acknowledged after so long goes to nobody.
UNACKNOWLEDGED_MILLISECONDS = 30_000
# Of its own accord it would take four megabytes for each peer that does not read.
KEPT_BY_THE_SYSTEM = 256 * 1024

# Frames of whatever kind that a socket may send: at once, and for each second. They are read in
# pieces, so that no more than fit into one are looked at before the flood is stemmed.
MOST_FRAMES, FRAMES_PER_SECOND, PIECE = 500, 20, 4096
TOO_MANY_FRAMES = 1008

TEXT, PING = 0x81, b"\x89\x00"
SHORT, MEDIUM = 126, 65536


class Outlet:
    """Sees whether a peer takes what is written for it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._waiting = 0
        self._stuck = 0

    def is_blocked(self, *, is_full: bool) -> bool:
        """Whether it was full for too long and nothing at all got out; to be asked in each beat."""
        waiting = self._transport.get_write_buffer_size() if is_full else 0
        self._stuck = self._stuck + 1 if waiting >= self._waiting > 0 else 0
        self._waiting = waiting
        return self._stuck >= BLOCKED


def bound(transport: asyncio.Transport) -> None:
    """Let the system keep only so much for a slow peer, and end a connection whose other end is
    gone without a word.
    """
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family in {socket.AF_INET, socket.AF_INET6}:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KEPT_BY_THE_SYSTEM)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MILLISECONDS)


def _last_answer(status: int, reason: str) -> bytes:
    head = f"HTTP/1.1 {status} {reason}\r\ncontent-type: text/plain; charset=utf-8\r\n"
    return f"{head}content-length: {len(reason)}\r\nconnection: close\r\n\r\n{reason}".encode()


class Part(Enum):
    """What of a request is being read: how long it may take, how large it may be, and what is said
    of one that is larger.
    """

    NOTHING = HEAD_SECONDS, 0, 400, "Bad Request"
    HEAD = HEAD_SECONDS, LARGEST_HEAD, 431, "Request Header Fields Too Large"
    BODY = BODY_SECONDS, LARGEST_BODY, 413, "Content Too Large"

    def __init__(self, seconds: float, largest: int, status: int, reason: str) -> None:
        self.seconds = seconds
        self.largest = largest
        self.too_large = _last_answer(status, reason)


TOO_SLOW = _last_answer(408, "Request Timeout")


class Line(HttpToolsProtocol):
    """One HTTP connection: uvicorn's, cut off when a peer does not take its answer, or does not
    get on with its request. The time of each part runs from its first byte, however it drips.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, and wait for the first request."""
        super().connection_made(transport)
        bound(transport)
        self._outlet = Outlet(transport)
        self._is_watched = False
        self._part = Part.NOTHING
        self._is_new = False
        self._size = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._await(Part.NOTHING)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._await(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, and see what is missing now."""
        if self.transport.is_closing():
            return
        self._size += len(data)
        super().data_received(data)
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return
        if self._part is Part.NOTHING:
            if self.cycle is not None and not self.cycle.response_complete:
                self._await(None)
            elif self._deadline is None:
                # Blank lines, or a body that comes after its answer: uvicorn would wait for ever.
                self._await(Part.NOTHING)
        elif self._size > self._part.largest:
            self._end(self._part.too_large)
        elif self._is_new:
            self._await(self._part)
        self._is_new = False

    def on_message_begin(self) -> None:
        """Read the head of a request."""
        super().on_message_begin()
        self._part, self._is_new, self._size = Part.HEAD, True, 0

    def on_headers_complete(self) -> None:
        """Read the body.

        Raises:
            ValueError: the head is too large; the parser stops.

        """
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > LARGEST_HEAD:
            self._size = size
            raise ValueError("The head of a request is too large.")
        super().on_headers_complete()
        self._part, self._is_new, self._size = Part.BODY, True, 0

    def on_message_complete(self) -> None:
        """The request is whole."""
        super().on_message_complete()
        self._part = Part.NOTHING

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong with what cannot be read."""
        if self._part is Part.HEAD and self._size > LARGEST_HEAD:
            self._end(Part.HEAD.too_large)
        else:
            super().send_400_response(msg)

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to its socket."""
        self._await(None)
        super().handle_websocket_upgrade()

    def _await(self, part: Part | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None
        if part is not None:
            self._deadline = self.loop.call_later(part.seconds, self._end, TOO_SLOW)

    def _end(self, answer: bytes) -> None:
        """End, with an answer where something was asked and none has begun."""
        cycle = self.cycle
        is_answering = cycle is not None and not cycle.response_complete
        if is_answering:
            cycle.disconnected = True
            cycle.message_event.set()
        if self._part is not Part.NOTHING and not (is_answering and cycle.response_started):
            self.transport.write(answer)
        self.transport.close()
        self.loop.call_later(FAREWELL, self.transport.abort)

    def pause_writing(self) -> None:
        """Look after a peer that has too much to take already."""
        super().pause_writing()
        if not self._is_watched:
            self._is_watched = True
            self.loop.call_later(BEAT, self._check)

    def shutdown(self) -> None:
        """End after the answer that is under way; who does not take it is cut off."""
        super().shutdown()
        self.loop.call_later(FAREWELL, self._cut_if_full)

    def _cut_if_full(self) -> None:
        if self.flow.write_paused:
            self.transport.abort()

    def _check(self) -> None:
        is_full = self.flow.write_paused
        if self._outlet.is_blocked(is_full=is_full):
            self.transport.abort()
        self._is_watched = is_full and not self.transport.is_closing()
        if self._is_watched:
            self.loop.call_later(BEAT, self._check)


class Wire(WebSocketsSansIOProtocol):
    """One WebSocket: uvicorn's, with a heartbeat, and with a way out for frames made elsewhere.

    It stands in the scope's state as `wire`.

    Attributes:
        is_writable: False while the peer has too much to take already.
        when_writable: what to call when the peer takes bytes again.

    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_writable = True
        self.when_writable: list[Callable[[], None]] = []
        self._silence = 0
        self._frames = Allowance(MOST_FRAMES, FRAMES_PER_SECOND)

    def write_text(self, message: bytes) -> None:
        """Write a text message, unless the connection is closed or closing."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        size = len(message)
        if size < SHORT:
            head = bytes((TEXT, size))
        elif size < MEDIUM:
            head = struct.pack("!BBH", TEXT, 126, size)
        else:
            head = struct.pack("!BBQ", TEXT, 127, size)
        self.transport.write(head + message)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to look for signs of life."""
        super().connection_made(transport)
        self._outlet = Outlet(self.transport)
        self._beat = self.loop.call_later(BEAT, self._check)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget whoever waited."""
        self._beat.cancel()
        self.when_writable.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take whatever comes as a sign of life, unless it is a flood."""
        self._silence = 0
        for begin in range(0, len(data), PIECE):
            if self.transport.is_closing():
                return
            super().data_received(data[begin : begin + PIECE])

    def handle_events(self) -> None:
        """Act on frames; who sends too many is cut off."""
        if self._frames.take(len(self.conn.events), self.loop.time()):
            super().handle_events()
        else:
            self._end("Too many frames", TOO_MANY_FRAMES)
            self.transport.close()

    def handle_connect(self, event: Request) -> None:
        """Open, and let the application find its way out."""
        super().handle_connect(event)
        if not self.handshake_complete:
            self.scope["state"]["wire"] = self

    def pause_writing(self) -> None:
        """Write no more for now."""
        super().pause_writing()
        self.is_writable = False

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        self.is_writable = True
        for call in tuple(self.when_writable):
            call()

    def shutdown(self) -> None:
        """Say that this server ends; who does not take even that is cut off."""
        super().shutdown()
        self.loop.call_later(FAREWELL, self.transport.abort)

    def _check(self) -> None:
        self._silence += 1
        if self.transport.is_closing() or self.close_sent:
            # The other end neither closed nor answered since the last beat.
            self._beat = self.loop.call_later(FAREWELL, self.transport.abort)
        elif self._outlet.is_blocked(is_full=not self.is_writable):
            self._end("Nothing was taken for too long")
        elif self._silence >= DEAD:
            self._end("Nothing was heard for too long")
        else:
            self._beat = self.loop.call_later(BEAT, self._check)
            if self.handshake_complete and self._silence >= QUIET:
                self.transport.write(PING)

    def _end(self, reason: str, code: int = TRY_AGAIN_LATER) -> None:
        if self.handshake_complete and not self.close_sent:
            self.conn.send_close(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        closed = {"type": "websocket.disconnect", "code": code, "reason": reason}
        self.queue.put_nowait(closed)  # type: ignore[arg-type]
        self._beat.cancel()
        self._beat = self.loop.call_later(FAREWELL, self.transport.abort)


class Proxied(ProxyHeadersMiddleware):
    """Believes proxies that are trusted what they say of their clients, and says in the scope's
    state, as `is_proxied`, that it did.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass on what came through a proxy as if the client had sent it here."""
        if scope["type"] != "lifespan":
            host, _ = scope["client"] or (None, 0)
            scope["state"]["is_proxied"] = host in self.trusted_hosts
        await super().__call__(scope, receive, send)


class Server(uvicorn.Server):
    """A server that says when it listens, and lets the streams end before it does."""

    def __init__(
        self,
        app: Starlette,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        on_start: Callable[[], None] | None = None,
    ) -> None:
        proxies = list(app.state.trusted_proxies)
        super().__init__(
            uvicorn.Config(
                Proxied(app, proxies) if proxies else app,  # type: ignore[arg-type]
                host=host,
                port=port,
                loop="uvloop",
                http=Line,
                ws=Wire,
                ws_max_size=LONGEST_MESSAGE,
                ws_per_message_deflate=False,
                ws_ping_interval=None,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
                server_header=False,
                proxy_headers=False,
                access_log=False,
                log_config=None,
            )
        )
        self._on_start = on_start
        self._end_streams: Callable[[], None] = app.state.end_streams

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if self.started and self._on_start is not None:
            self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End: sockets are told 1012, event streams end, what was begun is answered."""
        self._end_streams()
        await super().shutdown(sockets)
