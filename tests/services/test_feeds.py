"""Feeds: what they do with hints that are false. Everything true is tested with views."""

from services.live.feeds import Feed
from services.live.meters import Meters


async def test_once_a_hint_has_turned_out_false_the_database_is_looked_at_again() -> None:
    looks: list[int] = []
    feed = Feed(Meters(), lambda: looks.append(feed.told))
    feed.advance(900, None)
    # A true one, which is taken for an old one.
    feed.advance(5, None)
    feed.believe(4, rather_than=900)
    assert (feed.told, feed.revision, looks) == (4, 4, [4])


async def test_a_hint_that_newer_ones_have_overtaken_is_not_doubted() -> None:
    looks: list[int] = []
    feed = Feed(Meters(), lambda: looks.append(feed.told))
    feed.advance(900, None)
    feed.believe(4, rather_than=899)
    feed.believe(901, rather_than=900)
    assert (feed.told, feed.revision, looks) == (900, 900, [])
