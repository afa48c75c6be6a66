"""Hints: how every server process learns at once that a calendar has changed.

A hint says "calendar C is at revision R" and nothing else. It follows the commit, and it may be
lost, doubled or late: what changed always comes from the database, and every two seconds all
watched calendars are compared with it, so a lost hint is healed by the next sweep.

broadcaster carries the hints between processes. It is used here alone, through one channel and
one subscriber per process, because in 0.3.1 simultaneous subscribers of a channel lose each other,
its queues have no bound, and its listener dies unseen: one subscriber, drained at once and started
again when it dies, is what remains sound. What a view is sent is the business of `calendar`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import asyncpg
from broadcaster import Broadcast, BroadcastBackend, Event
from sqlalchemy import select

from models import Calendar
from models.database import Database

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

T = TypeVar("T")
log = logging.getLogger("live")

CHANNEL = "calendars"
# A NOTIFY payload holds 7,999 bytes; a hint takes at most 57 of them.
HINTS_PER_MESSAGE = 100
WAITING_HINTS = 10_000
FIRST_RETRY, LAST_RETRY = 0.05, 5.0
# Watchers are woken at most this often.
SHORTEST_PAUSE = 0.05


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


class Feed:
    """One calendar that somebody in this process watches.

    Attributes:
        revision: the newest that is known.
        told: the newest that the watchers have been woken for.

    """

    def __init__(self) -> None:
        self.revision = 0
        self.told = 0
        self.watchers: set[asyncio.Event] = set()
        self._loads: dict[Hashable, asyncio.Future[Any]] = {}
        self._last_told = 0.0
        self._telling: asyncio.TimerHandle | None = None

    def advance(self, revision: int) -> None:
        """Learn of a newer revision, and wake the watchers: at once, or with the changes that
        follow closely, together, so that a browser redraws once for all of them.
        """
        if revision <= self.revision:
            return
        self.revision = revision
        loop = asyncio.get_running_loop()
        rest = self._last_told + SHORTEST_PAUSE - loop.time()
        if rest <= 0:
            self._tell()
        elif self._telling is None:
            self._telling = loop.call_later(rest, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self._last_told = asyncio.get_running_loop().time()
        self.told = self.revision
        self._loads.clear()
        for watcher in self.watchers:
            watcher.set()

    def believe(self, revision: int, *, rather_than: int) -> None:
        """Take what the database says for true where watchers were told of more than there is: a
        hint from outside, or of a time that a backup has undone.
        """
        if revision < rather_than == self.told:
            self.told = self.revision = revision

    async def shared(
        self, key: Hashable, load: Callable[[], Awaitable[T]], *, seconds: float | None = None
    ) -> T:
        """The result of `load`, run once for all watchers that ask for the same `key`.

        It is kept until the watchers are woken again, or at most for some seconds.
        """
        loading = self._loads.get(key)
        if loading is None or (loading.done() and (loading.cancelled() or loading.exception())):
            loading = self._loads[key] = asyncio.ensure_future(load())
            if seconds is not None:
                asyncio.get_running_loop().call_later(seconds, self._loads.pop, key, None)
        # Shielded: a watcher that leaves must not take the load from the others.
        result: T = loading.result() if loading.done() else await asyncio.shield(loading)
        return result


class Watch:
    """One watcher's place in a feed, for so many seconds at most."""

    def __init__(self, feed: Feed, seconds: float | None) -> None:
        self.feed = feed
        self._woken = asyncio.Event()
        self._is_over = False
        self._end: asyncio.TimerHandle | None = None
        if seconds is not None:
            self._end = asyncio.get_running_loop().call_later(seconds, self._finish)
        feed.watchers.add(self._woken)

    def _finish(self) -> None:
        self._is_over = True
        self._woken.set()

    async def newer_than(self, revision: int) -> bool:
        """Wait until the calendar is past `revision`; False once the watcher's time is over."""
        while self.feed.told <= revision and not self._is_over:
            self._woken.clear()
            await self._woken.wait()
        return not self._is_over

    def leave(self) -> None:
        """Give the place up."""
        if self._end is not None:
            self._end.cancel()
        self.feed.watchers.discard(self._woken)


class Live:
    """The feeds of this process, kept up by hints and by the sweep."""

    def __init__(self, database: Database, *, url: str = "", sweep_seconds: float = 2.0) -> None:
        if url == "memory://":
            self._broadcast = Broadcast(url)
        else:
            self._broadcast = Broadcast(backend=PostgresHints(url or database.dsn))
        self._database = database
        self._sweep_seconds = sweep_seconds
        self._feeds: dict[UUID, Feed] = {}
        self._unsent: dict[UUID, int] = {}
        self._something_unsent = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Connect, and begin to listen, publish and sweep."""
        await self._broadcast.connect()
        self._tasks = [
            asyncio.create_task(self._again_and_again(part))
            for part in (self._listen, self._publish, self._sweep)
        ]

    async def stop(self) -> None:
        """End all of it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._broadcast.disconnect()

    def announce(self, calendar_id: UUID, revision: int) -> None:
        """Say that a calendar is at a revision; call it after the commit, never before."""
        self._advance(calendar_id, revision)
        self._unsent[calendar_id] = max(revision, self._unsent.get(calendar_id, 0))
        self._something_unsent.set()

    async def flush(self) -> None:
        """Publish what was announced and is not yet, as before a short command ends."""
        unsent, self._unsent = list(self._unsent.items()), {}
        for start in range(0, len(unsent), HINTS_PER_MESSAGE):
            batch = unsent[start : start + HINTS_PER_MESSAGE]
            await self._broadcast.publish(CHANNEL, " ".join(f"{c.hex}:{r}" for c, r in batch))

    @contextmanager
    def watching(self, calendar_id: UUID, seconds: float | None = None) -> Iterator[Watch]:
        """A place in the calendar's feed, for so many seconds at most.

        Join before the first read, so that nothing is missed.
        """
        feed = self._feeds.setdefault(calendar_id, Feed())
        watch = Watch(feed, seconds)
        try:
            yield watch
        finally:
            watch.leave()
            if not feed.watchers and self._feeds.get(calendar_id) is feed:
                del self._feeds[calendar_id]

    def _advance(self, calendar_id: UUID, revision: int) -> None:
        feed = self._feeds.get(calendar_id)
        if feed is not None:
            feed.advance(revision)

    async def _again_and_again(self, part: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await part()
            except Exception:
                log.exception("Live: a part failed and is started again")
            await asyncio.sleep(FIRST_RETRY)

    async def _listen(self) -> None:
        async with self._broadcast.subscribe(CHANNEL) as subscriber:
            while True:
                event = await subscriber.get()
                for hint in event.message.split():
                    calendar_id, _, revision = hint.partition(":")
                    self._advance(UUID(calendar_id), int(revision))

    async def _publish(self) -> None:
        while True:
            await self._something_unsent.wait()
            self._something_unsent.clear()
            await self.flush()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_seconds)
            if watched := list(self._feeds):
                statement = select(Calendar.id, Calendar.revision).where(Calendar.id.in_(watched))
                async with self._database.crossing_organizations() as session:
                    for calendar_id, revision in await session.execute(statement):
                        self._advance(calendar_id, revision)
