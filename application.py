"""The ASGI application: routes, and the context that each request and socket is answered with.

Starlette is known here and in main.py alone. No rule lives here.
"""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers
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

# Whoever asks whether requests can be answered waits no longer.
READY_SECONDS = 2.0
COLLECTOR = (5_000, 10, 5)
FOR_EVER = "public, max-age=31536000, immutable"
IDE = Path(__file__).parent / "web" / "dist" / "graphiql"
# The page of GraphiQL runs its own files and talks to its own server, and nothing else.
OF_PAGES = (
    b"default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    b"worker-src 'self' blob:; connect-src 'self' ws: wss:; font-src 'self' data:; "
    b"img-src 'self' data:; frame-ancestors 'none'"
)
# What is no page runs nothing and stands in nobody's frame.
OF_DATA = b"default-src 'none'; frame-ancestors 'none'"
TWO_YEARS = b"max-age=63072000; includeSubDomains"
RawHeaders = list[tuple[bytes, bytes]]


class Guarded:
    """Says with every answer what a browser may do with it, and writes down that it was given."""

    def __init__(
        self, app: ASGIApp, traces: Traces, headers: tuple[RawHeaders, RawHeaders]
    ) -> None:
        self.app = app
        self._traces = traces
        self._of_data, self._of_pages = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with self._traces.tracing(named_by_proxy(scope)) as trace:
            trace.method, trace.path = scope["method"], scope["path"]
            request_id = (b"x-request-id", trace.request_id.encode())

            async def guarded(message: Message) -> None:
                if message["type"] == "http.response.start":
                    given = message["headers"]
                    is_page = scope["path"].startswith("/graphiql/") or is_html(given)
                    ours = self._of_pages if is_page else self._of_data
                    names = {name for name, _ in given}
                    missing = [header for header in ours if header[0] not in names]
                    message["headers"] = [*given, *missing, request_id]
                    trace.status = message["status"]
                    if trace.status == 404:
                        # Whoever made it up may have written anything into it.
                        trace.path = ""
                await send(message)

            await self.app(scope, receive, guarded)


def is_html(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether an answer is a page."""
    return any(name == b"content-type" and kind[:9] == b"text/html" for name, kind in headers)


def named_by_proxy(scope: Scope) -> str:
    """What a proxy that is trusted calls a request."""
    if not scope.get("state", {}).get("is_proxied"):
        return ""
    return Headers(scope=scope).get("x-request-id", "")


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
    view = View(
        context_maker(server),
        traces,
        counted_connections(config, live),
        partial(Allowance, config.messages_at_once, config.messages_per_minute / 60),
        Persisted(config.persisted_documents),
        ide_page=ide_page(config),
        allowed_origins=config.allowed_origins,
    )
    app = Application(
        routes=routes(config, database, view),
        lifespan=lifespan,
        middleware=[
            Middleware(Guarded, traces, security_headers(config)),
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


def security_headers(config: Config) -> tuple[RawHeaders, RawHeaders]:
    """What browsers are told with data, and with pages."""
    always = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
    if config.base_url.startswith("https://"):
        always.append((b"strict-transport-security", TWO_YEARS))
    return (
        [*always, (b"content-security-policy", OF_DATA), (b"cache-control", b"no-store")],
        [*always, (b"content-security-policy", OF_PAGES)],
    )


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


def announcement(config: Config, host: str, port: int) -> str:
    """What is said once the server listens."""
    address = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104
    lines = [f"\nThe API        {address}/graphql"]
    if ide_page(config):
        lines.append(f"GraphiQL       {address}/graphql in a browser")
    elif config.development:
        lines.append(
            "GraphiQL       not built: install Node.js 20 or newer and run `make graphiql`"
        )
    if config.demo:
        accounts = ", ".join(f"{login}@{demo.DOMAIN}" for login in demo.ACCOUNTS)
        lines += [f"Demo accounts  {accounts}", f"Password       {config.demo_password}"]
    return "\n".join([*lines, "Stop with Ctrl+C.\n"])
