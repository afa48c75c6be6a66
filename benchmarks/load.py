"""The load generator: keep-alive connections that each send a request when the last is answered.

HTTP/1.1 on raw sockets, in a process of its own, so that it takes as little as possible from what
is measured; it reports its own use of the processor. It knows nothing of GraphQL: a byte string
tells a good answer from another.
"""

import asyncio
import gc
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from typing import Self, TypeVar, cast

import uvloop

J = TypeVar("J")
R = TypeVar("R")

PATIENCE = 60
BLANK_LINE = b"\r\n\r\n"
LENGTH = b"content-length: "


@dataclass(frozen=True)
class Job:
    """What to send, for how long, and how to judge the answers.

    Attributes:
        requests: whole HTTP requests, sent in order.
        is_repeated: begin again after the last one; else the job ends there.
        good: stands in an answer that did what was asked.
        refused: stands in an answer that rightly did not.
        bad: stands in no good answer.

    """

    port: int
    requests: Sequence[bytes]
    is_repeated: bool
    good: bytes
    refused: bytes
    bad: bytes
    clients: int
    seconds: float


@dataclass
class Outcome:
    """What came back. Latencies are in seconds, one of each answer."""

    good: int = 0
    refused: int = 0
    errors: int = 0
    sent: int = 0
    seconds: float = 0.0
    own_cpu_seconds: float = 0.0
    size: int = 0
    first_error: str = ""
    latencies: list[float] = field(default_factory=list)

    @property
    def answered(self) -> int:
        """How many answers came."""
        return self.good + self.refused + self.errors


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, run: "Run") -> None:
        self.run = run
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._received = bytearray()
        self._size = 0
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._send_next()

    def data_received(self, data: bytes) -> None:
        """Collect an answer; when it is whole, judge it and go on."""
        self._received += data
        if not self._size:
            end = self._received.find(BLANK_LINE)
            if end < 0:
                return
            self._size = end + len(BLANK_LINE) + _content_length(self._received[:end])
        if len(self._received) >= self._size:
            self.run.judge(bytes(self._received), time.perf_counter() - self._sent_at)
            self._received.clear()
            self._size = 0
            self._send_next()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Count a connection that the server ended as an error."""
        if not self.ended.done():
            self.run.note_error("The server closed the connection.")
            self.ended.set_result(None)

    def _send_next(self) -> None:
        if self._transport is None:
            return
        request = self.run.next_request()
        if request is None:
            self.ended.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


def _content_length(head: bytearray) -> int:
    place = head.lower().find(LENGTH)
    if place < 0:
        raise ValueError(f"An answer without its length: {head!r}")
    return int(head[place + len(LENGTH) :].split(b"\r", 1)[0])


class Run:
    """One job while it is done."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.outcome = Outcome()
        self.until = time.perf_counter() + job.seconds
        self._requests: Iterator[bytes] = (
            cycle(job.requests) if job.is_repeated else iter(job.requests)
        )

    def next_request(self) -> bytes | None:
        """What to send next; None at the end."""
        if time.perf_counter() >= self.until:
            return None
        request = next(self._requests, None)
        self.outcome.sent += request is not None
        return request

    def judge(self, answer: bytes, latency: float) -> None:
        """Count an answer."""
        outcome, job = self.outcome, self.job
        outcome.latencies.append(latency)
        if job.refused in answer:
            outcome.refused += 1
        elif not answer.startswith(b"HTTP/1.1 200 ") or job.bad in answer:
            self.note_error(answer.partition(BLANK_LINE)[2][:300].decode(errors="replace"))
        elif job.good in answer:
            outcome.good += 1
            outcome.size = max(outcome.size, len(answer))
        else:
            self.note_error(answer[:300].decode(errors="replace"))

    def note_error(self, text: str) -> None:
        """Count an error; the first is shown."""
        self.outcome.errors += 1
        self.outcome.first_error = self.outcome.first_error or text


async def _carried_out(job: Job) -> Outcome:
    loop = asyncio.get_running_loop()
    gc.disable()
    began, own_cpu = time.perf_counter(), time.process_time()
    run = Run(job)
    made = [
        await loop.create_connection(lambda: Client(run), "127.0.0.1", job.port)
        for _ in range(job.clients)
    ]
    _, waiting = await asyncio.wait(
        [client.ended for _, client in made], timeout=job.seconds + PATIENCE
    )
    for _ in waiting:
        run.note_error(f"No answer came within {PATIENCE} seconds.")
    run.outcome.seconds = time.perf_counter() - began
    run.outcome.own_cpu_seconds = time.process_time() - own_cpu
    gc.enable()
    return run.outcome


def carry_out(job: Job) -> Outcome:
    """Do a job."""
    return uvloop.run(_carried_out(job))


def _settle(core: int | None) -> None:
    if core is not None:
        os.sched_setaffinity(0, {core})


class Generator:
    """The process of the load generator, on a core of its own if one is named."""

    def __init__(self, core: int | None) -> None:
        self._process = ProcessPoolExecutor(
            max_workers=1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_settle,
            initargs=(core,),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.shutdown(cancel_futures=True)

    def carry_out(self, job: Job) -> Outcome:
        """Do a job over there."""
        return self.run(carry_out, job)

    def run(self, work: Callable[[J], R], job: J) -> R:
        """Do any work over there."""
        return self._process.submit(work, job).result()
