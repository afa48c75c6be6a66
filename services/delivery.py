"""Delivery: sending what `notifications` has written down, and again where that fails.

Any number of processes may do so at once. A message is taken up with a lease that outlasts any try
to send it; one whose process has died is taken up again when the lease has run out. So a message is
sent twice only where a process died after the mail server had taken it and before that was noted:
both then have the same Message-ID.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from random import SystemRandom
from typing import Any, Self
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.orm import aliased

from models import Notification, NotificationStatus
from services.accounts import letters as of_accounts
from services.appointments import letters as of_guests
from services.context import Context, Server
from services.live.tasks import Outage, ended
from services.mailer import Mail, NotSent, NullMailer
from services.organizations import find_organization
from services.waitlist import letters as of_the_waitlist

log = logging.getLogger("delivery")

LETTERS = {**of_accounts.LETTERS, **of_guests.LETTERS, **of_the_waitlist.LETTERS}
# So many are sent at the same time: one that hangs holds up nobody but its own kind of hanging.
AT_ONCE = 8
# Not all that fails at once is tried again at once.
SPREAD = SystemRandom()
MOST_ATTEMPTS = 8
LEASE = timedelta(minutes=2)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)
# What failed so often no longer holds up what was written to the same recipient after it.
HOLDS_UP = 4
# So long what is being sent at the end of the process may take.
FAREWELL_SECONDS = 5.0
LONGEST_ERROR = 500

Earlier = aliased(Notification)
DUE = (
    select(Notification)
    .where(
        Notification.status == NotificationStatus.PENDING,
        Notification.scheduled_at <= func.now(),
        ~exists().where(
            Earlier.organization_id == Notification.organization_id,
            Earlier.recipient == Notification.recipient,
            Earlier.number < Notification.number,
            Earlier.status == NotificationStatus.PENDING,
            Earlier.attempts < HOLDS_UP,
        ),
    )
    .order_by(Notification.scheduled_at)
    .with_for_update(of=Notification, skip_locked=True)
)


def pause_after(attempts: int, chance: float) -> timedelta:
    """How long to wait after so many attempts: a minute, three, nine … six hours, a fifth more or
    less as `chance` (from 0 to 1) has it, so that not all come back at once.
    """
    pause: timedelta = min(FIRST_PAUSE * 3 ** (attempts - 1), LONGEST_PAUSE)
    return pause * (0.8 + 0.4 * chance)


class Delivery:
    """Sends the messages of all organizations, for as long as the block lasts."""

    def __init__(self, server: Server, *, farewell: float = FAREWELL_SECONDS) -> None:
        self._server = server
        self._farewell = farewell
        self._outage = Outage("Delivery of mail")
        self._sending: set[asyncio.Task[None]] = set()
        self._running: asyncio.Task[None]
        self._ends = False

    async def __aenter__(self) -> Self:
        if isinstance(self._server.mailer, NullMailer):
            log.warning("No mail is sent until SMTP_URL names a server: invitations and links wait")
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Take up nothing more, and wait a moment for what is being sent; what is not sent by then
        is given back to be sent by others.
        """
        self._ends = True
        self._server.mail_waits.set()
        # Not cancelled at once: what has just been taken up would be nobody's.
        await asyncio.wait([self._running], timeout=self._farewell)
        await ended([self._running])
        if self._sending:
            late = (await asyncio.wait(self._sending, timeout=self._farewell))[1]
            await ended(list(late))

    async def _run(self) -> None:
        waits = self._server.mail_waits
        while not self._ends:
            # Before the look, so that what is written down meanwhile brings another.
            waits.clear()
            try:
                with self._outage:
                    await self._take_up()
            except Exception:
                log.exception("Failed, and goes on")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._server.config.mail_poll_seconds):
                    await waits.wait()

    async def _take_up(self) -> None:
        """Begin to send what is due, as far as there is room."""
        room = AT_ONCE - len(self._sending)
        if not room:
            return
        async with self._server.database.crossing_organizations() as session:
            rows = await session.rows(DUE.limit(room))
            for row in rows:
                row.attempts += 1
                row.scheduled_at = func.now() + LEASE
        for row in rows:
            task = asyncio.create_task(self._deliver(row.organization_id, row.id, row.attempts))
            self._sending.add(task)
            task.add_done_callback(self._is_done)

    def _is_done(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        # There is room again, and perhaps something that had to wait for this one.
        self._server.mail_waits.set()

    async def _deliver(self, organization_id: UUID, id: UUID, attempt: int) -> None:
        """One try to send one message."""
        mine = (
            (Notification.organization_id == organization_id)
            & (Notification.id == id)
            & (Notification.attempts == attempt)
            & (Notification.status == NotificationStatus.PENDING)
        )
        try:
            mail = await self._written(organization_id, id)
            if mail is not None:
                await self._server.mailer.send(mail)
        except asyncio.CancelledError:
            await self._note(mine, {"attempts": attempt - 1, "scheduled_at": func.now()})
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            log.warning("Message %s was not sent, try %d: %s", id, attempt, type(error).__name__)
            await self._note(mine, after_failure(attempt, error))
        else:
            await self._note(mine, after_success(mail) if mail else None)

    async def _written(self, organization_id: UUID, id: UUID) -> Mail | None:
        """The mail as it is written now; None where there is nobody to write to."""
        database = self._server.database
        organization = await find_organization(database, organization_id=organization_id)
        context = Context(self._server, organization)
        async with context.writing() as session:
            notification = await session.get_one(Notification, (organization_id, id))
            letter = LETTERS[notification.kind]
            return await letter(context, session, notification)

    async def _note(self, mine: ColumnElement[bool], values: dict[str, Any] | None) -> None:
        """Write down how it went; a message to nobody is forgotten. That is tried until the lease
        has run out, so that what was sent is not sent again.
        """
        statement = delete(Notification) if values is None else update(Notification).values(values)
        with suppress(TimeoutError):
            async with asyncio.timeout(LEASE.total_seconds()):
                while True:
                    with self._outage:
                        await self._executed(statement.where(mine))
                        return
                    await asyncio.sleep(1)

    async def _executed(self, statement: Any) -> None:
        async with self._server.database.crossing_organizations() as session:
            await session.execute(statement)


def after_success(mail: Mail) -> dict[str, Any]:
    """What is written down of what was sent."""
    now = func.now()
    done = {"status": NotificationStatus.SENT, "scheduled_at": now, "sent_at": now}
    return {**done, "subject": mail.subject, "last_error": None}


def after_failure(attempt: int, error: Exception) -> dict[str, Any]:
    """What is written down of a failed try: when the next one is, or that there is none."""
    said = " ".join(f"{type(error).__name__}: {error}".split())
    values: dict[str, Any] = {"last_error": said[:LONGEST_ERROR].replace("\0", "")}
    if attempt >= MOST_ATTEMPTS or (isinstance(error, NotSent) and error.is_final):
        return {**values, "status": NotificationStatus.FAILED, "scheduled_at": func.now()}
    pause = pause_after(attempt, SPREAD.random())
    return {**values, "scheduled_at": func.now() + pause}
