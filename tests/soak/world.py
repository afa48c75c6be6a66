"""The world of a soak: two servers, each with its own roads to its clients, its data, its hints."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.conftest import World, world_in
from tests.processes import ServerProcess
from tests.proxy import HOST, Proxy
from tests.soak.storage import Broker, Storage
from tests.soak.tally import Sample

SERVERS = 2
# Longer than any soak: renewing tokens is proven elsewhere.
TOKEN_MINUTES = 11 * 60


class Node(ServerProcess):
    """One server, and the roads that lead to it and from it."""

    clients: Proxy
    data: Proxy
    hints: Proxy
    began: float

    @property
    def url(self) -> str:
        """The GraphQL address that clients use."""
        return f"http://{HOST}:{self.clients.port}/graphql"

    def launch(self) -> None:
        self.began = time.monotonic()
        super().launch()

    def sample(self) -> Sample:
        """How much memory it takes now."""
        lines = Path(f"/proc/{self.number}/status").read_text().splitlines()
        (kilobytes,) = (line.split()[1] for line in lines if line.startswith("VmRSS:"))
        return Sample(self.number, time.monotonic() - self.began, int(kilobytes) / 1024)


@dataclass
class Place:
    """Everything that can be broken, and the locks that keep one fault out of another's way."""

    broker: Broker
    world: World
    nodes: Sequence[Node]
    data_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    hints_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    node_lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@asynccontextmanager
async def place(
    storage: Storage, broker: Broker, program: Sequence[str] | None = None
) -> AsyncIterator[Place]:
    """Two servers that run, of `main.py serve` or of another program."""
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(Proxy(lambda: storage.target))
        world = await stack.enter_async_context(
            world_in(storage.address(ours.port), ACCESS_TOKEN_MINUTES=str(TOKEN_MINUTES))
        )
        nodes = [await _node(stack, storage, broker, world, program) for _ in range(SERVERS)]
        await asyncio.gather(*(node.start() for node in nodes))
        yield Place(broker, world, nodes)


async def _node(
    stack: AsyncExitStack,
    storage: Storage,
    broker: Broker,
    world: World,
    program: Sequence[str] | None,
) -> Node:
    """One server that does not run yet; it ends with the stack."""
    data = await stack.enter_async_context(Proxy(lambda: storage.target))
    hints = await stack.enter_async_context(Proxy(broker.target))
    addresses = {
        "DATABASE_URL": storage.address(data.port),
        "BROADCAST_URL": broker.url(hints.port),
    }
    node = Node({**world.environment, **addresses})
    stack.callback(node.close)
    if program is not None:
        node.program = program
    node.data, node.hints = data, hints
    broker.roads.append(hints)
    node.clients = await stack.enter_async_context(Proxy(lambda: node.port))
    return node
