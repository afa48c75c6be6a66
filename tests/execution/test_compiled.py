"""What is compiled, run: values that need the ordinary way, long lists, loads, and what is kept."""

import asyncio
from random import Random
from typing import Any

import pytest
from graphql import ExecutionResult, Undefined, execute, parse
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.utils.await_maybe import await_maybe

from schema import root as served
from schema.execution import plans
from schema.execution.compiler import COMPILER, Compiler
from schema.execution.executor import AT_ONCE, Compiled
from schema.execution.waiting import Begun, begun
from tests.execution.world import MAKERS, Color, Ctx, Later, LeafRow, ThingRow, another, core


class Given(ThingRow):
    """A row of which some values are given."""

    def __init__(self, **values: Any) -> None:
        super().__init__("given", 0.0)
        self.__dict__.update(values)


def made(root: Any, document: Any, by: type = Compiled, on: Any = core, **variables: Any) -> Any:
    """What an executor makes of a document; to be awaited where something waits."""
    node = parse(document) if isinstance(document, str) else document
    return execute(
        on,
        node,
        root_value=root,
        context_value=Ctx(0.0),
        variable_values=variables,
        executor_class=by,
    )


async def both(root: Any, document: str, **variables: Any) -> ExecutionResult:
    """What both executors make of it: the same."""
    stock = await await_maybe(
        made(root, document, StrawberryGraphQLCoreExecutionContext, **variables)
    )
    ours: ExecutionResult = await await_maybe(made(root, document, **variables))
    assert (ours.data, ours.errors) == (stock.data, stock.errors)
    assert str(ours.data) == str(stock.data)
    return ours


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("count", [1, 2**31 - 1, -(2**31), 2**31, -(2**31) - 1, True, 1.0, 1.5, "7", None]),
        ("name", ["a", "", 1, 1.5, True, b"a", [], None, Color.RED, ValueError("no"), Later("a")]),
        ("isOpen", [True, 1, 0, "true", 2.5, float("nan"), None]),
        ("share", [0.5, 1, True, float("inf"), float("nan"), "0.5", None, [1.0]]),
        ("color", [Color.RED, "r", 2, "RED", None, True, object, []]),
        ("shade", ["dark", "light", "DARK", None, Color.RED]),
        ("strict", ["a", "nothing", 1, None, ValueError("no"), Later("a"), Later("nothing")]),
        ("at", [MAKERS["at"](Random(1), ThingRow("1", 0)), "now", None, 5]),
        ("tags", [["a"], ("a", "b"), [], [None], None, "ab", {"a": 1}, {"a"}, iter(()), 5]),
        ("grid", [[[1], None, []], [[None]], [5], None, [["a"]], ([1],), [Later([1])]]),
        (
            "child { name }",
            [None, ThingRow("2", 0), LeafRow("2", 0), object(), ValueError("no"), Later(None), 5],
        ),
        ("leaf { __typename }", [None, 5, ValueError("no"), Later(5), Later(None), Undefined]),
        ("needed { name }", [None, ThingRow("2", 0), ValueError("no"), Later(ThingRow("2", 0))]),
        ("things { name }", [None, [], [None], [ThingRow("2", 0)], (ThingRow("2", 0),), "ab"]),
    ],
)
async def test_each_value_becomes_what_it_becomes_without(field: str, values: list[Any]) -> None:
    name = {"isOpen": "is_open"}.get(field, field.split(maxsplit=1)[0])
    document = f"{{ maybeThings {{ {field} }} }}"
    for value in values:
        rows = [Given(**{name: value}), ThingRow("2", 0.0), Given(**{name: value})]
        await both(Given(maybe_things=rows), document)
    every = [Given(**{name: value}) for value in values]
    await both(Given(maybe_things=every), document)


async def test_nothing_selected_is_an_object_without_fields() -> None:
    document = "query ($yes: Boolean!) { things { needed { name @skip(if: $yes) } } }"
    result = await both(Given(things=[THING, THING]), document, yes=True)
    assert result.data == {"things": [{"needed": {}}, {"needed": {}}]}


