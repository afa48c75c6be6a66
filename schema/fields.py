"""How declarations become Strawberry's: fields with described arguments, types bound to rows,
mutations with one input and one payload.

Strawberry prefers a field's annotation to the type that its resolver returns, so resolvers return
rows as they are and nothing is copied.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum, IntEnum
from functools import cache, reduce
from operator import or_
from types import MappingProxyType
from typing import Annotated, Any, Optional, TypeVar, get_args, get_origin

import strawberry
from strawberry import UNSET, Info, Maybe, Some
from strawberry.annotation import StrawberryAnnotation
from strawberry.extensions.field_extension import FieldExtension
from strawberry.types.base import StrawberryMaybe
from strawberry.types.field import StrawberryField

from resolvers import ids
from schema.errors import TYPES, as_data
from schema.execution.readings import OF_TYPE, SHOWS
from schema.sizes import ACT_WEIGHT, COST, PAGE_SIZE, PAGE_WEIGHT, Cost, Rows
from services import errors
from services.errors import Refusal

Cls = TypeVar("Cls", bound=type)
NODE = "node"
NAME = "name"
NEVER_EMPTY = "never empty"
# At run time it is a class, whatever it is for a type checker.
MAYBE: Any = Maybe
SCOPE = "scope"
OF_HOLDERS = "of_holders"
SENSITIVE = "sensitive"
NO_LISTS: Mapping[str, Rows] = MappingProxyType({})


class Scope(IntEnum):
    """For whom a field's value is the same, as long as the row is.

    It decides which viewers of a live view are sent the same bytes. A field that says nothing is
    VIEWER, so a forgotten declaration costs speed and never privacy.
    """

    PUBLIC = 1
    ROLE = 2
    VIEWER = 3


@dataclasses.dataclass(frozen=True)
class Arg:
    """An argument's description, and its name and type on the wire where they differ."""

    description: str
    name: str | None = None
    type: Any = None


FIRST = Arg("How many at most, 1 to 100.")
AFTER = Arg("The end cursor of the page before; nothing for the first page.")
PAGE = {"first": FIRST, "after": AFTER}
# Of `idempotency_key` in the input of an act that creates something.
KEY = (
    "16 to 255 characters of your choice, kept for seven days: the same request with the same key "
    "does nothing twice, and answers what it made."
)


def field(
    description: str,
    resolver: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    arguments: Mapping[str, Arg] | None = None,
    scope: Scope = Scope.VIEWER,
    rows: Rows | None = None,
    weight: int | None = None,
    of_holders: bool = False,
    **options: Any,
) -> Any:
    """A field of an object type. Without a resolver it is the row's attribute of the same name.

    Args:
        of_holders: within its scope it has another value for those who hold the slot.
        rows: how many rows it has, where it is a list; of a page it is known.
        weight: what it costs, where that is not what a row costs; a plain value costs nothing.

    """
    if arguments and any(argument.type is not None for argument in arguments.values()):
        # It may be an input type; one that is imported lazily does not tell.
        options["extensions"] = [PlainInputs()]
    whole: dict[str, Any] = {"resolver": resolver, "description": description, "name": name}
    if "first" in (arguments or {}):
        rows, weight = PAGE_SIZE, PAGE_WEIGHT
    metadata = {SCOPE: scope, OF_HOLDERS: of_holders, COST: Cost(rows, weight)}
    made: Any = strawberry.field(**whole, metadata=metadata, **options)
    _describe(made, arguments or {})
    return made


def subscription(
    description: str,
    resolver: Callable[..., Any],
    arguments: Mapping[str, Arg],
    *,
    rows: Rows,
) -> Any:
    """A field of the subscription type; `rows` are those of its first update."""
    metadata = {SCOPE: Scope.PUBLIC, COST: Cost(rows)}
    made: Any = strawberry.subscription(
        resolver=resolver, description=description, metadata=metadata
    )
    _describe(made, arguments)
    return made


def _describe(made: StrawberryField, arguments: Mapping[str, Arg]) -> None:
    for argument in made.arguments:
        arg = arguments[argument.python_name]
        argument.description = arg.description
        argument.graphql_name = arg.name or argument.graphql_name
        if arg.type is not None:
            argument.type_annotation = StrawberryAnnotation(arg.type)


