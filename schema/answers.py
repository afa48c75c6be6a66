"""Answers over HTTP to what was not carried out: which status each has, and what goes with it."""

from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING, Any

import orjson
from graphql import GraphQLError
from strawberry.types.execution import PreExecutionError

from schema.errors import origin
from services.errors import RateLimited, Unavailable
from services.traces import current

if TYPE_CHECKING:
    from starlette.types import Scope, Send

GRAPHQL_RESPONSE = "application/graphql-response+json"
# Clients of persisted documents take it for an answer, and send the document.
NOT_KNOWN = 200
STATUS = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "RATE_LIMITED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
}
# What a status is not complete without.
HEADERS: dict[int, dict[bytes, bytes]] = {
    NOT_KNOWN: {b"cache-control": b"no-store"},
    401: {b"www-authenticate": b"Bearer"},
    405: {b"allow": b"GET, POST"},
    # The rest of the body is not read.
    413: {b"connection": b"close"},
    429: {b"retry-after": b"10"},
    503: {b"retry-after": b"2"},
}


class Refused(Exception):
    """A request that ends before an operation runs: the HTTP status, and what is said."""

    def __init__(self, status: int, error: GraphQLError, **headers: bytes) -> None:
        super().__init__(error.message)
        self.status = status
        self.error = error
        own = {name.replace("_", "-").encode(): value for name, value in headers.items()}
        self.headers = HEADERS.get(status, {}) | own


def check_status(result: PreExecutionError) -> None:
    """See whether an operation was put off, which has a status of its own.

    Raises:
        RateLimited, Unavailable, Refused: it was.

    """
    for said in result.errors or ():
        reason = origin(said)
        if isinstance(reason, RateLimited | Unavailable):
            raise reason
        if (said.extensions or {}).get("code") == "UNAVAILABLE":
            raise Refused(503, said)


def when_to_return(error: Exception) -> dict[str, bytes]:
    """After how many seconds whoever asks too much may ask again."""
    if not isinstance(error, RateLimited):
        return {}
    seconds = (error.retry_at - datetime.now(UTC)).total_seconds()
    return {"retry_after": str(max(1, ceil(seconds))).encode()}


def was_not_executed(response_data: Any) -> bool:
    """Whether an answer is that of a request that was at fault, and not carried out."""
    found = response_data.get("errors") if isinstance(response_data, dict) else None
    if not found or response_data.get("data") is not None:
        return False
    is_ours = any(error.get("extensions", {}).get("code") == "INTERNAL" for error in found)
    return not is_ours and not any("path" in error for error in found)


async def answer(scope: "Scope", send: "Send", refused: Refused) -> None:
    """Answer with a refusal, in the media type that the client accepts."""
    current().outcome = str((refused.error.extensions or {})["code"])
    body = orjson.dumps({"errors": [refused.error.formatted]})
    accepted = dict(scope["headers"]).get(b"accept", b"")
    media_type = GRAPHQL_RESPONSE if GRAPHQL_RESPONSE.encode() in accepted else "application/json"
    headers = {
        b"content-type": f"{media_type}; charset=utf-8".encode(),
        b"content-length": str(len(body)).encode(),
        **refused.headers,
    }
    start = {"type": "http.response.start", "status": refused.status, "headers": [*headers.items()]}
    await send(start)
    await send({"type": "http.response.body", "body": body})
