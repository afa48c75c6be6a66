"""A calendar elsewhere: a real server that serves iCalendar files as the test says, or misbehaves.

What the application makes of it stands in the tests.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ssl import SSLContext

from aiohttp import web

KIND = "text/calendar"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def event(starts_at: datetime, ends_at: datetime, *more: str, uid: str = "") -> str:
    """An event as calendars write it, with words that nobody else is to see."""
    lines = [
        "BEGIN:VEVENT",
        f"UID:{uid or starts_at.isoformat()}",
        "SUMMARY:Something private",
        f"DTSTAMP:{datetime.now(UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART:{starts_at.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"DTEND:{ends_at.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        *more,
        "END:VEVENT",
    ]
    return "\r\n".join(lines)


def file(*parts: str) -> bytes:
    """A calendar with these parts."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Elsewhere//EN", *parts, "END:VCALENDAR"]
    return "\r\n".join([*lines, ""]).encode()


@dataclass
class Elsewhere:
    """Serves one file.

    Attributes:
        data: the file.
        etag: what its state is called; such a server answers 304.
        answer: what is answered instead, once set.
        asked: the headers of the requests so far.

    """

    address: str = ""
    data: bytes = file()
    etag: str | None = None
    answer: Answer | None = None
    asked: deque[dict[str, str]] = field(default_factory=deque)

    @property
    def url(self) -> str:
        """Where the file is."""
        return f"{self.address}/secret-of-the-calendar/basic.ics"

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """Answer as the test wants it."""
        self.asked.append({name.lower(): value for name, value in request.headers.items()})
        if self.answer is not None:
            return await self.answer(request)
        headers = {"ETag": self.etag} if self.etag else {}
        if self.etag and request.headers.get("If-None-Match") == self.etag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=self.data, content_type=KIND, headers=headers)


@asynccontextmanager
async def serving_elsewhere(tls: SSLContext | None = None) -> AsyncIterator[Elsewhere]:
    """A server on a port of its own."""
    elsewhere = Elsewhere()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", elsewhere.respond)
    # What hangs on purpose does not hold up the test's end.
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    port = runner.addresses[0][1]
    elsewhere.address = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield elsewhere
    finally:
        await runner.cleanup()


def saying(status: int = 200, body: bytes = b"", kind: str = KIND, **headers: str) -> Answer:
    """An answer that is always the same; `_` in a header's name is a dash."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, content_type=kind, headers=named)

    return answer


def pouring(piece: bytes, *, begin: bytes = b"BEGIN:VCALENDAR\r\n", pause: float = 0) -> Answer:
    """An answer that never ends."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": KIND})
        await response.prepare(request)
        await response.write(begin)
        while True:
            await response.write(piece)
            await asyncio.sleep(pause)

    return answer
