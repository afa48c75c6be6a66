"""`make soak`: chaos for some minutes, and a report. The environment is read here."""

import asyncio
import os
import random
import sys

from tests.soak.chaos import chaos
from tests.soak.storage import any_broker, own_cluster


async def main() -> int:
    """Run it; 0 where nothing was wrong and nothing leaks."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**9))
    seconds = float(os.environ.get("MINUTES") or 5) * 60
    chance = random.Random(seed)
    print(f"SEED={seed}", flush=True)
    async with own_cluster() as cluster, any_broker(cluster, chance) as broker:
        tally = await chaos(cluster, broker, chance=chance, seconds=seconds)
    print(tally.report())
    return 1 if tally.wrong or tally.memory.leaks else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
