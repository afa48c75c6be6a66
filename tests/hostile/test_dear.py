"""What is accepted and dear: whoever asks for it waits for themselves, and nobody else for them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from models.database import Database
from services.errors import Unavailable
from services.limits import MOST_DEAR_WAITING, Lanes
from tests.api import Api
from tests.booking import calendar_of
from tests.conftest import CONFIG, Clinic, serving
from tests.factories import id_of, tomorrow, wire
from tests.scratch import connected

SLOTS = """query ($id: ID!, $from: DateTime!, $to: DateTime!) {
  calendar(id: $id) { slots(from: $from, to: $to) { id } }
}"""


@pytest.fixture(scope="module")
def patient_url(database_url: str) -> Iterator[str]:
    """A server that has time, however busy this machine is."""
    with serving(replace(CONFIG, operation_seconds=60.0), database_url) as url:
        yield url


@asynccontextmanager
async def slots_held(database: Database) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Nobody gets at the slots; what is given returns when so many wait for them, and no more. What
    the server does by itself is not counted.
    """
    waiting = """
        SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE NOT granted AND relation = 'slots'::regclass
          AND query LIKE '%ORDER BY slots.starts_at, slots.id'
    """
    async with connected(database.dsn) as rival, connected(database.dsn) as onlooker:

        async def have_come(count: int) -> None:
            async with asyncio.timeout(30):
                while await onlooker.fetchval(waiting) < count:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert await onlooker.fetchval(waiting) == count

        async with rival.transaction():
            await rival.execute("LOCK TABLE slots IN ACCESS EXCLUSIVE MODE")
            yield have_come


async def test_of_one_who_asks_for_much_one_operation_is_carried_out_at_a_time(
    clinic: Clinic, database: Database, patient_url: str
) -> None:
    public = Api(patient_url, clinic.public.http, clinic.public.slug)
    admin = public.signed_in(str(clinic.admin.token))
    calendar = id_of(calendar_of(clinic))

    def asked(api: Api, days: int) -> asyncio.Task[Any]:
        window = {"from": wire(tomorrow(0)), "to": wire(tomorrow(0, days=1 + days))}
        return asyncio.create_task(api.send(SLOTS, id=calendar, **window))

    async with slots_held(database) as have_come:
        quarters = [asked(public, 92) for _ in range(5)]
        await have_come(1)
        # Others do not wait for them, nor does what costs less.
        others = [asked(admin, 92)]
        await have_come(2)
        others += [asked(public, 31), asked(public, 31)]
        await have_come(4)
        assert await public.ask("{ __typename }") == {"__typename": "Query"}
        assert not any(task.done() for task in (*quarters, *others))
    answers = await asyncio.gather(*quarters, *others)
    assert answers == [{"data": {"calendar": {"slots": []}}}] * 8


async def test_so_many_of_one_may_wait_and_nothing_is_kept_of_who_asks_no_more() -> None:
    lanes, free = Lanes(), asyncio.Event()

    async def work(whose: str) -> None:
        async with lanes.lane(whose):
            await free.wait()

    async def started(*all_of_them: str) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(work(whose)) for whose in all_of_them]
        await asyncio.sleep(0)
        return tasks

    first, *waiting = await started(*["one"] * (1 + MOST_DEAR_WAITING))
    with pytest.raises(Unavailable):
        await asyncio.wait_for(work("one"), 5)
    (other,) = await started("other")
    first.cancel()
    async with asyncio.timeout(10):
        while lanes._lanes["one"]._waiting == MOST_DEAR_WAITING:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    # The next has its turn: whoever comes now is one of those who wait.
    (last,) = await started("one")
    with pytest.raises(Unavailable):
        await asyncio.wait_for(work("one"), 5)
    assert lanes._lanes.keys() == {"one", "other"}
    free.set()
    await asyncio.gather(other, *waiting, last)
    async with asyncio.timeout(10):
        while lanes._lanes:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_after_what_is_dear_who_asked_rests_twice_as_long_as_it_took() -> None:
    lanes, loop = Lanes(), asyncio.get_running_loop()
    began = loop.time()
    async with lanes.lane("one"):
        await asyncio.sleep(0.1)
    ended = loop.time()
    async with lanes.lane("other"):
        assert loop.time() - ended < 2 * (ended - began)
    async with lanes.lane("one"):
        assert loop.time() - ended >= 1.9 * (ended - began)
