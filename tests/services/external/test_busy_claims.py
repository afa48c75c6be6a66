"""The difference between what is busy and what was: which claims stay, and what is told of it."""

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.external.busy import merged
from services.external.busy_claims import Difference, Span, by_days, difference, differing

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)
A, B, C = (UUID(int=number) for number in (1, 2, 3))


def at(begin: float, end: float) -> Span:
    """A time, in hours from nine."""
    return NINE + timedelta(hours=begin), NINE + timedelta(hours=end)


def present(*spans: tuple[UUID, Span]) -> list[tuple[UUID, datetime, datetime]]:
    return [(id, *span) for id, span in spans]


NOTHING = Difference([], [], [], [])


@pytest.mark.parametrize(
    ("before", "wanted", "begin", "expected"),
    [
        ([], [], 0, NOTHING),
        ([(A, at(0, 1))], [at(0, 1)], 0, NOTHING),
        ([], [at(0, 1)], 0, Difference([], [], [at(0, 1)], [at(0, 1)])),
        ([(A, at(0, 1))], [], 0, Difference([], [A], [], [at(0, 1)])),
        # What goes on is as it was, however much of it is over.
        ([(A, at(0, 2))], [at(1, 2)], 1, NOTHING),
        # What is over is told to nobody.
        ([(A, at(0, 1)), (B, at(2, 3))], [at(2, 3)], 1, Difference([A], [], [], [])),
        # It lasts longer: only the rest is news.
        ([(A, at(0, 2))], [at(1, 3)], 1, Difference([], [A], [at(1, 3)], [at(2, 3)])),
        # Two that have become one, and one that has become two.
        (
            [(A, at(0, 1)), (B, at(2, 3))],
            [at(0, 3)],
            0,
            Difference([], [A, B], [at(0, 3)], [at(1, 2)]),
        ),
        (
            [(C, at(0, 3))],
            [at(0, 1), at(2, 3)],
            0,
            Difference([], [C], [at(0, 1), at(2, 3)], [at(1, 2)]),
        ),
        # It was moved.
        (
            [(A, at(0, 1)), (B, at(5, 6))],
            [at(2, 3), at(5, 6)],
            0,
            Difference([], [A], [at(2, 3)], [at(0, 1), at(2, 3)]),
        ),
    ],
)
def test_the_difference(
    before: list[tuple[UUID, Span]], wanted: list[Span], begin: float, expected: Difference
) -> None:
    begins = NINE + timedelta(hours=begin)
    assert difference(present(*before), wanted, begins) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("span", "pieces"),
    [
        (at(0, 1), [at(0, 1)]),
        (at(0, 15), [at(0, 15)]),
        (at(0, 16), [at(0, 15), at(15, 16)]),
        (at(15, 63), [at(15, 39), at(39, 63)]),
        (
            (NINE.astimezone(ZoneInfo("Asia/Tokyo")), at(0, 40)[1]),
            [at(0, 15), at(15, 39), at(39, 40)],
        ),
    ],
)
def test_no_piece_is_longer_than_a_claim_may_be(span: Span, pieces: list[Span]) -> None:
    assert list(by_days(*span)) == pieces


@pytest.mark.parametrize("seed", range(20))
def test_what_differs_is_what_is_in_one_and_not_in_the_other(seed: int) -> None:
    print("seed", seed)
    random = Random(seed)

    def some() -> list[Span]:
        starts = (random.randint(0, 40) for _ in range(random.randint(0, 8)))
        return merged(at(start, start + random.randint(1, 6)) for start in starts)

    def hours(spans: list[Span]) -> set[int]:
        return {h for h in range(60) for a, z in spans if a <= NINE + timedelta(hours=h) < z}

    one, other = some(), some()
    found = differing(one, other)
    assert hours(found) == hours(one) ^ hours(other)
    assert found == merged(found)
