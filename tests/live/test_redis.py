"""Hints through a real broker that comes, goes and returns while calendars are watched.

No server here sweeps, unless a test says so: what is seen came by a hint, or by joining again.
"""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from models.database import Database
from services.live.audiences import Mailbox, Place, Step
from services.live.feeds import Live
from tests.api import Api
from tests.brokers import (
    PATIENCE,
    Channel,
    RedisChannel,
    Valkey,
    Wire,
    hints_of,
    joined,
    told_until,
)
from tests.conftest import CONFIG, Clinic
from tests.factories import tomorrow
from tests.live.views import (
    View,
    another_server,
    book,
    change_behind_the_api,
    doctors_calendar,
    shown,
    viewing,
)
from tests.processes import ServerProcess, run, settings
from tests.proxy import Proxy

NEVER = 3600.0
VIEWS = 50
ROUNDS = 5


@asynccontextmanager
async def servers(clinic: Clinic, database_url: str, url: str) -> AsyncIterator[tuple[Api, Api]]:
    """Two servers with one broker and without a sweep."""
    settings = {"broadcast_url": url, "sweep_seconds": NEVER}
    async with (
        another_server(clinic.patient, database_url, **settings) as here,
        another_server(clinic.patient, database_url, **settings) as there,
    ):
        yield here, there


async def test_a_change_in_one_process_reaches_the_views_of_another(
    clinic: Clinic, database_url: str, redis: RedisChannel
) -> None:
    calendar = doctors_calendar(clinic)
    slot, other = await clinic.factory.slots(calendar, tomorrow(), 2)
    async with (
        servers(clinic, database_url, redis.url()) as (here, there),
        viewing(here, calendar) as view,
        viewing(there, calendar) as opposite,
    ):
        await view.next()
        await opposite.next()
        await joined(redis, 2)
        await book(there, slot)
        assert (await view.next())["slots"] == [shown(slot, "BOOKED", version=1, booked=1)]
        await opposite.next()
        await book(here, other)
        assert (await opposite.next())["slots"] == [shown(other, "BOOKED", version=2, booked=1)]
    await redis.say("the end")
    told = await told_until(redis, "the end")
    assert hints_of(calendar.id, *told) == [f"{calendar.id.hex}:{n}" for n in (1, 2)]


async def test_a_broker_that_is_killed_and_returns_costs_no_view_a_change(
    clinic: Clinic, database_url: str, mortal: Valkey
) -> None:
    calendar = doctors_calendar(clinic)
    slots = await clinic.factory.slots(calendar, tomorrow(), 3)
    await asyncio.to_thread(mortal.start)
    async with (
        servers(clinic, database_url, mortal.url) as (here, there),
        viewing(here, calendar) as view,
    ):
        await view.next()
        async with RedisChannel.joined(mortal) as channel:
            await joined(channel, 2)
        await book(there, slots[0])
        assert (await view.next())["slots"] == [shown(slots[0], "BOOKED", version=1, booked=1)]
        mortal.kill()
        await book(there, slots[1])
        await asyncio.to_thread(mortal.start)
        assert (await view.next())["slots"] == [shown(slots[1], "BOOKED", version=2, booked=1)]
        async with RedisChannel.joined(mortal) as channel:
            await joined(channel, 2)
            await book(there, slots[2])
            assert (await view.next())["slots"] == [shown(slots[2], "BOOKED", version=3, booked=1)]
            assert hints_of(calendar.id, await channel.next()) == [f"{calendar.id.hex}:3"]


async def test_without_the_broker_the_sweep_shows_changes(
    clinic: Clinic, database_url: str, mortal: Valkey
) -> None:
    calendar = doctors_calendar(clinic)
    slots = await clinic.factory.slots(calendar, tomorrow(), 2)
    await asyncio.to_thread(mortal.start)
    settings = {"broadcast_url": mortal.url, "sweep_seconds": 0.1}
    async with (
        another_server(clinic.patient, database_url, **settings) as here,
        another_server(clinic.patient, database_url, **settings) as there,
        viewing(here, calendar) as view,
    ):
        await view.next()
        mortal.kill()
        for version, slot in enumerate(slots, start=1):
            await book(there, slot)
            expected = [shown(slot, "BOOKED", version=version, booked=1)]
            assert (await view.next())["slots"] == expected


