"""What is asked: the requests of each workload, and how its answers are told apart."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from benchmarks.dialects import Dialect, Query

MONTH = """query Month($id: ID!, $from: DateTime!, $to: DateTime!) {
  calendar(id: $id) { slots(from: $from, to: $to) { id startsAt endsAt status } }
}"""
DOCTORS = """query Doctors($after: String) {
  doctors(first: 20, after: $after) {
    edges { node { id name department { name } nextAvailableSlot { id startsAt } } }
    pageInfo { hasNextPage endCursor }
  }
}"""
BOOK = """mutation Book($slot: ID!, $patient: ID!) {
  bookAppointment(input: { slotId: $slot, patientId: $patient }) {
    appointment { status startsAt }
    errors { ... on UserError { code } }
  }
}"""
SEED = 20261121
MONTHS = 5
REPERTOIRE = 2000
# Every so often somebody clicks twice: two requests for one slot are under way at once.
DOUBLE_CLICKS = 20


def query(document: str, **variables: object) -> Query:
    """An operation as it is sent."""
    name = document.split("(", 1)[0].split()[1]
    return {"query": document, "operationName": name, "variables": variables}


def months(calendar_ids: Sequence[UUID]) -> list[Query]:
    """Months of random doctors."""
    chance = random.Random(SEED)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    found = []
    for _ in range(REPERTOIRE):
        begin = today + timedelta(days=30 * chance.randrange(MONTHS))
        found.append(
            query(
                MONTH,
                id=f"calendar_{chance.choice(calendar_ids).hex}",
                **{"from": begin.isoformat(), "to": (begin + timedelta(days=30)).isoformat()},
            )
        )
    return found


def pages(cursors: Sequence[str | None]) -> list[Query]:
    """Pages of doctors, behind each of some cursors, in a random order."""
    chance = random.Random(SEED)
    return [query(DOCTORS, after=chance.choice(cursors)) for _ in range(REPERTOIRE)]


def booking(slot_id: UUID, patient_id: UUID) -> Query:
    """The booking of one slot."""
    return query(BOOK, slot=f"slot_{slot_id.hex}", patient=f"patient_{patient_id.hex}")


class Source(Protocol):
    """Where the requests of a workload come from."""

    is_endless: bool

    def turn(self, most: int, dialect: Dialect) -> Sequence[bytes]:
        """The requests of the next turn."""

    def used(self, count: int) -> None:
        """How many of them were sent."""


class Repertoire:
    """The same requests in each turn, over and over."""

    is_endless = True

    def __init__(self, queries: Sequence[Query]) -> None:
        self._queries = queries

    def turn(self, most: int, dialect: Dialect) -> Sequence[bytes]:  # noqa: ARG002
        """All of them."""
        return [dialect.request(query) for query in self._queries]

    def used(self, count: int) -> None:
        """None is used up."""


class Bookings:
    """Free slots, dealt out in turns; what a turn did not come to goes back."""

    is_endless = False

    def __init__(self, free: Sequence[tuple[UUID, UUID]], token: str) -> None:
        self._token = token
        self._deck: list[tuple[UUID, UUID]] = []
        for place, visit in enumerate(free):
            self._deck += [visit] * (2 if place % DOUBLE_CLICKS == 0 else 1)
        self._next = 0

    def turn(self, most: int, dialect: Dialect) -> Sequence[bytes]:
        """The bookings to try next."""
        visits = self._deck[self._next : self._next + most]
        return [dialect.request(booking(*visit), self._token) for visit in visits]

    def used(self, count: int) -> None:
        """Do not try these again."""
        self._next += count


@dataclass(frozen=True)
class Workload:
    """One kind of work.

    Attributes:
        unit: of what the rate is.
        good: stands in an answer that did what was asked.
        sample: a request that all servers must answer alike; None for what can be done once.

    """

    name: str
    title: str
    unit: str
    good: bytes
    source: Source
    sample: Query | None


def months_workload(calendar_ids: Sequence[UUID]) -> Workload:
    """W1."""
    queries = months(calendar_ids)
    title = "one doctor's month, about 350 slots"
    return Workload("w1", title, "requests/s", b'"startsAt":', Repertoire(queries), queries[0])


def pages_workload(cursors: Sequence[str | None]) -> Workload:
    """W2."""
    queries = pages(cursors)
    title = "20 doctors with department and next free slot"
    good = b'"nextAvailableSlot":{'
    return Workload("w2", title, "requests/s", good, Repertoire(queries), queries[0])


def bookings_workload(free: Sequence[tuple[UUID, UUID]], token: str) -> Workload:
    """W3."""
    title = "book a random free slot"
    good = b'"status":"BOOKED"'
    return Workload("w3", title, "bookings/s", good, Bookings(free, token), None)
