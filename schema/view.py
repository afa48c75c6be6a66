"""The schema on HTTP and WebSocket: Strawberry's view, made exact where the protocols are.

GraphQL over HTTP (all audits of graphql-http) and graphql-transport-ws. Bad input ends in a clear
answer: a body that is no object is a 400, a message that is none closes its own socket with 4400,
and a document that does not parse ends only its own operation. Who asks is found out by the maker
of contexts that main.py hands in.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
from cross_web import HTTPException
from graphql import GraphQLError
from strawberry import UNSET
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)

from schema.errors import code_and_message
from schema.root import schema
from services.context import Context
from services.errors import ServiceError, Unavailable

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Message, Receive, Scope, Send
    from starlette.websockets import WebSocket

# Headers of the request, address of the client, and the authorization if it came otherwise.
MakeContext = Callable[["Request | WebSocket", str | None], Awaitable[Context]]

GRAPHQL_RESPONSE = "application/graphql-response+json"
LARGEST_BODY = 128 * 1024
STATUS = {"UNAUTHENTICATED": 401, "FORBIDDEN": 403, "NOT_FOUND": 404, "UNAVAILABLE": 503}
TRY_AGAIN_LATER = 1013


class Connection:
    """What stands for the context on a WebSocket: made again, with rights read fresh, for each
    operation that begins on it.
    """

    def __init__(self, make: MakeContext, socket: "WebSocket") -> None:
        self.connection_params: Mapping[str, object] = {}
        self._make = make
        self._socket = socket
        self._context: Context | None = None

    async def refresh(self) -> None:
        """Find out again who asks.

        Raises:
            NotSignedIn: the token has ended, or what it stood for has.

        """
        params = {key.lower(): value for key, value in self.connection_params.items()}
        authorization = params.get("authorization")
        self._context = await self._make(
            self._socket, authorization if isinstance(authorization, str) else None
        )

    def for_operation(self) -> Context:
        """The context of one operation."""
        if self._context is None:
            raise RuntimeError("An operation began before its connection was acknowledged.")
        return self._context.for_operation()


class TransportHandler(BaseGraphQLTransportWSHandler[Any, None]):
    """graphql-transport-ws with every message checked before it is acted on."""

    async def handle_message(self, message: Any) -> None:
        """Act on a message, or close the socket with 4400 if it is none."""
        if not _is_message(message):
            await self.handle_invalid_message("This is not a message of graphql-transport-ws")
            return
        await super().handle_message(message)

    async def handle_connection_init(self, message: Any) -> None:
        """Acknowledge the connection, or ask the client to come back when we can be reached."""
        if message.get("payload", {}) is None:
            message = {**message, "payload": {}}
        try:
            await super().handle_connection_init(message)
        except Unavailable as error:
            await self.websocket.close(TRY_AGAIN_LATER, str(error))

    async def run_operation(self, operation: Operation[Any, None]) -> None:
        """Run an operation with the rights that its sender has now."""
        try:
            await self.context.refresh()
        except ServiceError as error:
            await operation.send_initial_errors([_as_graphql_error(error)])
        else:
            await super().run_operation(operation)

    @staticmethod
    def _get_pre_execution_close_reason(_error: GraphQLError) -> str | None:
        """Never close a socket for one bad document: other operations live on it."""
        return None


def _is_message(message: Any) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    if message["type"] == "complete":
        return isinstance(message.get("id"), str)
    if message["type"] != "subscribe":
        return True
    payload = message.get("payload")
    return (
        isinstance(message.get("id"), str)
        and isinstance(payload, dict)
        and isinstance(payload.get("query"), str)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
    )


def _as_graphql_error(error: ServiceError) -> GraphQLError:
    code, message = code_and_message(error)
    return GraphQLError(message, extensions={"code": code})


class View(GraphQL[Any, None]):
    """The endpoint."""

    graphql_transport_ws_handler_class = TransportHandler

    def __init__(self, make_context: MakeContext, *, ide_page: str | None) -> None:
        super().__init__(
            schema,
            graphql_ide="graphiql" if ide_page is not None else None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=timedelta(seconds=3),
            max_subscriptions_per_connection=20,
        )
        self._make_context = make_context
        self._ide_page = ide_page

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer a request; whatever is wrong with it is said as GraphQL errors are."""
        try:
            await super().__call__(scope, _counted(receive), send)
        except ServiceError as error:
            code, message = code_and_message(error)
            await _answer(send, STATUS.get(code, 400), code, message)
        except _Refused as error:
            await _answer(send, error.status, "QUERY_REJECTED", error.reason)

    async def run(self, request: Any, context: Any = UNSET, root_value: Any = UNSET) -> Any:
        """Answer a request; what Strawberry would say as plain text is said as JSON."""
        try:
            return await super().run(request, context, root_value)
        except HTTPException as error:
            raise _Refused(error.status_code, error.reason) from error

    @property
    def graphql_ide_html(self) -> str:
        """The page for browsers."""
        return self._ide_page or ""

    async def get_context(self, request: Any, response: Any) -> Any:  # noqa: ARG002
        """Find out who asks: now, or on a WebSocket when the client has said so."""
        if self.is_websocket_request(request):
            return Connection(self._make_context, request)
        return await self._make_context(request, request.headers.get("authorization"))

    async def on_ws_connect(self, context: Connection) -> Any:
        """Acknowledge those who may come in.

        Raises:
            ConnectionRejectionError: the token that was sent is not good; closes with 4403.

        """
        try:
            await context.refresh()
        except Unavailable:
            raise
        except ServiceError as error:
            raise ConnectionRejectionError from error
        return UNSET

    def parse_json(self, data: str | bytes) -> Any:
        """A JSON body, which must be an object."""
        parsed = self.decode_json(data)
        if not isinstance(parsed, dict | list):
            raise HTTPException(400, "The request body must be a JSON object.")
        return parsed

    def decode_json(self, data: str | bytes) -> object:
        """JSON, within the limits of depth and number that the decoder has."""
        return orjson.loads(data)

    def encode_json(self, data: object) -> str:
        """JSON as text: bytes would go out as binary frames, which clients refuse."""
        return orjson.dumps(data).decode()

    async def get_sub_response(self, request: Any) -> Any:
        """Remember which of the two media types the client accepts."""
        response = await super().get_sub_response(request)
        accepted = request.headers.get("accept", "")
        response.headers["content-type"] = (
            GRAPHQL_RESPONSE if GRAPHQL_RESPONSE in accepted else "application/json"
        )
        return response

    def create_response(self, response_data: Any, sub_response: Any) -> "Response":
        """The response in the media type that the client accepts.

        In the newer one a request that was not executed has no `data` and is a 400.
        """
        media_type = sub_response.headers["content-type"]
        del sub_response.headers["content-type"]
        if media_type == GRAPHQL_RESPONSE and _was_not_executed(response_data):
            response_data.pop("data", None)
            sub_response.status_code = sub_response.status_code or 400
        response = super().create_response(response_data, sub_response)
        response.headers["content-type"] = f"{media_type}; charset=utf-8"
        return response


class _Refused(Exception):
    """A request that is no GraphQL request, and the HTTP status that says so."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def _was_not_executed(response_data: Any) -> bool:
    found = response_data.get("errors") if isinstance(response_data, dict) else None
    if not found or response_data.get("data") is not None:
        return False
    return not any("path" in error for error in found)


async def _answer(send: "Send", status: int, code: str, message: str) -> None:
    body = orjson.dumps({"errors": [{"message": message, "extensions": {"code": code}}]})
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _counted(receive: "Receive") -> "Receive":
    """`receive`, until the body has grown too large."""
    size = 0

    async def counting() -> "Message":
        nonlocal size
        message = await receive()
        if message["type"] == "http.request":
            size += len(message.get("body", b""))
            if size > LARGEST_BODY:
                raise HTTPException(413, f"At most {LARGEST_BODY} bytes are accepted.")
        return message

    return counting
