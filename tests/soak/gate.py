"""The gate between life and quiet: those who act pass it, and at a quiet point nobody is inside."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Gate:
    """Open while there is life."""

    def __init__(self) -> None:
        self._opened = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._inside = 0
        self._sleepers: dict[asyncio.Event, int] = {}

    @property
    def is_open(self) -> bool:
        """Whether there is life."""
        return self._opened.is_set()

    def open(self) -> None:
        """Let them act; those who sleep have slept through one more quiet point."""
        for sleeper in self._sleepers:
            self._sleepers[sleeper] -= 1
            if not self._sleepers[sleeper]:
                sleeper.set()
        self._opened.set()

    async def sleep(self, quiet_points: int) -> None:
        """Sleep through some quiet points, unless everybody is woken before."""
        waking = asyncio.Event()
        self._sleepers[waking] = quiet_points
        await waking.wait()
        del self._sleepers[waking]

    def wake_everybody(self) -> None:
        """Let nobody sleep any longer."""
        for sleeper in self._sleepers:
            sleeper.set()

    async def close(self) -> None:
        """Let nobody in any more, and return when all are out."""
        self._opened.clear()
        await self._empty.wait()

    @asynccontextmanager
    async def passed(self) -> AsyncIterator[None]:
        """Wait for the gate, and be inside."""
        while not self.is_open:
            await self._opened.wait()
        self._inside += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._empty.set()
