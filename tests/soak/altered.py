"""A server with parts taken out, for the proof that a soak sees it: `main.py serve` without the
sweep, and where that is asked for with hints as a stock broadcaster carries them.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from broadcaster import Broadcast

import serving
from application import application
from environment import settings
from services.live import feeds

NEVER = 10.0**9
CHANNEL = "calendars"


class StockHints:
    """What `services.live.hints` does, with nothing repaired."""

    def __init__(self, url: str, *, hear: Callable[[UUID, int], None], **_: Any) -> None:
        self._broadcast = Broadcast(url)
        self._hear = hear
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        await self._broadcast.connect()
        self._tasks.add(asyncio.create_task(self._listen()))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def tell(self, calendar_id: UUID, revision: int, _committed_at: float) -> None:
        message = f"{calendar_id.hex}:{revision}"
        task = asyncio.create_task(self._broadcast.publish(CHANNEL, message))
        self._tasks.add(task)

    async def _listen(self) -> None:
        async with self._broadcast.subscribe(CHANNEL) as subscriber:
            async for event in subscriber:
                calendar_id, _, revision = event.message.partition(":")
                self._hear(UUID(calendar_id), int(revision))


if __name__ == "__main__":
    if "stock" in sys.argv:
        feeds.Hints = StockHints  # type: ignore[assignment,misc]
    serving.Server(
        application(replace(settings(), sweep_seconds=NEVER), os.environ["DATABASE_URL"]),
        host=os.environ["HOST"],
        port=int(os.environ["PORT"]),
    ).run()
