"""What is watched and what changes: crowds, the documents they send, and the acts before them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson

from benchmarks.contestants import BARE, OURS, STOCK

FIELDS = "id startsAt endsAt status version"
CHANGES = """subscription Changes($calendar: ID!, $from: DateTime!, $to: DateTime!) {
  calendarChanges(calendarId: $calendar, from: $from, to: $to) {
    reset slots { %s } cursor previousCursor
  }
}"""
DOCUMENTS = (CHANGES % FIELDS, CHANGES % f"{FIELDS} capacity bookedCount")
# Begin and end in days from the Monday on which everything changes; all of them show it.
WINDOWS = ((0, 7), (0, 1), (0, 2), (0, 3), (-1, 5))
WEEK = WINDOWS[0]
CALENDARS = 100
# In a crowd of less than that, a calendar has so many viewers at least.
FEWEST_OF_A_CALENDAR = 10

# How a change comes about.
HINTED, BOOKED, TRIGGERED = "hinted", "booked", "triggered"


@dataclass(frozen=True)
class Act:
    """One kind of change, repeated before one crowd.

    Attributes:
        how: `HINTED`, by a process beside the server; `BOOKED`, through the server's own API;
            `TRIGGERED`, by asking a yardstick to send.
        is_everywhere: each change is one commit in all calendars that are watched; else they change
            in turn.

    """

    title: str
    how: str
    is_everywhere: bool = True


@dataclass(frozen=True)
class Scene:
    """A crowd before a server.

    Attributes:
        most: a larger crowd than this is not waited for.

    """

    name: str
    server: str
    acts: Sequence[Act]
    is_spread: bool = False
    is_mixed: bool = False
    most: int = 1_000_000

    def calendar_count(self, viewers: int) -> int:
        """How many calendars are watched."""
        return min(CALENDARS, max(1, viewers // FEWEST_OF_A_CALENDAR)) if self.is_spread else 1


SCENES = (
    Scene(
        "one",
        OURS,
        (Act("one calendar", HINTED), Act("  booked by its own API", BOOKED)),
    ),
    Scene("mixed", OURS, (Act("one calendar, 10 views", HINTED),), is_mixed=True),
    Scene(
        "spread",
        OURS,
        (
            Act("100 calendars, all change", HINTED),
            Act("  one of them changes", HINTED, is_everywhere=False),
        ),
        is_spread=True,
    ),
    Scene("bare", BARE, (Act("bare broadcast", TRIGGERED),)),
    # It needs some milliseconds for each viewer who comes, and more for a crowd than anybody waits.
    Scene("stock", STOCK, (Act("stock Strawberry", TRIGGERED),), most=1000),
)


def monday() -> datetime:
    """The begin of the next week, in which all slots are still to come."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=7 - today.weekday())


def subscription(calendar_id: UUID, document: str, window: tuple[int, int]) -> bytes:
    """The payload of a `subscribe` message."""
    begin, end = (monday() + timedelta(days=days) for days in window)
    variables = {
        "calendar": f"calendar_{calendar_id.hex}",
        "from": begin.isoformat(),
        "to": end.isoformat(),
    }
    return orjson.dumps({"query": document, "operationName": "Changes", "variables": variables})


def subscriptions(scene: Scene, calendar_ids: Sequence[UUID]) -> list[bytes]:
    """What the viewers of a scene send, dealt out in turn."""
    if scene.is_mixed:
        return [
            subscription(calendar_ids[0], document, window)
            for window in WINDOWS
            for document in DOCUMENTS
        ]
    return [subscription(calendar_id, DOCUMENTS[0], WEEK) for calendar_id in calendar_ids]
