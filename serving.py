"""How the application is served: uvicorn with its limits, and sockets that are found out when dead.

uvicorn is known here alone. What is said on a socket is the business of `schema`; here is only how
bytes get out of it, and how it ends: a peer that takes nothing or answers nothing is closed with
1013, upon which clients come back, where uvicorn's own 1011 makes them give up.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

SHUTDOWN_SECONDS = 10
LONGEST_MESSAGE = 64 * 1024
TRY_AGAIN_LATER = 1013

# A silent peer is asked for a sign of life at each beat, and is dead after three without one.
BEAT = 10.0
SILENCE = 30.0
# So long a peer may take nothing of what waits for it.
BLOCKED = 10.0
# So long what was said at the end may take to get out; then the connection is cut.
FAREWELL = 5.0

TEXT = 0x81
SHORT, MEDIUM = 126, 65536


class Wire(WebSocketsSansIOProtocol):
    """One WebSocket: uvicorn's, with a heartbeat, and with a way out for frames made elsewhere.

    It stands in the scope's state as `wire`.

    Attributes:
        when_writable: what to call when the peer takes bytes again.

    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.when_writable: list[Callable[[], None]] = []
        self._heard_at = self.loop.time()
        self._blocked_at: float | None = None
        self._beat: asyncio.TimerHandle | None = None

    @property
    def is_writable(self) -> bool:
        """Whether bytes get out; False while the peer has too much to take already."""
        return self._blocked_at is None

    def write_text(self, *parts: bytes) -> None:
        """Write a text message, unless the connection is closed or closing."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        size = sum(map(len, parts))
        if size < SHORT:
            head = bytes((TEXT, size))
        elif size < MEDIUM:
            head = struct.pack("!BBH", TEXT, 126, size)
        else:
            head = struct.pack("!BBQ", TEXT, 127, size)
        self.transport.write(b"".join((head, *parts)))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen for signs of life."""
        super().connection_made(transport)
        self._beat = self.loop.call_later(BEAT, self._check)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget whoever waited."""
        if self._beat is not None:
            self._beat.cancel()
        self.when_writable.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take whatever comes as a sign of life."""
        self._heard_at = self.loop.time()
        super().data_received(data)

    def handle_connect(self, event: Request) -> None:
        """Open, and let the application find its way out."""
        super().handle_connect(event)
        if not self.handshake_complete:
            self.scope["state"]["wire"] = self

    def pause_writing(self) -> None:
        """Remember since when the peer takes nothing."""
        super().pause_writing()
        self._blocked_at = self.loop.time()

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        self._blocked_at = None
        for call in tuple(self.when_writable):
            call()

    def shutdown(self) -> None:
        """Say that this server ends; who does not take even that is cut off."""
        super().shutdown()
        self.loop.call_later(FAREWELL, self.transport.abort)

    def _check(self) -> None:
        now = self.loop.time()
        if self.transport.is_closing() or self.close_sent:
            self.loop.call_later(FAREWELL, self.transport.abort)
        elif self._blocked_at is not None and now - self._blocked_at >= BLOCKED:
            self._end("Nothing was taken for too long")
        elif now - self._heard_at >= SILENCE:
            self._end("Nothing was heard for too long")
        else:
            self._beat = self.loop.call_later(BEAT, self._check)
            if self.handshake_complete and now - self._heard_at >= BEAT:
                self.conn.send_ping(b"")
                self.transport.write(b"".join(self.conn.data_to_send()))

    def _end(self, reason: str) -> None:
        if self.handshake_complete:
            self.conn.send_close(TRY_AGAIN_LATER, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        closed = {"type": "websocket.disconnect", "code": TRY_AGAIN_LATER, "reason": reason}
        self.queue.put_nowait(closed)  # type: ignore[arg-type]
        self.loop.call_later(FAREWELL, self.transport.abort)


class Server(uvicorn.Server):
    """A server that says when it listens, and when it is about to end."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        on_start: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                loop="uvloop",
                http="httptools",
                ws=Wire,
                ws_max_size=LONGEST_MESSAGE,
                ws_per_message_deflate=False,
                ws_ping_interval=None,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
                server_header=False,
                access_log=False,
                log_level="warning",
            )
        )
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if self.started and self._on_start is not None:
            self._on_start()
