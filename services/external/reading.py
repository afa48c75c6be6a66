"""Reading external calendars: each every few minutes, by any of the servers.

A calendar is taken up with a lease that outlasts any reading; one whose server has died is read
again when the lease has run out. While the other side is away, what was read last stays in force.
"""

import asyncio
import hashlib
import logging
import re
from contextlib import suppress
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update

from models import Calendar, ExternalCalendar, ExternalProblem
from models.database import WriteSession
from services import timetable
from services.calendar.horizon import horizon_days
from services.context import Context, Server
from services.external import programs
from services.external.addresses import rules_for, unsealed
from services.external.busy_claims import Span, locked, replace_busy
from services.external.fetching import Fetched, Fetcher, State, Unread
from services.live.tasks import Outage, ended
from services.organizations import find_organization

log = logging.getLogger("external")

# So many are read at the same time; of what was read, one file at a time is looked through.
AT_ONCE = 4
# Not all are read at once.
SPREAD = SystemRandom()
LEASE = timedelta(minutes=3)
PAUSE, LONGEST_PAUSE = timedelta(minutes=5), timedelta(hours=1)
POLL_SECONDS = 5.0
# So much further than the horizon is looked: a file that stays the same is looked through again
# only when the horizon has come there.
AHEAD = timedelta(days=7)
# Many a server writes the time of the question into each event.
TIME_OF_QUESTION = re.compile(rb"^DTSTAMP[:;].*$", re.MULTILINE | re.IGNORECASE)


def pause_after(failures: int, chance: float) -> timedelta:
    """How long to wait after so many failures: five minutes, ten … an hour; a tenth more or less as
    `chance` (from 0 to 1) has it, so that not all are read at once.
    """
    pause: timedelta = min(PAUSE * 2 ** min(failures, 10), LONGEST_PAUSE)
    return pause * (0.9 + 0.2 * chance)


async def keep_reading(server: Server, fetcher: Fetcher | None = None) -> None:
    """Read what is due, for as long as the server runs."""
    reader = Reader(server, fetcher or Fetcher(rules_for(server.config)))
    outage = Outage("Reading of external calendars")
    waits = server.external_waits
    try:
        while True:
            # Before the look, so that what becomes due meanwhile brings another.
            waits.clear()
            with outage:
                await reader.take_up()
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await waits.wait()
    finally:
        await ended(list(reader.tasks))


