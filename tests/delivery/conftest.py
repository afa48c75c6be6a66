"""A database where nobody sends mail but the test's own workers, and a mail server."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from models import Notification, NotificationKind, Organization
from models.database import Database
from services.config import Config
from services.context import Context, Server
from services.delivery import LEASE, Delivery
from services.live.feeds import Live
from services.mailer import mailer_for
from services.notifications import notify
from services.organizations import create_organization
from services.passwords import Passwords
from tests.mails import PATIENCE, Post, post_office
from tests.scratch import connected, scratch_database

SENDER = "A Clinic <mail@clinic.example>"
NOTICE = NotificationKind.PASSWORD_CHANGED


@pytest.fixture(scope="package")
async def quiet_database(database_url: str) -> AsyncIterator[Database]:
    """A database that no server works on."""
    async with scratch_database(database_url) as url:
        database = Database(url)
        yield database
        await database.close()


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    """A mail server."""
    async with post_office() as made:
        yield made


@dataclass(frozen=True)
class Office:
    """An organization, and how its mail gets out."""

    database: Database
    organization: Organization
    post: Post

    def server(self, **changes: Any) -> Server:
        """What a process that sends mail has."""
        settings = {
            "secret_key": SECRET,
            "smtp_url": self.post.url,
            "mail_from": SENDER,
            "mail_seconds": 5.0,
            "mail_poll_seconds": 60.0,
        }
        config = Config(**{**settings, **changes})  # type: ignore[arg-type]
        live = Live(self.database, url="memory://")
        return Server(config, self.database, live, mailer_for(config), Passwords())

    @asynccontextmanager
    async def working(self, *, farewell: float = 5.0, **changes: Any) -> AsyncIterator[Server]:
        """Somebody sends mail as long as the block lasts."""
        server = self.server(**changes)
        async with Delivery(server, farewell=farewell):
            yield server

    @asynccontextmanager
    async def writing(self, *recipients: str, server: Server | None = None) -> AsyncIterator[None]:
        """Write messages down in a transaction; `server` is who hears of it at once."""
        context = Context(server or self.server(), self.organization)
        async with context.writing() as session:
            for recipient in recipients:
                notify(context, session, NOTICE, f"{recipient}@mail.example")
                await session.flush()
            yield

    async def write(self, *recipients: str, server: Server | None = None) -> None:
        """Write messages down, and commit."""
        async with self.writing(*recipients, server=server):
            pass

    async def rows(self) -> list[Notification]:
        """The messages as they are now, in their order."""
        async with self.database.reading(self.organization.id) as session:
            return await session.rows(select(Notification).order_by(Notification.number))

    async def until(self, **values: Any) -> list[Notification]:
        """The messages, once there is one and all of them have these values."""
        async with asyncio.timeout(PATIENCE):
            while True:
                rows = await self.rows()
                if rows and all(getattr(r, key) == values[key] for r in rows for key in values):
                    return rows
                await asyncio.sleep(0.01)

    async def due(self, **values: Any) -> None:
        """Let every message be due, as if its time had come."""
        async with self.database.writing(self.organization.id) as session:
            await session.execute(update(Notification).values(scheduled_at=func.now(), **values))

    async def lease(self, attempts: int) -> None:
        """Let every message have been taken up just now."""
        async with self.database.writing(self.organization.id) as session:
            taken = {"scheduled_at": func.now() + LEASE, "attempts": attempts}
            await session.execute(update(Notification).values(taken))

    async def attempted(self, *attempts: int) -> None:
        """Return once the messages have been tried so often, and not in vain where it is once."""
        async with asyncio.timeout(PATIENCE):
            while True:
                rows = await self.rows()
                tried = all(row.last_error for row in rows if row.attempts)
                if tried and tuple(row.attempts for row in rows) == attempts:
                    return
                await asyncio.sleep(0.01)

    async def execute(self, statement: str, *values: Any) -> None:
        """Do something behind everybody's back."""
        async with connected(self.database.dsn) as connection:
            await connection.execute(statement, *values)

    async def end_whoever_waits(self) -> None:
        """End the connections that wait for a lock, once there are some."""
        statement = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        async with asyncio.timeout(PATIENCE), connected(self.database.dsn) as connection:
            while not await connection.fetchval(statement):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def waits_for(self, row: Notification) -> timedelta:
        """How long from now on a message is not taken up."""
        return row.scheduled_at - datetime.now(UTC)


SECRET = secrets.token_urlsafe(48)


@pytest.fixture
async def office(quiet_database: Database, post: Post) -> AsyncIterator[Office]:
    """An organization with a mail server; nothing of it is left to be sent by other tests."""
    slug = f"clinic-{secrets.token_hex(6)}"
    organization = await create_organization(
        quiet_database, slug=slug, name="A Clinic", time_zone="UTC", locale="en"
    )
    made = Office(quiet_database, organization, post)
    yield made
    async with quiet_database.crossing_organizations() as session:
        await session.execute(update(Notification).values(status="SENT"))
