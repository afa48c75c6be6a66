"""Reports: some days in numbers."""

from datetime import date

from strawberry import ID, Info

from resolvers import ids
from services import reports
from services.context import Context


async def statistics(
    info: Info[Context, None],
    first_day: date,
    last_day: date,
    doctor_id: ID | None = None,
    department_id: ID | None = None,
) -> reports.Statistics:
    """What happened on some days, and what is planned."""
    return await reports.statistics(
        info.context,
        first_day=first_day,
        last_day=last_day,
        doctor_id=ids.optional_key(doctor_id, "Doctor", "doctor_id"),
        department_id=ids.optional_key(department_id, "Department", "department_id"),
    )