class PlainInputs(FieldExtension):
    """Turns input objects among the arguments into plain keyword values."""

    async def resolve_async(
        self, next_: Callable[..., Awaitable[Any]], source: Any, info: Info, **kwargs: Any
    ) -> Any:
        """Resolve with plain values."""
        return await next_(source, info, **{key: plain(kwargs[key], key) for key in kwargs})


def describe_enum(enum: type[Enum], description: str, values: Mapping[str, str]) -> None:
    """Register a Python enum of `models/` or `services/`, with every value described."""
    registered: Any = strawberry.enum(enum, description=description)
    for value in registered.__strawberry_definition__.values:
        value.description = values[value.name]


def _global_id(root: Any, info: Info) -> strawberry.ID:
    type_name = info._raw_info.parent_type.name  # noqa: SLF001 - the type that the row is shown as
    return _global_id_of(type_name)(root)


@cache
def _global_id_of(type_name: str) -> Callable[[Any], strawberry.ID]:
    begin = f"{ids.prefix_of(type_name)}_"
    return lambda root: strawberry.ID(f"{begin}{root.id.hex}")


_global_id.__dict__[OF_TYPE] = _global_id_of


@strawberry.interface(description="Anything that has an id of its own.")
class Node:
    """The interface of every entity."""

    id: strawberry.ID = field(
        "Opaque, typed and random; good for `node` and for inputs.",
        _global_id,
        scope=Scope.PUBLIC,
    )


def entity(row: type) -> Callable[[Cls], Cls]:
    """Declare the type whose values are rows of `row`; its description is its docstring."""

    def decorate(cls: Cls) -> Cls:
        def is_type_of(_cls: type, value: object, _info: Info) -> bool:
            return isinstance(value, row)

        is_type_of.__dict__[SHOWS] = row
        cls.is_type_of = classmethod(is_type_of)  # type: ignore[attr-defined]
        return strawberry.type(cls, description=cls.__doc__)

    return decorate


def value(cls: Cls) -> Cls:
    """Declare a type without an id; its description is its docstring."""
    return strawberry.type(cls, description=cls.__doc__)


def inputs(cls: Cls) -> Cls:
    """Declare an input type; its description is its docstring.

    Null is the same as nothing said where a value cannot be empty: on the wire such a field may be
    null, as every field that may be left out.
    """
    for name, annotation in list(cls.__annotations__.items()):
        kinds: tuple[Any, ...] = get_args(annotation) if get_origin(annotation) is MAYBE else ()
        if kinds and type(None) not in get_args(kinds[0]):
            cls.__annotations__[name] = MAYBE[kinds[0] | None]
            part = cls.__dict__[name]
            part.metadata = MappingProxyType({**part.metadata, NEVER_EMPTY: True})
    return strawberry.input(cls, description=cls.__doc__)


def given(
    description: str,
    *,
    wire: str | None = None,
    name: str | None = None,
    node: str | None = None,
    default: Any = UNSET,
) -> Any:
    """A field of an input type.

    Args:
        wire: its name on the wire, where Python does not allow that name.
        name: the service's keyword, where it differs from the field's name.
        node: the type of thing whose id this is.

    """
    options = {} if default is UNSET else {"default": default}
    metadata = {NODE: node, NAME: name}
    return strawberry.field(name=wire, description=description, metadata=metadata, **options)


def plain(value: Any, *path: str | int) -> Any:
    """An input object as the keywords of a service: ids decoded, what was not given left out.

    Raises:
        InvalidInput, NotFound: an id is none, or is of another type.

    """
    if isinstance(value, list):
        return [plain(item, *path, place) for place, item in enumerate(value)]
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    values = {}
    for part in dataclasses.fields(value):
        content = getattr(value, part.name)
        is_maybe = _is_maybe(part)
        if content is UNSET or (content is None and is_maybe):
            continue
        if isinstance(content, Some):
            content = content.value
        if content is None and part.metadata.get(NEVER_EMPTY):
            continue
        node = part.metadata.get(NODE)
        if node and content is not None:
            content = _keys(content, node, *path, part.name)
        values[part.metadata.get(NAME) or part.name] = plain(content, *path, part.name)
    return values


def _is_maybe(part: "dataclasses.Field[Any]") -> bool:
    return isinstance(part, StrawberryField) and isinstance(part.type, StrawberryMaybe)


