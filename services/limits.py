"""How much may be asked: of one socket, of an account, an address or an organization in a time, and
of this process at once.

What an operation costs is decided in `schema/points`; how many connections there may be, in
`services/live/limits`. Counts are kept here, or for several processes together in Redis.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address, ip_network

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError

from services.config import Config
from services.counts import Counts
from services.errors import RateLimited, Unavailable

# Whoever has one IPv6 address has all of its network.
ONE_HOUSEHOLD = 64
# How long the shared counts may take, and how long they are left alone when they did not answer.
PATIENCE, REST = 0.5, 5.0

log = logging.getLogger("limits")


@lru_cache(maxsize=4096)
def household(address: str | None) -> str:
    """What is counted as one address; "" for all that are none, such as a proxy may tell."""
    try:
        ip = ip_address(address or "")
    except ValueError:
        return ""
    if ip.version == 4:
        return str(ip)
    return str(ip.ipv4_mapped or ip_network((ip, ONE_HOUSEHOLD), strict=False))


class Allowance:
    """So many things at once, and after that so many per second."""

    # Ten thousand sockets have two each.
    __slots__ = ("_left", "_most", "_per_second", "_taken_at")

    def __init__(self, most: float, per_second: float) -> None:
        self._most = most
        self._per_second = per_second
        self._left = most
        self._taken_at = 0.0

    def take(self, count: int, now: float) -> bool:
        """Take some; False where there are not so many left.

        Args:
            count: how many.
            now: the time, of a clock that never goes back.

        """
        earned = (now - self._taken_at) * self._per_second if self._taken_at else 0.0
        self._left = min(self._most, self._left + earned) - count
        self._taken_at = now
        if self._left >= 0:
            return True
        self._left += count
        return False


@dataclass(frozen=True)
class Rates:
    """How much of what may be asked in a time."""

    user: RateLimitItem
    address: RateLimitItem
    organization: RateLimitItem
    sign_ups: RateLimitItem
    password_resets: RateLimitItem
    holds: RateLimitItem
    external_readings: RateLimitItem
    guest_bookings: RateLimitItem

    @classmethod
    def of(cls, config: Config) -> "Rates":
        """As an administrator has set them."""
        return cls(
            user=RateLimitItemPerMinute(config.points_per_user, namespace="user"),
            address=RateLimitItemPerMinute(config.points_per_address, namespace="address"),
            organization=RateLimitItemPerMinute(
                config.points_per_organization, namespace="organization"
            ),
            sign_ups=RateLimitItemPerHour(config.sign_ups_per_address, namespace="sign-ups"),
            password_resets=RateLimitItemPerHour(
                config.password_resets_per_account, namespace="password-resets"
            ),
            holds=RateLimitItemPerHour(config.holds_per_patient, namespace="holds"),
            external_readings=RateLimitItemPerHour(
                config.external_readings_per_user, namespace="external-readings"
            ),
            guest_bookings=RateLimitItemPerHour(
                config.guest_bookings_per_address, namespace="guest-bookings"
            ),
        )


class Limits:
    """The counts of what was asked, in a window that slides."""

    def __init__(self, config: Config) -> None:
        self.rates = Rates.of(config)
        self._own = SlidingWindowCounterRateLimiter(Counts())
        self._storage = _shared(config.rate_limit_url) if config.rate_limit_url else None
        self._shared = SlidingWindowCounterRateLimiter(self._storage) if self._storage else None
        self._rests_until = 0.0
        self._is_away = False

    async def spend(self, rate: RateLimitItem, whose: str, points: int = 1) -> None:
        """Count something that was asked.

        Raises:
            RateLimited: it is too much; it was not counted.

        """
        if self._shared is not None and time.monotonic() >= self._rests_until:
            # One asks whether it is back, the others go on without.
            self._rests_until = time.monotonic() + REST if self._is_away else 0.0
            try:
                async with asyncio.timeout(PATIENCE):
                    await _spend(self._shared, rate, whose, points)
            except (StorageError, OSError) as error:
                self._leave_alone(error)
            else:
                self._take_up()
                return
        await _spend(self._own, rate, whose, points)

    async def close(self) -> None:
        """Give connections back."""
        if self._storage is not None:
            await self._storage.bridge.storage.aclose()  # type: ignore[attr-defined]

    def _leave_alone(self, error: Exception) -> None:
        if not self._is_away:
            log.warning("RATE_LIMIT_URL cannot be reached, each process counts: %s", type(error))
        self._is_away = True
        self._rests_until = time.monotonic() + REST

    def _take_up(self) -> None:
        if self._is_away:
            log.warning("RATE_LIMIT_URL can be reached again.")
        self._is_away = False
        self._rests_until = 0.0


def _shared(url: str) -> RedisStorage:
    return RedisStorage(
        url,
        implementation="redispy",
        wrap_exceptions=True,
        key_prefix="appointments",
        socket_connect_timeout=PATIENCE,
        socket_timeout=PATIENCE,
    )


async def _spend(
    limiter: SlidingWindowCounterRateLimiter, rate: RateLimitItem, whose: str, points: int
) -> None:
    if await limiter.hit(rate, whose, cost=min(points, rate.amount)):
        return
    stats = await limiter.get_window_stats(rate, whose)
    wait = max(1.0, stats.reset_time - time.time())
    raise RateLimited(datetime.now(UTC) + timedelta(seconds=wait))


# How many dear operations of one who asks may wait for their turn.
MOST_DEAR_WAITING = 16
# After one of them the next begins when twice the time that it took has gone by, or so much.
REST_FOR_WORK, LONGEST_REST = 2.0, 3.0


class Turns:
    """So many at once; the next wait, and whoever comes when too many wait is sent away."""

    def __init__(self, most: int, most_waiting: int) -> None:
        self._free = asyncio.Semaphore(most)
        self._most_waiting = most_waiting
        self._waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One of those that there may be at once, for as long as the block lasts.

        Raises:
            Unavailable: too many wait already.

        """
        await self.take()
        try:
            yield
        finally:
            self.give_back()

    async def take(self) -> None:
        """Begin a turn.

        Raises:
            Unavailable: too many wait already.

        """
        if self._free.locked() and self._waiting >= self._most_waiting:
            raise Unavailable
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1

    def give_back(self) -> None:
        """End a turn."""
        self._free.release()

    @property
    def are_idle(self) -> bool:
        """Whether nobody has a turn, and nobody waits for one."""
        return not self._waiting and not self._free.locked()


class Lanes:
    """For each who asks, one dear operation at a time, with a rest after it: whoever asks for many
    waits for themselves, and leaves most of the time to others.
    """

    def __init__(self) -> None:
        self._lanes: dict[str, Turns] = {}

    @asynccontextmanager
    async def lane(self, whose: str) -> AsyncIterator[None]:
        """The turn of somebody's dear operation, for as long as the block lasts.

        Raises:
            Unavailable: too many of them wait already.

        """
        loop = asyncio.get_running_loop()
        turns = self._lanes.setdefault(whose, Turns(1, MOST_DEAR_WAITING))
        await turns.take()
        began = loop.time()
        try:
            yield
        finally:
            rest = min(LONGEST_REST, REST_FOR_WORK * (loop.time() - began))
            loop.call_later(rest, self._end, whose, turns)

    def _end(self, whose: str, turns: Turns) -> None:
        turns.give_back()
        if turns.are_idle:
            self._lanes.pop(whose, None)
