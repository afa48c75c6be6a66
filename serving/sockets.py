"""Sockets: WebSockets with a heartbeat and a limit of frames, and a way out for what is framed
elsewhere.
"""

import asyncio
import struct
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from services.limits import Allowance
from serving.peers import BEAT, FAREWELL, Outlet

TRY_AGAIN_LATER = 1013

# After so many beats of silence a peer is asked for a sign of life, and without one is dead.
QUIET, DEAD = 3, 7

# Frames of whatever kind that a socket may send: at once, and for each second. They are read in
# pieces, so that no more than fit into one are looked at before the flood is stemmed.
MOST_FRAMES, FRAMES_PER_SECOND, PIECE = 500, 20, 4096
TOO_MANY_FRAMES = 1008

TEXT, PING = 0x81, b"\x89\x00"
SHORT, MEDIUM = 126, 65536


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
