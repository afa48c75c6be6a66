"""Tasks that run as long as the process: started again when they fail, and ended for certain.

What they do is the business of the other rooms.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

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


@asynccontextmanager
async def until_stopped() -> AsyncIterator[None]:
    """At its end, wait until the process is asked to end; for a process that serves nobody."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    yield
    await stopped.wait()
