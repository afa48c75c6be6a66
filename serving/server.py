"""The server: uvicorn with our lines and sockets, which says when it listens and how it ends."""

import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from serving.lines import KEEP_ALIVE_SECONDS, Line
from serving.sockets import Wire

SHUTDOWN_SECONDS = 10
LONGEST_MESSAGE = 64 * 1024


class Proxied(ProxyHeadersMiddleware):
    """Believes proxies that are trusted what they say of their clients, and says in the scope's
    state, as `is_proxied`, that it did.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass on what came through a proxy as if the client had sent it here."""
        if scope["type"] != "lifespan":
            host, _ = scope["client"] or (None, 0)
            scope["state"]["is_proxied"] = host in self.trusted_hosts
        await super().__call__(scope, receive, send)


class Server(uvicorn.Server):
    """A server that says when it listens, and lets the streams end before it does."""

    def __init__(
        self,
        app: Starlette,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        on_start: Callable[[], None] | None = None,
    ) -> None:
        proxies = list(app.state.trusted_proxies)
        super().__init__(
            uvicorn.Config(
                Proxied(app, proxies) if proxies else app,  # type: ignore[arg-type]
                host=host,
                port=port,
                loop="uvloop",
                http=Line,
                ws=Wire,
                ws_max_size=LONGEST_MESSAGE,
                ws_per_message_deflate=False,
                ws_ping_interval=None,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
                server_header=False,
                proxy_headers=False,
                access_log=False,
                log_config=None,
            )
        )
        self._on_start = on_start
        self._end_streams: Callable[[], None] = app.state.end_streams

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if self.started and self._on_start is not None:
            self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End: sockets are told 1012, event streams end, what was begun is answered."""
        self._end_streams()
        await super().shutdown(sockets)
