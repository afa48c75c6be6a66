"""Transports of hints over each broker: they come back by themselves, and stay bounded and calm."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from time import time
from uuid import UUID, uuid4

import pytest

from services.live.hints import Hints
from services.live.tasks import ended
from services.live.transports import (
    CHANNEL,
    FIRST_RETRY,
    WAITING_MESSAGES,
    PostgresTransport,
    RedisTransport,
    Transport,
)
from tests.brokers import PATIENCE, Channel, RedisChannel, Wire, told_until

PARTED = "Hints fail, changes show with the sweep"
AGAIN = "Hints work again"


class Joined:
    """Counts how often a transport has joined."""

    def __init__(self) -> None:
        self.times = 0
        self._again = asyncio.Event()

    def __call__(self) -> None:
        self.times += 1
        self._again.set()

    async def until(self, times: int) -> None:
        """Return when it has joined so many times."""
        async with asyncio.timeout(PATIENCE):
            while self.times < times:
                await self._again.wait()
                self._again.clear()


class ImpatientPostgres(PostgresTransport):
    silence_seconds = 0.2
    answer_seconds = 0.2


class ImpatientRedis(RedisTransport):
    silence_seconds = 0.2


@asynccontextmanager
async def transport(
    url: str, *, impatient: bool = False
) -> AsyncIterator[tuple[Transport, Joined]]:
    """A transport that has begun to connect."""
    joined = Joined()
    if url.startswith("redis"):
        made: Transport = (ImpatientRedis if impatient else RedisTransport)(url, joined=joined)
    else:
        made = (ImpatientPostgres if impatient else PostgresTransport)(url, joined=joined)
    await made.connect()
    try:
        yield made, joined
    finally:
        await made.disconnect()


async def heard(made: Transport) -> str:
    """The next message that a transport hears."""
    event = await asyncio.wait_for(made.next_published(), PATIENCE)
    assert event.channel == CHANNEL
    return event.message


def said(log: pytest.LogCaptureFixture) -> list[str]:
    """What was logged of hints, without reasons."""
    return [line.partition(" (")[0] for line in log.messages if line.startswith("Hints")]


async def test_a_transport_that_was_cut_joins_again_and_says_so(channel: Channel) -> None:
    async with transport(channel.url()) as (made, joined):
        for times in (1, 2, 3):
            await joined.until(times)
            await channel.say(f"after joining {times} times")
            assert await heard(made) == f"after joining {times} times"
            await channel.cut()
        await joined.until(4)
        await made.publish(CHANNEL, "from here")
        assert await heard(made) == "from here"
        assert (await told_until(channel, "from here"))[-1] == "after joining 3 times"
    assert joined.times == 4


async def test_messages_that_are_published_at_the_same_time_all_arrive(channel: Channel) -> None:
    messages = {str(number) for number in range(50)}
    async with transport(channel.url()) as (made, joined):
        await joined.until(1)
        await asyncio.gather(*(made.publish(CHANNEL, message) for message in messages))
        assert {await heard(made) for _ in messages} == messages


async def test_a_connection_that_is_silently_dead_is_noticed(channel: Channel) -> None:
    async with (
        Wire(channel.target) as wire,
        transport(channel.url(wire.port), impatient=True) as (made, joined),
    ):
        await joined.until(1)
        wire.stall()
        await channel.say("while nobody hears")
        await joined.until(2)
        await channel.say("heard again")
        assert await heard(made) == "heard again"


async def test_a_silent_connection_that_is_well_is_kept(channel: Channel) -> None:
    async with (
        Wire(channel.target) as wire,
        transport(channel.url(wire.port), impatient=True) as (_, joined),
    ):
        await joined.until(1)
        await asyncio.sleep(0.7)
        assert joined.times == 1
        assert len(wire.attempts) == 1


async def test_without_a_broker_it_is_tried_in_patience_and_said_once(
    channel: Channel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "live")
    async with Wire(channel.target) as wire:
        wire.refuse()
        async with transport(channel.url(wire.port)) as (made, joined):
            async with asyncio.timeout(PATIENCE):
                while len(wire.attempts) < 4:
                    await made.publish(CHANNEL, "lost")
                    await asyncio.sleep(0.05)
            assert said(caplog) == [PARTED]
            wire.mend()
            await joined.until(1)
            assert said(caplog) == [PARTED, AGAIN]
            await made.publish(CHANNEL, "found")
            assert await heard(made) == "found"
            await channel.cut()
            await joined.until(2)
            assert said(caplog) == [PARTED, AGAIN] * 2


async def test_the_pauses_between_tries_grow_and_do_not_shrink_by_joining_for_a_moment(
    channel: Channel,
) -> None:
    async with Wire(channel.target) as wire, transport(channel.url(wire.port)) as (_, joined):
        for times in (1, 2, 3, 4):
            await joined.until(times)
            await channel.cut()
        await joined.until(5)
    pauses = [after - before for before, after in pairwise(wire.attempts)]
    for tried, pause in enumerate(pauses):
        assert pause >= FIRST_RETRY * 2**tried / 2


async def test_messages_that_nobody_takes_are_dropped_at_a_bound(channel: Channel) -> None:
    async with transport(channel.url()) as (made, joined):
        await joined.until(1)
        await channel.say(*map(str, range(WAITING_MESSAGES + 100)))
        # Joining again, it has heard all that was said before.
        await channel.cut()
        await joined.until(2)
        assert [await heard(made) for _ in range(WAITING_MESSAGES)] == [
            str(number) for number in range(WAITING_MESSAGES)
        ]
        await channel.say("the next")
        assert await heard(made) == "the next"


class Heard:
    """Hints of others, as a process hears them."""

    def __init__(self) -> None:
        self.hints: asyncio.Queue[tuple[UUID, int]] = asyncio.Queue()
        self.committed_at: float | None = None

    def __call__(self, calendar_id: UUID, revision: int, committed_at: float | None) -> None:
        self.hints.put_nowait((calendar_id, revision))
        self.committed_at = committed_at

    async def until(self, last: tuple[UUID, int]) -> list[tuple[UUID, int]]:
        """All up to one."""
        found = []
        while last not in found:
            found.append(await asyncio.wait_for(self.hints.get(), PATIENCE))
        return found


@asynccontextmanager
async def hints(url: str) -> AsyncIterator[tuple[Hints, Heard]]:
    """The hints of one process that can hear and tell."""
    heard, joined = Heard(), Joined()
    made = Hints(url, hear=heard, joined=joined)
    await made.start()
    try:
        await joined.until(1)
        yield made, heard
    finally:
        await made.stop()


async def begins_to_send(telling: Hints) -> None:
    """Return when the publisher has taken what was told, and has not yet sent it."""
    while telling._unsent:  # noqa: ASYNC110
        await asyncio.sleep(0)


async def test_what_is_no_hint_is_passed_over_and_takes_none_with_it(channel: Channel) -> None:
    calendar = uuid4()
    strange = ["", " ", "x", ":", "x:1", f"{calendar.hex}:", f"{calendar.hex}:x", f"{calendar}:1"]
    strange += [f"{calendar.hex}:-1", f"{calendar.hex}:{'9' * 19}", f"{calendar.hex}:{'9' * 7000}"]
    strange += [f"{calendar.hex}:\u0663", f"{calendar.hex.upper()}:5", "\u20ac" * 900, "{}"]
    async with hints(channel.url()) as (_, heard):
        for number, garbage in enumerate(strange, start=1):
            await channel.say(garbage, f"x {calendar.hex}:{number} {garbage} y")
        assert await heard.until((calendar, len(strange))) == [
            (calendar, number) for number in range(1, len(strange) + 1)
        ]


async def test_bytes_that_are_no_text_are_passed_over(redis: RedisChannel) -> None:
    calendar = uuid4()
    async with hints(redis.url()) as (_, heard):
        await redis.say(b"\xff\xfe", b"\x00" * 100_000, f"{calendar.hex}:7")
        assert await heard.until((calendar, 7)) == [(calendar, 7)]


async def test_what_was_flushed_is_out_even_if_it_was_under_way_already(channel: Channel) -> None:
    calendar = uuid4()
    async with hints(channel.url()) as (telling, _):
        telling.tell(calendar, 1, time())
        await begins_to_send(telling)
        await telling.flush()
    await channel.say("the end")
    assert await told_until(channel, "the end") == [f"{calendar.hex}:1"]


async def test_a_burst_of_one_calendar_is_told_in_one_message(channel: Channel) -> None:
    calendar = uuid4()
    async with hints(channel.url()) as (telling, heard):
        for revision in (*range(1, 1001), 3):
            telling.tell(calendar, revision, float(revision))
        assert await heard.until((calendar, 1000)) == [(calendar, 1000)]
        # Of what goes out together, the oldest has waited longest.
        assert heard.committed_at == 1
    await channel.say("the end")
    assert await told_until(channel, "the end") == [f"{calendar.hex}:1000"]


async def test_a_burst_of_many_calendars_is_told_in_few_messages(channel: Channel) -> None:
    calendars = [uuid4() for _ in range(201)]
    async with hints(channel.url()) as (telling, heard):
        for revision in (1, 2):
            for calendar in calendars:
                telling.tell(calendar, revision, time())
        assert await heard.until((calendars[-1], 2)) == [(each, 2) for each in calendars]
    await channel.say("the end")
    told = await told_until(channel, "the end")
    assert [len(message.split()) for message in told] == [100, 100, 1]


async def test_what_is_told_while_a_message_is_under_way_follows_in_one(channel: Channel) -> None:
    calendar, others = uuid4(), [uuid4() for _ in range(20)]
    async with hints(channel.url()) as (telling, heard):
        telling.tell(calendar, 1, time())
        await begins_to_send(telling)
        for revision in (2, 3, 4):
            for each in (calendar, *others):
                telling.tell(each, revision, time())
        await heard.until((others[-1], 4))
    await channel.say("the end")
    first, second = await told_until(channel, "the end")
    assert first == f"{calendar.hex}:1"
    assert second.split() == [f"{each.hex}:4" for each in (calendar, *others)]


async def test_a_task_that_loses_a_cancellation_is_ended_all_the_same() -> None:
    """As one does in Python 3.11 whose `asyncio.wait_for` is done at that very moment."""
    lost = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            lost.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await asyncio.wait_for(ended([task]), PATIENCE)
    assert lost.is_set()
    assert task.cancelled()
