"""Batched loads: what sibling fields ask for one by one is fetched in one call of a service.

A loader lives as long as the memory of the operation's context, so nothing in it can be stale.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from strawberry import Info
from strawberry.dataloader import DataLoader

from services.context import Context

Value = TypeVar("Value")

Batch = Callable[..., Awaitable[Mapping[Any, Value]]]


async def load(
    info: Info[Context, None], batch: Batch[Value], key: Any, **options: Any
) -> Value | None:
    """The value of `key` from `batch(context, keys, **options)`; None where it has none."""
    if key is None:
        return None
    memory = info.context.memory
    name = (batch, tuple(options.items()))
    if name not in memory:
        memory[name] = DataLoader(partial(_in_order, info.context, batch, options))
    value: Value | None = await memory[name].load(key)
    return value


async def _in_order(
    context: Context, batch: Batch[Value], options: dict[str, Any], keys: Sequence[Any]
) -> list[Value | None]:
    found = await batch(context, keys, **options)
    return [found.get(key) for key in keys]
