"""Lines: connections of HTTP, how long a request may take to arrive, and how large it may be."""

import asyncio
from enum import Enum

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.peers import BEAT, FAREWELL, Outlet, bound

# How long a request may take to arrive; the next one on a connection, to begin.
HEAD_SECONDS, BODY_SECONDS, KEEP_ALIVE_SECONDS = 5.0, 10.0, 5
# What may arrive: the head of a request, and all bytes of a body, however small its chunks are.
LARGEST_HEAD, LARGEST_BODY = 16 * 1024, 1024 * 1024


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
