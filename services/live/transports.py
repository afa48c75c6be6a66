"""How hints travel: broadcaster's backends over PostgreSQL and over Redis, which outlive their
connections.

A backend keeps one connection for hearing, makes a lost one again for ever, notices one that is
silently dead, and says when it has joined, because what was published before was not heard. What
a hint is, and when it is told, is the business of `hints`.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from random import SystemRandom
from typing import TYPE_CHECKING

import asyncpg
from broadcaster import BroadcastBackend, Event
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from services.live.tasks import ended

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

log = logging.getLogger("live")

CHANNEL = "calendars"
WAITING_MESSAGES = 10_000
# Pauses differ from process to process, so that not all come back at once.
SPREAD = SystemRandom()
FIRST_RETRY, LAST_RETRY = 0.05, 5.0


class Transport(BroadcastBackend, ABC):
    """A backend that joins the one channel there is, and joins again whenever it was parted.

    Nothing waits for it: without a connection messages are lost, and the sweep heals that.
    """

    # Asked for a sign of life after so long without one; without an answer it counts as lost.
    silence_seconds = 15.0
    answer_seconds = 5.0
    failures: tuple[type[Exception], ...] = (OSError, ValueError)

    def __init__(self, url: str, *, joined: Callable[[], None]) -> None:
        self._url = url
        self._tell_joined = joined
        self._arrived: asyncio.Queue[Event] = asyncio.Queue(WAITING_MESSAGES)
        self._keeper: asyncio.Task[None] | None = None
        self._is_joined = False
        self._is_failing = False

    async def connect(self) -> None:
        """Begin to keep a connection; does not wait for it."""
        self._keeper = asyncio.create_task(self._keep_joined())

    async def disconnect(self) -> None:
        """Close the connection."""
        await ended([self._keeper] if self._keeper else [])

    async def subscribe(self, channel: str) -> None:
        """Every connection listens to the one channel there is."""

    async def unsubscribe(self, channel: str) -> None:
        """See `subscribe`."""

    async def publish(self, channel: str, message: str) -> None:
        """Send a message, or lose it."""
        try:
            await self._send(channel, message)
        except self.failures as error:
            self._fails(error)
        else:
            if self._is_joined:
                self._works()

    async def next_published(self) -> Event:
        """Wait for the next message."""
        return await self._arrived.get()

    @abstractmethod
    async def _send(self, channel: str, message: str) -> None:
        """Publish a message."""

    @abstractmethod
    async def _hear(self) -> None:
        """Connect, join, and hear until the connection fails: never returns."""

    async def _keep_joined(self) -> None:
        loop = asyncio.get_running_loop()
        pause = FIRST_RETRY
        while True:
            began = loop.time()
            try:
                await self._hear()
            except self.failures as error:
                self._fails(error)
            self._is_joined = False
            # One that is cut at once, again and again, is not tried in haste for ever.
            if loop.time() - began > LAST_RETRY:
                pause = FIRST_RETRY
            # Many processes lose the same broker at the same moment.
            await asyncio.sleep(pause * SPREAD.uniform(0.5, 1))
            pause = min(pause * 2, LAST_RETRY)

    def _has_joined(self) -> None:
        self._is_joined = True
        self._works()
        self._tell_joined()

    def _has_heard(self, message: str) -> None:
        # A full queue drops the message instead of growing: the sweep is the floor.
        with suppress(asyncio.QueueFull):
            self._arrived.put_nowait(Event(CHANNEL, message))

    def _fails(self, error: Exception) -> None:
        """Say once that there is trouble, not with every try."""
        if not self._is_failing:
            log.warning("Hints fail, changes show with the sweep (%s)", str(error) or repr(error))
        self._is_failing = True

    def _works(self) -> None:
        if self._is_failing:
            log.info("Hints work again")
        self._is_failing = False


class PostgresTransport(Transport):
    """LISTEN and NOTIFY on one connection of its own, never on that of a booking: a NOTIFY inside
    each transaction would make all of them queue for one lock.
    """

    failures = (*Transport.failures, asyncpg.PostgresError, asyncpg.InterfaceError)

    def __init__(self, url: str, *, joined: Callable[[], None]) -> None:
        super().__init__(url, joined=joined)
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()

    async def _send(self, channel: str, message: str) -> None:
        if self._connection is not None:
            await self._ask(self._connection, "SELECT pg_notify($1, $2)", channel, message)

    async def _hear(self) -> None:
        lost = asyncio.Event()
        connection = await asyncpg.connect(
            self._url, timeout=10, server_settings={"application_name": "hints"}
        )
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._notified)
            self._connection = connection
            self._has_joined()
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.silence_seconds):
                        await lost.wait()
                await self._ask(connection, "SELECT 1")
        finally:
            self._connection = None
            connection.terminate()

    async def _ask(self, connection: "Connection", statement: str, *values: str) -> None:
        # One statement at a time is all that a connection can carry.
        async with self._turn, asyncio.timeout(self.answer_seconds):
            await connection.execute(statement, *values)

    def _notified(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self._has_heard(str(payload))


class RedisTransport(Transport):
    """PUBLISH and SUBSCRIBE, with a connection for each."""

    failures = (*Transport.failures, RedisError)

    def __init__(self, url: str, *, joined: Callable[[], None]) -> None:
        super().__init__(url, joined=joined)
        self._client = Redis.from_url(
            url,
            protocol=2,
            decode_responses=True,
            encoding_errors="replace",
            # Bounded below, not by the client: in Python 3.11 that loses cancellations.
            socket_timeout=None,
            socket_connect_timeout=self.answer_seconds,
            retry=Retry(NoBackoff(), 0),
        )

    async def disconnect(self) -> None:
        """Close both connections."""
        await super().disconnect()
        await self._client.aclose()

    async def _send(self, channel: str, message: str) -> None:
        async with asyncio.timeout(self.answer_seconds):
            await self._client.publish(channel, message)

    async def _hear(self) -> None:
        # Not the client's PubSub: that one joins again by itself, in haste and without a word.
        pool = self._client.connection_pool
        connection = await pool.get_connection()  # type: ignore[no-untyped-call] # not by redis-py
        is_asked = False
        try:
            await connection.send_command("SUBSCRIBE", CHANNEL)
            while True:
                said = await connection.read_response(
                    timeout=self.silence_seconds, disconnect_on_error=False
                )
                if said is None and is_asked:
                    raise TimeoutError("The broker does not answer.")
                if said is None:
                    await connection.send_command("PING")
                elif said[0] == "subscribe":
                    self._has_joined()
                elif said[0] == "message":
                    self._has_heard(said[2])
                is_asked = said is None
        finally:
            await connection.disconnect(nowait=True)
            await pool.release(connection)
