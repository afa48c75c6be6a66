"""Redis and Valkey: whether what is set can be the address of one. What is kept there, or sent
through it, is the business of others.
"""

from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError


def why_no_broker(url: str) -> str | None:
    """What is wrong with an address and its options; None where a connection could be tried."""
    try:
        # Made, and not opened: the options of an address are looked at only here.
        ConnectionPool.from_url(url).make_connection()  # type: ignore[no-untyped-call] # not by redis-py
    except (ValueError, TypeError, AttributeError, RedisError) as error:
        return str(error)
    return None
