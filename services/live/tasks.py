"""Tasks that run as long as the process: started again when they fail, and ended for certain.

What they do is the business of the other rooms.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

log = logging.getLogger("live")

RESTART_PAUSE = 0.05
ONCE_MORE_SECONDS = 0.5


async def again_and_again(part: Callable[[], Awaitable[None]]) -> None:
    """Run a part of the process for ever; one that fails is started again."""
    while True:
        try:
            await part()
        except Exception:
            log.exception("Live: a part failed and is started again")
        await asyncio.sleep(RESTART_PAUSE)


async def ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    """End tasks, and wait until they have."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        # asyncio.wait_for of Python 3.11, in whichever library, may lose a cancellation.
        _, running = await asyncio.wait(running, timeout=ONCE_MORE_SECONDS)
