"""Disasters under load: the server is killed, PostgreSQL goes away, and nothing is lost."""

import asyncio
import os
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest

from models import Calendar, Role, Slot
from models.embedded import EmbeddedPostgres
from models.migration import migrate
from tests.e2e.conftest import SLUG, World, world_in
from tests.e2e.load import (
    UNANSWERED,
    Booker,
    Views,
    answers_of,
    many_patients,
    overlaps,
    require_all_acknowledged,
)
from tests.factories import id_of, tomorrow
from tests.live.views import asked, change_behind_the_api
from tests.processes import ServerProcess

SECONDS = float(os.environ.get("KILL_SECONDS", "15"))
KILLS = 2
CLIENTS = 20
VIEWS = 5


@dataclass
class Load:
    """Bookers and views of one calendar on one server, while something happens to it."""

    world: World
    server: ServerProcess
    http: aiohttp.ClientSession
    comes_back: bool

    async def during(self, disaster: Callable[[], Awaitable[None]]) -> tuple[Counter[str], ...]:
        """What bookers were answered and how views went on; both must end with the truth."""
        seed = int(os.environ.get("SEED", random.SystemRandom().randrange(10**9)))
        print(f"SEED={seed}")
        calendar, slots = await self.calendar()
        *free, last = slots
        api = self.server.api(self.http, SLUG)
        chance = random.Random(seed)
        bookers = [
            Booker(api.signed_in(token), [id_of(slot) for slot in free], chance)
            for token in await many_patients(self.world, CLIENTS)
        ]
        over = asyncio.Event()
        views = Views(come_back=self.comes_back)
        async with asyncio.TaskGroup() as together:
            await views.open(together, [(api, calendar, id_of(last))] * VIEWS)
            async with asyncio.TaskGroup() as booking:
                for booker in bookers:
                    booking.create_task(booker.run(lambda: not over.is_set(), 0.3))
                await disaster()
                over.set()
            await change_behind_the_api(self.world.database, last, "BLOCKED")
        picture, _ = await asked(api, calendar)
        assert all(task.result().slots == picture for task in views.tasks)
        assert overlaps(bookers) == []
        await require_all_acknowledged(self.world, bookers)
        answers = answers_of(bookers)
        print(dict(answers), dict(views.ways))
        return answers, views.ways

    async def calendar(self) -> tuple[Calendar, list[Slot]]:
        """A calendar with a few slots."""
        calendar = (await self.world.factory.person(Role.DOCTOR)).calendar
        assert calendar is not None
        return calendar, await self.world.factory.slots(calendar, tomorrow(8), 13)


async def test_no_acknowledged_booking_is_lost_when_the_server_is_killed(
    world: World, http: aiohttp.ClientSession
) -> None:
    async with ServerProcess(world.environment) as server:

        async def kill_again_and_again() -> None:
            for _ in range(KILLS):
                await asyncio.sleep(SECONDS / (KILLS + 1))
                server.kill()
                await server.start()
            await asyncio.sleep(SECONDS / (KILLS + 1))

        answers, ways = await Load(world, server, http, comes_back=True).during(
            kill_again_and_again
        )
        assert "Traceback" not in server.output
    assert set(answers) <= {"DONE", "DONE BEFORE", "SLOT_TAKEN", "PATIENT_BUSY", UNANSWERED}
    assert min(answers["DONE"], answers[UNANSWERED]) > 0
    assert ways["reset"] == VIEWS
    assert ways["resumed"] >= VIEWS


class Restartable:
    """A PostgreSQL of the test's own whose address stays when it is stopped and started."""

    def __init__(self, folder: Path) -> None:
        self.postgres = EmbeddedPostgres(folder / "postgres", durable=True)
        self.door = folder / "door"

    def start(self) -> None:
        self.postgres.start()
        self.door.unlink(missing_ok=True)
        self.door.symlink_to(self.postgres._folder())

    def url(self, name: str) -> str:
        folder = quote(str(self.postgres._folder()), safe="")
        return self.postgres.dsn(name).replace(folder, quote(str(self.door), safe=""))


@asynccontextmanager
async def own_postgres() -> AsyncIterator[Restartable]:
    """A durable PostgreSQL with a migrated database named clinic."""
    folder = Path(tempfile.mkdtemp(prefix="appointments-kill-"))
    one = Restartable(folder)
    try:
        await asyncio.to_thread(one.start)
        await asyncio.to_thread(one.postgres.create_database, "clinic")
        await asyncio.to_thread(migrate, one.url("clinic"))
        yield one
    finally:
        await asyncio.to_thread(one.postgres.stop)
        shutil.rmtree(folder, ignore_errors=True)


async def crash_a_backend(world: World) -> None:
    """End one of PostgreSQL's own processes as the kernel does that has no memory left: all the
    others end too, and PostgreSQL recovers from its log."""
    pid = await world.value(
        "SELECT pid FROM pg_stat_activity WHERE datname = 'clinic' AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend' LIMIT 1"
    )
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="PostgreSQL's processes are found by number")
async def test_only_unavailable_is_said_while_postgresql_restarts_and_streams_survive(
    http: aiohttp.ClientSession,
) -> None:
    async with (
        own_postgres() as one,
        world_in(one.url("clinic")) as world,
        ServerProcess(world.environment) as server,
    ):

        async def restart_and_crash() -> None:
            await asyncio.sleep(2)
            await asyncio.to_thread(one.postgres.stop)
            await asyncio.sleep(1)
            assert not await server.is_ready(http)
            await asyncio.to_thread(one.start)
            await server.until(lambda: server.is_ready(http))
            await asyncio.sleep(2)
            await crash_a_backend(world)
            await asyncio.sleep(1)
            await server.until(lambda: server.is_ready(http))
            await asyncio.sleep(2)

        began = time.monotonic()
        answers, ways = await Load(world, server, http, comes_back=False).during(restart_and_crash)
        print(f"{time.monotonic() - began:.1f} s")
        assert server.is_alive
    assert set(answers) <= {"DONE", "DONE BEFORE", "SLOT_TAKEN", "PATIENT_BUSY", "UNAVAILABLE"}
    assert min(answers["DONE"], answers["UNAVAILABLE"]) > 0
    assert ways == {"reset": VIEWS}
