"""Feeds: where each watched calendar or agenda stands, as far as this process knows.

A feed advances with what this process commits, with the hints of the others, and with a sweep:
every two seconds, and at once when hints can be heard again, all of them are compared with the
database, so that a lost hint is healed. What a view is sent is the business of `watching`.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from time import time
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select, union_all

from models import Agenda, Calendar
from models.database import Database
from services.live.audiences import Audience, Place, Step
from services.live.hints import Hints
from services.live.meters import Meters
from services.live.rights import Rights
from services.live.tasks import Outage, again_and_again, ended

T = TypeVar("T")

# What counts its changes, and can be watched.
COUNTING = (Calendar, Agenda)
# Audiences are woken at most this often.
SHORTEST_PAUSE = 0.05


class Feed:
    """One calendar or agenda that somebody in this process watches.

    Attributes:
        revision: the newest that is known.
        told: the newest that the audiences have been woken for.
        members: how many are in it.

    """

    def __init__(self, meters: Meters, look_again: Callable[[], None]) -> None:
        self.meters = meters
        self._look_again = look_again
        self.revision = 0
        self.told = 0
        self.members = 0
        self.audiences: dict[Hashable, Audience[Any]] = {}
        self._members: Counter[Hashable] = Counter()
        self._loads: dict[Hashable, asyncio.Future[Any]] = {}
        self._last_told = 0.0
        self._committed_at: float | None = None
        self._telling: asyncio.TimerHandle | None = None

    def advance(self, revision: int, committed_at: float | None) -> None:
        """Learn of a newer revision, and when it was committed if that is known, and tell the
        audiences: at once, or with the changes that follow closely, together, so that a browser
        redraws once for all of them.
        """
        if revision <= self.revision:
            return
        self.revision = revision
        # Of changes that go out together, the first has waited longest.
        self._committed_at = self._committed_at or committed_at
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
        committed_at, self._committed_at = self._committed_at, None
        for audience in self.audiences.values():
            audience.tell(self.told, committed_at)

    def believe(self, revision: int, *, rather_than: int) -> None:
        """Take what the database says for true where audiences were told of more than there is: a
        hint from outside, or of a time that a backup has undone.
        """
        if revision < rather_than == self.told:
            self.told = self.revision = revision
            for audience in self.audiences.values():
                audience.told = revision
            # A true hint that came meanwhile was taken for an old one.
            self._look_again()

    async def shared(
        self, key: Hashable, load: Callable[[], Awaitable[T]], *, seconds: float | None = None
    ) -> T:
        """The result of `load`, run once for all audiences that ask for the same `key`.

        It is kept until the audiences are woken again, or at most for some seconds.
        """
        loading = self._loads.get(key)
        if loading is None or (loading.done() and (loading.cancelled() or loading.exception())):
            loading = self._loads[key] = asyncio.ensure_future(load())
            if seconds is not None:
                asyncio.get_running_loop().call_later(seconds, self._loads.pop, key, None)
        # Shielded: one that leaves must not take the load from the others.
        result: T = loading.result() if loading.done() else await asyncio.shield(loading)
        return result

    @contextmanager
    def joined(
        self, group: Hashable, follow: Callable[[Place], Awaitable[Step[T]]]
    ) -> Iterator[Audience[T]]:
        """The audience of a group, which lives as long as somebody is in it."""
        audience = self.audiences.get(group)
        if audience is None:
            audience = self.audiences[group] = Audience(follow, self.meters)
            audience.told = self.told
            self.meters.audiences.inc()
        self._members[group] += 1
        try:
            yield audience
        finally:
            self._members[group] -= 1
            if not self._members[group]:
                del self._members[group], self.audiences[group]
                self.meters.audiences.dec()
                audience.close()


class Live:
    """The feeds of this process, kept up by hints and by the sweep."""

    def __init__(self, database: Database, *, url: str = "", sweep_seconds: float = 2.0) -> None:
        self.meters = Meters()
        self._sweep_now = asyncio.Event()
        self._hints = Hints(url or database.dsn, hear=self._advance, joined=self._sweep_now.set)
        self._database = database
        self._sweep_seconds = sweep_seconds
        self._feeds: dict[UUID, Feed] = {}
        self.meters.feeds.set_function(lambda: len(self._feeds))
        self.rights = Rights()
        self._outage = Outage("The sweep of live views")
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to listen, publish and sweep."""
        await self._hints.start()
        self._tasks = [asyncio.create_task(again_and_again(self._sweep))]

    async def stop(self) -> None:
        """End all of it."""
        await ended(self._tasks)
        await self._hints.stop()

    def announce(self, calendar_id: UUID, revision: int) -> None:
        """Say that a calendar is at a revision; call it after the commit, never before."""
        now = time()
        self._advance(calendar_id, revision, now)
        self._hints.tell(calendar_id, revision, now)

    async def flush(self) -> None:
        """Tell the others what was announced, as before a short command ends."""
        await self._hints.flush()

    @contextmanager
    def feed(self, calendar_id: UUID) -> Iterator[Feed]:
        """The feed of a calendar, kept up for as long as somebody is in it.

        Join it before the first read, so that nothing is missed.
        """
        feed = self._feeds.get(calendar_id)
        if feed is None:
            feed = self._feeds[calendar_id] = Feed(self.meters, self._sweep_now.set)
        feed.members += 1
        try:
            yield feed
        finally:
            feed.members -= 1
            if not feed.members:
                del self._feeds[calendar_id]

    def _advance(self, calendar_id: UUID, revision: int, committed_at: float | None = None) -> None:
        feed = self._feeds.get(calendar_id)
        if feed is not None:
            feed.advance(revision, committed_at)

    async def _sweep(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._sweep_seconds):
                    await self._sweep_now.wait()
            # Before the look, so that hints that come back meanwhile bring another.
            self._sweep_now.clear()
            if watched := list(self._feeds):
                statement = union_all(
                    *(select(of.id, of.revision).where(of.id.in_(watched)) for of in COUNTING)
                )
                with self._outage:
                    async with self._database.crossing_organizations() as session:
                        for calendar_id, revision in await session.execute(statement):
                            self._advance(calendar_id, revision)
