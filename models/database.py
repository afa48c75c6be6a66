"""The engine and the sessions: how a row is reached, and only within one organization.

Two walls stand around it: a condition that is added to each statement, and row level security.

What a transaction contains is decided in `services/`; nothing here knows a caller or a rule.
"""

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from models.base import Owned
from models.walls import WalledConnection

ORGANIZATION = "organization_id"
CROSSING = "crossing_organizations"
GIVEN_BACK = "given_back"
# A connection that was good so short a time ago is taken for good.
FRESH_SECONDS = 1.0

# The database gives up before the driver does, and the driver before a person would.
SERVER_SETTINGS = {
    "timezone": "UTC",
    "statement_timeout": "60s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
    # Short statements over single rows: compiling them costs more than running them.
    "jit": "off",
}


# What a transaction chose for itself after it had looked what was free: looking again helps.
CHOSEN = frozenset({"uq_appointments_reference", "uq_users_username", "uq_patients_email"})
LOST_CONNECTION = frozenset({"57P01", "57P02", "57P03", "08000", "08003", "08006", "53300"})
GAVE_UP_WAITING = frozenset({"55P03", "57014"})


class OrganizationSession(Session):
    """The synchronous session below ours; it adds the organization to each ORM statement."""


@event.listens_for(OrganizationSession, "do_orm_execute")
def _stay_in_the_organization(state: ORMExecuteState) -> None:
    organization_id = state.session.info.get(ORGANIZATION)
    if organization_id is None or not (state.is_select or state.is_update or state.is_delete):
        return
    state.statement = state.statement.options(
        with_loader_criteria(
            Owned, lambda owned: owned.organization_id == organization_id, include_aliases=True
        )
    )


