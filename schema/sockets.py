"""graphql-transport-ws: Strawberry's handler, made exact.

A message that is none closes its own socket with 4400, and a document that does not parse, a token
that has ended, or one operation too many ends only that operation.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

import orjson
from graphql import GraphQLError
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)

from resolvers.live import Subscriber
from schema.errors import as_graphql_error, rejected
from schema.groups import Payload, shareable, watch
from schema.persisted import Persisted
from schema.sharing import Shared
from services.context import Context
from services.errors import (
    NotSignedIn,
    RateLimited,
    TooManyConnections,
    Unavailable,
)

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.websockets import WebSocket

    from services.limits import Allowance
    from services.live.limits import Connections
    from services.traces import Traces


class MakeContext(Protocol):
    """Finds out who asks, and in which organization; it counts as one thing that was asked."""

    def __call__(
        self,
        connection: "Request | WebSocket",
        authorization: str | None,
        *,
        for_view: bool = False,
    ) -> Awaitable[Context]:
        """By headers, address and authorization; `for_view`, what was known a moment ago will do,
        as a live view renews it by itself.
        """


MOST_OPERATIONS = 20
TRY_AGAIN_LATER = 1013
# Clients come back after 1013 and not after this one: it is for the user to close something.
TOO_MANY = 4429
OUR_FAULT = 4500
CLOSED: dict[type[Exception], int] = {
    Unavailable: TRY_AGAIN_LATER,
    RateLimited: TRY_AGAIN_LATER,
    TooManyConnections: TOO_MANY,
}
SUBSCRIPTION = "subscription"
LONGEST_REASON = 123
# A public view that opens right after its socket trusts what the socket found out.
RECENT_SECONDS = 2.0


class Connection:
    """What stands for the context on a WebSocket: made again, with rights read fresh, for each
    operation that begins on it.
    """

    def __init__(self, make: MakeContext, socket: "WebSocket") -> None:
        self.connection_params: Mapping[str, object] = {}
        self._make = make
        self._socket = socket
        self._context: Context | None = None
        self._made_at = 0.0
        self._counted = ExitStack()

    async def refresh(self, *, for_view: bool = False) -> None:
        """Find out again who asks; not for a live view of the public that was found out a moment
        ago.

        Raises:
            NotSignedIn: the token has ended, or what it stood for has, or is none.
            RateLimited: more was asked than may be.

        """
        now = asyncio.get_running_loop().time()
        is_recent = now - self._made_at < RECENT_SECONDS
        if for_view and is_recent and self._context is not None and self._context.viewer is None:
            await self._context.spend(1)
            return
        params = {key.lower(): value for key, value in self.connection_params.items()}
        authorization = params.get("authorization")
        if not isinstance(authorization, str | None):
            raise NotSignedIn
        self._context = await self._make(self._socket, authorization, for_view=for_view)
        self._made_at = now

    def enter(self, connections: "Connections") -> None:
        """Be counted as a connection of who asks, until `leave`.

        Raises:
            TooManyConnections: they have as many as they may have.

        """
        user_id = self._context.user_id if self._context else None
        self._counted.enter_context(connections.used_by(user_id))

    def leave(self) -> None:
        """Be counted no more."""
        self._counted.close()

    def for_operation(self) -> Context:
        """The context of one operation."""
        if self._context is None:
            raise RuntimeError("An operation began before its connection was acknowledged.")
        return self._context.for_operation()


class Socket(ASGIWebSocketAdapter):
    """A socket whose reasons for closing fit, whatever was sent to it."""

    async def close(self, code: int, reason: str) -> None:
        """Close; a reason has at most 123 bytes."""
        await super().close(code, reason.encode()[:LONGEST_REASON].decode(errors="ignore"))


class Wire(Protocol):
    """The way out of a socket for frames that are written without waiting.

    Attributes:
        is_writable: whether the peer takes bytes now.
        when_writable: what to call when it does again.

    """

    is_writable: bool
    when_writable: list[Callable[[], None]]

    def write_text(self, message: bytes) -> None:
        """Write a text message."""


class Stream(Subscriber[Payload]):
    """A live view on a socket: the frame of each payload is made here and written at once."""

    def __init__(self, wire: Wire, operation_id: str) -> None:
        super().__init__()
        self._wire = wire
        self._head = b'{"id":%b,"type":"next","payload":' % orjson.dumps(operation_id)

    @classmethod
    @contextmanager
    def on(cls, socket: Any, operation_id: str) -> Iterator["Stream"]:
        """A view on a socket for as long as the block lasts."""
        wire = socket.ws.scope["state"]["wire"]
        stream = cls(wire, operation_id)
        wire.when_writable.append(stream.wake_up)
        try:
            yield stream
        finally:
            with suppress(ValueError):
                wire.when_writable.remove(stream.wake_up)

    @property
    def is_ready(self) -> bool:
        """Whether the peer takes bytes now."""
        return self._wire.is_writable

    def wake_up(self) -> None:
        """The peer takes bytes again."""
        self.wake()

    async def begin(self, update: Payload) -> None:
        """Write a payload as soon as the peer takes bytes."""
        while not self.is_ready:
            again = asyncio.Event()
            self.wake = again.set
            await again.wait()
        self.take(update)

    def take(self, update: Payload) -> None:
        """Write a payload."""
        self._wire.write_text(self._head + update.json + b"}")


class TransportHandler(BaseGraphQLTransportWSHandler[Any, None]):
    """graphql-transport-ws with every message checked before it is acted on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        view: Any = self.view
        self._messages: Allowance = view.messages_of_a_socket()
        self._traces: Traces = view.traces

    async def handle_message(self, message: Any) -> None:
        """Act on a message; close the socket with 4400 if it is none, and with 4429 if it is one
        too many.
        """
        if not _is_message(message):
            await self.handle_invalid_message("This is not a message of graphql-transport-ws")
            return
        # Who may begin an operation may end it.
        is_end = message["type"] == "complete" and message["id"] in self.operations
        if not is_end and not self._messages.take(1, asyncio.get_running_loop().time()):
            await self.websocket.close(TOO_MANY, "Too many messages")
            return
        await super().handle_message(message)

    async def handle_connection_init(self, message: Any) -> None:
        """Acknowledge the connection, or ask the client to come back when we can be reached."""
        if message.get("payload", {}) is None:
            message = {**message, "payload": {}}
        with self._traces.tracing() as trace:
            trace.kind = "connection"
            try:
                await super().handle_connection_init(message)
            except WebSocketDisconnected:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the client is told so much
                answer = as_graphql_error(error)
                trace.outcome = str((answer.extensions or {})["code"])
                code = next((CLOSED[kind] for kind in CLOSED if isinstance(error, kind)), OUR_FAULT)
                await self.websocket.close(code, answer.message)
        # What has been cancelled would be kept with its traceback for as long as the socket.
        self.connection_init_timeout_task = None

    async def shutdown(self) -> None:
        """End whatever goes on."""
        await super().shutdown()
        self.context.leave()

    async def handle_task_exception(self, error: Exception) -> None:
        """Log what went wrong, but for answers to somebody who has just left."""
        if not isinstance(error, WebSocketDisconnected):
            await super().handle_task_exception(error)

    async def handle_subscribe(self, message: Any) -> None:
        """Begin an operation, unless there are too many on this socket."""
        if len(self.operations) >= MOST_OPERATIONS and message["id"] not in self.operations:
            error = rejected(f"At most {MOST_OPERATIONS} operations at once are accepted.")
            await self._refuse(message["id"], error)
            return
        payload: Any = message["payload"]
        # Who may not subscribe at all must not hear which documents are known.
        if self.connection_acknowledged and message["id"] not in self.operations:
            persisted: Persisted = self.view.persisted  # type: ignore[attr-defined]
            try:
                query = persisted.text(payload.get("query"), payload.get("extensions"))
            except GraphQLError as error:
                await self._refuse(message["id"], error)
                return
            payload = {**payload, "query": query or ""}
        message = {**message, "payload": payload}
        await super().handle_subscribe(message)

    async def _refuse(self, id: str, error: GraphQLError) -> None:
        """End an operation before it begins."""
        refusal: Any = {"id": id, "type": "error", "payload": [error.formatted]}
        await self.send_message(refusal)

    async def run_operation(self, operation: Operation[Any, None]) -> None:
        """Run an operation with the rights that its sender has now."""
        with self._traces.tracing() as trace:
            try:
                if not operation.query.strip():
                    raise rejected("The query is empty.")
                shared = shareable(operation.query, operation.variables, operation.operation_name)
                # A live view renews what it knows by itself, and ends with its right.
                await self.context.refresh(for_view=shared is not None)
            except Exception as error:  # noqa: BLE001 - whatever it is, the operation ends with it
                answer = as_graphql_error(error)
                trace.outcome = str((answer.extensions or {})["code"])
                await operation.send_initial_errors([answer])
                return
            if shared is None:
                await super().run_operation(operation)
                return
            trace.kind, trace.operation = SUBSCRIPTION, shared.plan.name
        # Whatever would be kept from here on is kept ten thousand times.
        await self._run_shared(operation, shared)

    async def _run_shared(self, operation: Operation[Any, None], shared: Shared) -> None:
        """Send what a group is sent, each payload in this operation's own frame."""
        try:
            with Stream.on(self.websocket, operation.id) as stream:
                await watch(shared, self.context.for_operation(), stream)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except WebSocketDisconnected:
            raise
        except Exception as error:  # noqa: BLE001 - a view that cannot go on must hear of it
            await operation.send_initial_errors([as_graphql_error(error)])

    @staticmethod
    def _get_pre_execution_close_reason(_error: GraphQLError) -> str | None:
        """Never close a socket for one bad document: other operations live on it."""
        return None


def _is_message(message: Any) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    if message["type"] not in {"subscribe", "complete"}:
        return True
    if not isinstance(message.get("id"), str) or not message["id"]:
        return False
    payload = message.get("payload")
    return message["type"] == "complete" or (
        isinstance(payload, dict)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
        and isinstance(payload.get("extensions"), dict | None)
        and _has_query(payload)
    )


def _has_query(payload: dict[str, Any]) -> bool:
    """Whether there is a document, or a hash in its place."""
    query = payload.get("query")
    is_hash = query is None and "persistedQuery" in (payload.get("extensions") or {})
    return is_hash or isinstance(query, str)
