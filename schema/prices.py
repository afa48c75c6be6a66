"""What an operation costs, from the rows that it asks for: worked out once for each document, but
for what depends on its variables.

A row costs one point for each ten of its plain fields that are asked for, begun; a field may
declare what it costs besides. A list costs what a row of it costs, as many times as it is declared
to have rows (`sizes`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLOutputType,
    GraphQLSchema,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    value_from_ast_untyped,
)
from strawberry.types.field import StrawberryField

from schema.limits import Fragments, merged
from schema.sizes import COST, NO_COST, Cost, HandedDown, Rows, Size

MOST_POINTS = 10_000
PLAIN_FIELDS_OF_A_POINT = 10
# What a list costs that says nothing: enough that forgetting costs nobody but its readers.
UNDECLARED_ROWS = 100

Variables = Mapping[str, Any]
# The points that variables lead to.
Points = Callable[[Variables], int]


# The lists of the introspection types, as long as they are on average.
INTROSPECTION = {
    "types": Cost(rows=200),
    "fields": Cost(rows=3),
    "directives": Cost(rows=5),
    "args": Cost(rows=1),
    "inputFields": Cost(rows=1),
    "enumValues": Cost(rows=1),
    "interfaces": Cost(rows=1),
    "possibleTypes": Cost(rows=1),
    # Types in types in types are asked for far deeper than any type goes.
    "ofType": Cost(weight=0),
}


class Price(NamedTuple):
    """Points that are certain, and points that variables decide."""

    fixed: int = 0
    open: tuple[Points, ...] = ()

    def of(self, variables: Variables) -> int:
        """The points, with these variables."""
        return self.fixed + sum(points(variables) for points in self.open)

    def __add__(self, other: "Price") -> "Price":  # type: ignore[override]
        return Price(self.fixed + other.fixed, self.open + other.open)

    def times(self, rows: "int | Points") -> "Price":
        """The price of so many rows."""
        if not isinstance(rows, int):
            return Price(0, (lambda variables: rows(variables) * self.of(variables),))
        if not self.open:
            return Price(self.fixed * rows)
        return Price(self.fixed * rows, (lambda v: rows * sum(points(v) for points in self.open),))


def price_of(
    operation: OperationDefinitionNode, fragments: Fragments, schema: GraphQLSchema
) -> Price:
    """The price of an operation that is valid."""
    root = schema.get_root_type(operation.operation)
    defaults = {
        definition.variable.name.value: value_from_ast_untyped(definition.default_value)
        for definition in operation.variable_definitions or ()
        if definition.default_value
    }
    below = _Prices(schema, fragments, defaults).below([operation.selection_set], root, 1)
    return below.price


class _Below(NamedTuple):
    """What stands below a field: the price of all but the plain fields, and how many those are."""

    price: Price
    plain_fields: int


@dataclass(frozen=True)
class _Prices:
    """The prices of one operation's selections."""

    schema: GraphQLSchema
    fragments: Fragments
    defaults: Variables

    def below(
        self, selection_sets: Iterable[SelectionSetNode], parent: Any, handed: "int | Points"
    ) -> _Below:
        """What is selected of a row of the type `parent`."""
        price, plain_fields = Price(), 0
        for found in merged(selection_sets, self.fragments).values():
            by_type: dict[str, list[FieldNode]] = {}
            for condition, field in found:
                by_type.setdefault(condition or parent.name, []).append(field)
            for type_name, fields in by_type.items():
                kind: Any = self.schema.type_map[type_name]
                definition: Any = self.schema.get_field(kind, fields[0].name.value)
                if is_leaf_type(get_named_type(definition.type)):
                    price += Price(_declared(definition, fields[0]).weight or 0)
                    plain_fields += 1
                else:
                    price += self._of(fields, definition, handed)
        return _Below(price, plain_fields)

    def _of(self, fields: list[FieldNode], definition: GraphQLField, handed: Any) -> Price:
        """The price of a field of rows, with all that is asked of them anywhere."""
        cost = _declared(definition, fields[0])
        rows = self._rows(cost.rows, fields[0], definition, handed)
        is_list = _is_list(definition.type)
        sets = [field.selection_set for field in fields if field.selection_set]
        kind: Any = get_named_type(definition.type)
        below = self.below(sets, kind, 1 if is_list else rows)
        tens = max(1, -(-below.plain_fields // PLAIN_FIELDS_OF_A_POINT))
        one = Price(tens if cost.weight is None else cost.weight) + below.price
        return one.times(rows) if is_list else one

    def _rows(
        self, rows: Rows | None, field: FieldNode, definition: GraphQLField, handed: Any
    ) -> "int | Points":
        if rows is None:
            return UNDECLARED_ROWS if _is_list(definition.type) else 1
        if isinstance(rows, HandedDown):
            return handed  # type: ignore[no-any-return]
        return self._sized(rows, field) if isinstance(rows, Size) else rows

    def _sized(self, size: Size, field: FieldNode) -> "int | Points":
        given = {argument.name.value: argument.value for argument in field.arguments or ()}
        values = [self._value(given.get(name)) for name in size.arguments]
        if not any(callable(value) for value in values):
            return size.rows(*values)
        return lambda variables: size.rows(
            *(value(variables) if callable(value) else value for value in values)
        )

    def _value(self, node: ValueNode | None) -> Any:
        """A value in the document, or what reads it from the variables."""
        if isinstance(node, VariableNode):
            name = node.name.value
            default = self.defaults.get(name)
            return lambda variables: variables.get(name, default)
        if isinstance(node, ListValueNode):
            # Its length is all that counts, whatever stands in it.
            return [None] * len(node.values)
        return value_from_ast_untyped(node) if node else None


def _declared(definition: GraphQLField, field: FieldNode) -> Cost:
    declared = definition.extensions.get("strawberry-definition")
    if isinstance(declared, StrawberryField):
        cost: Cost = declared.metadata.get(COST, NO_COST)
        return cost
    return INTROSPECTION.get(field.name.value, NO_COST)


def _is_list(kind: GraphQLOutputType) -> bool:
    return is_list_type(get_nullable_type(kind))
