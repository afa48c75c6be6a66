"""docs/live.md: the two clients in it are run as they stand there, through every fault of their
connection and with tokens that do not last, and end equal to the database.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Self
from uuid import uuid4

from models import Calendar
from models.database import Database
from tests.clients import FOLDER, program
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.live.programs import PATIENCE, Shown, in_the_database, port_of, running, started
from tests.live.views import book, doctors_calendar, token_for
from tests.processes import CHECKOUT
from tests.proxy import HOST, Proxy
from tests.tombstones import remove

MANUAL = CHECKOUT / "docs" / "live.md"
CLIENTS = {
    "python": ("live.py", lambda: sys.executable),
    "js": ("live.mjs", lambda: program("node")),
}


class Keeper:
    """Keeps a token in a file that is good for some seconds, and replaced before they are over."""

    def __init__(self, token: str, file: Path) -> None:
        self.file = file
        self.seconds = 2.5
        self._token = token

    async def __aenter__(self) -> Self:
        self.replace()
        self._task = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def replace(self) -> None:
        """Put a new token there, at once for whoever reads it."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(token_for(self.seconds, self._token))
        fresh.replace(self.file)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            self.replace()


def commands(port: int, calendar: Calendar, folder: Path) -> dict[str, list[str]]:
    """How each client of the manual is started, from a folder with a copy, by its language."""
    (folder / "node_modules").symlink_to(FOLDER / "node_modules")
    window = wire(tomorrow(0)), wire(tomorrow(0, days=3))
    place = [f"ws://{HOST}:{port}/graphql", id_of(calendar), *window]
    found = {}
    (folder / "live.graphql").write_text(in_the_manual("graphql")[0])
    for language, (name, runs_it) in CLIENTS.items():
        (code,) = in_the_manual(language)
        (folder / name).write_text(code)
        found[language] = [runs_it(), name, *place]
    return found


def in_the_manual(language: str) -> list[str]:
    """What stands there in a language."""
    pattern = rf"^```{language}\n(.*?)^```$"
    return re.findall(pattern, MANUAL.read_text(), re.MULTILINE | re.DOTALL)


@asynccontextmanager
async def clients(port: int, calendar: Calendar, token: Path) -> AsyncIterator[Shown]:
    """The clients of the manual, watching through a port with the token in a file."""
    said = Shown()
    async with AsyncExitStack() as stack:
        for name, command in commands(port, calendar, token.parent).items():
            process = await started(*command, cwd=token.parent, TOKEN_FILE=str(token))
            await stack.enter_async_context(running(process, said, name=name))
        yield said


async def test_the_clients_of_the_manual_equal_the_database(
    clinic: Clinic, database: Database, tmp_path: Path
) -> None:
    calendar = doctors_calendar(clinic)
    slots = iter(await clinic.factory.slots(calendar, tomorrow(), 6))
    await clinic.factory.slots(calendar, tomorrow(days=2), 2)

    async def both_are_right() -> None:
        found = await in_the_database(database, calendar)
        for slot in found.values():
            del slot["bookedCount"]
        expected = dict.fromkeys(CLIENTS, found)
        await said.until(lambda: said.slots == expected)
        assert said.slots == expected

    async def both_come_back(updates: dict[str, int]) -> None:
        await said.until(lambda: all(said.updates[name] > updates[name] for name in CLIENTS))
        assert {name for name in CLIENTS if said.updates[name] == updates[name]} == set()
        await both_are_right()

    async with (
        Keeper(clinic.patient.token, tmp_path / "token") as keeper,
        Proxy(port_of(clinic.public)) as proxy,
        clients(proxy.port, calendar, keeper.file) as said,
    ):
        await both_are_right()
        # Nothing changes: who says something was sent away because a token had ended.
        await both_come_back(dict(said.updates))

        # A crash, and nobody listens for a while.
        proxy.refuse()
        proxy.cut()
        before = dict(said.updates)
        await book(clinic.patient, next(slots))
        await remove(clinic, calendar, 2)
        await proxy.accept()
        await both_come_back(before)

        # From here on nobody is sent away because of a token.
        keeper.seconds = 600
        keeper.replace()
        before = dict(said.updates)
        proxy.cut(politely=True)
        await book(clinic.patient, next(slots))
        await both_come_back(before)

        # An update that got lost on its way, which the next one tells.
        proxy.lose()
        lost = next(slots)
        await book(clinic.patient, lost)
        await asyncio.wait_for(proxy.has_lost(id_of(lost), times=len(CLIENTS)), PATIENCE)
        proxy.resume()
        await book(clinic.patient, next(slots))
        await both_are_right()
    assert said.resets == dict.fromkeys(CLIENTS, 1)


async def test_the_clients_of_the_manual_give_up_where_coming_back_is_of_no_use(
    clinic: Clinic, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text(clinic.patient.token)
    nobody = Calendar(organization_id=clinic.factory.organization.id, id=uuid4(), time_zone="UTC")
    for command in commands(port_of(clinic.public), nobody, tmp_path).values():
        process = await started(*command, cwd=token.parent, TOKEN_FILE=str(token))
        said, complaints = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert (process.returncode, said) == (1, b"")
        assert b"NOT_FOUND" in complaints
