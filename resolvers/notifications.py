"""Notifications: what is mailed, for administrators."""

from typing import Any

from strawberry import Info

from models import Notification, NotificationStatus
from resolvers import pages
from resolvers.acts import act
from resolvers.loaders import load
from services import notifications as service
from services.context import Context

LIST = "notifications"

retry_notification = act(service.retry_notification)


async def notifications(
    info: Info[Context, None],
    first: int | None = 20,
    after: str | None = None,
    status: NotificationStatus | None = None,
) -> pages.Connection[Notification]:
    """Messages, the newest first."""
    page = await service.list_notifications(
        info.context, page=pages.request(LIST, pages.BY_TIME, first, after), status=status
    )
    return pages.Connection(page, LIST)


async def notification_by_id(info: Info[Context, None], id: Any) -> Notification | None:
    """A message by id."""
    return await load(info, service.notifications_by_id, id)
