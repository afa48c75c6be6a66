"""The matrix is whole: each operation and each field has a row, and each row is of something.

What is not in the matrix is not permitted: whoever adds to the schema says here who may have it.
"""

import re
from collections.abc import Iterator

import pytest
from graphql import GraphQLObjectType, build_schema, get_named_type, is_object_type

from models import Role
from tests.access.fields import CELLS
from tests.access.matrix import COLUMNS, NODES, OPERATIONS
from tests.schema.plausible import SCHEMA, SDL

ROOTS = ("Query", "Mutation", "Subscription")


def operations(schema: object = SCHEMA) -> set[str]:
    """Every field of the roots."""
    types = schema.type_map  # type: ignore[attr-defined]
    return {f"{root}.{name}" for root in ROOTS for name in types[root].fields}


def things(schema: object = SCHEMA) -> Iterator[GraphQLObjectType]:
    """The types that hold something: neither roots, nor pages, nor payloads, nor refusals."""
    for name, kind in schema.type_map.items():  # type: ignore[attr-defined]
        if not is_object_type(kind) or name.startswith("__") or name in ROOTS:
            continue
        is_page = name == "PageInfo" or {"edges", "pageInfo"} <= kind.fields.keys()
        is_edge = kind.fields.keys() == {"node", "cursor"}
        is_payload = name.endswith("Payload") and "errors" in kind.fields
        if not (is_page or is_edge or is_payload or _is_refusal(kind)):
            yield kind


def _is_refusal(kind: GraphQLObjectType) -> bool:
    return "UserError" in {interface.name for interface in kind.interfaces}


def fields(schema: object = SCHEMA) -> set[str]:
    """Every field of a thing, and what of things a refusal brings along."""
    own = {f"{kind.name}.{name}" for kind in things(schema) for name in kind.fields}
    brought = {
        f"{kind.name}.{name}"
        for kind in schema.type_map.values()  # type: ignore[attr-defined]
        if is_object_type(kind) and _is_refusal(kind)
        for name, field in kind.fields.items()
        if is_object_type(get_named_type(field.type))
    }
    return own | brought


def test_each_operation_has_a_row_and_each_row_an_operation() -> None:
    assert operations() == set(OPERATIONS)


def test_each_field_has_a_row_and_each_row_a_field() -> None:
    assert fields() == set(CELLS)


def test_each_type_with_an_id_has_a_row() -> None:
    nodes = SCHEMA.get_possible_types(SCHEMA.type_map["Node"])  # type: ignore[arg-type]
    assert {kind.name for kind in nodes} == set(NODES)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("type Query {", "type Query { secrets: String", {"Query.secrets"}),
        ("type Mutation {", "type Mutation { wipe: String", {"Mutation.wipe"}),
        ("type Subscription {", "type Subscription { all: String", {"Subscription.all"}),
        ("type Patient implements Node {", "type Patient implements Node { pin: Int", set()),
    ],
)
def test_an_operation_without_a_row_is_found(before: str, after: str, found: set[str]) -> None:
    sdl = (SDL.read_text()).replace(before, after, 1)
    assert operations(build_schema(sdl)) - set(OPERATIONS) == found


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("type Patient implements Node {", "type Patient implements Node { pin: Int", "pin"),
        ("type AppointmentEvent {", "type AppointmentEvent { pin: Int", "pin"),
        ("type InUse implements UserError {", "type InUse implements UserError { by: User", "by"),
        ("type PageInfo {", "type Secret { pin: Int } type PageInfo {", "pin"),
    ],
)
def test_a_field_without_a_row_is_found(before: str, after: str, found: str) -> None:
    sdl = (SDL.read_text()).replace(before, after, 1)
    (missing,) = fields(build_schema(sdl)) - set(CELLS)
    assert missing.endswith(f".{found}")


def test_the_schema_tells_of_each_act_what_the_matrix_says() -> None:
    for name, field in SCHEMA.type_map["Mutation"].fields.items():  # type: ignore[attr-defined]
        row = OPERATIONS[f"Mutation.{name}"]
        allowed = {role for role in COLUMNS if row[True, role] in "+o"}
        told = re.search(r"For ([A-Z, ]+|everybody)\.$", field.description)
        assert told is not None, name
        if told[1] == "everybody":
            assert allowed == {None, *Role}, name
        else:
            assert allowed == {Role[word] for word in told[1].split(", ")}, name
