"""Watching: a first picture or what was missed, then every change, in order.

State, not events: an update holds the current state of each thing that changed since the revision
that the viewer holds, read from the database in one statement. So a lost hint loses nothing, a
slow viewer gets one update for many changes, and a change seen twice is impossible. What is
watched says how it is read; whom it is for and how an update travels is known elsewhere.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from services.context import Context
from services.errors import NotSignedIn, Unavailable
from services.live.audiences import NOBODY, Apart, Own, Place, Step, Subscriber
from services.live.feeds import Feed
from services.organizations import find_organization

RETRY_PAUSE = 0.5
# Many views open at once after a restart: the same first picture serves those that ask together.
FIRST_PICTURE_SECONDS = 1.0


class Update(Protocol):
    """What is shown at once: everything (`reset`), or what changed, up to a revision."""

    @property
    def reset(self) -> bool:
        """Whether it is everything; what was shown before is to be forgotten."""

    @property
    def revision(self) -> int:
        """Where it leads to."""

    @property
    def holders(self) -> Collection[UUID]:
        """The users who hold something that it shows: to them it may be another than to the rest
        of those who are shown it.
        """


R = TypeVar("R")
U = TypeVar("U", bound=Update)
T = TypeVar("T")


@dataclass(frozen=True)
class Delta(Generic[R]):
    """The rows that changed since a revision, and the revision that they lead to.

    `is_complete` is False where something of that time may be gone without a trace, `is_public`
    where they are not for everybody.
    """

    rows: Sequence[R]
    revision: int
    is_complete: bool
    is_public: bool = True


class Watched(ABC, Generic[R, U]):
    """Something that changes, and counts its changes."""

    @property
    @abstractmethod
    def id(self) -> UUID:
        """Which feed tells of its changes."""

    @abstractmethod
    async def read_all(self) -> U:
        """Everything there is to show now."""

    @abstractmethod
    async def read_since(self, revision: int) -> Delta[R]:
        """What changed since a revision, in one statement and so of one moment."""

    @abstractmethod
    def shown(self, delta: Delta[R], previous: int) -> U:
        """An update of those of the rows that are shown, for who was sent `previous` last.

        Raises:
            NotFound: it is not for those who watch any more.

        """

    @abstractmethod
    def is_empty(self, update: U) -> bool:
        """Whether an update shows nothing."""


@dataclass(frozen=True)
class Rendering(Generic[U, T]):
    """How updates are turned into what viewers are sent, and who is sent the same.

    Viewers of an equal `group` are one audience, and get one rendering; `own` renders an update for
    this viewer alone, where they hold something that it shows.
    """

    render: Callable[[U], Awaitable[T]]
    group: Hashable
    own: Callable[[U], Awaitable[T]] | None = None


async def watch(
    context: Context,
    watched: Watched[R, U],
    rendering: Rendering[U, T],
    subscriber: Subscriber[T],
    after: int | None,
) -> None:
    """Send a subscriber what there is, and each change of it, until the caller ends it.

    Args:
        after: the revision that the viewer holds; None for everything.

    Raises:
        NotSignedIn: the token that it was opened with has ended, or the sign-in, or the account is
            not what it was.

    """
    live, viewer = context.server.live, context.viewer
    seconds = (viewer.expires_at - context.now).total_seconds() if viewer else None
    # Joined before the first read: what is committed in between is heard, and read next.
    with live.feed(watched.id) as feed:
        view = _View(context, feed, watched, rendering)
        with feed.joined(rendering.group, view.follow) as audience:
            try:
                async with asyncio.timeout(seconds) as token:
                    first = await _in_time(view.first(after), context)
                    own = _own(context, rendering)
                    shown = first.update
                    if own is not None and own.person in first.apart.people:
                        shown = await _in_time(own.render(first.apart.update), context)
                    await subscriber.begin(shown)
                    with (
                        audience.sitting(subscriber, first.revision, own) as seat,
                        live.rights.holding(viewer.right if viewer else None, seat.fail),
                    ):
                        await seat.failed
            except TimeoutError:
                if not token.expired():
                    raise
                # Said aloud, so that the client renews its token and comes back with its cursor.
                raise NotSignedIn from None


def _own(context: Context, rendering: Rendering[U, T]) -> Own[T] | None:
    if rendering.own is None or context.user_id is None:
        return None
    return Own(context.user_id, rendering.own)


async def _in_time(first: Awaitable[T], context: Context) -> T:
    """A first picture, which is not waited for any longer than a query is.

    Raises:
        Unavailable: it did not come.

    """
    try:
        async with asyncio.timeout(context.server.config.operation_seconds):
            return await first
    except TimeoutError as error:
        raise Unavailable from error


@dataclass(frozen=True)
class _First(Generic[T]):
    """The first update of a view, and the revision that it leads to."""

    update: T
    revision: int
    is_reset: bool
    apart: Apart


class _View(Generic[R, U, T]):
    """Reads and renders for all who are sent the same."""

    def __init__(
        self, context: Context, feed: Feed, watched: Watched[R, U], rendering: Rendering[U, T]
    ) -> None:
        self._context = context
        self._feed = feed
        self._watched = watched
        self._rendering = rendering

    async def first(self, after: int | None) -> _First[T]:
        """What one is sent first who holds the revision `after`, or nothing."""

        async def read() -> _First[T]:
            update = await self._first(after)
            shown = await self._rendered(update)
            return _First(shown, update.revision, update.reset, self._apart(update))

        key = (self._rendering.group, "first", after)
        first = await self._feed.shared(key, read, seconds=FIRST_PICTURE_SECONDS)
        if first.is_reset and after is not None:
            self._feed.meters.resets.inc()
        return first

    async def follow(self, place: Place) -> Step[T]:
        """What those who stand at a place are sent next.

        While the database cannot be reached it is asked again: a stream outlives a restart.
        """
        while True:
            try:
                return await self._step(place)
            except Unavailable:
                await asyncio.sleep(RETRY_PAUSE)

    async def _step(self, place: Place) -> Step[T]:
        delta = await self._since(place.seen)
        if delta.is_complete:
            update = self._watched.shown(delta, place.held)
            if self._watched.is_empty(update):
                return Step(delta.revision, None)
        else:
            # Something was purged while nobody here could read it: show all, and go on.
            self._feed.meters.resets.inc()
            update = await self._watched.read_all()
        return Step(update.revision, await self._rendered(update), self._apart(update))

    def _apart(self, update: U) -> Apart:
        """For whom the update is to be rendered apart."""
        if self._rendering.own is None:
            return NOBODY
        return Apart(update.holders, update)

    async def _rendered(self, update: U) -> T:
        """The update as it is sent, by the rules that the organization has now: it may have changed
        them since the view was opened.
        """
        server, id = self._context.server, self._context.organization.id
        read = partial(find_organization, server.database, organization_id=id)
        self._context.organization = await self._feed.shared(
            "organization", read, seconds=FIRST_PICTURE_SECONDS
        )
        return await self._rendering.render(update)

    async def _first(self, after: int | None) -> U:
        if after is not None:
            delta = await self._watched.read_since(after)
            if delta.is_complete:
                return self._watched.shown(delta, after)
        return await self._watched.read_all()

    async def _since(self, revision: int) -> Delta[R]:
        """What changed since `revision`, read once for all audiences that stand there."""

        async def read() -> Delta[R]:
            told = self._feed.told
            delta = await self._watched.read_since(revision)
            self._feed.believe(delta.revision, rather_than=told)
            return delta

        return await self._feed.shared(revision, read)
