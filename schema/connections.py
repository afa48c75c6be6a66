"""Connections: pages of lists as Relay's clients know them."""

from typing import Any, Generic, TypeVar

import strawberry

from schema.fields import Scope, field
from schema.sizes import HandedDown

Row = TypeVar("Row")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """See the description."""

    has_next_page: bool = field("True where the list goes on after this page.", scope=Scope.PUBLIC)
    has_previous_page: bool = field(
        "True where the list began before this page.", scope=Scope.PUBLIC
    )
    start_cursor: str | None = field(
        "The cursor of the first edge; null on an empty page.", scope=Scope.PUBLIC
    )
    end_cursor: str | None = field(
        "The cursor of the last edge; pass it as `after`.", scope=Scope.PUBLIC
    )


@strawberry.type(description="An item and its place in the list.")
class Edge(Generic[Row]):
    """See the description."""

    node: Row = field("The item.", scope=Scope.PUBLIC)
    cursor: str = field(
        "The item's place; pass it as `after` to go on behind it.", scope=Scope.PUBLIC
    )


async def _count(root: Any) -> int:
    count: int = await root.page.count()
    return count


@strawberry.type(description="A page of a list.")
class Connection(Generic[Row]):
    """See the description."""

    edges: list[Edge[Row]] = field(
        "The items of this page, each with its cursor.",
        scope=Scope.PUBLIC,
        rows=HandedDown.FROM_ABOVE,
        weight=0,
    )
    page_info: PageInfo = field("Where this page stands.", scope=Scope.PUBLIC, weight=0)
    total_count: int = field(
        "How many items the whole list has; counted only when asked.",
        _count,
        scope=Scope.PUBLIC,
        weight=10,
    )
