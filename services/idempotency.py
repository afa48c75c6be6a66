"""Idempotency keys: an act that is sent once more with its key is done once, and answers the same.

The key is a row of the act's own transaction: what is refused or rolled back leaves none, and of
two at once the second waits for the first. What an act makes is the business of its domain.
"""

import hashlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert

from models import IdempotencyKey, Owned
from models.database import ReadSession, WriteSession
from services import checks, trail
from services.context import Context
from services.errors import IdempotencyMismatch, InvalidInput

P = ParamSpec("P")
T = TypeVar("T")
Row = TypeVar("Row", bound=Owned)

KEYS_LAST = timedelta(days=7)
FIELD = "idempotency_key"


@dataclass(frozen=True)
class Request:
    """What somebody may send twice: an act, their key for it, and the values it is about."""

    act: str
    key: str | None
    values: object

    @property
    def hash(self) -> bytes:
        """What tells two requests with the same key apart."""
        return hashlib.sha256(repr((self.act, self.values)).encode()).digest()


def creating(
    kind: type[Row], *, is_read: bool = False
) -> Callable[
    [Callable[Concatenate[Context, WriteSession, P], Awaitable[Row]]],
    Callable[Concatenate[Context, P], Coroutine[Any, Any, Row]],
]:
    """Make an act of a function that creates one row of `kind`: it takes `idempotency_key` besides
    its keywords, and is given its transaction. Stands below `@act`.

    Args:
        is_read: the audit trail notes who reads such rows; who repeats the act reads one.

    """

    def decorate(
        function: Callable[Concatenate[Context, WriteSession, P], Awaitable[Row]],
    ) -> Callable[Concatenate[Context, P], Coroutine[Any, Any, Row]]:
        @wraps(function)
        async def created(context: Context, *args: P.args, **kwargs: P.kwargs) -> Row:
            key = cast("str | None", kwargs.pop(FIELD, None))
            request = Request(function.__name__, key, (args, sorted(kwargs.items())))

            async def work(session: WriteSession) -> Row:
                return await function(context, session, *args, **kwargs)

            async def again(session: ReadSession, id: UUID | None) -> Row | None:
                row = await row_of(kind)(session, id)
                if row is not None and is_read:
                    trail.note_reading(context, kind, [row.id])
                return row

            return await once(context, request, work, again)

        return cast("Callable[Concatenate[Context, P], Coroutine[Any, Any, Row]]", created)

    return decorate


def row_of(kind: type[Row]) -> Callable[[ReadSession, UUID | None], Awaitable[Row | None]]:
    """How the row that an act made is read again, as it is now."""

    async def read(session: ReadSession, id: UUID | None) -> Row | None:
        found = await session.execute(select(kind).where(kind.id == id))
        row: Row | None = found.scalar_one_or_none()
        return row

    return read


async def once(
    context: Context,
    request: Request,
    work: Callable[[WriteSession], Awaitable[T]],
    again: Callable[[ReadSession, UUID | None], Awaitable[T | None]],
) -> T:
    """Do `work` in a transaction of its own, or read again what it made for the same request.

    Args:
        again: is given the id of what was made, where that is one row.

    Raises:
        IdempotencyMismatch: the key was used for another request.
        InvalidInput: it is no key, or what was made with it is gone: it is not made anew.

    """
    async with context.writing() as session:
        if request.key is None:
            return await work(session)
        key = checks.idempotency_key(request.key, FIELD)
        mine = (
            IdempotencyKey.organization_id == session.organization_id,
            IdempotencyKey.user_id == context.user_id,
            IdempotencyKey.key == key,
        )
        if await _is_new(context, session, key, request):
            made = await work(session)
            if isinstance(made, Owned):
                await session.execute(update(IdempotencyKey).where(*mine).values(result_id=made.id))
            return made
        known = (await session.execute(select(IdempotencyKey).where(*mine))).scalar_one()
        if known.request_hash != request.hash:
            raise IdempotencyMismatch(FIELD)
        found = await again(session, known.result_id)
    if found is None:
        raise InvalidInput("What was made with this key is gone.", FIELD)
    return found


async def _is_new(context: Context, session: WriteSession, key: str, request: Request) -> bool:
    """Whether the key is new, and taken now. A rival with the same key waits here for our end."""
    values = {"request_hash": request.hash, "result_id": None, "created_at": context.now}
    taking = insert(IdempotencyKey).values(
        organization_id=session.organization_id, user_id=context.user_id, key=key, **values
    )
    taking = taking.on_conflict_do_update(
        index_elements=["organization_id", "user_id", "key"],
        set_=values,
        where=is_outlived(context.now),
    )
    taken = await session.execute(taking.returning(IdempotencyKey.key))
    return taken.scalar_one_or_none() is not None


def is_outlived(now: datetime) -> ColumnElement[bool]:
    """Which idempotency keys stand for nothing any more."""
    return IdempotencyKey.created_at < now - KEYS_LAST
