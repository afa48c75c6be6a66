"""gql's reconnecting session watches one calendar, until standard input ends.

`python watch_with_gql.py '{"url": …, "token": …, "window": …}'` prints what `watch.mjs` does.
"""

import asyncio
import json
import random
import sys
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

from gql import Client, gql
from gql.client import ReconnectingAsyncClientSession
from gql.transport.exceptions import TransportError
from gql.transport.websockets import WebsocketsTransport
from websockets.exceptions import ConnectionClosed

CHANGES = """
subscription Watch($calendar: ID!, $from: DateTime!, $to: DateTime!, $after: Cursor) {
  calendarChanges(calendarId: $calendar, from: $from, to: $to, after: $after) {
    reset cursor previousCursor slots { id startsAt endsAt status version bookedCount }
  }
}
"""
FORBIDDEN = 4403


def tell(**what: Any) -> None:
    print(json.dumps({"client": "gql", **what}), flush=True)


def refusal(error: BaseException) -> dict[str, Any] | None:
    """Why the server does not let this client in; None where it is something else."""
    closed = error.__cause__
    if not isinstance(closed, ConnectionClosed) or closed.rcvd is None:
        return None
    code, reason = closed.rcvd.code, closed.rcvd.reason
    return {"code": code, "reason": reason} if code == FORBIDDEN else None


class View:
    """What is shown of the calendar, and where it stands."""

    def __init__(self, window: dict[str, str]) -> None:
        self.window = window
        self.slots: dict[str, Any] = {}
        self.cursor: str | None = None

    async def follow(self, session: ReconnectingAsyncClientSession) -> None:
        """Show what changes, for as long as the stream lasts and nothing is missed."""
        request = gql(CHANGES)
        request.variable_values = {**self.window, "after": self.cursor}
        async with aclosing(session.subscribe(request)) as updates:
            async for answer in updates:
                if not self.apply(**answer["calendarChanges"]):
                    return

    def apply(self, *, reset: bool, cursor: str, previousCursor: str, slots: list[Any]) -> bool:  # noqa: N803
        """Apply an update. False where one before it was missed: come back with the cursor."""
        if reset:
            self.slots = {}
        elif previousCursor != self.cursor:
            return False
        self.slots |= {slot["id"]: slot for slot in slots}
        self.slots = {id: s for id, s in self.slots.items() if s["status"] != "REMOVED"}
        self.cursor = cursor
        tell(reset=reset, slots=[*self.slots.values()])
        return True


class Watching:
    """gql's reconnecting session, and a view that follows it."""

    def __init__(self, url: str, token: str, window: dict[str, str]) -> None:
        self.transport = WebsocketsTransport(
            url=url.replace("http", "ws", 1),
            init_payload={"authorization": f"Bearer {token}"},
            # A connection that is dead without having said so is found out by a missing pong.
            ping_interval=0.3,
            pong_timeout=1,
            # It would wait ten seconds for a dead server to agree that it is.
            connect_args={"close_timeout": 0.5},
        )
        self.client = Client(transport=self.transport)
        self.view = View(window)

    async def run(self) -> None:
        """Watch for as long as the server lets us."""
        session = await self.client.connect_async(reconnecting=True, retry_connect=self.patiently)
        while True:
            try:
                await self.view.follow(session)
            except TransportError:
                await asyncio.sleep(random.random() * 0.2)

    def patiently(self, connect: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """How the session connects: again and again, unless it is not let in."""

        async def connecting() -> None:
            while True:
                try:
                    return await connect()
                except (TransportError, TimeoutError) as error:
                    if (why := refusal(error)) is not None:
                        tell(refused=why)
                        await asyncio.Event().wait()
                # What broke off before it was acknowledged would count as connected for ever.
                await self.transport.close()
                await asyncio.sleep(random.random() * 0.2)

        return connecting


async def main() -> None:
    watching = Watching(**json.loads(sys.argv[1]))
    running = asyncio.create_task(watching.run())
    await asyncio.to_thread(sys.stdin.read)
    running.cancel()
    await asyncio.wait([running])
    await watching.client.close_async()


asyncio.run(main())