class Reader:
    """Reads the external calendars of all organizations."""

    def __init__(self, server: Server, fetcher: Fetcher) -> None:
        self.tasks: set[asyncio.Task[None]] = set()
        self._server = server
        self._fetcher = fetcher
        self._program = asyncio.Lock()

    async def take_up(self) -> None:
        """Begin to read what is due, as far as there is room."""
        due = (
            select(ExternalCalendar)
            .where(ExternalCalendar.next_read_at <= func.now())
            .order_by(ExternalCalendar.next_read_at)
            .limit(AT_ONCE - len(self.tasks))
            .with_for_update(skip_locked=True)
        )
        async with self._server.database.crossing_organizations() as session:
            rows = await session.rows(due)
            for row in rows:
                row.next_read_at = func.now() + LEASE
        for row in rows:
            task = asyncio.create_task(self._tried(row.organization_id, row.id))
            self.tasks.add(task)
            task.add_done_callback(self._is_done)

    def _is_done(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        # There is room again.
        self._server.external_waits.set()

    async def _tried(self, organization_id: UUID, id: UUID) -> None:
        """Read one; what goes wrong with it is its own, and is tried again after the lease."""
        try:
            await self.read(organization_id, id)
        except Exception as error:  # noqa: BLE001 - the others go on
            log.warning("External calendar %s was not read: %s", id, type(error).__name__)

    async def read(self, organization_id: UUID, id: UUID) -> None:
        """Read one external calendar, and write down what it says and how it went."""
        database = self._server.database
        organization = await find_organization(database, organization_id=organization_id)
        context = Context(self._server, organization)
        statement = (
            select(ExternalCalendar, Calendar)
            .join(Calendar, Calendar.id == ExternalCalendar.calendar_id)
            .where(ExternalCalendar.id == id)
        )
        async with context.reading() as session:
            found = (await session.execute(statement)).one_or_none()
        if found is None:
            return
        try:
            reading = await self._reading(context, *found)
        except Unread as unread:
            await _note_failure(context, found[0], unread.problem)
        else:
            await _note(context, found[0], reading)

    async def _reading(
        self, context: Context, external: ExternalCalendar, calendar: Calendar
    ) -> "_Reading":
        """What the other side says now.

        Raises:
            Unread: it could not be found out.

        """
        url = unsealed(context.server.config, external.sealed_url)
        if url is None:
            raise Unread(ExternalProblem.ADDRESS_LOST)
        begin = context.now.replace(microsecond=0)
        zone = ZoneInfo(calendar.time_zone)
        horizon = timetable.day_bounds(horizon_days(context, calendar)[1], zone)[1]
        is_known = external.known_until is not None and external.known_until >= horizon
        known = State(external.etag, external.last_modified) if is_known else State()
        fetched = await self._fetcher.fetch(url, known)
        if fetched is None:
            return _Reading(begin)
        digest = digest_of(fetched.data)
        if is_known and digest == external.digest:
            return _Reading(begin, fetched)
        until = horizon + AHEAD
        async with self._program:
            spans = await programs.busy_times(fetched.data, calendar.time_zone, begin, until)
        return _Reading(begin, fetched, spans, {"digest": digest, "known_until": until})


class _Reading:
    """How a reading went well: what is new, if anything is."""

    def __init__(
        self,
        begin: datetime,
        fetched: Fetched | None = None,
        spans: list[Span] | None = None,
        values: dict[str, Any] | None = None,
    ) -> None:
        self.begin = begin
        self.spans = spans
        self.values = dict(values or {})
        if fetched is not None:
            state = fetched.state
            self.values |= {"etag": state.etag, "last_modified": state.last_modified}


def digest_of(data: bytes) -> bytes:
    """What tells one state of a file from another."""
    return hashlib.sha256(TIME_OF_QUESTION.sub(b"", data)).digest()


async def _note(context: Context, external: ExternalCalendar, reading: _Reading) -> None:
    """Let the calendar be busy as was read; nothing, where it is connected elsewhere by now."""
    now = context.now
    async with context.writing() as session:
        await locked(session, external.calendar_id)
        if not await _is_there(session, external):
            return
        if reading.spans is not None:
            await replace_busy(context, session, external.calendar_id, reading.spans, reading.begin)
        pause = pause_after(0, SPREAD.random())
        await _update(
            session,
            external,
            **reading.values,
            last_read_at=now,
            last_ok_at=now,
            problem=None,
            failures=0,
            next_read_at=func.now() + pause,
        )


async def _note_failure(
    context: Context, external: ExternalCalendar, problem: ExternalProblem
) -> None:
    """Write down why it could not be read; what was read last stays in force."""
    pause = pause_after(external.failures + 1, SPREAD.random())
    async with context.writing() as session:
        await _update(
            session,
            external,
            last_read_at=context.now,
            problem=problem,
            failures=ExternalCalendar.failures + 1,
            next_read_at=func.now() + pause,
        )


async def _is_there(session: WriteSession, external: ExternalCalendar) -> bool:
    """Whether it is still what the calendar is connected to; acts lock the calendar as well."""
    there = select(ExternalCalendar.id).where(ExternalCalendar.id == external.id)
    return bool(await session.rows(there))


async def _update(session: WriteSession, external: ExternalCalendar, **values: Any) -> None:
    statement = update(ExternalCalendar).where(ExternalCalendar.id == external.id).values(**values)
    await session.execute(statement.execution_options(synchronize_session=False))
