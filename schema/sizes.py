"""How many rows a field answers with and what they cost, as it is declared beside the field: a
number that is fixed, or one that follows from arguments. An estimate, not less than is usual.

What is not acceptable in an argument is refused where the field is resolved; here it counts as much
as could be.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

from graphql import GraphQLError

from schema.scalars import read_instant

LARGEST_PAGE = 100
USUAL_PAGE = 20
LONGEST_WINDOW = timedelta(days=92)
DAY = timedelta(days=1)
COST = "cost"
# Ten hours and a half of visits of ten minutes.
SLOTS_A_DAY = 64
PUBLIC_HOLIDAYS = 15
# What is still ahead of a doctor, as far as the usual horizon goes.
OWN_APPOINTMENTS = 1_000
# A page is a question of its own to the database, wherever it stands.
PAGE_WEIGHT = 5
# An act locks, writes and commits.
ACT_WEIGHT = 10


@dataclass(frozen=True)
class Size:
    """A number of rows that follows from arguments.

    Attributes:
        arguments: their names on the wire.
        rows: the number, from their values as they were sent; None is for what was left out.

    """

    arguments: tuple[str, ...]
    rows: Callable[..., int]


class HandedDown(Enum):
    """The rows of a list inside of what was given a size: the edges of a page."""

    FROM_ABOVE = 1


Rows = int | Size | HandedDown


@dataclass(frozen=True)
class Cost:
    """What a field declares about its cost.

    Attributes:
        rows: how many rows it has, or hands down to a list below it.
        weight: points of the field itself: instead of the one of a row, besides it for a value.

    """

    rows: Rows | None = None
    weight: int | None = None


NO_COST = Cost()


def _page(first: Any) -> int:
    if first is None:
        return USUAL_PAGE
    return max(0, min(first, LARGEST_PAGE)) if isinstance(first, int) else LARGEST_PAGE


def _window(starts_at: Any, ends_at: Any) -> int:
    try:
        window = read_instant(ends_at) - read_instant(starts_at)
    except GraphQLError:
        window = LONGEST_WINDOW
    days = math.ceil(min(window, LONGEST_WINDOW) / DAY)
    return SLOTS_A_DAY * max(days, 1)


def _length(values: Any) -> int:
    return min(len(values), LARGEST_PAGE) if isinstance(values, list) else 1


PAGE_SIZE = Size(("first",), _page)
WINDOW = Size(("from", "to"), _window)


def length_of(argument: str) -> Size:
    """As many rows as a list among the arguments has items."""
    return Size((argument,), _length)
