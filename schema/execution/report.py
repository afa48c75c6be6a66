"""What of a document is compiled, and why the rest is left to graphql-core: for whoever writes the
document, or declares a field.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from graphql import (
    GraphQLSchema,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    VariableDefinitionNode,
    Visitor,
    get_named_type,
    is_abstract_type,
    is_object_type,
    parse,
    validate,
    visit,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet, collect_fields

from schema.execution.executor import Compiled

IS_COMPILED = "compiled"


def report(schema: GraphQLSchema, text: str) -> dict[str, str]:
    """For each field of a document below its roots, by its path: that it is compiled, or why not.

    Variables that choose what is included are true; no others are needed.

    Raises:
        GraphQLError: it is no document of one operation, or does not fit the schema.

    """
    document = parse(text)
    for error in validate(schema, document):
        raise error
    variables = _Variables()
    executor: Any = Compiled.build(
        schema, visit(document, variables), raw_variable_values=variables.chosen
    )
    if isinstance(executor, list):
        raise executor[0]
    operation: OperationDefinitionNode = executor.operation
    root: Any = schema.get_root_type(operation.operation)
    roots = collect_fields(schema, executor.fragments, executor.variable_values, root, operation)
    return dict(_inside(executor, root, roots.grouped_field_set, ""))


class _Variables(Visitor):
    """Lets all variables be left out, but for those that are true."""

    def __init__(self) -> None:
        super().__init__()
        self.chosen: dict[str, bool] = {}

    def leave_variable_definition(
        self, node: VariableDefinitionNode, *_: Any
    ) -> VariableDefinitionNode:
        kind = node.type.type if isinstance(node.type, NonNullTypeNode) else node.type
        if isinstance(kind, NamedTypeNode) and kind.name.value == "Boolean":
            self.chosen[node.variable.name.value] = True
        return replace(node, type=kind)


def _inside(
    executor: Compiled, parent: Any, fields: GroupedFieldSet, path: str
) -> Iterator[tuple[str, str]]:
    """What is selected in the fields of a type."""
    for key, places in fields.items():
        field: Any = executor.schema.get_field(parent, places[0].node.name.value)
        kind: Any = get_named_type(field.type)
        if is_object_type(kind):
            yield from _of(executor, kind, places, f"{path}{key}.")
        elif is_abstract_type(kind):
            for possible in executor.schema.get_possible_types(kind):
                yield from _of(executor, possible, places, f"{path}{key}:{possible.name}.")


def _of(
    executor: Compiled, kind: Any, places: FieldDetailsList, path: str
) -> Iterator[tuple[str, str]]:
    entry = executor.entry(kind, places)
    if entry is None:
        yield path.removesuffix("."), "nothing of this operation is compiled"
        return
    fields = entry.collected.grouped_field_set
    for key in fields:
        yield f"{path}{key}", entry.left[key].why if key in entry.left else IS_COMPILED
    yield from _inside(executor, kind, fields, path)
