"""What a transaction has opened so far: time that those who wait in line come first for, and offers
that have ended. Noted where slots and claims change, and acted upon in `offers`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from models.database import WriteSession

OPENED = "opened"
# The calendar, from when, until when.
Stretch = tuple[UUID, datetime, datetime]


@dataclass
class Opened:
    """What those who wait in line have to be told of.

    Attributes:
        free: the times of slots that have become free, or freer.
        gone: the times of slots that are gone although somebody holds a part of them.
        entry_ids: the entries whose offers have been given back.

    """

    free: list[Stretch] = field(default_factory=list)
    gone: list[Stretch] = field(default_factory=list)
    entry_ids: set[UUID] = field(default_factory=set)


def opened_by(session: WriteSession) -> Opened:
    """What the transaction has opened and nobody has looked at yet."""
    opened: Opened = session.info.setdefault(OPENED, Opened())
    return opened


@contextmanager
def apart(session: WriteSession) -> Iterator[None]:
    """In the block, what was opened before it does not count; after it, it does again."""
    before = opened_by(session)
    session.info[OPENED] = Opened()
    try:
        yield
    finally:
        session.info[OPENED] = before
