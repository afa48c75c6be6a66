"""The audit trail as it is written: acts, readings and denials, each before its answer leaves.

What was written or read is never noted, only of which things. Acts are noted in their own
transaction. Readings are collected while an operation runs and noted at its end, one row for each
kind of thing; where that fails, the answer is kept back. The trail is read and sealed in `audit`.
"""

import re
from collections.abc import Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Select, inspect, select

from models import AuditEvent, AuditOutcome, AvailabilityException, Base, Owned, Role
from models.database import WriteSession
from services.context import Context
from services.errors import Forbidden, NotFound, ServiceError

# The outermost act that runs now; those it is made of are no acts of their own.
ACT: ContextVar[str | None] = ContextVar("act", default=None)
# Changes that say nothing.
TECHNICAL = frozenset({"version", "updated_at", "created_at", "id", "organization_id"})


def _id_name(kind: type[Any]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower() + "_id"


# What the ids among the arguments of acts stand for.
KINDS: dict[str, type[Owned]] = {
    _id_name(mapper.class_): mapper.class_
    for mapper in Base.registry.mappers
    if issubclass(mapper.class_, Owned)
} | {"exception_id": AvailabilityException}


@dataclass
class _Readings:
    """What an operation has read so far of one kind of thing."""

    ids: set[UUID] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)


def note_act(context: Context, session: WriteSession, row: Owned) -> None:
    """Note in the same transaction that the act which runs now has changed `row`, and what of it
    has changed since the last flush.
    """
    changed = sorted(
        name
        for name, attribute in inspect(row).attrs.items()
        if name not in TECHNICAL and attribute.history.has_changes()
    )
    event = _event(context, ACT.get() or "", type(row).__name__, [row.id])
    event.details = ", ".join(changed) or None
    session.add(event)


def note_reading(context: Context, kind: type[Owned], ids: Collection[UUID], *fields: str) -> None:
    """Note that staff are about to be shown these things; people's own are no news to them."""
    if context.viewer is None or context.role is Role.PATIENT or not ids:
        return
    read = context.memory.setdefault(_Readings, {}).setdefault(kind.__name__, _Readings())
    read.ids.update(ids)
    read.fields.update(fields)


async def write_readings(context: Context) -> None:
    """Write down what the operation has read; its answer may leave only then."""
    readings: Mapping[str, _Readings] = context.memory.pop(_Readings, {})
    if not readings:
        return
    async with context.writing() as session:
        for kind, read in readings.items():
            event = _event(context, f"read_{kind.lower()}s", kind, sorted(read.ids))
            event.details = ", ".join(sorted(read.fields)) or None
            session.add(event)


async def note_denial(
    context: Context, act: str, error: ServiceError, values: Mapping[str, Any]
) -> None:
    """Note that the signed-in viewer was denied an act: not allowed to anybody of the role, or
    aimed at something that is there and not for them. The public is nobody to be named.
    """
    if context.viewer is None:
        return
    ids = {name: id for name, id in values.items() if name in KINDS and isinstance(id, UUID)}
    name = next(iter(ids), None)
    if isinstance(error, NotFound) and error.path and error.path[0] in ids:
        name = str(error.path[0])
    if isinstance(error, Forbidden):
        async with context.writing() as session:
            kind = KINDS[name].__name__ if name else None
            found = [ids[name]] if name else []
            session.add(_event(context, act, kind, found, AuditOutcome.FORBIDDEN))
    elif name is not None:
        await note_hidden(context, act, KINDS[name], there(KINDS[name], ids[name]))


def there(kind: type[Owned], id: UUID) -> Select[Any]:
    """Whether something is there at all, for whomever."""
    statement = select(kind.id).where(kind.id == id)
    archived_at = getattr(kind, "archived_at", None)
    return statement if archived_at is None else statement.where(archived_at.is_(None))


async def note_hidden(
    context: Context, act: str, kind: type[Owned], statement: Select[Any]
) -> None:
    """Note that something was asked for by the signed-in viewer that is there, and not for them."""
    if context.viewer is None:
        return
    async with context.writing() as session:
        found = await session.rows(statement)
        if found:
            session.add(_event(context, act, kind.__name__, found, AuditOutcome.NOT_FOUND))


def _event(
    context: Context,
    action: str,
    subject_type: str | None,
    subject_ids: list[UUID],
    outcome: AuditOutcome = AuditOutcome.DONE,
) -> AuditEvent:
    return AuditEvent(
        organization_id=context.organization.id,
        id=uuid4(),
        at=context.now,
        actor_id=context.user_id,
        role=context.role,
        action=action,
        subject_type=subject_type,
        subject_ids=subject_ids,
        outcome=outcome,
        ip_address=context.client.ip_address,
    )
