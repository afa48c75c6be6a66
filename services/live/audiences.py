"""Audiences: those who are sent the same updates of one feed, each from where they stand.

One step is worked out for all who stand at the same place, and given to each of them at once. Who
cannot take it stays where they are, and is given one update for all that they missed as soon as
they can: nothing queues up for the slow, and nobody waits for them. What a step is, the domain
says; how an update travels, the subscriber.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Hashable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import time
from typing import Any, Generic, NamedTuple, TypeVar

from services.live.meters import Meters

T = TypeVar("T")

# Between so many deliveries the others of this process get their turn, and sockets are written.
DELIVERIES_AT_ONCE = 250


class Place(NamedTuple):
    """Where a subscriber stands: what it was sent last, and up to where it was looked for more."""

    held: int
    seen: int


@dataclass(frozen=True)
class Apart:
    """The people for whom an update is rendered apart from all others, and what is rendered."""

    people: Collection[Hashable]
    update: Any


NOBODY = Apart((), None)


@dataclass(frozen=True)
class Step(Generic[T]):
    """What leads from a place to a revision: an update, or nothing that would be shown."""

    revision: int
    update: T | None
    apart: Apart = NOBODY


@dataclass(frozen=True)
class Own(Generic[T]):
    """Who a subscriber is, and how an update is rendered for them alone."""

    person: Hashable
    render: Callable[[Any], Awaitable[T]]


class Subscriber(ABC, Generic[T]):
    """Somebody who is sent updates.

    Attributes:
        wake: to be called when it can take updates again, after it could not.

    """

    def __init__(self) -> None:
        self.wake: Callable[[], None] = _nobody

    @property
    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it can take an update now; False while earlier ones are not through."""

    @abstractmethod
    async def begin(self, update: T) -> None:
        """Take the first update, however long that takes."""

    @abstractmethod
    def take(self, update: T) -> None:
        """Take a later one, at once."""


def _nobody() -> None:
    """Wake nobody: there is no audience yet."""


class Seat(Generic[T]):
    """A subscriber in an audience, and where it stands: nowhere once it has left.

    Attributes:
        failed: ends with the failure that ends this subscriber's view.

    """

    __slots__ = ("failed", "own", "place", "subscriber")

    def __init__(self, subscriber: Subscriber[T], place: Place, own: Own[T] | None) -> None:
        self.subscriber = subscriber
        self.place: Place | None = place
        self.own = own
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def fail(self, error: Exception) -> None:
        """End this subscriber's view."""
        if not self.failed.done():
            self.failed.set_exception(error)


