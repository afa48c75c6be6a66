"""What selections are compiled into: a level of rows is read and completed column by column.

Nothing here knows of errors. Whatever does not go as it usually goes raises, and the caller does
the same once more in the ordinary way, which finds out what is wrong and where.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from graphql import Undefined

from schema.execution.leaves import Anomaly, Leaf
from schema.execution.waiting import begun, ended

LISTS = frozenset({list, tuple})
NoneType = type(None)
Rows = Sequence[Any]


class Run(Protocol):
    """The operation that is carried out."""

    context_value: Any

    @property
    def is_awaitable(self) -> Callable[[Any], bool]:
        """Whether a value is to be waited for."""

    async def paced(self, shape: "Shape", values: Rows) -> list[Any]:
        """The values completed, with a rest now and then."""


class Shape:
    """What values of an output type become.

    Attributes:
        is_needed: null must not stand in its place.

    """

    def __init__(self, *, is_needed: bool) -> None:
        self.is_needed = is_needed

    async def complete(self, values: Rows, run: Run) -> Rows:
        """The values as they stand in an answer.

        Raises:
            Exception: one of them needs the ordinary way.

        """
        types = set(map(type, values))
        if NoneType not in types:
            return await self.present(values, types, run) if values else values
        if self.is_needed:
            raise Anomaly
        types.discard(NoneType)
        found = [value for value in values if value is not None]
        done = iter(await self.present(found, types, run) if found else ())
        return [None if value is None else next(done) for value in values]

    async def present(self, values: Rows, types: set[type], run: Run) -> Rows:
        """`complete` for values of which none is null, and at least one."""
        raise NotImplementedError


class LeafShape(Shape):
    """Scalars and enums."""

    def __init__(self, leaf: Leaf, *, is_needed: bool) -> None:
        super().__init__(is_needed=is_needed)
        self._leaf = leaf

    async def present(self, values: Rows, types: set[type], run: Run) -> Rows:  # noqa: ARG002
        """See the base."""
        return self._leaf.column(values, types)


class ObjectShape(Shape):
    """Objects, of which something is selected."""

    def __init__(self, selection: "Selection", row: type | None, *, is_needed: bool) -> None:
        super().__init__(is_needed=is_needed)
        self._selection = selection
        self._row = row

    async def present(self, values: Rows, types: set[type], run: Run) -> Rows:
        """See the base."""
        if types != {self._row} and not all(self._is_row(value, run) for value in values):
            raise Anomaly
        return await self._selection.of(values, run)

    def _is_row(self, value: Any, run: Run) -> bool:
        if isinstance(value, Exception) or value is Undefined or run.is_awaitable(value):
            return False
        return self._row is None or isinstance(value, self._row)


class ListShape(Shape):
    """Lists: all their items are one column."""

    def __init__(self, item: Shape, *, is_needed: bool) -> None:
        super().__init__(is_needed=is_needed)
        self._item = item

    async def present(self, values: Rows, types: set[type], run: Run) -> Rows:
        """See the base."""
        if not types <= LISTS:
            raise Anomaly
        items = [item for value in values for item in value]
        done = iter(await run.paced(self._item, items))
        return [[next(done) for _ in value] for value in values]


class Reading(Protocol):
    """How the values of a field are read from rows."""

    async def of(self, rows: Rows, run: Run) -> Rows:
        """The values, one for each row."""


class Column:
    """A field of a selection."""

    def __init__(self, reading: Reading, shape: Shape) -> None:
        self._reading = reading
        self._shape = shape

    async def of(self, rows: Rows, run: Run) -> Rows:
        """The field of each row, as it stands in an answer."""
        return await self._shape.complete(await self._reading.of(rows, run), run)


class Selection:
    """What is selected of objects of one type."""

    def __init__(self, columns: dict[str, Column]) -> None:
        self._keys = tuple(columns)
        self._columns = tuple(columns.values())

    async def of(self, rows: Rows, run: Run) -> list[dict[str, Any]]:
        """The objects as they stand in an answer."""
        if not self._columns:
            return [{} for _ in rows]
        # All are begun before one is waited for: what they load is loaded in the same batches.
        columns = [begun(column.of(rows, run)) for column in self._columns]
        for place, values in await ended(columns):
            columns[place] = values
        return [dict(zip(self._keys, row, strict=True)) for row in zip(*columns, strict=True)]
