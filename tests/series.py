"""Series, as tests book and cancel them: slots week after week, by the clinic's clock.

What a series does stands in the tests; here is how one is asked for, and how an answer is shown.
"""

from datetime import timedelta
from typing import Any

from models import Calendar, Slot
from tests.api import Api
from tests.booking import calendar_of
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow
from tests.hours import at
from tests.rows import unchanged

# On this day the first visit of a series is.
FIRST_DAY = tomorrow().date()
SERIES = "series { id appointments { id startsAt status version } }"
OCCURRENCE = "number startsAt obstacle message appointment { id startsAt } alternatives { id }"
OCCURRENCES = f"occurrences {{ {OCCURRENCE} }}"
REFUSED = f"errors {{ ... on SeriesNotBookable {{ {OCCURRENCES} }} }}"
CANCELLED = "cancelled { id status version cancellationReason } kept { appointment { id } reason }"


async def weekly(
    clinic: Clinic, count: int, *, calendar: Calendar | None = None, clock: str = "10:00"
) -> list[Slot]:
    """A slot of half an hour a week, the first of them on the first day."""
    calendar = calendar or calendar_of(clinic)
    days = [FIRST_DAY + timedelta(weeks=week) for week in range(count)]
    return [await clinic.factory.slot(calendar, at(day, clock)) for day in days]


async def book_series(api: Api, slot: Slot, count: int, **values: Any) -> dict[str, Any]:
    """The payload of booking so many weeks."""
    fields = f"{SERIES} {OCCURRENCES} {REFUSED}"
    given = {"recurrence": {"count": count}, **values}
    return await api.act("bookSeries", fields, slotId=id_of(slot), **given)


async def a_series(api: Api, slot: Slot, count: int, **values: Any) -> list[str]:
    """The ids of the appointments of a series that must be booked whole."""
    payload = await book_series(api, slot, count, **values)
    assert payload["errors"] == []
    found = [one["id"] for one in payload["series"]["appointments"]]
    assert len(found) == count
    return found


async def refused(
    clinic: Clinic, api: Api, slot: Slot, count: int, **values: Any
) -> list[dict[str, Any]]:
    """Each time of a series that cannot be booked, which must change nothing."""
    async with unchanged(clinic.factory):
        payload = await book_series(api, slot, count, **values)
    assert (payload["series"], payload["occurrences"]) == (None, None)
    (error,) = payload["errors"]
    assert (error["code"], error["path"]) == ("SERIES_NOT_BOOKABLE", ["input", "slotId"])
    found: list[dict[str, Any]] = error["occurrences"]
    assert [one["number"] for one in found] == [*range(1, count + 1)]
    assert all(one["appointment"] is None for one in found)
    return found


def obstacles(occurrences: list[dict[str, Any]]) -> list[str | None]:
    """What stands in the way of each time."""
    assert all((one["obstacle"] is None) == (one["message"] is None) for one in occurrences)
    return [one["obstacle"] for one in occurrences]


async def cancel_series(api: Api, appointment_id: str, scope: str, **values: Any) -> dict[str, Any]:
    """The payload of cancelling a series, seen from one of its appointments."""
    return await api.act(
        "cancelSeries", CANCELLED, appointmentId=appointment_id, scope=scope, **values
    )
