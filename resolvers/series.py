"""Series: that of an appointment, what belongs to one, and the acts."""

from collections.abc import Sequence
from typing import Any

from strawberry import Info

from models import Appointment, AppointmentSeries
from resolvers.acts import act
from resolvers.loaders import load
from services.appointments.series import booking, cancelling, lists
from services.context import Context

book_series = act(booking.book_series)
cancel_series = act(cancelling.cancel_series)


async def series_by_id(info: Info[Context, None], id: Any) -> AppointmentSeries | None:
    """A series by key, if the viewer sees an appointment of it."""
    return await load(info, lists.series_by_id, id)


async def series_of(root: Any, info: Info[Context, None]) -> AppointmentSeries | None:
    """The series that an appointment is part of."""
    return await load(info, lists.series_by_appointment, root.id)


async def appointments_of_series(root: Any, info: Info[Context, None]) -> Sequence[Appointment]:
    """The appointments of a series that the viewer may see."""
    return await load(info, lists.appointments_by_series, root.id) or ()
