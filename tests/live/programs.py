"""Programs of clients, started as such; each line that they print says what they show."""

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


@asynccontextmanager
async def running(
    shown: Shown, *command: str, cwd: Path | None = None, **environment: str
) -> AsyncIterator[Process]:
    """A program while it runs, and what it says."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env={"PATH": os.environ["PATH"], **environment},
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        limit=LONGEST_LINE,
    )
    reading = asyncio.create_task(_read(process, shown))
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        assert process.stderr is not None
        sys.stderr.write((await process.stderr.read()).decode())
        await process.wait()
        await reading


async def _read(process: Process, shown: Shown) -> None:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        shown.take(json.loads(line))


async def ended(process: Process) -> str:
    """End a program's input, after which it must end by itself; what it complained of."""
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.close()
    complaints = await asyncio.wait_for(process.stderr.read(), PATIENCE)
    code = await process.wait()
    return f"{complaints.decode()}Ended with {code}."
