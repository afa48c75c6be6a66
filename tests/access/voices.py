"""Those who try: each sends documents in every way there is, and hears whether a secret came back.

A voice fails at once when bytes arrive, by HTTP, event stream or WebSocket, that hold a secret
which its owner must never be sent. So every test that asks anything is a test of leaks as well.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import aiohttp

from models import Role
from tests.access.matrix import Row
from tests.access.realm import Realm
from tests.api import Api

PATIENCE = 30.0
# A socket that nobody reads from misses the server's pings; it is opened anew before that matters.
SOCKET_SECONDS = 5.0
VARYING = re.compile(rb"[0-9a-f]{32}")


class Leaked(AssertionError):
    """Bytes with a secret in them."""


@dataclass(frozen=True)
class Answer:
    """What came back, as bytes and read."""

    raw: bytes
    status: int
    body: dict[str, Any]

    @property
    def shape(self) -> tuple[int, bytes]:
        """The answer byte for byte, but for the ids that were sent and that of the request."""
        return self.status, VARYING.sub(b"#", self.raw)


@dataclass
class Voice:
    """Somebody: of the clinic that is tried, or a stranger with a token of another one."""

    api: Api
    role: Role | None
    is_home: bool
    home: Realm
    abroad: Realm
    also_never: tuple[bytes, ...] = ()
    _socket: aiohttp.ClientWebSocketResponse | None = field(default=None, init=False)
    _opened_at: float = field(default=0.0, init=False)
    _count: int = field(default=0, init=False)
    _known: int = field(default=0, init=False)
    _never: list[bytes] = field(default_factory=list, init=False)

    def __str__(self) -> str:
        who = self.role.value if self.role else "PUBLIC"
        return who if self.is_home else f"{who} of another organization"

    def cell(self, row: Row) -> str:
        return row[self.is_home, self.role]

    def never(self) -> list[bytes]:
        """The secrets that it must not be sent, of all that has been made by now."""
        if self._known != len(self.home.rows) + len(self.abroad.rows):
            self._known = len(self.home.rows) + len(self.abroad.rows)
            self._never = self.home.hidden_from(self.role, home=self.is_home)
            self._never += self.abroad.hidden_from(self.role, home=not self.is_home)
        return [*self._never, *self.also_never]

    def hear(self, raw: bytes) -> bytes:
        """Let bytes in that hold no secret."""
        for secret in self.never():
            if secret in raw:
                raise Leaked(f"{self} was sent {secret!r}: {raw[:2000]!r}")
        return raw

    async def ask(self, document: str, /, **variables: Any) -> Answer:
        """An answer by HTTP."""
        body = {"query": document, "variables": variables}
        async with self.api.http.post(
            self.api.url, json=body, headers=self.api.headers
        ) as response:
            raw = self.hear(await response.read())
            return Answer(raw, response.status, json.loads(raw))

    async def ask_on_a_socket(self, document: str, /, **variables: Any) -> dict[str, Any]:
        """The first answer to an operation on a WebSocket; one that goes on is ended then."""
        socket = await self._connected()
        self._count += 1
        id = str(self._count)
        payload = {"query": document, "variables": variables}
        await socket.send_json({"type": "subscribe", "id": id, "payload": payload})
        said = await self._heard(socket, id)
        if said["type"] == "error":
            return {"data": None, "errors": said["payload"]}
        await socket.send_json({"type": "complete", "id": id})
        body: dict[str, Any] = said["payload"]
        return body

    @asynccontextmanager
    async def watching(
        self, document: str, /, **variables: Any
    ) -> AsyncIterator[Callable[[], Awaitable[dict[str, Any]]]]:
        """A live view on a socket of its own; each call returns the next update."""
        async with self._opened() as socket:
            payload = {"query": document, "variables": variables}
            await socket.send_json({"type": "subscribe", "id": "live", "payload": payload})

            async def next_update() -> dict[str, Any]:
                update: dict[str, Any] = (await self._heard(socket, "live"))["payload"]
                return update

            yield next_update

    async def first_event(self, document: str, /, **variables: Any) -> dict[str, Any]:
        """The first update as a server-sent event."""
        headers = {**self.api.headers, "accept": "text/event-stream"}
        body = {"query": document, "variables": variables}
        async with self.api.http.post(self.api.url, json=body, headers=headers) as response:
            raw = b""
            async with asyncio.timeout(PATIENCE):
                while b"data:" not in raw or not raw.endswith(b"\n\n"):
                    raw += await response.content.readline()
            self.hear(raw)
            (data,) = [line for line in raw.splitlines() if line.startswith(b"data:")][:1]
            found: dict[str, Any] = json.loads(data.removeprefix(b"data:"))
            return found

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()

    async def _heard(self, socket: aiohttp.ClientWebSocketResponse, id: str) -> dict[str, Any]:
        """What is said next about an operation."""
        while True:
            frame = await asyncio.wait_for(socket.receive(), PATIENCE)
            if frame.type is not aiohttp.WSMsgType.TEXT:
                raise AssertionError(f"{self}'s socket ended: {frame}")
            said: dict[str, Any] = json.loads(self.hear(frame.data.encode()))
            if said.get("id") == id:
                return said

    async def _connected(self) -> aiohttp.ClientWebSocketResponse:
        if self._socket is None or monotonic() - self._opened_at > SOCKET_SECONDS:
            await self.close()
            self._socket = await self._open()
            self._opened_at = monotonic()
        return self._socket

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        socket = await self._open()
        yield socket
        await socket.close()

    async def _open(self) -> aiohttp.ClientWebSocketResponse:
        socket = await self.api.http.ws_connect(
            self.api.url,
            protocols=("graphql-transport-ws",),
            headers={"x-organization": self.api.slug},
        )
        payload = {"authorization": f"Bearer {self.api.token}"} if self.api.token else {}
        await socket.send_json({"type": "connection_init", "payload": payload})
        acknowledged = await asyncio.wait_for(socket.receive(), PATIENCE)
        if json.loads(acknowledged.data)["type"] != "connection_ack":
            raise AssertionError(acknowledged)
        return socket


def voices_of(home: Realm, abroad: Realm, public: Api) -> list[Voice]:
    """Everybody: each role of the clinic, and of another organization.

    Strangers with a token name the clinic in the header: the token counts and not the header.
    """
    found = []
    for is_home, realm in ((True, home), (False, abroad)):
        for role in (None, *Role):
            slug = home.slug if role else realm.slug
            api = Api(public.url, public.http, slug, realm.tokens[role] if role else None)
            found.append(Voice(api, role, is_home, home, abroad))
    return found
