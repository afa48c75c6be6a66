"""Event streams as a browser reads them: fields of lines, a blank line between two events."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp

from tests.api import Api

PATIENCE = 30.0
MEDIA_TYPE = "text/event-stream"


class Event(NamedTuple):
    """An event: its kind, what it carries, and the id to come back with."""

    kind: str
    data: Any
    id: str | None


class EventStream:
    """What a response sends."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.comments = 0

    async def next(self) -> Event | None:
        """The next event; None at the end of the stream."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            while line := (await self.response.content.readline()).decode():
                name, _, value = line.rstrip("\n").partition(":")
                if name:
                    fields[name] = value.removeprefix(" ")
                elif line.startswith(":"):
                    self.comments += 1
                elif fields:
                    data = json.loads(fields["data"]) if fields["data"] else None
                    return Event(fields["event"], data, fields.get("id"))
        return None

    async def rest(self) -> list[Event]:
        """All events up to the end of the stream."""
        found = []
        while (event := await self.next()) is not None:
            found.append(event)
        return found


@asynccontextmanager
async def events(
    api: Api,
    document: str,
    variables: dict[str, Any] | None = None,
    *,
    method: str = "POST",
    **headers: str,
) -> AsyncIterator[EventStream]:
    """Ask for an operation as events."""
    sent = {**api.headers, "accept": MEDIA_TYPE, **headers}
    body = {"query": document, "variables": variables or {}}
    where = {"query": document, "variables": json.dumps(variables or {})}
    form: dict[str, Any] = {"json": body} if method == "POST" else {"params": where}
    async with api.http.request(method, api.url, headers=sent, **form) as response:
        yield EventStream(response)
