"""Programs of clients, started as such; each line that they print says what they show. And what
they have to show.
"""

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from models import Calendar, Slot, SlotStatus
from models.database import Database
from tests.api import Api
from tests.factories import id_of, tomorrow
from tests.live.views import shown

PATIENCE = 60.0
LONGEST_LINE = 1024 * 1024


class Shown:
    """What clients have said, by their names.

    Attributes:
        slots: what each shows now, by id.
        resets: how often each began anew.
        updates: how many updates each has applied.
        refused: why who was not let in.

    """

    def __init__(self) -> None:
        self.slots: dict[str, dict[str, Any]] = {}
        self.resets: dict[str, int] = {}
        self.updates: dict[str, int] = {}
        self.refused: dict[str, Any] = {}
        self._changed = asyncio.Event()

    def take(self, said: dict[str, Any]) -> None:
        """Take a line of output in."""
        name = said["client"]
        if "refused" in said:
            self.refused[name] = said["refused"]
        else:
            self.slots[name] = {slot["id"]: slot for slot in said["slots"]}
            self.resets[name] = self.resets.get(name, 0) + said["reset"]
            self.updates[name] = self.updates.get(name, 0) + 1
        self._changed.set()

    async def until(self, fulfilled: Callable[[], bool]) -> None:
        """Return when something has come true, or will not any more."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while not fulfilled():
                    self._changed.clear()
                    await self._changed.wait()


async def started(*command: str, cwd: Path | None = None, **environment: str) -> Process:
    """A program that has just begun to run."""
    return await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env={"PATH": os.environ["PATH"], **environment},
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        limit=LONGEST_LINE,
    )


@asynccontextmanager
async def running(process: Process, said: Shown, *, name: str = "") -> AsyncIterator[Process]:
    """A program while it runs, which must not complain; `name` is for one that says none."""
    reading = asyncio.gather(_take(process, name, said), _complaints(process))
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        _, complaints = await reading
        sys.stderr.write(complaints)
    assert complaints == ""


async def _take(process: Process, name: str, said: Shown) -> None:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        said.take({"client": name, **json.loads(line)})


async def _complaints(process: Process) -> str:
    assert process.stderr is not None
    return (await process.stderr.read()).decode()


async def ended(process: Process) -> int:
    """End a program's input, after which it must end by itself; its exit code."""
    assert process.stdin is not None
    process.stdin.close()
    return await asyncio.wait_for(process.wait(), PATIENCE)


async def in_the_database(database: Database, calendar: Calendar) -> dict[str, dict[str, Any]]:
    """The slots of tomorrow and the day after, as a client has to show them."""
    query = select(Slot).where(
        Slot.calendar_id == calendar.id,
        Slot.status != SlotStatus.REMOVED,
        Slot.starts_at < tomorrow(0, days=3),
        Slot.ends_at > tomorrow(0),
    )
    async with database.crossing_organizations() as session:
        slots = (await session.execute(query)).scalars().all()
    return {
        id_of(slot): shown(slot, slot.status.value, version=slot.revision, booked=slot.booked_count)
        for slot in slots
    }


def port_of(api: Api) -> int:
    """The port of the server."""
    port = urlsplit(api.url).port
    assert port is not None
    return port
