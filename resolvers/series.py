"""Series: that of an appointment, what belongs to one, and the acts."""

from typing import Any

from strawberry import Info

from models import AppointmentSeries
from resolvers.acts import act
from resolvers.loaders import load, loaded
from services.appointments.series import booking, cancelling, lists
from services.context import Context

book_series = act(booking.book_series)
cancel_series = act(cancelling.cancel_series)


async def series_by_id(info: Info[Context, None], id: Any) -> AppointmentSeries | None:
    """A series by key, if the viewer sees an appointment of it."""
    return await load(info, lists.series_by_id, id)


series_of = loaded(lists.series_by_appointment, "id")
appointments_of_series = loaded(lists.appointments_by_series, "id", otherwise=())