async def test_while_the_broker_says_nothing_acts_do_not_wait_and_the_sweep_shows_them(
    clinic: Clinic, database_url: str, redis: RedisChannel
) -> None:
    calendar = doctors_calendar(clinic)
    slots = await clinic.factory.slots(calendar, tomorrow(), 3)
    async with Proxy(redis.target[1]) as road:
        settings = {"broadcast_url": redis.url(road.port), "sweep_seconds": 0.1}
        async with (
            another_server(clinic.patient, database_url, **settings) as here,
            another_server(clinic.patient, database_url, **settings) as there,
            viewing(here, calendar) as view,
        ):
            await view.next()
            await joined(redis, 2)
            road.stall(new_ones=True)
            for version, slot in enumerate(slots, start=1):
                if version == len(slots):
                    # The hints that were held up come now, after what they tell of: no repetition.
                    road.resume()
                    while f"{calendar.id.hex}:2" not in await redis.next():
                        pass
                await book(there, slot)
                expected = [shown(slot, "BOOKED", version=version, booked=1)]
                assert (await view.next())["slots"] == expected
            while f"{calendar.id.hex}:3" not in await redis.next():
                pass


async def test_servers_start_and_serve_without_the_broker_and_join_when_it_comes(
    clinic: Clinic, database: Database, database_url: str, mortal: Valkey
) -> None:
    calendar = doctors_calendar(clinic)
    slots = await clinic.factory.slots(calendar, tomorrow(), 3)
    async with (
        servers(clinic, database_url, mortal.url) as (here, there),
        viewing(here, calendar) as view,
    ):
        await view.next()
        await book(here, slots[0])
        assert (await view.next())["slots"] == [shown(slots[0], "BOOKED", version=1, booked=1)]
        await change_behind_the_api(database, slots[1], "BLOCKED")
        await asyncio.to_thread(mortal.start)
        assert (await view.next())["slots"] == [shown(slots[1], "BLOCKED", version=2)]
        async with RedisChannel.joined(mortal) as channel:
            await joined(channel, 2)
        await book(there, slots[2])
        assert (await view.next())["slots"] == [shown(slots[2], "BOOKED", version=3, booked=1)]


async def test_what_changed_while_a_server_was_parted_is_seen_when_it_has_joined_again(
    clinic: Clinic, database_url: str, channel: Channel
) -> None:
    calendar = doctors_calendar(clinic)
    slots = await clinic.factory.slots(calendar, tomorrow(), 3)
    async with (
        Wire(channel.target) as wire,
        servers(clinic, database_url, channel.url(wire.port)) as (here, _),
        another_server(
            clinic.patient, database_url, broadcast_url=channel.url(), sweep_seconds=NEVER
        ) as there,
        viewing(here, calendar) as view,
    ):
        await view.next()
        await joined(channel, 3)
        await book(there, slots[0])
        assert (await view.next())["slots"] == [shown(slots[0], "BOOKED", version=1, booked=1)]
        wire.refuse()
        before = await channel.listeners()
        await channel.cut()
        # The hint of this change finds nobody there.
        await book(there, slots[1])
        wire.mend()
        assert (await view.next())["slots"] == [shown(slots[1], "BOOKED", version=2, booked=1)]
        await joined(channel, 3, besides=before)
        await book(there, slots[2])
        assert (await view.next())["slots"] == [shown(slots[2], "BOOKED", version=3, booked=1)]


async def test_strangers_on_the_channel_hurt_no_view(
    clinic: Clinic, database_url: str, redis: RedisChannel
) -> None:
    calendar = doctors_calendar(clinic)
    slots = await clinic.factory.slots(calendar, tomorrow(), 2)
    number = calendar.id.hex
    async with (
        servers(clinic, database_url, redis.url()) as (here, there),
        viewing(here, calendar) as view,
    ):
        first = await view.next()
        await joined(redis, 2)
        await redis.say(b"\xff\x00", "", "x:1", f"{secrets.token_hex(16)}:7", f"{number}:x")
        await redis.say(f"{number}:{'9' * 19}", f"{number}:{'9' * 5000}", f"{number}:0")
        await book(there, slots[0])
        update = await view.next()
        assert update["previousCursor"] == first["cursor"]
        assert update["slots"] == [shown(slots[0], "BOOKED", version=1, booked=1)]
        # A hint at what is not there is read once, and then not believed.
        await redis.say(f"{number}:{'9' * 18}")
        await book(here, slots[1])
        assert (await view.next())["slots"] == [shown(slots[1], "BOOKED", version=2, booked=1)]


