"""Mutations: one await into the service, with the keywords that the input had."""

from collections.abc import Awaitable, Callable
from typing import Any

from strawberry import Info

from resolvers import ids
from services.access import TABLE
from services.context import Context

Act = Callable[..., Awaitable[Any]]


def act(service: Act, *, deletes: str | None = None) -> Act:
    """The resolver of a mutation that is one act of a service.

    Args:
        deletes: the type of what the act deletes; it returns the key, which goes out as an id.

    It carries the act's refusals and the roles that are allowed it, from which the schema builds
    error union and description.

    """

    async def resolve(info: Info[Context, None], **values: Any) -> Any:
        result = await service(info.context, **values)
        return ids.global_id(deletes, result) if deletes else result

    resolve.__dict__.update(
        refusals=service.refusals,  # type: ignore[attr-defined]
        roles=TABLE[service.permission],  # type: ignore[attr-defined]
    )
    resolve.__name__ = service.__name__
    resolve.__doc__ = service.__doc__
    return resolve
