"""The schema on HTTP and WebSocket: Strawberry's view, made exact where the protocols are.

GraphQL over HTTP with all audits of graphql-http; what is special to sockets is in `sockets`. Bad
input ends in a clear answer. What fails on our side before an operation runs is logged whole and
shown masked, as it is while one runs. Who asks is found out by the maker of contexts that main.py
hands in.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
from cross_web import HTTPException
from graphql import GraphQLError
from strawberry import UNSET
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError, MissingQueryError
from strawberry.http import GraphQLRequestData
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from schema.answers import (
    GRAPHQL_RESPONSE,
    NOT_KNOWN,
    STATUS,
    Refused,
    answer,
    check_status,
    was_not_executed,
    when_to_return,
)
from schema.errors import as_graphql_error, rejected
from schema.event_streams import Asked, Streams, accepts_events, has_mutation
from schema.persisted import NotKnown, Persisted
from schema.root import schema
from schema.sockets import (
    SUBSCRIPTION,
    TRY_AGAIN_LATER,
    Connection,
    MakeContext,
    Socket,
    TransportHandler,
)
from services.errors import RateLimited, ServiceError, TooManyConnections, Unavailable
from services.traces import current

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Message, Receive, Scope, Send

    from services.limits import Allowance
    from services.live.limits import Connections
    from services.traces import Traces

LARGEST_BODY = 128 * 1024
# The parts of a request.
PARTS: dict[str, tuple[type, str]] = {
    "query": (str, "a string"),
    "variables": (dict, "an object"),
    "operationName": (str, "a string"),
    "extensions": (dict, "an object"),
}


class View(GraphQL[Any, None]):
    """The endpoint."""

    websocket_adapter_class = Socket
    graphql_transport_ws_handler_class = TransportHandler

    def __init__(
        self,
        make_context: MakeContext,
        traces: "Traces",
        connections: "Connections",
        messages_of_a_socket: "Callable[[], Allowance]",
        persisted: Persisted,
        *,
        ide_page: str | None,
        allowed_origins: Sequence[str],
    ) -> None:
        super().__init__(
            schema,
            graphql_ide="graphiql" if ide_page is not None else None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=timedelta(seconds=3),
            # The handler counts them, and says so with a code.
            max_subscriptions_per_connection=None,
            allowed_origins=allowed_origins,
        )
        self.streams = Streams()
        self.traces = traces
        self.messages_of_a_socket = messages_of_a_socket
        self.persisted = persisted
        self._connections = connections
        self._make_context = make_context
        self._ide_page = ide_page

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer a request; whatever is wrong with it is said as GraphQL errors are."""
        if scope["type"] == "websocket":
            await self._open_socket(scope, receive, send)
            return
        try:
            if scope["method"] not in {"GET", "POST"}:
                raise Refused(405, rejected("GraphQL is asked by GET or POST."))
            await super().__call__(scope, _counted(receive), send)
        except Refused as refused:
            await answer(scope, send, refused)
        except _Events as events:
            await self._send_events(events.asked, scope, receive, send)
        except _Gone:
            pass

    async def _open_socket(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve a socket, unless there are too many."""
        try:
            with self._connections.opened(_address(scope)):
                await super().__call__(scope, receive, send)
        except TooManyConnections as error:
            # Accepted first: a browser does not tell its page why a handshake was refused.
            subprotocol = GRAPHQL_TRANSPORT_WS_PROTOCOL
            await send({"type": "websocket.accept", "subprotocol": subprotocol})
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER, "reason": str(error)})

    async def _send_events(
        self, asked: Asked, scope: "Scope", receive: "Receive", send: "Send"
    ) -> None:
        """Serve an event stream, unless there are too many."""
        current().kind = SUBSCRIPTION
        try:
            with (
                self._connections.opened(_address(scope)),
                self._connections.used_by(asked.context.user_id),
            ):
                await self.streams.serve(asked, receive, send)
        except TooManyConnections as error:
            await answer(scope, send, Refused(429, as_graphql_error(error)))

    async def run(self, request: Any, context: Any = UNSET, root_value: Any = UNSET) -> Any:
        """Answer a request; whatever stops it before an operation runs has a status."""
        if self.is_websocket_request(request):
            return await super().run(request, context, root_value)
        try:
            return await super().run(request, context, root_value)
        except HTTPException as error:
            raise Refused(error.status_code, rejected(error.reason)) from error
        except (Refused, _Events, _Gone):
            raise
        except Exception as error:
            said = as_graphql_error(error)
            code = str((said.extensions or {})["code"])
            raise Refused(STATUS.get(code, 400), said, **when_to_return(error)) from error

    async def parse_http_body(self, request: Any) -> Any:
        """The operation in a request, with every part of the type that it must have."""
        if request.method == "GET":
            data = self.parse_query_params(request.query_params)
        elif _is_json(request.content_type or ""):
            data = self.parse_json(await request.get_body())
        else:
            raise HTTPException(415, "The body must be application/json.")
        for name, (kind, said) in PARTS.items():
            if not isinstance(data.get(name), kind | None):
                raise HTTPException(400, f"`{name}` must be {said} or null.")
        try:
            query = self.persisted.text(data.get("query"), data.get("extensions"))
        except NotKnown as error:
            raise Refused(NOT_KNOWN, error) from error
        except GraphQLError as error:
            raise Refused(400, error) from error
        return GraphQLRequestData(
            query=query,
            variables=data.get("variables"),
            operation_name=data.get("operationName"),
            extensions=data.get("extensions"),
        )

    def should_render_graphql_ide(self, request: Any) -> bool:
        """Whether a browser wants the page: not a client that sends a document's hash alone."""
        is_hash = "extensions" in request.query_params
        return not is_hash and super().should_render_graphql_ide(request)

    async def execute_operation(
        self,
        request: Any,
        request_adapter: Any,
        request_data: Any,
        context: Any,
        root_value: Any,  # noqa: ARG002
        sub_response: Any,  # noqa: ARG002
    ) -> Any:
        """Carry out an operation, if it is of a kind that the request may carry."""
        is_post = request_adapter.method == "POST"
        if accepts_events(request_adapter.headers.get("accept", "")):
            # A page may open a stream without asking first, as it may a socket.
            if not self._check_websocket_origin(request):
                raise Refused(403, rejected("Pages of this origin may not open streams."))
            raise _events(request_data, context, request_adapter)
        allowed = {OperationType.QUERY, OperationType.MUTATION}
        try:
            result = await self.schema.execute(
                request_data.query,
                variable_values=request_data.variables,
                context_value=context,
                operation_name=request_data.operation_name,
                allowed_operation_types=allowed if is_post else {OperationType.QUERY},
                operation_extensions=request_data.extensions,
            )
        except MissingQueryError as error:
            raise Refused(400, rejected("There is no query in the request.")) from error
        except CannotGetOperationTypeError as error:
            raise Refused(400, rejected(error.as_http_error_reason())) from error
        except InvalidOperationTypeError as error:
            if error.operation_type is OperationType.SUBSCRIPTION:
                sentence = "Subscriptions need a WebSocket, or to be accepted as text/event-stream."
                raise Refused(400, rejected(sentence)) from error
            # The address of a mistake, followed by whoever comes across it, must change nothing.
            raise Refused(405, rejected("Mutations need POST."), allow=b"POST") from error
        if isinstance(result, PreExecutionError):
            check_status(result)
        return result

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
            await context.refresh(for_view=True)
            context.enter(self._connections)
        except (Unavailable, TooManyConnections, RateLimited):
            raise
        except ServiceError as error:
            raise ConnectionRejectionError from error
        return UNSET

    def parse_json(self, data: str | bytes) -> Any:
        """A body, or the variables in an address; both must be objects."""
        parsed = self.decode_json(data)
        if not isinstance(parsed, dict):
            raise HTTPException(400, "Expected a JSON object.")
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

        A request that was not executed has no `data`; in the newer one it is a 400.
        """
        media_type = sub_response.headers["content-type"]
        del sub_response.headers["content-type"]
        if was_not_executed(response_data):
            response_data.pop("data", None)
            if media_type == GRAPHQL_RESPONSE:
                sub_response.status_code = sub_response.status_code or 400
        response = super().create_response(response_data, sub_response)
        response.headers["content-type"] = f"{media_type}; charset=utf-8"
        return response


class _Events(Exception):
    """A request that is answered with events."""

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self.asked = asked


class _Gone(Exception):
    """The client left before its request was whole."""


def _events(data: GraphQLRequestData, context: Any, request: Any) -> _Events:
    """The request as one that is answered with events.

    Raises:
        Refused: there is no query, or a mutation that an address must not carry.

    """
    if not data.query or not data.query.strip():
        raise Refused(400, rejected("There is no query in the request."))
    if request.method == "GET" and has_mutation(data.query):
        raise Refused(405, rejected("Mutations need POST."), allow=b"POST")
    last_event_id = request.headers.get("last-event-id")
    return _Events(
        Asked(
            data.query,
            data.variables,
            data.operation_name,
            context,
            last_event_id,
            data.extensions,
        )
    )


def _address(scope: "Scope") -> str | None:
    client = scope.get("client")
    return client[0] if client else None


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


def _counted(receive: "Receive") -> "Receive":
    """`receive`, until the body has grown too large."""
    size = 0

    async def counting() -> "Message":
        nonlocal size
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        if message["type"] == "http.request":
            size += len(message.get("body", b""))
            if size > LARGEST_BODY:
                raise HTTPException(413, f"At most {LARGEST_BODY} bytes are accepted.")
        return message

    return counting
