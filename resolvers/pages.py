"""Cursors of pages: the sort values of a row, written so that they say which list they are of.

A cursor of another list, or a forged one, is refused with a sentence; it opens nothing, since every
page is read with the rights of whoever asks.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson

from services.errors import InvalidInput
from services.pages import Page, PageRequest

Row = TypeVar("Row")

BY_NAME = (str, UUID)
BY_TIME = (datetime, UUID)
LONGEST_CURSOR = 1000


@dataclass(frozen=True)
class Edge(Generic[Row]):
    """A row and its place in the list."""

    node: Row
    cursor: str


@dataclass(frozen=True)
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


class Connection(Generic[Row]):
    """A page as Relay's clients know it."""

    def __init__(self, page: Page[Row], list_name: str) -> None:
        self.page = page
        self.edges = [
            Edge(row, _written(list_name, place))
            for row, place in zip(page.rows, page.keys, strict=True)
        ]

    @property
    def page_info(self) -> PageInfo:
        """Where the page stands."""
        return PageInfo(
            has_next_page=self.page.has_next,
            has_previous_page=self.page.has_previous,
            start_cursor=self.edges[0].cursor if self.edges else None,
            end_cursor=self.edges[-1].cursor if self.edges else None,
        )


def request(
    list_name: str, kinds: Sequence[type], first: int | None, after: str | None
) -> PageRequest:
    """The page that was asked for.

    Raises:
        InvalidInput: the cursor is not one of this list.

    """
    # An explicit null is the same as nothing said.
    first = 20 if first is None else first
    if not after:
        return PageRequest(first)
    try:
        if len(after) > LONGEST_CURSOR:
            raise ValueError
        name, *texts = orjson.loads(base64.urlsafe_b64decode(after.encode("ascii")))
        if name != list_name:
            raise ValueError
        place = tuple(READERS[kind](text) for kind, text in zip(kinds, texts, strict=True))
    except (ValueError, TypeError, OverflowError, AttributeError, binascii.Error) as error:
        raise InvalidInput("This is not a cursor of this list.", "after") from error
    return PageRequest(first, place)


def _read_text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError
    return value


def _read_instant(value: str) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError
    return instant.astimezone(UTC)


READERS: dict[type, Callable[[Any], Any]] = {
    str: _read_text,
    UUID: UUID,
    datetime: _read_instant,
}


def _written(list_name: str, place: Sequence[Any]) -> str:
    values = [list_name, *(v.isoformat() if isinstance(v, datetime) else str(v) for v in place)]
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode()
