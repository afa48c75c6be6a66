"""From what graphql-core collects of a selection to what it is compiled into.

A schema has one compiler; executors find it in the schema's extensions, so that one without it is
executed as ever.
"""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
    is_introspection_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import CollectedFields, FieldDetailsList

from schema.execution.leaves import Leaf
from schema.execution.plans import Entry, Plan, Plans, directives_of
from schema.execution.readings import TYPENAME, Computed, Left, reading_of, shown_by
from schema.execution.selections import (
    Column,
    LeafShape,
    ListShape,
    ObjectShape,
    Reading,
    Selection,
    Shape,
)

COMPILER = "compiler"
# Of all plans together; some 40 MB.
MOST_FIELDS = 50_000
IN_PARTS = ("defer", "stream")
# What is selected of things of a type, at the places at which a field stands.
Inside = Callable[[GraphQLObjectType, FieldDetailsList], Entry | None]


class Compiler:
    """What is known about the fields of a schema, and the plans of its operations."""

    def __init__(self, schema: GraphQLSchema, *, most_fields: int = MOST_FIELDS) -> None:
        self.plans = Plans(most_fields)
        self._readings: dict[str, dict[str, Reading | Left]] = {}
        self._rows: dict[str, type | Left | None] = {}
        self._leaves: dict[str, Leaf] = {}
        for name, kind in schema.type_map.items():
            if is_leaf_type(kind):
                self._leaves[name] = Leaf(kind)
            elif is_object_type(kind) and not is_introspection_type(kind):
                self._rows[name] = shown_by(kind)
                self._readings[name] = {
                    field_name: reading_of(field, kind) for field_name, field in kind.fields.items()
                }
        self._is_whole = not any(schema.get_directive(name) for name in IN_PARTS)
        schema.extensions[COMPILER] = self

    def plan(
        self,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, Any],
    ) -> Plan | None:
        """What is compiled of an operation; None where answers may come in parts."""
        return self.plans.plan(operation, fragments, variables) if self._is_whole else None

    def entry(
        self,
        schema: GraphQLSchema,
        kind: GraphQLObjectType,
        collected: CollectedFields,
        inside: Inside,
    ) -> Entry:
        """What is selected of things of a type, compiled as far as it can be."""
        columns: dict[str, Column] = {}
        plain: dict[str, Column] = {}
        left: dict[str, Left] = {}
        for key, places in collected.grouped_field_set.items():
            name = places[0].node.name.value
            field = schema.get_field(kind, name)
            if field is None:
                left[key] = Left("there is no such field")
                continue
            reading = self._reading(kind, name, places)
            shape = self.shape(field.type, places, inside)
            if isinstance(reading, Left) or isinstance(shape, Left):
                left[key] = reading if isinstance(reading, Left) else shape  # type: ignore[assignment]
                continue
            columns[key] = Column(reading, shape)
            if isinstance(shape, LeafShape) and isinstance(reading, Computed):
                plain[key] = columns[key]
        return Entry(collected, None if left else Selection(columns), plain, left)

    def _reading(
        self, kind: GraphQLObjectType, name: str, places: FieldDetailsList
    ) -> Reading | Left:
        if name == TYPENAME:
            return Computed(lambda _: kind.name)
        directive = next(directives_of(place.node for place in places), None)
        if directive is not None:
            return Left(f"@{directive} stands on it")
        return self._readings.get(kind.name, {}).get(name) or Left("it is about the schema itself")

    def shape(
        self, kind: GraphQLOutputType, places: FieldDetailsList, inside: Inside
    ) -> Shape | Left:
        """What values of a type become, with what is selected of them."""
        is_needed = is_non_null_type(kind)
        inner: Any = kind.of_type if is_non_null_type(kind) else kind
        if is_leaf_type(inner):
            return LeafShape(self._leaves[inner.name], is_needed=is_needed)
        if is_list_type(inner):
            item = self.shape(inner.of_type, places, inside)
            return item if isinstance(item, Left) else ListShape(item, is_needed=is_needed)
        if not is_object_type(inner):
            return Left("of which type its value is, it has to be asked")
        row = self._rows.get(inner.name)
        if isinstance(row, Left):
            return row
        entry = inside(inner, places)
        if entry is None or entry.selection is None:
            return Left("something in it is left")
        return ObjectShape(entry.selection, row, is_needed=is_needed)
