"""A schema with everything that a schema can have, over rows whose values follow from a seed: as
they should be, or null, raised, returned as errors, to be waited for, of a wrong type, or refused
by their scalars."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum, StrEnum
from random import Random
from typing import Annotated, Any, NewType, Union
from uuid import UUID

import strawberry
from graphql import GraphQLSchema, Undefined
from strawberry import Info
from strawberry.extensions.field_extension import FieldExtension
from strawberry.permission import BasePermission
from strawberry.schema.config import StrawberryConfig

from resolvers.loaders import loaded
from schema.execution.compiler import MOST_FIELDS, Compiler
from schema.fields import Node, entity
from schema.scalars import SCALARS


class Color(Enum):
    RED = "r"
    GREEN = 2


class Shade(StrEnum):
    DARK = "dark"
    LIGHT = "light"


class Later:
    """A value to be waited for, any number of times."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __await__(self) -> Iterator[Any]:
        yield from asyncio.sleep(0).__await__()
        if isinstance(self._value, Exception):
            raise self._value
        return self._value


class Text(str):  # noqa: SLOT000
    """A string that is not exactly one."""


Strict = NewType("Strict", str)


def strict(value: Any) -> Any:
    """The written form of a scalar that has its own ideas."""
    if value == "nothing":
        return None
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not strict")
    return value.upper()


class Ctx:
    """What is the same for all of an operation."""

    def __init__(self, wildness: float) -> None:
        self.memory: dict[Any, Any] = {}
        # What was loaded: the batch, and its keys.
        self.loads: list[tuple[str, ...]] = []
        self.wildness = wildness