@event.listens_for(OrganizationSession, "after_begin")
def _come_behind_the_wall(session: Session, _: object, connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    if session.info.get(CROSSING):
        driver.cross()
    else:
        driver.enter(session.info.get(ORGANIZATION))


def _know_the_walls(connection: Any, _: object) -> None:
    connection.run_async(WalledConnection.find_roles)


def _forget_the_wall(connection: Any, record: Any) -> None:
    record.info[GIVEN_BACK] = time.monotonic()
    # Of a session that never began its transaction.
    if connection is not None:
        connection.driver_connection.leave()


def _see_that_it_is_there(connection: Any, record: Any, _: object) -> None:
    """Ask a connection that nobody has used for a while whether it still is one, and not each time:
    that is three ways to the server and back. What was closed, the driver knows.

    Raises:
        InvalidatePoolError: it is none any more; the pool makes new ones.

    """
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError
    # One that was made just now has not been given back.
    given_back = record.info.get(GIVEN_BACK, math.inf)
    if time.monotonic() - given_back < FRESH_SECONDS:
        return
    try:
        connection.ping()
    except Exception as error:
        raise InvalidatePoolError from error


class ReadSession(AsyncSession):
    """A read-only transaction."""

    sync_session_class = OrganizationSession

    @property
    def organization_id(self) -> UUID:
        """The organization that this session sees."""
        organization_id: UUID = self.info[ORGANIZATION]
        return organization_id

    async def rows(self, statement: Any, values: dict[str, Any] | None = None) -> list[Any]:
        """The first column of each row of `statement`: its entities, where it selects entities."""
        return list((await self.scalars(statement, values)).all())


class WriteSession(ReadSession):
    """A transaction that may write. What must follow its commit is collected here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._last_parts: list[Callable[[], Awaitable[None]]] = []
        self._consequences: list[Callable[[], Awaitable[None] | None]] = []

    def before_commit(self, part: Callable[[], Awaitable[None]]) -> None:
        """Call `part` as the last of this transaction, before it is committed."""
        self._last_parts.append(part)

    async def finish(self) -> None:
        """Called once, by the opener of the transaction, before the commit."""
        for part in self._last_parts:
            await part()

    def after_commit(self, consequence: Callable[[], Awaitable[None] | None]) -> None:
        """Call `consequence` once this transaction is committed; never if it is not."""
        self._consequences.append(consequence)

    async def tell_consequences(self) -> None:
        """Called once, by the opener of the transaction, after the commit."""
        for consequence in self._consequences:
            told = consequence()
            if told is not None:
                await told


class Database:
    """One PostgreSQL database and its pool of connections."""

    def __init__(self, url: str, *, pool_size: int = 10, pool_timeout: float = 10.0) -> None:
        self.url = self.address(url)
        self.engine: AsyncEngine = create_async_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_timeout,
            pool_recycle=1800,
            pool_use_lifo=True,
            # Values belong into no log and no message.
            hide_parameters=True,
            connect_args={
                "server_settings": SERVER_SETTINGS,
                "timeout": 10,
                "connection_class": WalledConnection,
            },
        )
        event.listen(self.engine.sync_engine, "connect", _know_the_walls)
        event.listen(self.engine.sync_engine, "checkin", _forget_the_wall)
        event.listen(self.engine.sync_engine, "checkout", _see_that_it_is_there)
        self._read_engine = self.engine.execution_options(postgresql_readonly=True)

    @staticmethod
    def address(url: str) -> URL:
        """`url`, whichever driver it names, as an address for asyncpg."""
        return make_url(url).set(drivername="postgresql+asyncpg")

    @property
    def dsn(self) -> str:
        """The address as asyncpg understands it, for connections outside of the pool."""
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)

    @asynccontextmanager
    async def reading(self, organization_id: UUID) -> AsyncIterator[ReadSession]:
        """A read-only transaction inside one organization."""
        async with ReadSession(
            self._read_engine, expire_on_commit=False, info={ORGANIZATION: organization_id}
        ) as session:
            yield session

    @asynccontextmanager
    async def writing(self, organization_id: UUID) -> AsyncIterator[WriteSession]:
        """A transaction inside one organization: committed at the end, rolled back on error."""
        async with WriteSession(
            self.engine, expire_on_commit=False, info={ORGANIZATION: organization_id}
        ) as session:
            yield session
            await session.finish()
            await session.commit()
        await session.tell_consequences()

    @asynccontextmanager
    async def outside_organizations(self) -> AsyncIterator[ReadSession]:
        """A read-only transaction that sees which organizations there are, and nothing in them."""
        async with ReadSession(self._read_engine, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def crossing_organizations(self) -> AsyncIterator[WriteSession]:
        """A transaction that sees every organization. For making one, and for what a server does
        by itself for all of them alike; never for what a request asks.
        """
        async with WriteSession(
            self.engine, expire_on_commit=False, info={CROSSING: True}
        ) as session:
            yield session
            await session.commit()

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()


def violated_constraint(error: DBAPIError) -> str | None:
    """The name of the constraint that refused a statement; None for any other failure."""
    cause = getattr(error.orig, "__cause__", None)
    name: str | None = getattr(cause, "constraint_name", None)
    return name


def may_succeed_if_repeated(error: DBAPIError) -> bool:
    """True for what the loser may simply try again: a deadlock, a serialization failure, or
    something that looked free and was taken in between.
    """
    collided = violated_constraint(error) in CHOSEN
    return collided or getattr(error.orig, "sqlstate", None) in {"40001", "40P01"}


def why_away(error: BaseException) -> str | None:
    """In a few words, how the database failed to answer; None where it is not to blame: it could
    not be reached, or was too busy to answer in time.
    """
    # A server that is gone answers in many ways: refused, reset, too late, or no socket at all.
    if isinstance(error, OSError | PoolTimeout):
        return f"{type(error).__name__}: {error}"
    if not isinstance(error, DBAPIError | asyncpg.PostgresError):
        return None
    # While a connection is made, the driver's own errors come as they are.
    original = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(original, "sqlstate", None)
    is_lost = isinstance(error, DBAPIError) and (
        error.connection_invalidated
        or isinstance(error, InterfaceError)
        or (isinstance(error, OperationalError) and state is None)
    )
    if is_lost or state in LOST_CONNECTION | GAVE_UP_WAITING:
        cause = getattr(original, "__cause__", None) or original
        return f"{type(cause).__name__} {state or ''}".strip()
    return None
