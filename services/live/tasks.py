"""Tasks that run as long as the process: started again when they fail, going on while the database
is away, and ended for certain.

What they do is the business of the other rooms.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from models.database import why_away
from services.errors import Unavailable

log = logging.getLogger("live")
log_of_database = logging.getLogger("database")

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


class Outage:
    """How a part of the process lives through a time without the database: what cannot be done is
    left for the next time. That is said once when it begins, and once when it is over.
    """

    def __init__(self, part: str) -> None:
        self._part = part
        self._lasts = False

    def __enter__(self) -> None:
        """Ask the database for something."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        """Go on where it is away; what else has failed is raised."""
        # An act has said it in its own words already.
        cause = error.__cause__ if isinstance(error, Unavailable) else error
        why = why_away(cause) if cause else None
        if why is not None and not self._lasts:
            log_of_database.warning("%s waits, the database is away: %s", self._part, why)
        elif error is None and self._lasts:
            log_of_database.info("%s goes on, the database is back", self._part)
        if why is not None or error is None:
            self._lasts = why is not None
        return why is not None


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
