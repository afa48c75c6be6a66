"""What is not compiled: each reason once."""

from typing import Any

import pytest
import strawberry
from graphql import (
    DirectiveLocation,
    DocumentNode,
    GraphQLDirective,
    GraphQLError,
    GraphQLSchema,
    GraphQLStreamDirective,
    build_schema,
    execute,
    experimental_execute_incrementally,
    parse,
    specified_directives,
)
from graphql.execution import AbortedGraphQLExecutionError
from graphql.pyutils import AbortController
from strawberry import Info
from strawberry.schema.config import StrawberryConfig
from strawberry.types.field import StrawberryField
from strawberry.utils.await_maybe import await_maybe

from schema.execution.compiler import Compiler
from schema.execution.executor import Compiled
from schema.execution.report import report
from tests.execution.world import Ctx, Row, ThingRow, another, core

THING = ThingRow("1", 0.0)


async def answered(document: str | DocumentNode, on: Any = core, **options: Any) -> Any:
    """The answer of the executor that compiles."""
    node = parse(document) if isinstance(document, str) else document
    given = {"root_value": THING, "context_value": Ctx(0.0), "executor_class": Compiled}
    return await await_maybe(execute(on, node, **{**given, **options}))


OURS = GraphQLDirective("ours", [DirectiveLocation.FIELD])


@pytest.mark.parametrize(
    ("field", "why"),
    [
        ("name", "compiled"),
        ("__typename", "compiled"),
        ("id", "compiled"),
        ("partner { name }", "compiled"),
        ("number", "compiled"),
        ("twice", "compiled"),
        ("things { needed { tags } }", "compiled"),
        ("later", "it has arguments"),
        ("passed", "it has permissions or other extensions"),
        ("allowed", "it has permissions or other extensions"),
        ("upper", "its resolver does not say that it is plain"),
        ("slow", "its resolver does not say that it is plain"),
        ("node { id }", "of which type its value is, it has to be asked"),
        ("either { __typename }", "of which type its value is, it has to be asked"),
        ("things { later }", "something in it is left"),
        ("name @ours", "@ours stands on it"),
    ],
)
def test_of_each_field_it_is_known_whether_it_is_compiled(field: str, why: str) -> None:
    schema = another(directives=[*specified_directives, OURS])
    found = report(schema, f"{{ thing {{ {field} }} }}")
    assert next(iter(found.values())) == why


def test_what_is_wrong_is_said_instead() -> None:
    with pytest.raises(GraphQLError, match="Cannot query field 'nothing'"):
        report(core, "{ thing { nothing } }")
    with pytest.raises(GraphQLError, match="operation"):
        report(core, "query A { __typename } query B { __typename }")


def test_variables_need_no_values_to_be_reported_on() -> None:
    text = (
        "query ($count: Int!, $yes: Boolean!) { many(count: $count) { name @skip(if: $yes) id } }"
    )
    assert report(core, text) == {"many.id": "compiled"}


class Loud(StrawberryField):
    """A field with a way of its own."""

    def get_result(self, source: Any, info: Any, args: Any, kwargs: Any) -> Any:
        return str(super().get_result(source, info, args, kwargs)).upper()


class Waiting:
    def __await__(self) -> Any:
        yield


@strawberry.type
class Odd:
    loud: str = Loud(python_name="loud")
    name: str
    error: "Failure | None"
    shown: "Shown | None"
    known: "Known | None"
    waiting: "OfWaiting | None"


@strawberry.type
class Failure:
    name: str

    @classmethod
    def is_type_of(cls, _value: Any, _info: Info) -> bool:
        return True

    is_type_of.__func__.shows = ValueError  # type: ignore[attr-defined]


@strawberry.type
class OfWaiting:
    name: str

    @classmethod
    def is_type_of(cls, _value: Any, _info: Info) -> bool:
        return True

    is_type_of.__func__.shows = Waiting  # type: ignore[attr-defined]


@strawberry.type
class Shown:
    name: str

    @classmethod
    def is_type_of(cls, value: Any, _info: Info) -> bool:
        return bool(value.name == "shown")


@strawberry.type
class Known:
    name: str


@strawberry.type
class Query:
    odd: Odd


def odd_schema(**config: Any) -> GraphQLSchema:
    made = strawberry.Schema(Query, config=StrawberryConfig(**config))._schema
    Compiler(made)
    return made


