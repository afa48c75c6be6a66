"""Exceptions of working hours: of a calendar, by id, and the acts that add and remove them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from strawberry import Info

from models import AvailabilityException
from resolvers.acts import act
from resolvers.loaders import load
from services import availability
from services.calendar import exceptions as service
from services.calendar import holidays
from services.calendar.slots import checked_window
from services.context import Context

add_availability_exception = act(service.add_availability_exception)
remove_availability_exception = act(
    service.remove_availability_exception, deletes="AvailabilityException"
)
import_public_holidays = act(holidays.import_public_holidays)


async def exceptions(
    root: Any, info: Info[Context, None], starts_at: datetime, ends_at: datetime
) -> Sequence[AvailabilityException]:
    """The exceptions that overlap a window, of a calendar and of its organization."""
    checked_window(starts_at, ends_at)
    window = {"starts_at": starts_at, "ends_at": ends_at}
    return await load(info, availability.exceptions_by_calendar, root.id, **window) or ()


async def exception_by_id(info: Info[Context, None], id: Any) -> AvailabilityException | None:
    """An exception by key."""
    return await load(info, availability.exceptions_by_id, id)


def reason_of(root: Any, info: Info[Context, None]) -> str | None:
    """Why there is an exception, as far as the viewer may know."""
    return availability.reason_shown(info.context, root)
