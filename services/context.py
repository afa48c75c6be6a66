"""The context of one operation: who asks, in which organization, at what time, of which database.

Every service act takes it first. No rule lives here.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from models import Organization, Role, User
from models.database import Database, ReadSession, WriteSession, why_away
from services.config import Config
from services.errors import InvalidInput, Unavailable
from services.limits import Lanes, Limits, Turns, household
from services.live.feeds import Live
from services.live.rights import Right
from services.mailer import Mailer
from services.passwords import Passwords

log = logging.getLogger("database")


def utc_now() -> datetime:
    """The time now."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Viewer:
    """The signed-in user, where they signed in, and until when their access token is good."""

    user: User
    sign_in_id: UUID
    expires_at: datetime
    doctor_id: UUID | None
    patient_id: UUID | None

    @property
    def right(self) -> Right:
        """What live views are held by."""
        return Right(self.sign_in_id, self.user.role, self.doctor_id, self.patient_id)


@dataclass
class Kept:
    """What the client of a request is to keep of a sign-in, where its own pages cannot read it.

    Attributes:
        refresh_token: empty: nothing any more; None: what it has.
        seconds: how long it is good for at most.

    """

    refresh_token: str | None = None
    seconds: int = 0

    def keep(self, refresh_token: str, seconds: float) -> None:
        """Have the newest token of a sign-in kept."""
        self.refresh_token, self.seconds = refresh_token, int(seconds)

    def forget(self) -> None:
        """Have nothing kept."""
        self.refresh_token, self.seconds = "", 0


@dataclass(frozen=True)
class Client:
    """Where a request came from.

    Attributes:
        kept: where refresh tokens go instead of into the answer; None: into the answer.

    """

    ip_address: str | None = None
    user_agent: str | None = None
    kept: Kept | None = None


@dataclass(frozen=True)
class Server:
    """What one server process has: settings, database, live feed, mail, password hashing.

    Attributes:
        mail_waits: set where there may be a message to send.
        external_waits: set where there may be an external calendar to read.

    """

    config: Config
    database: Database
    live: Live
    mailer: Mailer
    passwords: Passwords
    clock: Callable[[], datetime] = utc_now
    mail_waits: asyncio.Event = field(default_factory=asyncio.Event)
    external_waits: asyncio.Event = field(default_factory=asyncio.Event)
    limits: Limits = field(init=False)
    turns: Turns = field(init=False)
    lanes: Lanes = field(default_factory=Lanes, init=False)

    def __post_init__(self) -> None:
        turns = Turns(self.config.executions, self.config.executions_waiting)
        object.__setattr__(self, "limits", Limits(self.config))
        object.__setattr__(self, "turns", turns)


@dataclass
class Context:
    """What an operation is carried out with.

    Attributes:
        viewer: who is signed in; an act that signs somebody in sets it for what follows.
        shared_role: the role of a group of viewers who are shown the same, in place of one viewer.
        memory: what the operation remembers while it runs, such as batched loads; new for each
            operation and each update of a stream, so that nothing in it can be stale.

    """

    server: Server
    organization: Organization
    viewer: Viewer | None = None
    client: Client = Client()
    request_id: str = ""
    shared_role: Role | None = None
    memory: dict[Any, Any] = field(default_factory=dict)

    def for_operation(self) -> "Context":
        """The same with a memory of its own: a WebSocket carries many operations."""
        return replace(self, memory={})

    @property
    def now(self) -> datetime:
        """The time, always aware, in UTC."""
        return self.server.clock()

    @property
    def role(self) -> Role | None:
        """The viewer's role; None for the public."""
        return self.viewer.user.role if self.viewer else self.shared_role

    def for_everybody(self) -> "Context":
        """The same as the public has it."""
        return replace(self, viewer=None, memory={})

    def for_role(self) -> "Context":
        """The same as everybody with the viewer's role has it, and none of them in particular."""
        return replace(self, viewer=None, shared_role=self.role, memory={})

    @property
    def user_id(self) -> UUID | None:
        """The viewer's user id; None for the public."""
        return self.viewer.user.id if self.viewer else None

    async def spend(self, points: int) -> None:
        """Count what was asked: for the user, or the public at an address, and for all of them.

        Raises:
            RateLimited: it is too much.

        """
        limits, who = self.server.limits, self._who
        of_whom = limits.rates.address if self.viewer is None else limits.rates.user
        await limits.spend(of_whom, who, points)
        # Apart, so that a crowd from outside does not stop the clinic's own people.
        everybody = "public" if self.viewer is None else "signed in"
        all_of_them = f"{everybody} {self.organization.id}"
        await limits.spend(limits.rates.organization, all_of_them, points)

    @property
    def _who(self) -> str:
        """Who asks, as far as is known: a user, or the public at an address."""
        return str(self.user_id) if self.viewer else household(self.client.ip_address)

    def lane(self) -> AbstractAsyncContextManager[None]:
        """The place for dear operations of who asks, one at a time.

        Raises:
            Unavailable: too many of theirs wait already.

        """
        return self.server.lanes.lane(self._who)

    def turn(self) -> AbstractAsyncContextManager[None]:
        """A place among the operations that are carried out at once.

        Raises:
            Unavailable: too many wait already.

        """
        return self.server.turns.turn()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[ReadSession]:
        """A read-only transaction inside the organization."""
        database = self.server.database
        async with answering_unavailable(), database.reading(self.organization.id) as session:
            yield session

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[WriteSession]:
        """A transaction inside the organization, committed at the end of the block."""
        database = self.server.database
        async with answering_unavailable(), database.writing(self.organization.id) as session:
            yield session


# The one character that a text of the database cannot hold: NUL.
NO_SUCH_CHARACTER = "22021"


@asynccontextmanager
async def answering_unavailable() -> AsyncIterator[None]:
    """Say Unavailable where the database cannot be reached, or is too busy to answer in time, and
    InvalidInput where a text has a character that it cannot hold.
    """
    try:
        yield
    except Exception as error:
        if (why := why_away(error)) is not None:
            log.warning("The database did not answer: %s", why)
            raise Unavailable from error
        original = error.orig if isinstance(error, DBAPIError) else None
        if getattr(original, "sqlstate", None) == NO_SUCH_CHARACTER:
            raise InvalidInput("Control characters are not allowed.") from error
        raise