def _keys(content: Any, node: str, *path: str | int) -> Any:
    if isinstance(content, list):
        return [ids.key(item, node, *path, place) for place, item in enumerate(content)]
    return ids.key(content, node, *path)


def mutation(
    description: str,
    resolver: Callable[..., Awaitable[Any]],
    input_type: type,
    *,
    returns: Mapping[str, tuple[Any, str]],
    unpack: Callable[[Any], Mapping[str, Any]] | None = None,
    rows: Mapping[str, Rows] = NO_LISTS,
    sensitive: bool = False,
) -> Any:
    """A mutation: one input, one payload with what it yields and every way it can be refused.

    Args:
        returns: the payload's own fields: name → (type, description); each is nullable.
        unpack: the values of these fields from what the resolver returned; with one field it is
            that itself, with several its attributes of the same names.
        rows: how many there are of those of the payload's own fields that are lists.
        sensitive: it takes a secret that somebody could guess at: one to an operation, or each
            alias in one request would be a guess.

    """
    name = "".join(word.title() for word in resolver.__name__.split("_"))
    refusals = _refusals(resolver, input_type)
    payload = _payload(name, returns, refusals, rows)

    async def resolve(info: Info, input: Any) -> Any:
        try:
            result = await resolver(info, **plain(input))
        except Refusal as refusal:
            if type(refusal) not in refusals:
                raise
            return payload(**dict.fromkeys(returns), errors=[as_data(refusal)])
        return payload(**_unpacked(result, returns, unpack), errors=[])

    resolve.__annotations__ = {"info": Info, "input": input_type, "return": payload}
    made: Any = strawberry.mutation(
        resolver=resolve,
        description=f"{description} {_allowed(resolver)}",
        metadata={COST: Cost(weight=ACT_WEIGHT), SENSITIVE: sensitive},
    )
    _describe(made, {"input": Arg("What to do.")})
    return made


def _unpacked(
    result: Any,
    returns: Mapping[str, Any],
    unpack: Callable[[Any], Mapping[str, Any]] | None,
) -> Mapping[str, Any]:
    if unpack is not None:
        return unpack(result)
    if len(returns) == 1:
        return dict.fromkeys(returns, result)
    return {name: getattr(result, name) for name in returns}


def _allowed(resolver: Callable[..., Any]) -> str:
    """Who may do it, from the table that enforces it."""
    roles = resolver.roles  # type: ignore[attr-defined]
    if None in roles:
        return "For everybody."
    return f"For {', '.join(sorted(role.value for role in roles if role))}."


def _refusals(resolver: Callable[..., Any], input_type: type) -> Sequence[type[Refusal]]:
    """The refusals that an act declares, and those that follow from its input."""
    declared: tuple[type[Refusal], ...] = resolver.refusals  # type: ignore[attr-defined]
    parts = {part.name: part for part in dataclasses.fields(input_type)}
    implied: list[type[Refusal]] = [errors.InvalidInput]
    if any(part.metadata.get(NODE) for part in parts.values()):
        implied.append(errors.NotFound)
    if "expected_version" in parts:
        implied.append(errors.StaleVersion)
    if "idempotency_key" in parts:
        implied.append(errors.IdempotencyMismatch)
    return [*declared, *implied]


def _payload(
    name: str,
    returns: Mapping[str, tuple[Any, str]],
    refusals: Sequence[type[Refusal]],
    rows: Mapping[str, Rows],
) -> Any:
    members: list[Any] = [TYPES[refusal] for refusal in refusals]
    union: Any = Annotated[
        reduce(or_, members),
        strawberry.union(f"{name}Error", description=f"Every way {name} can be refused."),
    ]
    annotations: dict[str, Any] = {
        field_name: Optional[kind]  # noqa: UP045 - the type is a value here
        for field_name, (kind, _) in returns.items()
    }
    annotations["errors"] = list[union]
    parts = {
        field_name: strawberry.field(description=text, metadata={COST: Cost(rows.get(field_name))})
        for field_name, (_, text) in returns.items()
    }
    parts["errors"] = strawberry.field(
        description="Why it was not done; empty where it was.", metadata={COST: Cost(rows=1)}
    )
    made = type(f"{name}Payload", (), {"__annotations__": annotations, **parts})
    return strawberry.type(made, description=f"What {name} did.")