OWN_WAY = "its class has a way of its own to get its value"


@pytest.mark.parametrize(
    ("field", "why"),
    [
        ("loud", OWN_WAY),
        ("name", "compiled"),
        ("known { name }", "compiled"),
        ("error { name }", "its value may be an error, or to be waited for"),
        ("waiting { name }", "its value may be an error, or to be waited for"),
        ("shown { name }", "of which type its value is has to be asked"),
    ],
)
def test_fields_that_only_look_plain_are_left(field: str, why: str) -> None:
    assert (
        report(odd_schema(), f"{{ odd {{ {field} }} }}")[f"odd.{field.split(maxsplit=1)[0]}"] == why
    )


def test_a_schema_that_reads_attributes_in_its_own_way_is_left() -> None:
    schema = odd_schema(default_resolver=lambda row, name: getattr(row, f"my_{name}"))
    why = "the schema reads attributes in a way of its own"
    assert report(schema, "{ odd { name } }") == {"odd.name": why}


def test_a_resolver_that_was_wrapped_is_left() -> None:
    schema = odd_schema()
    schema.type_map["Odd"].fields["name"].resolve = lambda _row, _info: "wrapped"
    Compiler(schema)
    assert report(schema, "{ odd { name } }") == {
        "odd.name": "something stands around its resolver"
    }


def test_a_field_that_strawberry_has_not_made_is_left() -> None:
    schema = build_schema("type Query { thing: Thing } type Thing { name: String }")
    Compiler(schema)
    assert report(schema, "{ thing { name } }") == {
        "thing.name": "it is none of Strawberry's fields"
    }


def test_the_schema_itself_is_left() -> None:
    found = report(core, "{ __schema { queryType { name __typename } } }")
    assert found == {
        "__schema.queryType": "it is about the schema itself",
        "__schema.queryType.name": "it is about the schema itself",
        "__schema.queryType.__typename": "compiled",
    }


class Shouting:
    """A middleware of graphql-core's."""

    def resolve(self, next_: Any, root: Any, info: Any, **values: Any) -> Any:
        result = next_(root, info, **values)
        return f"{result}!" if isinstance(result, str) else result


async def test_middleware_sees_every_field() -> None:
    document = "{ leaf { name } }"
    plain = await answered(document)
    shouted = await answered(document, middleware=[Shouting()])
    assert shouted.data == {"leaf": {"name": f"{plain.data['leaf']['name']}!"}}


async def test_what_is_aborted_ends_at_the_next_field() -> None:
    controller = AbortController()

    class Aborting(ThingRow):
        def __getattr__(self, name: str) -> Any:
            controller.abort(ValueError("enough"))
            return super().__getattr__(name)

    document = parse("{ things { name } }")
    with pytest.raises(AbortedGraphQLExecutionError):
        await answered(document, root_value=Aborting("1", 0.0), abort_signal=controller.signal)
    executor = Compiled.build(core, document, abort_signal=controller.signal)
    assert isinstance(executor, Compiled)
    assert executor._plan is None


async def test_answers_in_parts_are_left() -> None:
    schema = another(directives=[*specified_directives, GraphQLStreamDirective])
    document = parse("{ things { things @stream(initialCount: 0) { name } } }")
    row = next(ThingRow(str(n), 0.0) for n in range(99) if deep(ThingRow(str(n), 0.0)))
    result: Any = await await_maybe(
        experimental_execute_incrementally(
            schema, document, root_value=row, context_value=Ctx(0.0), executor_class=Compiled
        )
    )
    assert all(thing["things"] == [] for thing in result.initial_result.data["things"])
    names = [p async for p in result.subsequent_results]
    assert names


def deep(row: Row) -> bool:
    return any(thing.things for thing in row.things)


async def test_fragments_with_variables_are_left() -> None:
    text = """
    query ($n: Int!) { ...F(m: $n) }
    fragment F($m: Int!) on Query { things { later(after: $m) } }
    """
    document = parse(text, experimental_fragment_arguments=True)
    row = next(ThingRow(str(n), 0.0) for n in range(99) if ThingRow(str(n), 0.0).things)
    for given, expected in [(0, 1), (2, None), (1, 1)]:
        result = await answered(document, root_value=row, variable_values={"n": given})
        assert {thing["later"] for thing in result.data["things"]} == {expected}
