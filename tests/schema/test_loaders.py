"""Batched loads, and those who wait for them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import strawberry
from strawberry import Info

from resolvers.loaders import load, loader_of


class Memory:
    """As much of a context as loaders need."""

    def __init__(self) -> None:
        self.memory: dict[Any, Any] = {}
        self.batches: list[Sequence[str]] = []


async def upper(context: Any, keys: Sequence[str]) -> Mapping[str, str]:
    context.batches.append(keys)
    await asyncio.sleep(0.01)
    if "bad" in keys:
        raise ValueError("bad")
    return {key: key.upper() for key in keys if key != "none"}


async def test_what_is_asked_for_at_once_is_loaded_in_one_batch() -> None:
    context: Any = Memory()
    loader = loader_of(context, upper, ())
    assert await asyncio.gather(*map(loader.load, ["a", "b", "a", "none"])) == ["A", "B", "A", None]
    assert await loader.load("b") == "B"
    assert context.batches == [["a", "b", "none"]]


async def test_a_load_goes_on_as_long_as_somebody_waits() -> None:
    loader = loader_of(Memory(), upper, ())  # type: ignore[arg-type]
    first, second = loader.load("a"), loader.load("a")
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "A"
    given_up = loader.load("b")
    (shared,) = loader._waiting
    given_up.cancel()
    await asyncio.sleep(0)
    assert shared.cancelled()
    assert await loader.load("b") == "B"
    assert not loader._waiting


async def test_who_waits_is_told_of_a_failure_and_who_has_left_is_not_missed() -> None:
    context: Any = Memory()
    loader = loader_of(context, upper, ())
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    waiting, gone = loader.load("bad"), loader.load("bad")
    result = (await asyncio.gather(waiting, return_exceptions=True))[0]
    assert str(result) == "bad"
    del waiting, gone, loader, result
    context.memory.clear()
    await asyncio.sleep(0)
    asyncio.get_running_loop().set_exception_handler(None)
    assert complaints == []


@strawberry.type
class Row:
    fails: strawberry.Private[bool]

    @strawberry.field
    async def shared(self, info: Info) -> str | None:
        return await load(info, upper, "a")

    @strawberry.field
    async def certain(self) -> int:
        if self.fails:
            raise ValueError("fails")
        return 1


@strawberry.type
class Query:
    @strawberry.field
    def rows(self) -> list[Row | None]:
        return [Row(fails=False), Row(fails=True), Row(fails=False)]


async def test_a_field_that_fails_takes_nobody_with_it_who_waits_for_the_same() -> None:
    schema = strawberry.Schema(Query)
    result = await schema.execute("{ rows { shared certain } }", context_value=Memory())
    row = {"shared": "A", "certain": 1}
    assert result.data == {"rows": [row, None, row]}
