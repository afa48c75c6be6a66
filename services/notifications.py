"""Notifications: writing down what is to be sent, in the transaction of what it tells of; and what
administrators see of it.

Sending is the business of `delivery`, what a message says that of the domain it comes from.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, func, select

from models import Notification, NotificationKind, NotificationStatus
from models.database import WriteSession
from services.access import Permission, act, allows
from services.context import Context
from services.errors import AlreadySent, NotFound
from services.pages import Page, PageRequest, page_of

ORDER = (Notification.created_at, Notification.id)
KEPT = timedelta(days=30)


def notify(
    context: Context,
    session: WriteSession,
    kind: NotificationKind,
    recipient: str,
    *,
    id: UUID | None = None,
    appointment_id: UUID | None = None,
) -> None:
    """Have a message sent once the transaction is committed; a part of the acts that tell people.

    Args:
        id: of the message, where a secret that is sent in it has the same.
        appointment_id: the appointment that it is about.

    """
    session.add(
        Notification(
            organization_id=context.organization.id,
            id=id or uuid4(),
            kind=kind,
            recipient=recipient,
            appointment_id=appointment_id,
            created_at=context.now,
        )
    )
    session.after_commit(context.server.mail_waits.set)


@act(Permission.MANAGE_NOTIFICATIONS)
async def list_notifications(
    context: Context, *, page: PageRequest, status: NotificationStatus | None = None
) -> Page[Notification]:
    """Messages, the newest first."""
    statement = select(Notification)
    if status is not None:
        statement = statement.where(Notification.status == status)
    return await page_of(context, statement, ORDER, page, descending=True)


@act(Permission.SEE_SELF)
async def notifications_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, Notification]:
    """Messages by id: administrators see all, everybody else none."""
    if not allows(context, Permission.MANAGE_NOTIFICATIONS):
        return {}
    async with context.reading() as session:
        rows = await session.rows(select(Notification).where(Notification.id.in_(ids)))
    return {row.id: row for row in rows}


@act(Permission.MANAGE_NOTIFICATIONS, AlreadySent)
async def retry_notification(context: Context, *, notification_id: UUID) -> Notification:
    """Have a message that failed tried again, as often as a new one.

    Raises:
        AlreadySent: it was sent, or waits to be sent by itself.

    """
    statement = select(Notification).where(Notification.id == notification_id)
    async with context.writing() as session:
        found: Notification | None = (
            await session.execute(statement.with_for_update())
        ).scalar_one_or_none()
        if found is None:
            raise NotFound("notification_id")
        if found.status is not NotificationStatus.FAILED:
            raise AlreadySent("notification_id")
        found.status, found.attempts = NotificationStatus.PENDING, 0
        found.scheduled_at = func.now()
        await session.flush()
        await session.refresh(found)
        session.after_commit(context.server.mail_waits.set)
    return found


def is_outlived(now: datetime) -> ColumnElement[bool]:
    """Messages that nobody asks for any more: sent or given up a month ago."""
    return (Notification.status != NotificationStatus.PENDING) & (
        Notification.scheduled_at < now - KEPT
    )
