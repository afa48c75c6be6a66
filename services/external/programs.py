"""Running `busy`: a file by strangers is read by a process that has nothing to lose.

It has no environment and no connection, and ends with the time that it is given.
"""

import asyncio
import contextlib
import json
import sys
from datetime import UTC, datetime

from models import ExternalProblem
from services.external import busy
from services.external.fetching import Unread

# On the clock on the wall, besides the processor's that it has: others may be at work.
SECONDS = 60.0
# How it ends, where that is not well; otherwise it was ended for what it took.
PROBLEMS = {busy.NO_CALENDAR: ExternalProblem.NOT_A_CALENDAR}


async def busy_times(
    data: bytes, zone: str, begin: datetime, end: datetime, *, seconds: float = SECONDS
) -> list[tuple[datetime, datetime]]:
    """When the owner of a calendar is busy in [begin, end): in order, merged, to the second.

    Raises:
        Unread: it is no calendar, or too much of one.

    """
    instants = [str(int(at.timestamp())) for at in (begin, end)]
    process = await asyncio.create_subprocess_exec(
        # Isolated: nothing that lies about is imported.
        *(sys.executable, "-I", busy.__file__, zone, *instants),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # A traceback would quote the file.
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )
    try:
        async with asyncio.timeout(seconds):
            said, _ = await process.communicate(data)
    except TimeoutError as error:
        raise Unread(ExternalProblem.TOO_LARGE) from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode != 0:
        raise Unread(PROBLEMS.get(process.returncode or 0, ExternalProblem.TOO_LARGE))
    spans: list[tuple[float, float]] = json.loads(said)
    return [(datetime.fromtimestamp(a, UTC), datetime.fromtimestamp(b, UTC)) for a, b in spans]