THING = ThingRow("1", 0.0)


async def test_one_document_is_compiled_for_each_choice() -> None:
    document = parse("query ($yes: Boolean!) { leaf { name @skip(if: $yes) count } }")
    for yes, keys in [(True, ["count"]), (False, ["name", "count"]), (True, ["count"])]:
        result = await await_maybe(made(THING, document, yes=yes))
        assert list(result.data["leaf"]) == keys


async def test_a_choice_that_is_none_is_refused_where_it_stands() -> None:
    document = "query ($yes: Boolean = true) { leaf { name @skip(if: $yes) count } }"
    result = await both(THING, document, yes=None)
    assert result.errors is not None
    assert [error.path for error in result.errors] == [["leaf"]]


@pytest.mark.parametrize(
    ("document", "variables", "count"),
    [
        ("{ maybeThings { child { name @skip(if: 5) } } }", {}, 1),
        ("query ($yes: [Boolean!]) { leaf { name @skip(if: $yes) } }", {"yes": [True]}, 0),
    ],
)
async def test_what_would_not_be_valid_is_refused_where_it_is_met(
    document: str, variables: dict[str, Any], count: int
) -> None:
    rows = [Given(child=None), Given(child=THING)]
    result = await both(Given(maybe_things=rows), document, **variables)
    assert len(result.errors or ()) == count


async def test_an_operation_with_other_fragments_is_another_one() -> None:
    first = parse("{ leaf { ...F } } fragment F on Leaf { name }")
    second = parse("{ leaf { ...F } } fragment F on Leaf { count }")
    assert list((await await_maybe(made(THING, first))).data["leaf"]) == ["name"]
    mixed = type(first)(definitions=(first.definitions[0], second.definitions[1]))
    assert list((await await_maybe(made(THING, mixed))).data["leaf"]) == ["count"]


def test_what_is_kept_is_limited() -> None:
    schema = another(most_fields=50)
    compiler = schema.extensions[COMPILER]
    for number in range(40):
        made(Given(leaf=None), f"{{ leaf {{ a{number}: name count }} }}", on=schema)
        made(THING, f"{{ leaf {{ a{number}: name count }} }}", on=schema)
        assert compiler.plans.size <= 50
    assert 15 < len(compiler.plans._known) < 30
    assert compiler.plans.size == sum(one.size for one in compiler.plans._known.values())


async def test_what_is_forgotten_while_it_runs_is_not_counted() -> None:
    schema = another(most_fields=0)
    compiler = schema.extensions[COMPILER]
    running = made(Given(things=[], seed="1"), "{ many { name } things { name } }", on=schema)
    made(THING, "{ leaf { name } }", on=schema)
    assert (compiler.plans.size, len(compiler.plans._known)) == (0, 0)
    assert len((await running).data["many"]) == 3
    assert (compiler.plans.size, len(compiler.plans._known)) == (0, 0)


def test_choices_of_one_operation_are_limited() -> None:
    schema = another()
    compiler = schema.extensions[COMPILER]
    names = [f"v{number}" for number in range(5)]
    variables = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: name @skip(if: ${name})" for name in names)
    document = parse(f"query ({variables}) {{ leaf {{ {fields} }} }}")
    for number in range(32):
        made(
            THING,
            document,
            on=schema,
            **{name: bool(number >> i & 1) for i, name in enumerate(names)},
        )
        (known,) = compiler.plans._known.values()
        assert len(known.plans) <= plans.MOST_CHOICES


