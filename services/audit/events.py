"""Reading the audit trail."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from models import AuditEvent
from services.access import Permission, act, allows
from services.context import Context
from services.pages import Page, PageRequest, page_of

ORDER = (AuditEvent.at, AuditEvent.id)


@act(Permission.SEE_AUDIT)
async def list_events(
    context: Context,
    *,
    page: PageRequest,
    subject_id: UUID | None = None,
    actor_id: UUID | None = None,
) -> Page[AuditEvent]:
    """What happened in the organization, the newest first: to one thing, or by one person."""
    statement = select(AuditEvent)
    if subject_id is not None:
        statement = statement.where(AuditEvent.subject_ids.contains([subject_id]))
    if actor_id is not None:
        statement = statement.where(AuditEvent.actor_id == actor_id)
    return await page_of(context, statement, ORDER, page, descending=True)


@act(Permission.SEE_SELF)
async def events_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, AuditEvent]:
    """Events by id: administrators see all, everybody else none."""
    if not allows(context, Permission.SEE_AUDIT):
        return {}
    async with context.reading() as session:
        rows = await session.rows(select(AuditEvent).where(AuditEvent.id.in_(ids)))
    return {row.id: row for row in rows}