async def test_fifty_views_that_join_leave_and_join_again_at_once_miss_nothing(
    clinic: Clinic, database_url: str, redis: RedisChannel
) -> None:
    calendar = doctors_calendar(clinic)
    slots = await clinic.factory.slots(calendar, tomorrow(8), 8)
    made = [shown(slot, "BOOKED", version=n, booked=1) for n, slot in enumerate(slots, start=1)]
    picture = {slot["id"]: slot for slot in made}

    async def look(here: Api, times: int) -> None:
        back: View | None = None
        for _ in range(times):
            async with viewing(here, calendar, back=back) as back:
                await back.next()
        async with viewing(here, calendar, back=back) as view:
            await view.equals(picture)

    async with servers(clinic, database_url, redis.url()) as (here, there):
        await joined(redis, 2)
        async with asyncio.TaskGroup() as together:
            for number in range(VIEWS):
                together.create_task(look(here, number % 4))
            for slot in slots:
                await book(there, slot)


async def test_watchers_that_come_and_go_at_once_are_all_woken_and_leave_no_feed(
    clinic: Clinic, database: Database, redis: RedisChannel
) -> None:
    calendar = doctors_calendar(clinic)
    here, there = (Live(database, url=redis.url(), sweep_seconds=NEVER) for _ in range(2))
    await here.start()
    await there.start()
    await joined(redis, 2)
    print(f"SEED={(seed := random.SystemRandom().randrange(10**9))}")
    chance = random.Random(seed)
    everybody = asyncio.Barrier(VIEWS + 1)

    async def follow(_: Place) -> Step[int]:
        told = here._feeds[calendar.id].told
        return Step(told, told)

    async def watch() -> None:
        for revision in range(1, ROUNDS + 1):
            for _ in range(chance.randrange(4)):
                with here.feed(calendar.id) as feed, feed.joined("all", follow):
                    await asyncio.sleep(0)
            mailbox: Mailbox[int] = Mailbox()
            with (
                here.feed(calendar.id) as feed,
                feed.joined("all", follow) as audience,
                audience.sitting(mailbox, revision - 1),
            ):
                await everybody.wait()
                assert await mailbox.next() == [revision]

    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as together:
        for _ in range(VIEWS):
            together.create_task(watch())
        for revision in range(1, ROUNDS + 1):
            await everybody.wait()
            there.announce(calendar.id, revision)
    assert here._feeds == {}
    await here.stop()
    await there.stop()


async def test_two_processes_tell_each_other_through_the_broker_and_commands_tell_them(
    clinic: Clinic, database_url: str, redis: RedisChannel
) -> None:
    calendar = doctors_calendar(clinic)
    slot = await clinic.factory.slot(calendar, tomorrow())
    await clinic.factory.template(calendar)
    environment = settings(database_url, SECRET_KEY=CONFIG.secret_key, BROADCAST_URL=redis.url())
    async with ServerProcess(environment) as one, ServerProcess(environment) as other:
        public = clinic.public
        here = one.api(public.http, public.slug)
        there = other.api(public.http, public.slug, clinic.patient.token)
        async with viewing(here, calendar) as view:
            await view.next()
            await joined(redis, 2)
            await book(there, slot)
            assert (await view.next())["slots"] == [shown(slot, "BOOKED", version=1, booked=1)]
            assert hints_of(calendar.id, await redis.next()) == [f"{calendar.id.hex}:1"]
            code, _, _ = await run(environment, "generate", "--organization", public.slug)
            assert code == 0
            assert hints_of(calendar.id, await redis.next()) == [f"{calendar.id.hex}:2"]
