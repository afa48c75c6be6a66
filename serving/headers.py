"""Headers: what browsers are told with every answer, and what is written down of it.

What a page of ours may load is said here; which pages there are is the business of `pages`.
"""

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.config import Config
from services.traces import Traces
from serving.browser_sessions import kept_cookie

# Our pages run their own files and talk to their own server, and nothing else. Components place
# themselves by style attributes.
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

    def __init__(self, app: ASGIApp, traces: Traces, config: Config) -> None:
        self.app = app
        self._traces = traces
        self._config = config
        self._of_data, self._of_pages = security_headers(config)

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
                    given = [*message["headers"], *kept_cookie(scope, self._config)]
                    is_page = scope["path"].startswith(("/graphiql/", "/assets/")) or is_html(given)
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


def security_headers(config: Config) -> tuple[RawHeaders, RawHeaders]:
    """What browsers are told with data, and with pages."""
    always = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
    if config.base_url.startswith("https://"):
        always.append((b"strict-transport-security", TWO_YEARS))
    return (
        [*always, (b"content-security-policy", OF_DATA), (b"cache-control", b"no-store")],
        [*always, (b"content-security-policy", OF_PAGES)],
    )
