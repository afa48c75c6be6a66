"""Stretches of a line, such as time: merged, cut out of each other, looked up.

A stretch is a pair, from the first up to, not including, the second. What `merged` and `without`
return is in order and apart: no two stretches overlap or touch. What a stretch means is the
business of whoever has it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import islice
from operator import itemgetter
from typing import TypeVar

# Days; instants too, as a datetime is a date.
Point = TypeVar("Point", bound=date)


def merged(stretches: Iterable[tuple[Point, Point]]) -> list[tuple[Point, Point]]:
    """The same stretches in order: those that overlap or touch made one, empty ones left out."""
    found: list[tuple[Point, Point]] = []
    for start, end in sorted(stretches):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def without(
    stretches: Iterable[tuple[Point, Point]], others: Iterable[tuple[Point, Point]]
) -> list[tuple[Point, Point]]:
    """What is left of stretches when others are cut out of them."""
    gone = merged(others)
    left: list[tuple[Point, Point]] = []
    place = 0
    for start, end in merged(stretches):
        while place < len(gone) and gone[place][1] <= start:
            place += 1
        rest = start
        for other_start, other_end in islice(gone, place, None):
            if other_start >= end:
                break
            if rest < other_start:
                left.append((rest, other_start))
            rest = other_end
        if rest < end:
            left.append((rest, end))
    return left


def around(
    stretches: Sequence[tuple[Point, Point]], start: Point, end: Point
) -> tuple[Point, Point] | None:
    """The one of merged stretches that contains [start, end) whole; None where none does."""
    place = bisect_right(stretches, start, key=itemgetter(0)) - 1
    return stretches[place] if place >= 0 and end <= stretches[place][1] else None


def overlap(stretches: Sequence[tuple[Point, Point]], start: Point, end: Point) -> bool:
    """Whether any of merged stretches shares something with [start, end)."""
    place = bisect_left(stretches, end, key=itemgetter(0)) - 1
    return place >= 0 and stretches[place][1] > start
