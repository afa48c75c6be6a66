"""What goes wrong, at random: each fault is inflicted, lasts, and is healed again."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from tests.proxy import Proxy
from tests.soak.storage import Cluster
from tests.soak.tally import Tally
from tests.soak.world import Node, Place

RESTART_SECONDS = 0.5
# Servers take turns in being ended, so that the other one grows old enough to show a leak.
ENDED_IN_A_ROW = 12


@dataclass
class Faults:
    """Inflicts faults: each kind once before any comes again.

    Attributes:
        outage: how long the broker is gone.
        stall: how long a network stands still at most.

    """

    place: Place
    cluster: Cluster
    chance: random.Random
    tally: Tally
    outage: float
    stall: float

    def __post_init__(self) -> None:
        self._ended = 0
        self._waiting: list[str] = []
        self._kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "server killed": self._kill,
            "server restarted": self._restart,
            "broker stopped": self._take_broker_away,
            "broker killed": self._kill_broker,
            "PostgreSQL restarted": self._restart_postgres,
            "PostgreSQL crashed": self._crash_postgres,
            "clients stalled": lambda: self._stall("clients"),
            "database stalled": lambda: self._stall("data"),
            "hints stalled": lambda: self._stall("hints"),
        }

    @property
    def kinds(self) -> Sequence[str]:
        """All that can go wrong."""
        return list(self._kinds)

    @property
    def are_all_seen(self) -> bool:
        """Whether each kind has been inflicted."""
        return set(self.kinds) <= self.tally.faults.keys()

    async def inflict(self, count: int) -> tuple[str, ...]:
        """Let some things go wrong at about the same time; all is healed when this returns."""
        kinds = tuple(self._next() for _ in range(count))
        async with asyncio.TaskGroup() as together:
            for kind in kinds:
                together.create_task(self._inflict(kind))
        return kinds

    def _next(self) -> str:
        if not self._waiting:
            self._waiting = list(self.kinds)
            self.chance.shuffle(self._waiting)
        return self._waiting.pop()

    async def _inflict(self, kind: str) -> None:
        await asyncio.sleep(self.chance.random() * 2)
        await self._kinds[kind]()
        self.tally.faults[kind] += 1

    def _victim(self) -> Node:
        self._ended += 1
        return self.place.nodes[self._ended // ENDED_IN_A_ROW % len(self.place.nodes)]

    async def _kill(self) -> None:
        async with self.place.node_lock:
            node = self._victim()
            node.kill()
            await asyncio.sleep(self.chance.random() * RESTART_SECONDS)
            await node.start()

    async def _restart(self) -> None:
        async with self.place.node_lock:
            node = self._victim()
            await node.stop()
            await node.start()

    async def _take_broker_away(self) -> None:
        async with self.place.hints_lock:
            await self.place.broker.stop()
            await asyncio.sleep(self.outage)
            await self.place.broker.start()

    async def _kill_broker(self) -> None:
        async with self.place.hints_lock:
            await self.place.broker.stop()
            await self.place.broker.start()

    async def _restart_postgres(self) -> None:
        async with self.place.data_lock:
            await self.cluster.stop()
            await asyncio.sleep(self.chance.random() * RESTART_SECONDS)
            await self.cluster.start()

    async def _crash_postgres(self) -> None:
        async with self.place.data_lock:
            await self.cluster.crash()
            await self.cluster.start()

    async def _stall(self, road: Literal["clients", "data", "hints"]) -> None:
        stretch: Proxy = getattr(self.chance.choice(self.place.nodes), road)
        stretch.stall(new_ones=True)
        await asyncio.sleep(self.stall * (0.5 + self.chance.random() / 2))
        stretch.resume()
