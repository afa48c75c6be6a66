"""Browser sessions: the refresh token in a cookie that no script can read.

A page of ours that sends `x-session-cookie` is answered with an empty refresh token, and its
browser keeps the real one, in a cookie that is sent to `/session` and nowhere else: no request to
the API carries it, so nobody else's page can act by it. What a refresh token is good for is
decided in `services.accounts.sessions`.
"""

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from schema.sockets import MakeContext
from services.accounts.sessions import refresh_session
from services.config import Config
from services.context import Kept
from services.errors import InvalidToken, NotFound, RateLimited, Unavailable

PATH = "/session"
WANTED = "x-session-cookie"
STATUS = {RateLimited: 429, Unavailable: 503, NotFound: 404}


def kept_for(connection: HTTPConnection, config: Config) -> Kept | None:
    """What the browser is to keep of a sign-in; None where no page of ours asks."""
    wants = WANTED in connection.headers or connection.url.path == PATH
    # The head of an event stream has left before an act can have anything kept.
    is_answer = connection.scope[
        "type"
    ] == "http" and "text/event-stream" not in connection.headers.get("accept", "")
    if not (wants and is_answer and is_own(connection, config)):
        return None
    kept: Kept = connection.scope["state"].setdefault("kept", Kept())
    return kept


def is_own(connection: HTTPConnection, config: Config) -> bool:
    """Whether a request comes from a page of the very host that it goes to."""
    origin = urlsplit(connection.headers.get("origin", ""))
    schemes = {"https"} if is_secure(config) else {"http", "https"}
    return origin.scheme in schemes and origin.netloc == connection.headers.get("host")


def is_secure(config: Config) -> bool:
    """Whether people reach the server by TLS."""
    return config.base_url.startswith("https://")


def cookie_name(config: Config) -> str:
    """The name; with the prefix, browsers take it from nobody who has no TLS."""
    return "__Secure-session" if is_secure(config) else "session"


def kept_cookie(scope: Scope, config: Config) -> Iterable[tuple[bytes, bytes]]:
    """The header that has a browser keep, or forget, what an act has said about a sign-in."""
    kept: Kept | None = scope.get("state", {}).get("kept")
    if kept is None or kept.refresh_token is None:
        return
    response = Response()
    response.set_cookie(
        cookie_name(config),
        kept.refresh_token,
        max_age=kept.seconds,
        path=PATH,
        secure=is_secure(config),
        httponly=True,
        samesite="strict",
    )
    yield b"set-cookie", response.headers["set-cookie"].encode()


def session_route(
    config: Config, make_context: MakeContext, accounts: Callable[[], list[dict[str, str]]]
) -> BaseRoute:
    """Where a page asks for an access token when it is opened, and when the one it has ends."""

    async def session(request: Request) -> Response:
        if not is_own(request, config):
            return JSONResponse({"error": "Pages of this origin have no session."}, 403)
        token = request.cookies.get(cookie_name(config))
        try:
            renewed = await _renewed(request, token, make_context) if token else None
        except (RateLimited, Unavailable, NotFound) as error:
            return JSONResponse({"error": error.message}, STATUS[type(error)])
        return JSONResponse({"session": renewed, "demoAccounts": accounts()})

    return Route(PATH, session, methods=["POST"])


async def _renewed(
    request: Request, token: str, make_context: MakeContext
) -> dict[str, str] | None:
    context = await make_context(request, None)
    try:
        renewed = await refresh_session(context, refresh_token=token)
    except InvalidToken:
        if context.client.kept is not None:
            context.client.kept.forget()
        return None
    return {
        "accessToken": renewed.access_token,
        "accessTokenExpiresAt": renewed.access_token_expires_at.isoformat(),
    }
