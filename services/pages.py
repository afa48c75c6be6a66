"""Pages of long lists, by keyset: a page begins after the last row of the one before.

How a place in a list is written on the wire is the business of `resolvers/pages.py`.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from services.context import Context
from services.errors import InvalidInput

Row = TypeVar("Row")

LARGEST_PAGE = 100


@dataclass(frozen=True)
class PageRequest:
    """How many rows, and the sort values of the row to begin after."""

    first: int = 20
    after: tuple[Any, ...] | None = None


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows of a list; `keys` are their sort values, `count` counts the whole list."""

    rows: Sequence[Row]
    keys: Sequence[tuple[Any, ...]]
    has_next: bool
    has_previous: bool
    count: Callable[[], Awaitable[int]]


def checked_first(first: int) -> int:
    """The size of a page.

    Raises:
        InvalidInput: it is not from 1 to 100.

    """
    if not 1 <= first <= LARGEST_PAGE:
        raise InvalidInput(f"A page has 1 to {LARGEST_PAGE} items.", "first")
    return first


async def page_of(
    context: Context,
    statement: Select[Row],
    order: Sequence[InstrumentedAttribute[Any]],
    request: PageRequest,
    *,
    descending: bool = False,
) -> Page[Row]:
    """One page of what `statement` selects, in `order`, which must end in the id."""
    first = checked_first(request.first)
    page = statement.order_by(*(column.desc() if descending else column for column in order))
    if request.after is not None:
        place = tuple_(*order)
        page = page.where(place < request.after if descending else place > request.after)
    async with context.reading() as session:
        rows = await session.rows(page.limit(first + 1))

    async def count() -> int:
        counting = select(func.count()).select_from(statement.order_by(None).subquery())
        async with context.reading() as session:
            return (await session.execute(counting)).scalar_one()

    return page_from_rows(rows, order, request, count)


def page_from_rows(
    rows: Sequence[Row],
    order: Sequence[InstrumentedAttribute[Any]],
    request: PageRequest,
    count: Callable[[], Awaitable[int]],
) -> Page[Row]:
    """The page that `rows` are, where one more than asked for was read to know of a next one."""
    shown = rows[: request.first]
    keys = [tuple(getattr(row, column.key) for column in order) for row in shown]
    return Page(
        rows=shown,
        keys=keys,
        has_next=len(rows) > request.first,
        has_previous=request.after is not None,
        count=count,
    )
