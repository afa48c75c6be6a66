"""External calendars: what staff see of them, and the acts."""

from collections.abc import Sequence
from typing import Any

from strawberry import Info

from models import Appointment, ExternalCalendar
from resolvers.acts import act
from resolvers.loaders import load
from services.context import Context
from services.external import connecting

connect_external_calendar = act(connecting.connect_external_calendar)
disconnect_external_calendar = act(connecting.disconnect_external_calendar)
refresh_external_calendar = act(connecting.refresh_external_calendar)


async def external_calendar_of(root: Any, info: Info[Context, None]) -> ExternalCalendar | None:
    """What a calendar is connected to, for those who run it."""
    return await load(info, connecting.external_by_calendar, root.id)


async def conflicts_of(root: Any, info: Info[Context, None]) -> Sequence[Appointment]:
    """The appointments at whose time somebody is busy elsewhere."""
    return await load(info, connecting.conflicts_by_calendar, root.calendar_id) or ()
