"""GraphQL over Server-Sent Events, each operation on a connection of its own.

For clients and proxies without WebSockets. The payloads are those of sockets. The cursor of a live
view is the id of its events: a browser that comes back says the last one by itself.
https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverSSE.md
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from graphql import OperationType
from strawberry.types.execution import PreExecutionError

from resolvers.live import updates
from schema.documents import Rejected
from schema.groups import Payload, shareable, watch
from schema.limits import operations_of
from schema.root import schema

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Send

    from services.context import Context

MEDIA_TYPE = "text/event-stream"
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    # Proxies of this family would hold events back until they have a buffer full.
    (b"x-accel-buffering", b"no"),
]
log = logging.getLogger("graphql")

# Proxies cut what is silent for a minute, many sooner.
HEARTBEAT_SECONDS = 15.0
HEARTBEAT = b":\n\n"
COMPLETE = b"event: complete\ndata:\n\n"


@dataclass(frozen=True)
class Asked:
    """An operation whose results are to be sent as events."""

    query: str
    variables: Mapping[str, Any] | None
    operation_name: str | None
    context: "Context"
    last_event_id: str | None
    extensions: Mapping[str, Any] | None


def accepts_events(accept: str) -> bool:
    """Whether a client wants events, by its Accept header."""
    return any(part.partition(";")[0].strip().lower() == MEDIA_TYPE for part in accept.split(","))


def has_mutation(query: str) -> bool:
    """Whether a document could change something; False also for what is not let in."""
    try:
        node = schema.documents.admitted(query, is_open=False).node
    except Rejected as rejected:
        if rejected.node is None:
            return False
        node = rejected.node
    return any(one.operation is OperationType.MUTATION for one in operations_of(node))


class Streams:
    """The event streams of this process."""

    def __init__(self) -> None:
        self._open: set[asyncio.Task[None]] = set()

    def end(self) -> None:
        """End all of them, as this process is about to; clients come back elsewhere."""
        for stream in self._open:
            stream.cancel()

    async def serve(self, asked: Asked, receive: "Receive", send: "Send") -> None:
        """Send the results of an operation until it is complete or the client has left."""
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        results = asyncio.create_task(_send_results(asked, send))
        leaving = asyncio.create_task(_until_left(receive, send))
        self._open.add(results)
        try:
            await asyncio.wait({results, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._open.discard(results)
            for task in (results, leaving):
                task.cancel()
            failure, _ = await asyncio.gather(results, leaving, return_exceptions=True)
            if isinstance(failure, Exception):
                # Without `complete`: the client comes back, as after any other break.
                log.error("An event stream failed", exc_info=failure)
        await _write(send, b"", is_last=True)


async def _send_results(asked: Asked, send: "Send") -> None:
    # Something at once, so that the client knows that it got through.
    await _write(send, HEARTBEAT)
    async with aclosing(_payloads(asked)) as payloads:
        async for payload in payloads:
            await _write(send, _event(payload))
    await _write(send, COMPLETE)


async def _until_left(receive: "Receive", send: "Send") -> None:
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                message = await receive()
        except TimeoutError:
            await _write(send, HEARTBEAT)


def _write(send: "Send", body: bytes, *, is_last: bool = False) -> Awaitable[None]:
    return send({"type": "http.response.body", "body": body, "more_body": not is_last})


def _event(payload: Payload) -> bytes:
    id = b"id: %b\n" % payload.cursor.encode() if payload.cursor else b""
    return b"%bevent: next\ndata: %b\n\n" % (id, payload.json)


async def _payloads(asked: Asked) -> AsyncGenerator[Payload]:
    shared = shareable(asked.query, asked.variables, asked.operation_name)
    if shared is not None:
        if asked.last_event_id:
            shared = shared.resumed(asked.last_event_id)
        async with aclosing(updates(partial(watch, shared, asked.context))) as payloads:
            async for payload in payloads:
                yield payload
        return
    results = await schema.stream(
        asked.query,
        variable_values=dict(asked.variables or {}),
        context_value=asked.context,
        operation_name=asked.operation_name,
        operation_extensions=dict(asked.extensions or {}),
    )
    async with aclosing(results):
        async for result in results:
            yield Payload(_json(result), None)


def _json(result: Any) -> bytes:
    shown: dict[str, Any] = {}
    if not isinstance(result, PreExecutionError):
        shown["data"] = result.data
    if result.errors:
        shown["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        shown["extensions"] = result.extensions
    return orjson.dumps(shown)
