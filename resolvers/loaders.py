"""Batched loads: what sibling fields ask for one by one is fetched in one call of a service.

A loader lives as long as the memory of the operation's context, so nothing in it can be stale.
"""

from asyncio import Future
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

from strawberry import Info
from strawberry.dataloader import DataLoader

from services.context import Context

Value = TypeVar("Value")

Batch = Callable[..., Awaitable[Mapping[Any, Value]]]
Options = tuple[tuple[str, Any], ...]
LOADED = "loaded"


@dataclass(frozen=True)
class Loaded:
    """What a field loads for each of its rows, in a form that can be read for many rows at once.

    Attributes:
        by: the row's attribute that has the key.
        otherwise: the value of a row for which nothing is found.

    """

    batch: Batch[Any]
    by: str
    otherwise: Any = None
    options: Options = ()


class Loader(DataLoader[Any, Any]):
    """Batched loads of which each has as many futures as there are who wait for it.

    graphql-core cancels what waits beside a field that fails. With one future for all, somebody
    else who waits for the same load would be cancelled with it, and the whole operation.
    """

    def __init__(self, load_fn: Callable[[list[Any]], Awaitable[list[Any]]]) -> None:
        super().__init__(load_fn)
        self._waiting: Counter[Future[Any]] = Counter()

    def load(self, key: Any) -> Future[Any]:
        """The value of a key, for one who waits; the load is given up when nobody does any more."""
        shared: Any = super().load(key)
        if shared.done():
            return cast("Future[Any]", shared)
        own = shared.get_loop().create_future()
        self._waiting[shared] += 1

        def leave(_: Future[Any]) -> None:
            self._waiting[shared] -= 1
            if not self._waiting[shared]:
                del self._waiting[shared]
                shared.cancel()

        def hand_on(_: Future[Any]) -> None:
            if own.cancelled():
                return
            if shared.cancelled():
                own.cancel()
            elif (error := shared.exception()) is not None:
                own.set_exception(error)
                # Whoever waits is told; where nobody does any more, nobody complains.
                own.exception()
            else:
                own.set_result(shared.result())

        own.add_done_callback(leave)
        shared.add_done_callback(hand_on)
        return cast("Future[Any]", own)


async def load(
    info: Info[Context, None], batch: Batch[Value], key: Any, **options: Any
) -> Value | None:
    """The value of `key` from `batch(context, keys, **options)`; None where it has none."""
    if key is None:
        return None
    loader = loader_of(info.context, batch, tuple(options.items()))
    value: Value | None = await loader.load(key)
    return value


def loaded(
    batch: Batch[Any], by: str, *, otherwise: Any = None, **options: Any
) -> Callable[..., Awaitable[Any]]:
    """A resolver that loads by an attribute of the row, and says so: see `Loaded`."""

    async def resolve(root: Any, info: Info[Context, None]) -> Any:
        value = await load(info, batch, getattr(root, by), **options)
        return otherwise if value is None else value

    resolve.__dict__[LOADED] = Loaded(batch, by, otherwise, tuple(options.items()))
    return resolve


def loader_of(context: Context, batch: Batch[Any], options: Options) -> Loader:
    """The operation's loader of a batch."""
    name = (batch, options)
    loader: Loader | None = context.memory.get(name)
    if loader is None:
        loader = Loader(partial(_in_order, context, batch, dict(options)))
        context.memory[name] = loader
    return loader


async def _in_order(
    context: Context, batch: Batch[Value], options: dict[str, Any], keys: Sequence[Any]
) -> list[Value | None]:
    found = await batch(context, keys, **options)
    return [found.get(key) for key in keys]
