"""One turn: a crowd comes to one server, and the changes of its acts reach it.

A turn is carried out in the process of the load generator, which also makes the changes: it does
so while no viewer is being sent anything, and the next one follows only when all have the last, and
not before the server would merge it with the last.
"""

import asyncio
import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import orjson
import uvloop

from benchmarks.contestants import cpu_seconds
from benchmarks.live.changes import Change, Http, ways_to_change
from benchmarks.live.scenes import Act
from benchmarks.live.viewers import Crowd

# Those who come before anything is measured: the server makes what it makes once.
FIRST_VIEWERS = 20
WARM_UP = 2
# A feed wakes its viewers every 50 ms at most.
SHORTEST_GAP = 0.06


@dataclass(frozen=True)
class Samples:
    """The payloads of a first picture and of an update, as our server sent them."""

    picture: bytes
    update: bytes


@dataclass(frozen=True)
class Job:
    """A turn to be played.

    Attributes:
        process_id: of the server, for asking what it takes.
        subscriptions: what the viewers send; at the place of the calendar that it names in
            `calendar_ids`, or all of the only one.
        samples: what a yardstick sends.

    """

    port: int
    process_id: int
    viewers: int
    subscriptions: Sequence[bytes]
    calendar_ids: Sequence[UUID]
    acts: Sequence[Act]
    changes: int
    database_url: str
    token: str
    samples: Samples | None = None


@dataclass
class Deliveries:
    """How the changes of one act arrived. Times are in seconds since the commit, one of each."""

    count: int = 0
    busy_seconds: float = 0.0
    own_cpu_seconds: float = 0.0
    cpu_seconds: float = 0.0
    first: list[float] = field(default_factory=list)
    median: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What a turn showed.

    Attributes:
        wrong: viewers who were not sent what they had to be, no more and no less.

    """

    connects_per_second: float
    connect_cpu_seconds: float
    bytes_per_viewer: float
    deliveries: dict[str, Deliveries]
    wrong: int
    samples: Samples


def play(job: Job) -> Outcome:
    """Carry out a turn."""
    gc.disable()
    outcome = uvloop.run(_played(job))
    gc.enable()
    gc.collect()
    return outcome


async def _played(job: Job) -> Outcome:
    if job.samples is not None:
        await Http(job.port).post("/picture", job.samples.picture)
    stage = _Stage(job)
    async with ways_to_change(
        [act.how for act in job.acts],
        port=job.port,
        database_url=job.database_url,
        token=job.token,
        update=job.samples.update if job.samples else b"",
    ) as ways:
        outcome = await stage.play(ways)
    # The server's end of the connections is left to the server's own end.
    stage.crowd.leave()
    return outcome


class _Stage:
    """One turn while it is played."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.crowd = Crowd(job.port, job.subscriptions)
        # How many updates the viewers at each place of the subscriptions are to be sent.
        self.due = [0] * len(job.subscriptions)
        self.number = 0

    async def play(self, ways: dict[str, Change]) -> Outcome:
        """Everything, in order."""
        job, crowd = self.job, self.crowd
        await crowd.grow(min(FIRST_VIEWERS, job.viewers // 2))
        already = len(crowd.viewers)
        picture = payload_of(crowd.viewers[0].last)
        memory, cpu = resident_bytes(job.process_id), cpu_seconds(job.process_id) or 0.0
        seconds = await crowd.grow(job.viewers)
        coming = job.viewers - already
        connect_cpu = (cpu_seconds(job.process_id) or 0.0) - cpu
        for _ in range(WARM_UP):
            await self._change(job.acts[0], ways[job.acts[0].how], Deliveries())
        memory = resident_bytes(job.process_id) - memory
        deliveries = {act.title: await self._deliveries(act, ways[act.how]) for act in job.acts}
        update = payload_of(crowd.viewers[0].last)
        return Outcome(
            connects_per_second=coming / seconds,
            connect_cpu_seconds=connect_cpu / coming,
            bytes_per_viewer=memory / coming,
            deliveries=deliveries,
            wrong=crowd.wrong(self.due),
            samples=Samples(picture, update),
        )

    async def _deliveries(self, act: Act, change: Change) -> Deliveries:
        found = Deliveries()
        cpu = cpu_seconds(self.job.process_id) or 0.0
        for _ in range(self.job.changes):
            await self._change(act, change, found)
        found.cpu_seconds = (cpu_seconds(self.job.process_id) or 0.0) - cpu
        return found

    async def _change(self, act: Act, change: Change, found: Deliveries) -> None:
        calendar_ids, count = self._next(act)
        self.crowd.expect(count)
        began, own_cpu = time.time(), time.process_time()
        await change.make(calendar_ids)
        arrivals = await self.crowd.arrivals()
        found.own_cpu_seconds += time.process_time() - own_cpu
        committed = await change.committed(calendar_ids)
        if arrivals:
            found.count += len(arrivals)
            found.busy_seconds += arrivals[-1] - committed
            found.first.append(arrivals[0] - committed)
            found.median.append(arrivals[len(arrivals) // 2] - committed)
            found.late.append(arrivals[len(arrivals) * 99 // 100] - committed)
            found.last.append(arrivals[-1] - committed)
        await asyncio.sleep(max(0.0, began + SHORTEST_GAP - time.time()))

    def _next(self, act: Act) -> tuple[Sequence[UUID], int]:
        """Which calendars change next, and how many viewers are to hear of it."""
        ids = self.job.calendar_ids
        self.number += 1
        if act.is_everywhere:
            self.due = [due + 1 for due in self.due]
            return ids, len(self.crowd.viewers)
        place = self.number % len(ids)
        self.due[place] += 1
        return [ids[place]], self.crowd.watchers(place)


def payload_of(message: bytes) -> bytes:
    """The payload in a message of type `next`, in whichever order its parts stand."""
    found: bytes = orjson.dumps(orjson.loads(message)["payload"])
    return found


def resident_bytes(process_id: int) -> int:
    """The resident memory of a process; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{process_id}/status").read_text()
    except OSError:
        return 0
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024
