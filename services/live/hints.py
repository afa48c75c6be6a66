"""Hints: how every server process learns at once that a calendar has changed.

A hint says "calendar C is at revision R, since moment M" and nothing else. It follows the commit,
and it may be lost, doubled or late: what changed always comes from the database, and the sweep of
`feeds` heals what was lost.

broadcaster carries the hints between processes. It is used through one channel and one subscriber
per process, because in 0.3.1 simultaneous subscribers of a channel lose each other, its queues have
no bound, and its listener dies unseen: one subscriber, drained at once and started again when it
dies, is what remains sound. How the hints travel is the business of `transports`.
"""

import asyncio
import re
from collections.abc import Callable
from uuid import UUID

from broadcaster import Broadcast

from services.live.tasks import again_and_again, ended
from services.live.transports import CHANNEL, PostgresTransport, RedisTransport

# A NOTIFY payload holds 7,999 bytes; a hint takes at most 72 of them.
HINTS_PER_MESSAGE = 100
# Anybody may write on the channel of a broker: what is no hint is passed over.
HINT = re.compile(r"([0-9a-f]{32}):([0-9]{1,18})(?::([0-9]{1,14}))?")


class Hints:
    """What this process tells the others of its calendars, and hears of theirs.

    `joined` is called whenever the others can be heard from now on: what they told before is not.
    """

    def __init__(
        self,
        url: str,
        *,
        hear: Callable[[UUID, int, float | None], None],
        joined: Callable[[], None],
    ) -> None:
        if url.startswith("memory://"):
            self._broadcast = Broadcast(url)
        elif url.startswith("redis"):
            self._broadcast = Broadcast(backend=RedisTransport(url, joined=joined))
        else:
            self._broadcast = Broadcast(backend=PostgresTransport(url, joined=joined))
        self._hear = hear
        # The newest revision, and when the oldest of those that are not out was committed.
        self._unsent: dict[UUID, tuple[int, float]] = {}
        self._something_unsent = asyncio.Event()
        self._sending = asyncio.Lock()
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

    def tell(self, calendar_id: UUID, revision: int, committed_at: float) -> None:
        """Tell the others, soon and together with what else there is to tell."""
        newest, since = self._unsent.get(calendar_id, (0, committed_at))
        self._unsent[calendar_id] = max(revision, newest), since
        self._something_unsent.set()

    async def flush(self) -> None:
        """Publish what was told and is not yet out, as before a short command ends."""
        # Waits for what is under way as well.
        async with self._sending:
            unsent, self._unsent = list(self._unsent.items()), {}
            for start in range(0, len(unsent), HINTS_PER_MESSAGE):
                batch = unsent[start : start + HINTS_PER_MESSAGE]
                hints = (f"{id.hex}:{revision}:{at * 1000:.0f}" for id, (revision, at) in batch)
                await self._broadcast.publish(CHANNEL, " ".join(hints))

    async def _listen(self) -> None:
        async with self._broadcast.subscribe(CHANNEL) as subscriber:
            while True:
                event = await subscriber.get()
                for word in event.message.split():
                    if hint := HINT.fullmatch(word):
                        committed_at = int(hint[3]) / 1000 if hint[3] else None
                        self._hear(UUID(hint[1]), int(hint[2]), committed_at)

    async def _publish(self) -> None:
        while True:
            await self._something_unsent.wait()
            self._something_unsent.clear()
            await self.flush()
