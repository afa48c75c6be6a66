"""Columns of leaf values, as they stand in an answer: scalars and enums, each by its own rule.

What is usual for a type is done for the whole column; every other value goes by the type's own
coercion, and what that refuses makes an `Anomaly`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from types import MappingProxyType
from typing import Any

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    GraphQLBoolean,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLString,
    Undefined,
)
from graphql.pyutils import is_awaitable

# Of values of exactly these types it is known that they are no error, and not to be waited for.
PLAIN = frozenset({str, int, float, bool, datetime, date, time, list, tuple, dict})
# What stands in an answer as it is, if it is of exactly this type.
READY: Mapping[Any, type] = MappingProxyType(
    {
        GraphQLString.coerce_output_value: str,
        GraphQLID.coerce_output_value: str,
        GraphQLBoolean.coerce_output_value: bool,
        GraphQLInt.coerce_output_value: int,
    }
)


class Anomaly(Exception):
    """Something that the ordinary way has to see to: an error, or null where none may be."""


class Leaf:
    """The values of a scalar or an enum."""

    def __init__(self, kind: GraphQLLeafType) -> None:
        self._coerce = kind.coerce_output_value
        self._ready = READY.get(self._coerce)
        self._is_int = self._ready is int
        self._names = _names(kind)

    def column(self, values: Sequence[Any], types: set[type]) -> Sequence[Any]:
        """Values, none of them null, as they stand in an answer.

        Args:
            types: the types of the values.

        Raises:
            Anomaly: one of them is none of this type.

        """
        if types == {self._ready} and not (self._is_int and _is_wide(values)):
            return values
        if self._names:
            try:
                return list(map(self._names.__getitem__, map(id, values)))
            except KeyError:
                pass
        coerced = list(map(self._coerce if types <= PLAIN else self._checked, values))
        if any(value is None or value is Undefined for value in coerced):
            raise Anomaly
        return coerced

    def _checked(self, value: Any) -> Any:
        if isinstance(value, Exception) or value is Undefined or is_awaitable(value):
            raise Anomaly
        return self._coerce(value)


def _is_wide(values: Sequence[int]) -> bool:
    """Whether there are numbers that no Int can be."""
    return min(values) < GRAPHQL_MIN_INT or max(values) > GRAPHQL_MAX_INT


def _names(kind: GraphQLLeafType) -> Mapping[int, str]:
    """The names of an enum's members, by what `id` says of each: they live as long as it does."""
    members = getattr(kind, "wrapped_cls", ())
    return {id(member): kind.coerce_output_value(member) for member in members}
