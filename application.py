"""The ASGI application: routes, and the context that each request and socket is answered with.

Starlette is known here and in main.py alone. No rule lives here.
"""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from models import Organization
from models.database import Database
from schema.persisted import Persisted
from schema.sockets import MakeContext
from schema.view import View
from services import housekeeping, organizations
from services.accounts.sessions import end_lost_views, viewer_for
from services.audit.chain import keep_sealing
from services.calendar.holds import sweep_holds
from services.calendar.horizon import keep_horizons
from services.config import Config
from services.context import Client, Context, Server
from services.delivery import Delivery
from services.demo import clinic as demo
from services.errors import NotSignedIn, ServiceError, Unavailable
from services.external.reading import keep_reading
from services.limits import Allowance
from services.live.feeds import Live
from services.live.limits import Connections
from services.live.tasks import again_and_again, ended
from services.logs import log_what_nobody_awaits
from services.mailer import mailer_for
from services.meters import RequestMeters
from services.organizations import RecentOrganizations
from services.passwords import Passwords
from services.traces import Traces, current
from services.waitlist.expiry import keep_lines
from serving.browser_sessions import kept_for, session_route
from serving.headers import Guarded
from serving.pages import client, demo_accounts, files, has_client, ide_page

# Whoever asks whether requests can be answered waits no longer.
READY_SECONDS = 2.0
COLLECTOR = (5_000, 10, 5)


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


def application(config: Config, database_url: str) -> Starlette:
    """The ASGI application over the database at `database_url`."""
    database = Database(database_url)
    live = Live(database, url=config.broadcast_url, sweep_seconds=config.sweep_seconds)
    server = Server(config, database, live, mailer_for(config), Passwords())

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await live.start()
        tasks = [asyncio.create_task(work) for work in background(server, meters)]
        asyncio.get_running_loop().set_exception_handler(log_what_nobody_awaits)
        calm_collector()
        async with Delivery(server):
            yield
        await ended(tasks)
        await live.stop()
        await database.close()
        await server.limits.close()
        server.passwords.close()

    meters = RequestMeters(live.meters.registry)
    traces = Traces(meters)
    make_context = context_maker(server)
    view = View(
        make_context,
        traces,
        counted_connections(config, live),
        partial(Allowance, config.messages_at_once, config.messages_per_minute / 60),
        Persisted(config.persisted_documents),
        ide_page=ide_page(config),
        allowed_origins=config.allowed_origins,
    )
    app = Application(
        routes=[
            *routes(database, view),
            session_route(config, make_context, partial(demo_accounts, config)),
            *files(config),
            client(config),
        ],
        lifespan=lifespan,
        middleware=[
            Middleware(Guarded, traces, config),
            *for_other_origins(config),
        ],
        sockets=view,
    )
    app.state.trusted_proxies = config.trusted_proxies
    app.state.end_streams = view.streams.end
    app.state.meters = live.meters.registry
    return app


def context_maker(server: Server) -> MakeContext:
    """What finds out who asks, in turn, and counts that they did."""
    recent = RecentOrganizations(server.database)

    async def make_context(
        connection: HTTPConnection, authorization: str | None, *, for_view: bool = False
    ) -> Context:
        ordinary = partial(organizations.find_organization, server.database)
        find = recent.find if for_view else ordinary
        try:
            async with asyncio.timeout(server.config.operation_seconds), server.turns.turn():
                context = await context_for(server, find, connection, authorization)
        except TimeoutError as error:
            raise Unavailable from error
        await context.spend(1)
        return context

    return make_context


def background(server: Server, meters: RequestMeters) -> list[Coroutine[Any, Any, None]]:
    """What a server does by itself, for as long as it runs."""
    return [
        housekeeping.keep_house(server),
        keep_horizons(server),
        again_and_again(partial(end_lost_views, server)),
        again_and_again(partial(keep_sealing, server)),
        again_and_again(partial(sweep_holds, server)),
        again_and_again(partial(keep_reading, server)),
        again_and_again(partial(keep_lines, server)),
        meters.watch_loop(),
    ]


def calm_collector() -> None:
    """Let the collector leave what stays alone."""
    # What is loaded by now lives as long as the process: the collector need not look at it.
    gc.collect()
    gc.freeze()
    # Ten thousand sockets are a million objects that stay: not to be looked through for each
    # few hundred that come, and yet often enough that no circles pile up.
    gc.set_threshold(*COLLECTOR)


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


def routes(database: Database, view: View) -> list[BaseRoute]:
    """What is answered to programs."""
    return [
        Route("/graphql", view),
        Route("/healthz", JSONResponse({"alive": True})),
        Route("/readyz", partial(ready, database)),
    ]


async def ready(database: Database, _: Request) -> Response:
    """Whether requests can be answered now."""
    try:
        async with asyncio.timeout(READY_SECONDS):
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
        kept_for(connection, server.config),
    )
    trace = current()
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise NotSignedIn
        organization, viewer = await viewer_for(server, token.strip())
        trace.organization, trace.role = organization.slug, viewer.user.role.value
        return Context(server, organization, viewer, client, trace.request_id)
    organization = await find(organization_slug(server.config, connection))
    trace.organization = organization.slug
    return Context(server, organization, None, client, trace.request_id)


def organization_slug(config: Config, connection: HTTPConnection) -> str | None:
    """The organization that a public request names: by its host, or while developing a header."""
    if config.development and (slug := connection.headers.get("x-organization")):
        return slug
    host = connection.headers.get("host", "").partition(":")[0].lower()
    if config.base_domain and host.endswith(f".{config.base_domain}"):
        return host.removesuffix(f".{config.base_domain}")
    return None


def announcement(config: Config, host: str, port: int) -> str:
    """What is said once the server listens."""
    address = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104
    not_built = "not built: install Node.js 20.19 or newer and run `make web`"
    lines = [
        f"\nIn a browser   {address if has_client(config) else not_built}",
        f"The API        {address}/graphql",
    ]
    if config.development:
        page = f"{address}/graphql in a browser" if ide_page(config) else not_built
        lines.append(f"GraphiQL       {page}")
    if config.demo:
        accounts = ", ".join(f"{login}@{demo.DOMAIN}" for login in demo.ACCOUNTS)
        lines += [f"Demo accounts  {accounts}", f"Password       {config.demo_password}"]
    return "\n".join([*lines, "Stop with Ctrl+C.\n"])
