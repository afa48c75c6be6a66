"""A TCP proxy on loopback that fails as networks do: it cuts, stalls, loses and refuses.

What it was made to lose is kept, so that a test can wait until something was lost.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.processes import free_port

HOST = "127.0.0.1"
CHUNK = 64 * 1024
# Closing throws away what was not delivered, and says so with RST instead of FIN.
RESET = struct.pack("ii", 1, 0)


# A port of this machine, or the path of a unix socket.
Target = int | str


class Proxy:
    """Passes connections on to a port or a unix socket of this machine; to one that may move, where
    a function says where it is.

    Attributes:
        port: where clients connect to; it stays the same while they are refused.

    """

    def __init__(self, target: Target | Callable[[], Target]) -> None:
        self.port = free_port()
        self._lost = b""
        self._has_lost = asyncio.Event()
        self._target = target
        self._stalls_new_ones = False
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.refuse()
        self.cut()
        await asyncio.gather(*(link.ended.wait() for link in self._links))

    async def accept(self) -> None:
        """Let new connections in."""
        self._server = await asyncio.start_server(self._serve, HOST, self.port, limit=CHUNK)

    def refuse(self) -> None:
        """Let no new connection in: nobody listens. Those that are open stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def cut(self, *, politely: bool = False) -> None:
        """End all connections, with RST as a crash does, or politely with FIN."""
        for link in self._links:
            link.cut(politely=politely)

    def stall(self, *, new_ones: bool = False) -> None:
        """Let nothing more through the connections that are open, or new ones either."""
        self._stalls_new_ones = new_ones
        for link in self._links:
            link.flowing.clear()

    def lose(self) -> None:
        """Throw away what the target says on the connections that are open, without a trace."""
        for link in self._links:
            link.is_losing = True

    async def has_lost(self, words: str, *, times: int) -> None:
        """Return when the target has said some words so often in vain."""
        while self._lost.count(words.encode()) < times:
            self._has_lost.clear()
            await self._has_lost.wait()

    def resume(self) -> None:
        """Pass everything on again, and what was stalled as well."""
        self._lost = b""
        self._stalls_new_ones = False
        for link in self._links:
            link.is_losing = False
            link.flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, requests = await self._dial()
        except OSError:
            writer.transport.abort()
            return
        if self._server is None:
            requests.transport.abort()
            writer.transport.abort()
            return
        link = _Link(writer, requests)
        if self._stalls_new_ones:
            link.flowing.clear()
        self._links.add(link)
        pumps = [
            asyncio.create_task(self._pump(link, reader, requests)),
            asyncio.create_task(self._pump(link, answers, writer, are_answers=True)),
        ]
        # Neither protocol that is spoken here goes on in one direction alone.
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        await asyncio.wait(pumps)
        link.cut(politely=True)
        self._links.discard(link)
        link.ended.set()

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        target = self._target() if callable(self._target) else self._target
        if isinstance(target, str):
            return await asyncio.open_unix_connection(target, limit=CHUNK)
        return await asyncio.open_connection(HOST, target, limit=CHUNK)

    async def _pump(
        self,
        link: "_Link",
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        are_answers: bool = False,
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                await link.flowing.wait()
                if are_answers and link.is_losing:
                    self._lost += data
                    self._has_lost.set()
                    continue
                writer.write(data)
                await writer.drain()


class _Link:
    """One connection of a client, and the one to the target that belongs to it."""

    def __init__(self, *ends: asyncio.StreamWriter) -> None:
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.is_losing = False
        self.ended = asyncio.Event()
        self._ends = ends

    def cut(self, *, politely: bool) -> None:
        """Close both ends."""
        self.flowing.set()
        for end in self._ends:
            if politely:
                end.close()
                continue
            if not end.is_closing():
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            end.transport.abort()
