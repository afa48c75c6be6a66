"""Hints: how every server process learns at once that a calendar has changed.

A hint says "calendar C is at revision R" and nothing else. It follows the commit, and it may be
lost, doubled or late: what changed always comes from the database, and the sweep of `feeds` heals
what was lost.

broadcaster carries the hints between processes. It is used here alone, through one channel and
one subscriber per process, because in 0.3.1 simultaneous subscribers of a channel lose each other,
its queues have no bound, and its listener dies unseen: one subscriber, drained at once and started
again when it dies, is what remains sound. The backends are our own: broadcaster's do not outlive
their connections.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
from broadcaster import Broadcast, BroadcastBackend, Event

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

log = logging.getLogger("live")

CHANNEL = "calendars"
# A NOTIFY payload holds 7,999 bytes; a hint takes at most 57 of them.
HINTS_PER_MESSAGE = 100
WAITING_HINTS = 10_000
FIRST_RETRY, LAST_RETRY = 0.05, 5.0


class PostgresHints(BroadcastBackend):
    """A broadcaster backend over LISTEN and NOTIFY that outlives its connection.

    One connection of its own, never the one of a booking: a NOTIFY inside each transaction would
    make all of them queue for one lock.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._arrived: asyncio.Queue[Event] = asyncio.Queue(WAITING_HINTS)
        self._connection: Connection | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Begin to keep a connection; does not wait for it."""
        self._keeper = asyncio.create_task(self._keep_connected())

    async def disconnect(self) -> None:
        """Close the connection."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper

    async def subscribe(self, channel: str) -> None:
        """Every connection listens to the one channel there is."""

    async def unsubscribe(self, channel: str) -> None:
        """See `subscribe`."""

    async def publish(self, channel: str, message: str) -> None:
        """Send a message; without a connection it is lost, and the sweep heals that."""
        if self._connection is not None:
            await self._connection.execute("SELECT pg_notify($1, $2)", channel, message)

    async def next_published(self) -> Event:
        """Wait for the next message."""
        return await self._arrived.get()

    async def _keep_connected(self) -> None:
        pause = FIRST_RETRY
        while True:
            try:
                async with self._listening() as lost:
                    pause = FIRST_RETRY
                    await lost.wait()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("Hints: no connection to the database (%s)", error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LAST_RETRY)

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[asyncio.Event]:
        lost = asyncio.Event()
        connection = await asyncpg.connect(self._dsn, timeout=10)
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._hear)
            self._connection = connection
            yield lost
        finally:
            self._connection = None
            connection.terminate()

    def _hear(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        # A full queue drops the hint instead of growing: the sweep is the floor.
        with suppress(asyncio.QueueFull):
            self._arrived.put_nowait(Event(channel, str(payload)))


class Hints:
    """What this process tells the others of its calendars, and hears of theirs."""

    def __init__(self, url: str, *, hear: Callable[[UUID, int], None]) -> None:
        if url == "memory://":
            self._broadcast = Broadcast(url)
        else:
            self._broadcast = Broadcast(backend=PostgresHints(url))
        self._hear = hear
        self._unsent: dict[UUID, int] = {}
        self._something_unsent = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Connect, and begin to listen and to publish."""
        await self._broadcast.connect()
        self._tasks = [
            asyncio.create_task(again_and_again(part)) for part in (self._listen, self._publish)
        ]

    async def stop(self) -> None:
        """End it."""
        await ended(self._tasks)
        await self._broadcast.disconnect()

    def tell(self, calendar_id: UUID, revision: int) -> None:
        """Tell the others, soon and together with what else there is to tell."""
        self._unsent[calendar_id] = max(revision, self._unsent.get(calendar_id, 0))
        self._something_unsent.set()

    async def flush(self) -> None:
        """Publish what was told and is not yet out, as before a short command ends."""
        unsent, self._unsent = list(self._unsent.items()), {}
        for start in range(0, len(unsent), HINTS_PER_MESSAGE):
            batch = unsent[start : start + HINTS_PER_MESSAGE]
            await self._broadcast.publish(CHANNEL, " ".join(f"{c.hex}:{r}" for c, r in batch))

    async def _listen(self) -> None:
        async with self._broadcast.subscribe(CHANNEL) as subscriber:
            while True:
                event = await subscriber.get()
                for hint in event.message.split():
                    calendar_id, _, revision = hint.partition(":")
                    self._hear(UUID(calendar_id), int(revision))

    async def _publish(self) -> None:
        while True:
            await self._something_unsent.wait()
            self._something_unsent.clear()
            await self.flush()


async def again_and_again(part: Callable[[], Awaitable[None]]) -> None:
    """Run a part of the process for ever; one that fails is started again."""
    while True:
        try:
            await part()
        except Exception:
            log.exception("Live: a part failed and is started again")
        await asyncio.sleep(FIRST_RETRY)


async def ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    """End tasks, and wait until they have."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
