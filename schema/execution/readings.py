"""How the values of plain fields are read from rows, and how it is known that a field is plain.

That is found out once, when the schema is built, from Strawberry's own definitions: a field without
a resolver of its own is an attribute, and a resolver may say that it needs no more than its row, or
that it loads by an attribute. For every other field there is a reason why it is left alone.
"""

import asyncio
from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

from graphql import GraphQLField, GraphQLObjectType
from strawberry.types.field import StrawberryField

from resolvers.loaders import LOADED, Loaded, loader_of
from schema.execution.selections import Reading, Rows, Run

# On a resolver without arguments: called with the name of the row's type, it returns what makes the
# value from the row alone, which is what the resolver returns.
OF_TYPE = "of_type"
# On the `is_type_of` of a type: the class of its rows, of which all are of this type, and no other.
SHOWS = "shows"
TYPENAME = "__typename"


class Left(NamedTuple):
    """A field that is left to graphql-core, and why."""

    why: str


class Computed:
    """A value that each row has, or that is computed from it alone."""

    def __init__(self, value_of: Callable[[Any], Any]) -> None:
        self._value_of = value_of

    async def of(self, rows: Rows, run: Run) -> Rows:  # noqa: ARG002
        """See `Reading`."""
        return list(map(self._value_of, rows))


class LoadedByKey:
    """A value that is loaded by a key, for all rows at once."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._key_of = attrgetter(loaded.by)

    async def of(self, rows: Rows, run: Run) -> Rows:
        """See `Reading`."""
        loaded = self._loaded
        loader: Any = loader_of(run.context_value, loaded.batch, loaded.options)
        keys = map(self._key_of, rows)
        found = [None if key is None else loader.load(key) for key in keys]
        waiting = {future for future in found if future is not None and not future.done()}
        if waiting:
            await asyncio.gather(*waiting, return_exceptions=True)
        values = [None if future is None else future.result() for future in found]
        return [loaded.otherwise if value is None else value for value in values]


def reading_of(field: GraphQLField, parent: GraphQLObjectType) -> Reading | Left:
    """How a field of a type is read, or why that is graphql-core's business."""
    definition = field.extensions.get("strawberry-definition")
    if not isinstance(definition, StrawberryField):
        return Left("it is none of Strawberry's fields")
    reasons = {
        "its class has a way of its own to get its value": (
            type(definition).get_result is not StrawberryField.get_result
        ),
        "it has arguments": bool(field.args),
        "it has permissions or other extensions": bool(definition.extensions),
        "something stands around its resolver": not _is_wrapped_plainly(field),
        "the schema reads attributes in a way of its own": (
            definition.default_resolver is not getattr
        ),
    }
    why = next((why for why, is_so in reasons.items() if is_so), None)
    return Left(why) if why else _plain(definition, parent)


def _plain(definition: StrawberryField, parent: GraphQLObjectType) -> Reading | Left:
    if definition.base_resolver is None:
        return Computed(attrgetter(definition.python_name))
    resolver = definition.base_resolver
    function: Any = resolver.wrapped_func
    says = function.__dict__
    if OF_TYPE in says:
        return Computed(says[OF_TYPE](parent.name))
    if LOADED in says:
        return LoadedByKey(says[LOADED])
    root = resolver.root_parameter
    if root and len(resolver.signature.parameters) == 1 and not definition.is_async:
        # It takes the row and nothing else.
        return Computed(function)
    return Left("its resolver does not say that it is plain")


def _is_wrapped_plainly(field: GraphQLField) -> bool:
    """Whether Strawberry's own wrapper is all that stands around the value of a field."""
    resolve: Any = field.resolve
    name = getattr(resolve, "__qualname__", "")
    return str(name).startswith("GraphQLCoreConverter.from_resolver.<locals>.")


def shown_by(kind: GraphQLObjectType) -> type | Left | None:
    """The class of a type's rows; None where they may be anything."""
    if kind.is_type_of is None:
        return None
    shows = getattr(kind.is_type_of, SHOWS, None)
    if not isinstance(shows, type):
        return Left("of which type its value is has to be asked")
    if hasattr(shows, "__await__") or issubclass(shows, Exception):
        return Left("its value may be an error, or to be waited for")
    return shows
