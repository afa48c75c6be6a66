"""Soaks from their beginning to their end: chaos, rolling restarts, and the proof that their check
can see.
"""

import asyncio
import random
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from tests.soak.faults import Faults
from tests.soak.soak import Soak
from tests.soak.storage import Broker, Cluster, PostgresBroker, Storage
from tests.soak.tally import Tally
from tests.soak.world import place

VIEWERS = 100
FAULTS_AT_ONCE = 3
# Far more than it ever takes, even where many share few processors.
PATIENCE = 60.0


@dataclass(frozen=True)
class Pace:
    """How long things take, in seconds: the rests of those who act, on average; life without
    faults; the broker's absence; and at most a network's standing still.
    """

    rest: float
    calm: float
    outage: float
    stall: float


SHORT = Pace(rest=1.5, calm=1.0, outage=5.0, stall=3.0)
LONG = Pace(rest=0.8, calm=3.0, outage=20.0, stall=6.0)
LONG_FROM = 120.0

# A rolling restart: as much as two processors carry, and how long a server may take to end.
MANY_VIEWERS = 200
BUSY = 0.3
BETWEEN_RESTARTS = 1.0
LONGEST_GOODBYE = 15.0

# Where something is missing, it need not be many who look; but longer than two sweeps, so that a
# slow machine is not taken for a server that lacks something.
FEW_VIEWERS = 36
ROUNDS = 8
ROUND_SECONDS = 1.5
SHORT_PATIENCE = 5.0


def client() -> aiohttp.ClientSession:
    """Connections that are given up before an idle server gives them up."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2)
    return aiohttp.ClientSession(connector=connector)


async def chaos(
    cluster: Cluster, broker: Broker, *, chance: random.Random, seconds: float
) -> Tally:
    """Chaos for so long, and until each fault has been seen; or until something is wrong."""
    pace = LONG if seconds >= LONG_FROM else SHORT
    async with place(cluster, broker) as there, client() as http:
        soak = Soak(there, chance, http, viewer_count=VIEWERS, rest=pace.rest, patience=PATIENCE)
        faults = Faults(there, cluster, chance, soak.tally, outage=pace.outage, stall=pace.stall)

        async def happenings() -> None:
            await soak.quiet_point()
            ends = time.monotonic() + seconds
            while (time.monotonic() < ends or not faults.are_all_seen) and not soak.tally.wrong:
                soak.gate.open()
                await asyncio.sleep(pace.calm * (1 + chance.random()))
                kinds = await faults.inflict(FAULTS_AT_ONCE)
                await soak.quiet_point(kinds)
                print(soak.tally.last_words(), flush=True)
            soak.gate.wake_everybody()
            await soak.quiet_point()

        await soak.live(happenings)
    return soak.tally


async def rolling_restart(storage: Storage, *, chance: random.Random, rounds: int) -> Tally:
    """A busy life in which the servers are ended in order and started again, one after the other,
    as a new version is brought in.
    """
    async with place(storage, PostgresBroker(storage)) as there, client() as http:
        soak = Soak(there, chance, http, viewer_count=MANY_VIEWERS, rest=BUSY, patience=PATIENCE)

        async def happenings() -> None:
            await soak.quiet_point()
            for _ in range(rounds):
                for node in there.nodes:
                    soak.gate.open()
                    await asyncio.sleep(BETWEEN_RESTARTS)
                    async with asyncio.timeout(LONGEST_GOODBYE):
                        code = await node.stop()
                    if code != -signal.SIGTERM:
                        soak.tally.blame("servers that failed to end", f"exit code {code}")
                    await node.start()
                    soak.tally.faults["server restarted"] += 1
                await soak.quiet_point(("servers restarted",))

        await soak.live(happenings)
    return soak.tally


async def crippled(storage: Storage, *, chance: random.Random, stock: bool) -> Tally:
    """A soak of servers that lack something, until the check has seen it, or for all rounds.

    None of them sweeps. Either their broker is away for good, or they trust hints to a stock
    broadcaster whose connections are cut once.
    """
    program: Sequence[str] = [sys.executable, "-m", "tests.soak.altered", *["stock"] * stock]
    async with place(storage, PostgresBroker(storage), program) as there, client() as http:
        soak = Soak(
            there,
            chance,
            http,
            viewer_count=FEW_VIEWERS,
            rest=SHORT.rest,
            patience=SHORT_PATIENCE,
        )

        async def happenings() -> None:
            await there.broker.stop()
            if stock:
                await there.broker.start()
            for _ in range(ROUNDS):
                soak.gate.open()
                await asyncio.sleep(ROUND_SECONDS)
                await soak.quiet_point()
                if soak.tally.wrong:
                    break

        await soak.live(happenings)
    return soak.tally
