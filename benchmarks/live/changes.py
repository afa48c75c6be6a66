"""How the calendars change, and when each change was committed.

A commit's time is the one that PostgreSQL noted itself, by the clock of this machine, as it began
to write the commit to the disk. So nothing that follows is left out of a figure, whoever made the
change and however late its answer came. The yardsticks have no database: their clock starts when
they are asked to send.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol
from uuid import UUID

import asyncpg
import orjson

from benchmarks.clinic import PEOPLE
from benchmarks.live.scenes import BOOKED, HINTED, TRIGGERED, monday
from benchmarks.workloads import booking
from models.database import Database
from services.live.feeds import Live

# A free slot of Monday, which every window shows, becomes closed, and free again by the next
# change. One statement, and so one commit, in all calendars.
TOGGLE = """
    WITH calendar AS (
        UPDATE calendars SET revision = revision + 1, updated_at = now()
        WHERE id = ANY($1) RETURNING id, revision),
    slot AS (
        SELECT DISTINCT ON (calendar_id) id, calendar_id FROM slots
        WHERE calendar_id = ANY($1) AND status IN ('AVAILABLE', 'BLOCKED')
          AND starts_at >= $2 AND starts_at < $2::timestamptz + interval '1 day'
        ORDER BY calendar_id, starts_at)
    UPDATE slots SET revision = calendar.revision, status =
        (CASE status WHEN 'AVAILABLE' THEN 'BLOCKED' ELSE 'AVAILABLE' END)::slot_status
    FROM calendar, slot
    WHERE slots.id = slot.id AND calendar.id = slot.calendar_id
    RETURNING calendar.id, calendar.revision
"""
FREE = f"""
    {PEOPLE} SELECT id, patient_id FROM visit
    WHERE calendar_id = $1
      AND starts_at >= $2::timestamptz + interval '1 day'
      AND starts_at < $2::timestamptz + interval '7 days'
    ORDER BY starts_at
"""
COMMITTED = """
    SELECT extract(epoch FROM max(pg_xact_commit_timestamp(xmin)))::float FROM calendars
    WHERE id = ANY($1)
"""
# What the server has to be asked for before it keeps these times.
KEEP_COMMIT_TIMES = "ALTER SYSTEM SET track_commit_timestamp = on"


class Change(Protocol):
    """A way to change calendars."""

    async def make(self, calendar_ids: Sequence[UUID]) -> None:
        """Change them, in one commit."""

    async def committed(self, calendar_ids: Sequence[UUID]) -> float:
        """When that was, in seconds since 1970; asked when all has arrived."""


class Hinted:
    """Changes of another process: committed past the server, which is told by a hint."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", live: Live) -> None:
        self._connection = connection
        self._live = live

    async def make(self, calendar_ids: Sequence[UUID]) -> None:
        """Close or open a slot of each."""
        for calendar_id, revision in await self._connection.fetch(TOGGLE, calendar_ids, monday()):
            self._live.announce(calendar_id, revision)

    async def committed(self, calendar_ids: Sequence[UUID]) -> float:
        """See `Change`."""
        return await committed(self._connection, calendar_ids)


class Booked:
    """Bookings by the front desk through the API of the server that the viewers are at."""

    def __init__(
        self, connection: "asyncpg.Connection[asyncpg.Record]", http: "Http", token: str
    ) -> None:
        self._connection = connection
        self._http = http
        self._token = token
        self._free: list[tuple[UUID, UUID]] = []

    async def make(self, calendar_ids: Sequence[UUID]) -> None:
        """Book the next free slot.

        Raises:
            RuntimeError: it was refused.

        """
        if not self._free:
            rows = await self._connection.fetch(FREE, calendar_ids[0], monday())
            self._free = [(row[0], row[1]) for row in rows]
        if not self._free:
            raise RuntimeError("No slot is left to book: ask for fewer --changes.")
        query = orjson.dumps(booking(*self._free.pop(0)))
        answer = await self._http.post("/graphql", query, token=self._token)
        if b'"status":"BOOKED"' not in answer:
            raise RuntimeError(f"A booking failed: {answer.decode()}")

    async def committed(self, calendar_ids: Sequence[UUID]) -> float:
        """See `Change`."""
        return await committed(self._connection, calendar_ids)


class Triggered:
    """The same update sent again by a yardstick."""

    def __init__(self, http: "Http", update: bytes) -> None:
        self._http = http
        self._update = update

    async def make(self, calendar_ids: Sequence[UUID]) -> None:  # noqa: ARG002
        """Ask for it."""
        await self._http.post("/publish", self._update)

    async def committed(self, calendar_ids: Sequence[UUID]) -> float:  # noqa: ARG002
        """When it was asked for."""
        return self._http.asked_at


async def committed(
    connection: "asyncpg.Connection[asyncpg.Record]", calendar_ids: Sequence[UUID]
) -> float:
    """When the newest change of some calendars was committed."""
    found: float = await connection.fetchval(COMMITTED, calendar_ids)
    return found


class Http:
    """Requests to a server of this machine, on a connection each: a crowd takes longer to come
    than a server keeps an idle one.

    Attributes:
        asked_at: when the last request was sent.

    """

    def __init__(self, port: int) -> None:
        self.asked_at = 0.0
        self._port = port

    async def post(self, path: str, body: bytes, *, token: str = "") -> bytes:
        """The body of the answer."""
        authorization = f"authorization: Bearer {token}\r\n" if token else ""
        head = (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n"
            f"content-type: application/json\r\n{authorization}content-length: {len(body)}\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            self.asked_at = time.time()
            writer.write(head.encode() + body)
            return (await reader.read()).partition(b"\r\n\r\n")[2]
        finally:
            writer.close()


@asynccontextmanager
async def ways_to_change(
    how: Sequence[str], *, port: int, database_url: str, token: str, update: bytes
) -> AsyncIterator[dict[str, Change]]:
    """Each of the ways that are wanted."""
    http = Http(port)
    if TRIGGERED in how:
        yield {TRIGGERED: Triggered(http, update)}
        return
    database = Database(database_url, pool_size=1)
    live = Live(database)
    connection = await asyncpg.connect(database.dsn)
    await live.start()
    try:
        yield {HINTED: Hinted(connection, live), BOOKED: Booked(connection, http, token)}
    finally:
        await live.stop()
        await connection.close()
        await database.close()
