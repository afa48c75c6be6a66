"""A bare socket of graphql-transport-ws, for tests that say exactly what they send."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from models import Role
from tests.api import CALENDAR_CHANGES, Api
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire

PROTOCOL = "graphql-transport-ws"
INIT = {"type": "connection_init"}
ACK = {"type": "connection_ack"}


class Socket:
    """A socket and no more: JSON in, JSON or a close code out."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, message: Any) -> None:
        await self.socket.send_str(message if isinstance(message, str) else json.dumps(message))

    async def fragment(self, part: bytes, *, is_first: bool, is_last: bool) -> None:
        """A frame as no client would make it: a part of a text message."""
        kind = (0x80 if is_last else 0) | (0x01 if is_first else 0)
        long = len(part) >= 1 << 16
        size = bytes([0x80 | (127 if long else 126)]) + len(part).to_bytes(8 if long else 2)
        self.socket._response.connection.transport.write(  # type: ignore[union-attr]
            bytes([kind]) + size + bytes(4) + part
        )

    async def subscribe(self, id: str, query: str, /, **variables: Any) -> None:
        payload = {"query": query, "variables": variables}
        await self.send({"type": "subscribe", "id": id, "payload": payload})

    async def next(self) -> Any:
        frame = await asyncio.wait_for(self.socket.receive(), 10)
        assert frame.type is aiohttp.WSMsgType.TEXT, frame
        return json.loads(frame.data)

    async def close_code(self) -> int:
        frame = await asyncio.wait_for(self.socket.receive(), 10)
        assert frame.type is aiohttp.WSMsgType.CLOSE, frame
        return int(frame.data)

    async def answer(self, id: str, query: str, /, **variables: Any) -> Any:
        """What a query or mutation is answered with."""
        await self.subscribe(id, query, **variables)
        said = await self.next()
        assert (said["id"], said["type"]) == (id, "next")
        assert await self.next() == {"id": id, "type": "complete"}
        return said["payload"]

    async def error(self, id: str, query: str, /, **variables: Any) -> Any:
        """The one error that an operation must end in before it begins."""
        await self.subscribe(id, query, **variables)
        return await self.next_error(id)

    async def next_error(self, id: str) -> Any:
        said = await self.next()
        assert (said["id"], said["type"]) == (id, "error")
        (error,) = said["payload"]
        return error

    async def is_well(self) -> None:
        assert await self.answer("well", "{ __typename }") == {"data": {"__typename": "Query"}}


@asynccontextmanager
async def connected(
    api: Api, *, protocols: tuple[str, ...] = (PROTOCOL,), **headers: str
) -> AsyncIterator[Socket]:
    async with api.http.ws_connect(
        api.url,
        protocols=protocols,
        headers={**api.place, **headers},
        max_msg_size=0,
    ) as socket:
        yield Socket(socket)


@asynccontextmanager
async def acknowledged(api: Api) -> AsyncIterator[Socket]:
    async with connected(api) as socket:
        payload = {"authorization": f"Bearer {api.token}"} if api.token else {}
        await socket.send({**INIT, "payload": payload})
        assert await socket.next() == ACK
        yield socket


async def watch(socket: Socket, clinic: Clinic, id: str) -> None:
    """Begin a live view of the doctor's calendar."""
    calendar_id = id_of(clinic.person(Role.DOCTOR).calendar)
    window = {"from": wire(tomorrow(0)), "to": wire(tomorrow(23))}
    await socket.subscribe(id, CALENDAR_CHANGES, id=calendar_id, **window)
    said = await socket.next()
    assert (said["id"], said["type"]) == (id, "next")
    assert said["payload"]["data"]["calendarChanges"]["reset"] is True


async def a_change(clinic: Clinic) -> str:
    """Change the calendar; the id of the slot that every view is told of."""
    slot = await clinic.factory.slot(clinic.person(Role.DOCTOR).calendar, tomorrow())
    patient = id_of(await clinic.factory.patient())
    await clinic.admin.done(
        "bookAppointment", "appointment { id }", slotId=id_of(slot), patientId=patient
    )
    return id_of(slot)


async def told(socket: Socket, id: str) -> str:
    """The slot that a live view is told of next."""
    said = await socket.next()
    assert (said["id"], said["type"]) == (id, "next")
    (slot,) = said["payload"]["data"]["calendarChanges"]["slots"]
    return str(slot["id"])
