"""The broker of the tests of hints, started once for all of them in this process."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.brokers import Channel, PostgresChannel, RedisChannel, Valkey


@pytest.fixture(scope="session")
async def started_valkey() -> AsyncIterator[Valkey]:
    """The one Valkey."""
    valkey = Valkey()
    await asyncio.to_thread(valkey.start)
    yield valkey
    valkey.kill()


@pytest.fixture
async def mortal() -> AsyncIterator[Valkey]:
    """A Valkey of the test's own, not yet started, to be killed."""
    valkey = Valkey()
    yield valkey
    valkey.kill()


@pytest.fixture
async def redis(started_valkey: Valkey) -> AsyncIterator[RedisChannel]:
    """Somebody on the channel of hints in Valkey."""
    async with RedisChannel.joined(started_valkey) as channel:
        yield channel


@pytest.fixture(params=["postgres", "redis"])
async def channel(
    request: pytest.FixtureRequest, database_url: str, started_valkey: Valkey
) -> AsyncIterator[Channel]:
    """Somebody on the channel of hints, in each broker in turn."""
    if request.param == "redis":
        async with RedisChannel.joined(started_valkey) as in_redis:
            yield in_redis
    else:
        async with PostgresChannel.joined(database_url) as in_postgres:
            yield in_postgres