class Row:
    """A row, of which each attribute follows from the seed and its name, as often as it is read."""

    def __init__(self, seed: str, wildness: float) -> None:
        self.seed, self.wildness = seed, wildness

    def __getattr__(self, name: str) -> Any:
        if name not in MAKERS:
            raise AttributeError(name)
        chance = Random(f"{self.seed}.{name}")
        if chance.random() < self.wildness:
            return wild(chance, self, name)
        return MAKERS[name](chance, self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def other(self, chance: Random, kind: "type[Row] | None" = None) -> "Row":
        """Another row that follows from this one."""
        return (kind or ThingRow)(str(chance.random()), self.wildness)


class ThingRow(Row):
    """A row of a type that knows its rows."""


class SpecialRow(ThingRow):
    """One of another class that is such a row as well."""


class LeafRow(Row):
    """A row of a type that takes anything."""


def wild(chance: Random, row: Row, name: str) -> Any:
    """A value that is not as it should be."""
    usual = MAKERS[name](chance, row)
    error = ValueError(f"{name} of {row.seed[-3:]}")
    return chance.choice(
        [
            lambda: None,
            lambda: raised(error),
            lambda: error,
            lambda: Undefined,
            lambda: Later(usual),
            lambda: Later(None),
            lambda: Later(error),
            lambda: 2**40,
            lambda: 1.5,
            lambda: True,
            lambda: "nothing",
            lambda: Text("text"),
            lambda: object,
            lambda: row.other(chance, LeafRow),
            lambda: row.other(chance, SpecialRow),
            lambda: [usual, None],
            lambda: (usual, error),
            lambda: [Later(usual), Later(error)],
            lambda: iter([usual, usual]),
            lambda: {"a": usual},
        ]
    )()


def raised(error: Exception) -> Any:
    raise error


def several(make: Callable[[Random, Row], Any]) -> Callable[[Random, Row], Any]:
    def made(chance: Random, row: Row) -> Any:
        return [
            None if chance.random() < row.wildness / 4 else make(chance, row)
            for _ in range(chance.choice([0, 1, 2, 3, 9]))
        ]

    return made


def maybe(make: Callable[[Random, Row], Any]) -> Callable[[Random, Row], Any]:
    return lambda chance, row: None if chance.random() < 0.3 else make(chance, row)


def thing(chance: Random, row: Row) -> Row:
    return row.other(chance)


def moment(chance: Random, _: Row) -> datetime:
    zone = chance.choice([UTC, timezone(timedelta(hours=2))])
    return datetime(2027, 3, 28, chance.randrange(24), 30, tzinfo=zone)


MAKERS: dict[str, Callable[[Random, Row], Any]] = {
    "id": lambda chance, _: UUID(int=chance.randrange(2**128)),
    "name": lambda chance, _: chance.choice(["Ada", "", "É"]),
    "nick": maybe(lambda *_: "nick"),
    "count": lambda chance, _: chance.choice([0, 7, -(2**31), 2**31 - 1]),
    "share": maybe(lambda chance, _: chance.random()),
    "is_open": lambda chance, _: chance.random() < 0.5,
    "color": lambda chance, _: chance.choice(list(Color)),
    "shade": maybe(lambda chance, _: chance.choice(list(Shade))),
    "at": moment,
    "day": maybe(lambda chance, _: date(2027, 3, chance.randrange(1, 29))),
    "strict": maybe(lambda *_: Strict("strict")),
    "tags": several(lambda chance, _: chance.choice("abc")),
    "grid": several(several(lambda chance, _: chance.randrange(9))),
    "child": maybe(thing),
    "needed": thing,
    "things": several(thing),
    "maybe_things": several(maybe(thing)),
    "leaf": lambda chance, row: row.other(chance, LeafRow),
    "leaves": several(lambda chance, row: row.other(chance, LeafRow)),
    "either": maybe(thing),
    "key": maybe(lambda chance, _: f"key {chance.randrange(6)}"),
    "late": lambda *_: 1,
}


def named(key: Any) -> str:
    """What follows from a key, whatever it is."""
    return key if isinstance(key, str) else type(key).__name__


async def things_by_key(context: Ctx, keys: Sequence[str]) -> Mapping[str, Any]:
    context.loads.append(("things", *map(named, keys)))
    found: dict[str, Any] = {}
    for key in keys:
        chance = Random(named(key))
        odd = chance.random() < context.wildness
        error = KeyError(key)
        found[key] = chance.choice([None, error]) if odd else ThingRow(named(key), context.wildness)
    return found


async def many_by_key(context: Ctx, keys: Sequence[str], *, size: int) -> Mapping[str, Any]:
    await asyncio.sleep(0)
    if context.wildness > 0.25:
        raise ValueError("many")
    return {
        key: [ThingRow(f"{named(key)} {n}", context.wildness) for n in range(size)] for key in keys
    }


async def counts_by_key(context: Ctx, keys: Sequence[str]) -> Mapping[str, int]:
    context.loads.append(("counts", *map(named, keys)))
    return {key: len(str(type(key))) for key in keys if key != "key 2"}


class Passing(FieldExtension):
    """Does something of its own."""

    def resolve(self, next_: Callable[..., Any], source: Any, info: Info, **values: Any) -> Any:
        return f"passed {next_(source, info, **values)}"


class Allowed(BasePermission):
    """Is asked."""

    message = "Not allowed."

    def has_permission(self, source: Any, info: Info, **_: Any) -> bool:  # noqa: ARG002
        return bool(source.is_open)


def upper_of(root: Any, info: Info) -> str:
    return str(root.name.upper() + info.path.typename)


def twice_of(root: Any) -> str:
    return str(root.name * 2)


async def slow_of(root: Any) -> int:
    await asyncio.sleep(0)
    return int(root.late)


async def later_of(root: Any, info: Info, after: int = 1) -> int | None:
    await asyncio.sleep(0)
    return None if after > 1 else int(root.late)


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Leaf:
    name: str | None
    count: int
    tags: list[str]
    strict: Strict | None
    upper: str = strawberry.field(resolver=upper_of)


@entity(ThingRow)
class Thing(Node):
    """A thing."""

    name: str
    nick: str | None
    count: int
    share: float | None
    is_open: bool
    color: Color
    shade: Shade | None
    at: datetime
    day: date | None
    strict: Strict | None
    tags: list[str]
    grid: list[list[int] | None] | None
    child: "Thing | None"
    needed: "Thing"
    things: list["Thing"]
    maybe_things: list["Thing | None"] | None
    leaf: Leaf | None
    leaves: list[Leaf] | None
    either: Annotated[Union["Thing", Leaf], strawberry.union("OneOf")] | None
    node: Node | None = strawberry.field(resolver=lambda root: root.child)
    upper: str | None = strawberry.field(resolver=upper_of)
    twice: str | None = strawberry.field(resolver=twice_of)
    slow: int | None = strawberry.field(resolver=slow_of)
    later: int | None = strawberry.field(resolver=later_of)
    passed: str | None = strawberry.field(resolver=twice_of, extensions=[Passing()])
    allowed: str | None = strawberry.field(resolver=twice_of, permission_classes=[Allowed])
    partner: "Thing | None" = strawberry.field(resolver=loaded(things_by_key, "key"))
    certain_partner: "Thing" = strawberry.field(resolver=loaded(things_by_key, "key"))
    many: list["Thing"] = strawberry.field(
        resolver=loaded(many_by_key, "key", otherwise=(), size=2)
    )
    number: int = strawberry.field(resolver=loaded(counts_by_key, "key", otherwise=0))


@strawberry.type
class Query:
    thing: Thing | None
    things: list[Thing]
    maybe_things: list[Thing | None] | None
    leaf: Leaf | None

    @strawberry.field
    async def many(self, count: int = 3) -> list[Thing | None]:
        await asyncio.sleep(0)
        root: Any = self
        return [ThingRow(f"{root.seed} {n}", root.wildness) for n in range(count)]  # type: ignore[misc]


scalars: Any = {
    **SCALARS,
    Strict: strawberry.scalar(name="Strict", serialize=strict, parse_value=str),
}
schema = strawberry.Schema(Query, config=StrawberryConfig(scalar_map=scalars))
core = schema._schema
Compiler(core)


def another(most_fields: int = MOST_FIELDS, **parts: Any) -> GraphQLSchema:
    """The same schema once more, with other parts, and a compiler of its own."""
    made = GraphQLSchema(**{**core.to_kwargs(), "extensions": {}, **parts})
    Compiler(made, most_fields=most_fields)
    return made
