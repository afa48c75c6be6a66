"""Chaos: everything that can break breaks, and everybody ends up with the truth each time."""

import os
import random
from collections import Counter

import pytest

from tests.soak.chaos import chaos, crippled, rolling_restart
from tests.soak.storage import Storage, any_broker, own_cluster
from tests.soak.world import SERVERS

SECONDS = 60.0
ROUNDS = 2


@pytest.fixture
def chance() -> random.Random:
    """By a seed that is printed, so that what happened can be made to happen again."""
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(10**9)))
    print(f"SEED={seed}")
    return random.Random(seed)


async def test_through_every_fault_nothing_is_missed_repeated_invented_or_booked_twice(
    chance: random.Random,
) -> None:
    async with own_cluster() as cluster, any_broker(cluster, chance) as broker:
        tally = await chaos(cluster, broker, chance=chance, seconds=SECONDS)
    print(tally.report())
    assert tally.wrong == Counter()
    assert min(tally.changes[act] for act in ("bookAppointment", "cancelAppointment")) > 0


async def test_servers_restarted_in_turn_cost_nobody_an_act_or_an_update(
    own_database: str, chance: random.Random
) -> None:
    tally = await rolling_restart(Storage(own_database), chance=chance, rounds=ROUNDS)
    print(tally.report())
    assert tally.wrong == Counter()
    assert tally.faults["server restarted"] == ROUNDS * SERVERS


@pytest.mark.parametrize(
    "stock",
    [
        pytest.param(False, id="without the sweep and without a broker"),
        pytest.param(True, id="without the sweep and with a stock broadcaster"),
    ],
)
async def test_the_check_sees_what_is_missed(
    own_database: str, chance: random.Random, *, stock: bool
) -> None:
    tally = await crippled(Storage(own_database), chance=chance, stock=stock)
    print(tally.report())
    assert tally.wrong["differences"] > 0
    assert set(tally.wrong) == {"differences"}
