"""Long lists in slices: as they would be without, and others go on in between."""

import asyncio
import gc
import warnings
from typing import Any

import pytest
import strawberry

from schema import root
from schema.slices import FEW, SLICE, InSlices


@strawberry.type
class Row:
    number: int
    more: list["Row"] = strawberry.field(default_factory=list)

    @strawberry.field
    async def later(self) -> int | None:
        await asyncio.sleep(0)
        if self.number % 60 == 7:
            raise ValueError("Seven")
        return self.number

    @strawberry.field
    async def many(self) -> list["Row"]:
        await asyncio.sleep(0)
        return [Row(number=n) for n in range(SLICE - FEW)]

    @strawberry.field
    def certain(self) -> int:
        if self.number == 70:
            raise ValueError("Seventy")
        return self.number


@strawberry.type
class Query:
    @strawberry.field
    def rows(self, count: int) -> list[Row | None]:
        return [Row(number=n, more=[Row(number=n)] * (n % 3)) for n in range(count)]

    @strawberry.field
    def all(self, count: int) -> list[Row]:
        return [Row(number=n) for n in range(count)]

    @strawberry.field
    def awaited(self, count: int) -> list[Row | None]:
        async def later(number: int) -> Row:
            await asyncio.sleep(0)
            return Row(number=number)

        rows: Any = [later(number) for number in range(count)]
        return rows  # type: ignore[no-any-return]


PLAIN = strawberry.Schema(Query)
SLICED = strawberry.Schema(Query, execution_context_class=InSlices)


async def carried_out(schema: strawberry.Schema, query: str, count: int) -> tuple[Any, Any]:
    result = await schema.execute(query, variable_values={"count": count})
    return result.data, sorted((str(e.path), e.message) for e in result.errors or ())


@pytest.mark.parametrize("count", [0, 1, SLICE, SLICE + 1, 3 * SLICE])
@pytest.mark.parametrize(
    "query",
    [
        "query ($count: Int!) { rows(count: $count) { number more { number } } }",
        "query ($count: Int!) { rows(count: $count) { later more { later } } }",
        "query ($count: Int!) { rows(count: $count) { later certain } }",
        "query ($count: Int!) { all(count: $count) { later } rows(count: $count) { number } }",
        "query ($count: Int!) { all(count: $count) { certain } }",
        "query ($count: Int!) { awaited(count: $count) { number } }",
    ],
)
async def test_lists_in_slices_are_the_lists_that_they_were(query: str, count: int) -> None:
    found = await carried_out(SLICED, query, count)
    assert found == await carried_out(PLAIN, query, count)
    fails = ("later" in query and count > 7) or ("certain" in query and count > 70)
    assert bool(found[1]) == fails


async def test_a_list_that_cannot_be_is_none_and_what_was_begun_of_it_is_ended() -> None:
    query = "query ($count: Int!) { all(count: $count) { later certain } }"
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        data, errors = await carried_out(SLICED, query, 10 * SLICE)
        await asyncio.sleep(0)
        gc.collect()
    assert data is None
    assert ("['all', 70, 'certain']", "Seventy") in errors
    assert complaints == []


@pytest.mark.parametrize(
    ("query", "count", "slices"),
    [
        ("query ($count: Int!) { all(count: $count) { number } }", 10 * SLICE, 10),
        # Each is short enough, and all are there at once.
        ("query ($count: Int!) { all(count: $count) { many { number } } }", 20, 20),
    ],
)
async def test_others_go_on_between_the_slices_of_long_lists(
    query: str, count: int, slices: int
) -> None:
    async def others_turns(schema: strawberry.Schema) -> int:
        turns = 0
        work = asyncio.create_task(carried_out(schema, query, count))
        while not work.done():
            await asyncio.sleep(0)
            turns += 1
        return turns

    assert await others_turns(SLICED) >= slices
    assert await others_turns(PLAIN) < slices


def test_that_is_how_operations_are_carried_out() -> None:
    assert issubclass(root.schema.execution_context_class, InSlices)
