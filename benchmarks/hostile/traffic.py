"""Those who ask: normal people at a steady pace, viewers who stay, a probe that sees how late the
loop is, and whoever sends the corpus.

Each kind comes from an address of its own, so that the limits of one address are the hostile one's.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from itertools import count, cycle
from typing import Any, Self
from uuid import UUID

import aiohttp
import orjson

from benchmarks.hostile.corpus import Attack
from benchmarks.workloads import Query, booking

NORMAL, HOSTILE = "127.0.0.1", "127.0.0.2"
PROTOCOL = "graphql-transport-ws"
WATCH = """subscription ($id: ID!, $from: DateTime!, $to: DateTime!) {
  calendarChanges(calendarId: $id, from: $from, to: $to) { slots { id status } }
}"""
PATIENCE = 10.0
LOOP, MONTH, BOOKING, LIVE = "the loop", "a month", "a booking", "a live update"
KINDS = (LOOP, MONTH, BOOKING, LIVE)


@dataclass
class Phase:
    """What was seen in a while: seconds by kind, and the code of each answer.

    Attributes:
        wrong: answers to normal requests that did not do what was asked.
        missed: bookings that the viewer of the calendar was not told of.

    """

    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    codes: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: int = 0
    missed: int = 0
    lasted: float = 0.0
    cpu_seconds: float = 0.0
    own_cpu_seconds: float = 0.0
    first_wrong: str = ""

    def note_wrong(self, text: str) -> None:
        """Count an answer that was none."""
        self.wrong += 1
        self.first_wrong = self.first_wrong or text[:300]


@dataclass(frozen=True)
class Pace:
    """How often each comes in a second."""

    probes: float = 25.0
    months: float = 5.0
    bookings: float = 3.0
    hostile: float = 20.0


class Traffic:
    """All of them, at one server."""

    def __init__(
        self,
        root: str,
        token: str,
        months: Sequence[Query],
        visits: Sequence[tuple[UUID, UUID]],
        attacks: Sequence[Attack],
        pace: Pace,
    ) -> None:
        self.phase = Phase()
        self._root = root
        self._url = f"{root}/graphql"
        self._token = token
        self._months = cycle(months)
        self._visits = iter(visits)
        # Each as it is posted and, where it is something there, on a socket.
        ways = [(one, way) for one in attacks for way in (False, True)]
        self._attacks: Iterator[tuple[Attack, bool]] = cycle(
            (one, is_socket) for one, is_socket in ways if one.payload or not is_socket
        )
        self._pace = pace
        self._shown: set[str] = set()
        # When the slots were asked for that their viewers have not seen booked yet.
        self._booked_at: dict[str, float] = {}
        self._seen = asyncio.Event()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._normal = await self._from(NORMAL)
        self._hostile = await self._from(HOSTILE)
        self._together = await self._stack.enter_async_context(_Crowd())
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def watch(self, calendar_id: UUID, window: dict[str, str]) -> None:
        """The viewer of a calendar comes; returns with the first picture."""
        socket = await self._normal.ws_connect(self._url, protocols=[PROTOCOL], max_msg_size=0)
        await socket.send_json({"type": "connection_init"})
        await socket.receive_json()
        variables = {"id": f"calendar_{calendar_id.hex}", **window}
        payload = {"query": WATCH, "variables": variables}
        await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
        first = orjson.loads(await socket.receive_str())
        slots = first["payload"]["data"]["calendarChanges"]["slots"]
        self._shown.update(slot["id"] for slot in slots)
        self._together.add(self._view(socket))

    async def go_on(self, seconds: float, *, is_hostile: bool) -> Phase:
        """Let everybody ask for a while; what they saw."""
        self.phase = Phase()
        until = time.perf_counter() + seconds
        pace = self._pace
        async with asyncio.TaskGroup() as together:
            for per_second, act in (
                (pace.probes, self._probe),
                (pace.months, self._look),
                (pace.bookings, self._book),
                (pace.hostile * is_hostile, self._attack),
            ):
                together.create_task(_paced(per_second, until, act))
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while self._booked_at:
                    self._seen.clear()
                    await self._seen.wait()
        self.phase.missed = len(self._booked_at)
        self._booked_at.clear()
        return self.phase

    async def _from(self, address: str) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=0, local_addr=(address, 0), keepalive_timeout=2)
        session = aiohttp.ClientSession(connector=connector)
        return await self._stack.enter_async_context(session)

    async def _probe(self) -> None:
        begin = time.perf_counter()
        async with self._normal.get(f"{self._root}/healthz") as response:
            await response.read()
        self.phase.seconds[LOOP].append(time.perf_counter() - begin)

    async def _look(self) -> None:
        await self._normally(MONTH, next(self._months), '"startsAt":')

    async def _book(self) -> None:
        slot_id, patient_id = next(self._visits)
        name = f"slot_{slot_id.hex}"
        if name in self._shown:
            self._booked_at[name] = time.perf_counter()
        await self._normally(BOOKING, booking(slot_id, patient_id), '"BOOKED"', self._token)

    async def _normally(self, kind: str, query: Query, good: str, token: str = "") -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        begin = time.perf_counter()
        async with self._normal.post(self._url, json=query, headers=headers) as response:
            text = await response.text()
        self.phase.seconds[kind].append(time.perf_counter() - begin)
        if good not in text:
            self.phase.note_wrong(text)

    async def _view(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            now = time.perf_counter()
            update = orjson.loads(message.data)["payload"]["data"]["calendarChanges"]
            for slot in update["slots"]:
                if begin := self._booked_at.pop(slot["id"], None):
                    self.phase.seconds[LIVE].append(now - begin)
            self._seen.set()

    async def _attack(self) -> None:
        attack, is_socket = next(self._attacks)
        try:
            code = await (self._by_socket if is_socket else self._by_post)(attack)
        except (aiohttp.ClientError, ConnectionError):
            code = "CLOSED"
        self.phase.codes[attack.name, code] += 1

    async def _by_post(self, attack: Attack) -> str:
        headers = {"content-type": "application/json"}
        async with self._hostile.post(self._url, data=attack.body, headers=headers) as response:
            return _code(orjson.loads(await response.read()))

    async def _by_socket(self, attack: Attack) -> str:
        async with self._hostile.ws_connect(
            self._url, protocols=[PROTOCOL], max_msg_size=0
        ) as socket:
            await socket.send_json({"type": "connection_init"})
            await socket.receive()
            await socket.send_json({"id": "1", "type": "subscribe", "payload": attack.payload})
            message = await socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                return f"CLOSED {message.data}"
            payload = orjson.loads(message.data)["payload"]
            return _code({"errors": payload} if isinstance(payload, list) else payload)


class _Crowd:
    """Tasks that go on until the end."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def add(self, work: Any) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)


def _code(answer: Any) -> str:
    errors = answer.get("errors")
    return str(errors[0]["extensions"]["code"]) if errors else "OK"


async def _paced(per_second: float, until: float, act: Callable[[], Awaitable[None]]) -> None:
    """Do something on time, whether the last is done or not."""
    if not per_second:
        return
    begin = time.perf_counter()
    async with asyncio.TaskGroup() as together:
        for number in count():
            at = begin + number / per_second
            if at >= until:
                return
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            together.create_task(act())  # type: ignore[arg-type]
