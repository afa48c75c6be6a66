"""The ASGI application: routes, and the context that each request and socket is answered with.

Starlette is known here and in main.py alone. No rule lives here.
"""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models import Organization
from models.database import Database
from schema.sockets import MakeContext
from schema.view import View
from services import demo, housekeeping, organizations
from services.accounts.sessions import end_lost_views, viewer_for
from services.config import Config
from services.context import Client, Context, Server
from services.errors import NotSignedIn, ServiceError
from services.limits import Allowance
from services.live.feeds import Live
from services.live.limits import Connections
from services.live.tasks import again_and_again, ended
from services.mailer import ConsoleMailer
from services.organizations import RecentOrganizations
from services.passwords import Passwords

COLLECTOR = (5_000, 10, 5)
FOR_EVER = "public, max-age=31536000, immutable"
IDE = Path(__file__).parent / "web" / "dist" / "graphiql"
# The page of GraphiQL runs its own files and talks to its own server, and nothing else.
CONTENT_SECURITY = (
    b"default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    b"worker-src 'self' blob:; connect-src 'self' ws: wss:; font-src 'self' data:; "
    b"img-src 'self' data:; frame-ancestors 'none'"
)
SECURITY_HEADERS = [
    (b"content-security-policy", CONTENT_SECURITY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


class Guarded:
    """Says with every answer what a browser may do with it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *SECURITY_HEADERS]
            await send(message)

        await self.app(scope, receive, guarded)


class Application(Starlette):
    """Starlette, but for sockets: none of its layers does anything for them, and each of ten
    thousand would keep them all.
    """

    def __init__(self, *, sockets: ASGIApp, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] == "websocket" and scope["path"] == "/graphql":
            await self._sockets(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class Built(StaticFiles):
    """What Vite built: a name with a hash in it never means anything else."""

    def file_response(self, full_path: str | PathLike[str], *args: Any, **kwargs: Any) -> Response:
        """The file, and how long a browser may keep it."""
        response = super().file_response(full_path, *args, **kwargs)
        is_named_by_content = Path(full_path).parent.name == "assets"
        response.headers["cache-control"] = FOR_EVER if is_named_by_content else "no-cache"
        return response


def application(config: Config, database_url: str) -> Starlette:
    """The ASGI application over the database at `database_url`."""
    database = Database(database_url)
    live = Live(database, url=config.broadcast_url, sweep_seconds=config.sweep_seconds)
    server = Server(config, database, live, ConsoleMailer(), Passwords())

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await live.start()
        tasks = [
            asyncio.create_task(housekeeping.keep_house(server)),
            asyncio.create_task(again_and_again(partial(end_lost_views, server))),
        ]
        # What is loaded by now lives as long as the process: the collector need not look at it.
        gc.collect()
        gc.freeze()
        # Ten thousand sockets are a million objects that stay: not to be looked through for each
        # few hundred that come, and yet often enough that no circles pile up.
        gc.set_threshold(*COLLECTOR)
        yield
        await ended(tasks)
        await live.stop()
        await database.close()
        await server.limits.close()
        server.passwords.close()

    view = View(
        context_maker(server),
        counted_connections(config, live),
        partial(Allowance, config.messages_at_once, config.messages_per_minute / 60),
        ide_page=ide_page(config),
        allowed_origins=config.allowed_origins,
    )
    app = Application(
        routes=routes(config, database, view),
        lifespan=lifespan,
        middleware=[Middleware(Guarded), *for_other_origins(config)],
        sockets=view,
    )
    app.state.trusted_proxies = config.trusted_proxies
    app.state.end_streams = view.streams.end
    app.state.meters = live.meters.registry
    return app


def context_maker(server: Server) -> MakeContext:
    """Finds out who asks, as one of the things that wait for their turn and are counted."""
    recent = RecentOrganizations(server.database)

    async def make_context(
        connection: HTTPConnection, authorization: str | None, *, for_view: bool = False
    ) -> Context:
        known = partial(organizations.find_organization, server.database)
        find = recent.find if for_view else known
        async with server.turns.turn():
            context = await context_for(server, find, connection, authorization)
        await context.spend(1)
        return context

    return make_context


def for_other_origins(config: Config) -> list[Middleware]:
    """What lets the pages of other origins ask and read; nothing where there are none."""
    if not config.allowed_origins:
        return []
    asking = ["authorization", "content-type", "last-event-id"]
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=config.allowed_origins,
            allow_methods=["GET", "POST"],
            allow_headers=[*asking, *["x-organization"] * config.development],
            expose_headers=["retry-after", "x-request-id"],
        )
    ]


def routes(config: Config, database: Database, view: View) -> list[BaseRoute]:
    """What is answered where."""
    found: list[BaseRoute] = [
        Route("/", RedirectResponse("/graphql")),
        Route("/graphql", view),
        Route("/healthz", JSONResponse({"alive": True})),
        Route("/readyz", partial(ready, database)),
    ]
    if ide_page(config) is not None:
        found += [
            Route("/graphiql/config.json", JSONResponse(ide_settings(config))),
            Mount("/graphiql", Built(directory=IDE), middleware=[Middleware(GZipMiddleware)]),
        ]
    return found


async def ready(database: Database, _: Request) -> Response:
    """Whether requests can be answered now."""
    try:
        await organizations.count_organizations(database, is_demo=False)
    except (ServiceError, OSError):
        return JSONResponse({"ready": False}, status_code=503)
    return JSONResponse({"ready": True})


def counted_connections(config: Config, live: Live) -> Connections:
    """The live connections of this process, and how many there may be."""
    return Connections(
        live.meters.connections,
        process=config.connections,
        address=config.connections_per_address,
        user=config.connections_per_user,
    )


async def context_for(
    server: Server,
    find: Callable[[str | None], Awaitable[Organization]],
    connection: HTTPConnection,
    authorization: str | None,
) -> Context:
    """Who asks, and in which organization.

    Raises:
        NotSignedIn: a token was sent and is not good.
        NotFound: nothing says which organization is meant.

    """
    client = Client(
        connection.client.host if connection.client else None,
        connection.headers.get("user-agent"),
    )
    request_id = uuid4().hex
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise NotSignedIn
        organization, viewer = await viewer_for(server, token.strip())
        return Context(server, organization, viewer, client, request_id)
    organization = await find(organization_slug(server.config, connection))
    return Context(server, organization, None, client, request_id)


def organization_slug(config: Config, connection: HTTPConnection) -> str | None:
    """The organization that a public request names: by its host, or while developing a header."""
    if config.development and (slug := connection.headers.get("x-organization")):
        return slug
    host = connection.headers.get("host", "").partition(":")[0].lower()
    if config.base_domain and host.endswith(f".{config.base_domain}"):
        return host.removesuffix(f".{config.base_domain}")
    return None


def ide_page(config: Config) -> str | None:
    """The page of GraphiQL; None where it is switched off or was not built."""
    page = IDE / "index.html"
    return page.read_text() if config.development and page.is_file() else None


def ide_settings(config: Config) -> dict[str, object]:
    """What GraphiQL's page asks for: the demo's accounts, if it is the demo."""
    if not config.demo:
        return {"demoAccounts": []}
    accounts = [
        {
            "label": login.title(),
            "login": f"{login}@{demo.DOMAIN}",
            "password": config.demo_password,
        }
        for login in demo.ACCOUNTS
    ]
    return {"demoAccounts": accounts}