class Audience(Generic[T]):
    """All who are sent the same updates of one feed.

    Attributes:
        told: the revision that the feed last woke its audiences for.

    """

    def __init__(self, follow: Callable[[Place], Awaitable[Step[T]]], meters: Meters) -> None:
        self.told = 0
        self._told_before = 0
        # When what they were last woken for was committed, as far as that is known.
        self._committed_at: float | None = None
        self._follow = follow
        self._meters = meters
        self._places: dict[Place, set[Seat[T]]] = {}
        self._woken = asyncio.Event()
        self._work = asyncio.create_task(self._keep_up())

    def tell(self, told: int, committed_at: float | None) -> None:
        """There is more to tell."""
        self._told_before, self.told = self.told, told
        self._committed_at = committed_at
        self.wake()

    def wake(self) -> None:
        """Look who can be sent something."""
        self._woken.set()

    def close(self) -> None:
        """End it; nobody is left."""
        self._work.cancel()

    @contextmanager
    def sitting(
        self, subscriber: Subscriber[T], revision: int, own: Own[T] | None = None
    ) -> Iterator[Seat[T]]:
        """A place for a subscriber who was sent everything up to a revision."""
        place = Place(revision, revision)
        seat = Seat(subscriber, place, own)
        self._places.setdefault(place, set()).add(seat)
        subscriber.wake = self.wake
        if revision < self.told:
            self.wake()
        self._meters.viewers.inc()
        try:
            yield seat
        finally:
            self._meters.viewers.dec()
            subscriber.wake = _nobody
            self._leave(seat.place, [seat])
            seat.place = None

    async def _keep_up(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            while (place := self._most_wanted()) is not None:
                await self._serve(place)

    def _most_wanted(self) -> Place | None:
        """Where most wait, so that those who fell behind hold nobody up; None if nobody does."""
        most, crowd = None, 0
        for place, seats in self._places.items():
            is_larger = place.seen < self.told and len(seats) > crowd
            if is_larger and any(seat.subscriber.is_ready for seat in seats):
                most, crowd = place, len(seats)
        return most

    async def _serve(self, place: Place) -> None:
        try:
            step = await self._follow(place)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait for it are told
            for seat in self._places.pop(place, ()):
                seat.fail(error)
            return
        there = Place(place.held if step.update is None else step.revision, step.revision)
        # Those who stand further back than what was told before missed at least one telling.
        is_merged = place.seen < self._told_before
        seats = list(self._places.get(place, ()))
        apart = await self._rendered_apart(seats, step)
        for start in range(0, len(seats), DELIVERIES_AT_ONCE):
            if start:
                await asyncio.sleep(0)
            some = seats[start : start + DELIVERIES_AT_ONCE]
            given = self._give(some, step.update, apart, there)
            self._meters.merged.inc(given if is_merged else 0)
        if step.update is not None and self._committed_at is not None:
            self._meters.lag.observe(max(0.0, time() - self._committed_at))

    async def _rendered_apart(self, seats: Sequence[Seat[T]], step: Step[T]) -> Mapping[Seat[T], T]:
        """What those are given for whom the update is another than for the rest."""
        rendered: dict[Seat[T], T] = {}
        if not step.apart.people:
            return rendered
        for seat in seats:
            if seat.own is not None and seat.own.person in step.apart.people:
                try:
                    rendered[seat] = await seat.own.render(step.apart.update)
                except Exception as error:  # noqa: BLE001 - one who fails must not fail the others
                    seat.fail(error)
                    # Not to be shown what is for the others.
                    self._leave(seat.place, [seat])
                    seat.place = None
        return rendered

    def _give(
        self,
        seats: Sequence[Seat[T]],
        update: T | None,
        apart: Mapping[Seat[T], T],
        there: Place,
    ) -> int:
        """Give an update to those who are still here and can take it, and move them on; to how many
        it was given.
        """
        given = 0
        moved: list[Seat[T]] = []
        for seat in seats:
            if seat.place is None:
                continue
            if update is not None:
                subscriber = seat.subscriber
                if not subscriber.is_ready:
                    continue
                try:
                    subscriber.take(apart.get(seat, update) if apart else update)
                    given += 1
                except Exception as error:  # noqa: BLE001 - one who fails must not fail the others
                    seat.fail(error)
            moved.append(seat)
        self._move(moved, there)
        self._meters.deliveries.inc(given)
        return given

    def _move(self, seats: Sequence[Seat[T]], there: Place) -> None:
        """Move those who stand at one place to another; all at once, as there may be thousands."""
        if seats:
            self._leave(seats[0].place, seats)
            self._places.setdefault(there, set()).update(seats)
            for seat in seats:
                seat.place = there

    def _leave(self, place: Place | None, seats: Sequence[Seat[T]]) -> None:
        if place in self._places:
            those = self._places[place]
            those.difference_update(seats)
            if not those:
                del self._places[place]


class Mailbox(Subscriber[T]):
    """A subscriber who asks for one update after the other: one waits, none queues behind it."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[T] = []
        self._is_over = False
        self._something = asyncio.Event()

    @property
    def is_ready(self) -> bool:
        """Whether nothing waits to be asked for."""
        return not self._waiting

    async def begin(self, update: T) -> None:
        """Take the first update."""
        self.take(update)

    def take(self, update: T) -> None:
        """Take an update."""
        self._waiting.append(update)
        self._something.set()

    def finish(self) -> None:
        """Say that nothing more will come."""
        self._is_over = True
        self._something.set()

    async def next(self) -> list[T]:
        """The next update; none when nothing more will come."""
        await self._something.wait()
        waiting, self._waiting = self._waiting, []
        if not self._is_over:
            self._something.clear()
        self.wake()
        return waiting


async def updates(
    watch: Callable[[Subscriber[T]], Awaitable[None]],
) -> AsyncGenerator[T]:
    """What a subscriber of `watch` is sent, for who asks for one update after the other."""
    mailbox: Mailbox[T] = Mailbox()
    watching = asyncio.ensure_future(watch(mailbox))
    watching.add_done_callback(lambda _: mailbox.finish())
    try:
        while waiting := await mailbox.next():
            for update in waiting:
                yield update
        await watching
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await watching
