"""Where a soak's servers keep their data, and what carries their hints: real, and to be broken."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import tempfile
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from models.embedded import EmbeddedPostgres
from models.migration import migrate
from tests.brokers import Valkey
from tests.proxy import HOST, Proxy, Target

NAME = "clinic"


class Storage:
    """A database behind a unix socket.

    Attributes:
        target: where it is reached now.

    """

    def __init__(self, url: str) -> None:
        self.target: Target = ""
        self.found_at(url)

    def found_at(self, url: str) -> None:
        """Take over an address."""
        self._url = make_url(url)
        self.target = f"{self._url.query['host']}/.s.PGSQL.{self._url.query['port']}"

    def address(self, port: int) -> str:
        """Its address by a port of this machine."""
        return f"postgresql://{self._url.username}@{HOST}:{port}/{self._url.database}"


class Cluster(Storage):
    """A durable PostgreSQL of the soak's own, which can be stopped, crashed and started."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "postgres"
        self._postgres = EmbeddedPostgres(self._data, durable=True)

    async def start(self) -> None:
        """Start, and return when it accepts connections: each time in another place."""
        await asyncio.to_thread(self._postgres.start)
        self.found_at(self._postgres.dsn(NAME))

    async def make_database(self) -> None:
        """Make the database with its tables."""
        await asyncio.to_thread(self._postgres.create_database, NAME)
        await asyncio.to_thread(migrate, self._postgres.url(NAME))

    async def stop(self) -> None:
        """End it at once, and in order."""
        await asyncio.to_thread(self._postgres.stop)

    async def crash(self) -> None:
        """End it without order: the next start recovers from the log."""
        number = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(number, signal.SIGQUIT)
        with contextlib.suppress(ProcessLookupError):
            while True:
                os.kill(number, 0)
                await asyncio.sleep(0.01)


@asynccontextmanager
async def own_cluster() -> AsyncIterator[Cluster]:
    """A cluster with an empty database."""
    folder = Path(tempfile.mkdtemp(prefix="appointments-soak-"))
    cluster = Cluster(folder)
    try:
        await cluster.start()
        await cluster.make_database()
        yield cluster
    finally:
        await cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Broker(ABC):
    """What carries the hints from process to process.

    Attributes:
        roads: those by which servers come.

    """

    def __init__(self) -> None:
        self.roads: list[Proxy] = []

    @abstractmethod
    def target(self) -> Target:
        """Where it is reached now."""

    @abstractmethod
    def url(self, port: int) -> str:
        """Its address as a setting, by a port of this machine."""

    @abstractmethod
    async def stop(self) -> None:
        """Be gone at once."""

    @abstractmethod
    async def start(self) -> None:
        """Be there, again."""


class ValkeyBroker(Broker):
    """A broker in a process of its own, which is killed."""

    def __init__(self) -> None:
        super().__init__()
        self._valkey = Valkey()

    def target(self) -> Target:
        return self._valkey.address[1]

    def url(self, port: int) -> str:
        return f"redis://{HOST}:{port}"

    async def stop(self) -> None:
        await asyncio.to_thread(self._valkey.kill)

    async def start(self) -> None:
        await asyncio.to_thread(self._valkey.start)


class PostgresBroker(Broker):
    """The database carries the hints too: gone is only the way to it."""

    def __init__(self, storage: Storage) -> None:
        super().__init__()
        self._storage = storage

    def target(self) -> Target:
        return self._storage.target

    def url(self, port: int) -> str:
        return self._storage.address(port)

    async def stop(self) -> None:
        for road in self.roads:
            road.refuse()
            road.cut()

    async def start(self) -> None:
        for road in self.roads:
            await road.accept()


@asynccontextmanager
async def any_broker(cluster: Cluster, chance: random.Random) -> AsyncIterator[Broker]:
    """One of those that there are, and it runs."""
    broker: Broker = chance.choice((PostgresBroker(cluster), ValkeyBroker()))
    print(type(broker).__name__)
    await broker.start()
    yield broker
    await broker.stop()