@pytest.mark.parametrize("count", [AT_ONCE + 1, 3 * AT_ONCE])
async def test_long_lists_are_whole_and_others_go_on(count: int) -> None:
    rows = [Given(name=f"{number}") for number in range(count)]
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    beside = asyncio.create_task(others())
    root = Given(things=rows, maybe_things=rows)
    result = await await_maybe(made(root, "{ things { name } maybeThings { __typename } }"))
    beside.cancel()
    assert [row["name"] for row in result.data["things"]] == [f"{n}" for n in range(count)]
    assert result.data["maybeThings"] == [{"__typename": "Thing"}] * count
    assert turns >= 2 * (count // AT_ONCE) - 1


async def test_an_error_in_a_long_list_keeps_its_place() -> None:
    rows: list[Any] = [Given(name=f"{number}") for number in range(2 * AT_ONCE)]
    rows[AT_ONCE + 3] = Given(needed=None)
    rows[7] = None
    root = Given(maybe_things=rows)
    result = await await_maybe(made(root, "{ maybeThings { name needed { name } } }"))
    assert [error.path for error in result.errors] == [["maybeThings", AT_ONCE + 3, "needed"]]
    nulls = [place for place, row in enumerate(result.data["maybeThings"]) if row is None]
    assert nulls == [7, AT_ONCE + 3]
    assert result.data["maybeThings"][-1]["name"] == f"{2 * AT_ONCE - 1}"


class Counted(Given):
    """Rows that count how often their names are read."""

    reads = 0

    @property
    def name(self) -> str:
        Counted.reads += 1
        return "Ada"


async def test_of_a_long_list_only_the_unusual_part_is_done_twice() -> None:
    rows: list[Any] = [Counted(needed=THING) for _ in range(3 * AT_ONCE)]
    rows[AT_ONCE + 3] = Given(needed=None)
    Counted.reads = 0
    result = await await_maybe(
        made(Given(maybe_things=rows), "{ maybeThings { name needed { id } } }")
    )
    assert [error.path[1] for error in result.errors] == [AT_ONCE + 3]
    assert Counted.reads == 4 * AT_ONCE - 2


async def test_what_need_not_wait_is_done_at_once() -> None:
    result = made(Given(things=[THING]), "{ things { name things { leaf { tags } } } }")
    assert isinstance(result, ExecutionResult)


async def test_a_level_is_loaded_in_one_batch() -> None:
    rows = [Given(key="key 1", child=Given(key="key 4")), Given(key=None), Given(key="key 0")]
    document = parse("{ things { partner { id } number child { partner { id } } } }")
    context = Ctx(0.0)
    root = Given(things=rows)
    await await_maybe(execute(core, document, root, context_value=context, executor_class=Compiled))
    assert [(name, *sorted(keys)) for name, *keys in sorted(context.loads)] == [
        ("counts", "key 0", "key 1"),
        ("things", "key 0", "key 1", "key 4"),
    ]


async def test_a_field_that_fails_takes_nobody_with_it() -> None:
    rows = [Given(key="key 1"), Given(key="key 1", needed=None, late=None)]
    document = "{ maybeThings { number certainPartner { id } needed { later } } }"
    result = await both(Given(maybe_things=rows), document)
    assert result.data["maybeThings"][1] is None
    assert result.data["maybeThings"][0]["number"] == len(str(str))


async def waiting(steps: list[Any]) -> str:
    for step in steps:
        try:
            await step
        except ValueError as error:
            return str(error)
        except asyncio.CancelledError:
            steps.append("cancelled")
            raise
    return "done"


async def test_what_is_begun_goes_on_where_it_was() -> None:
    loop = asyncio.get_running_loop()
    first, second = loop.create_future(), loop.create_future()
    going = begun(waiting([first, second]))
    assert isinstance(going, Begun)
    task = asyncio.ensure_future(going)
    first.set_result(None)
    await asyncio.sleep(0)
    second.set_exception(ValueError("said"))
    assert await task == "said"
    assert begun(waiting([])) == "done"


async def test_what_is_begun_can_be_cancelled() -> None:
    future = asyncio.get_running_loop().create_future()
    steps: list[Any] = [future]
    task = asyncio.ensure_future(begun(waiting(steps)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert future.cancelled()
    assert steps[1:] == ["cancelled"]


def test_the_server_has_it() -> None:
    assert served.schema.execution_context_class is Compiled
    assert isinstance(served.schema._schema.extensions[COMPILER], Compiler)
