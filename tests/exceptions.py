"""Exceptions of working hours, as tests add and remove them: by clocks of the clinic's, Madrid's.

What a test expects of them stands in the test.
"""

from datetime import date, timedelta
from typing import Any

from models import Calendar
from tests.api import Api
from tests.booking import calendar_of
from tests.conftest import Clinic
from tests.factories import id_of, wire
from tests.hours import at

ADDED = "exception { id } uncovered { id }"


def told(kind: str, day: date, start: str, end: str, **values: Any) -> dict[str, Any]:
    """What is sent to close or to open a time; 24:00 is midnight at the end of the day."""
    ends_at = at(day + timedelta(days=1), "00:00") if end == "24:00" else at(day, end)
    return {"kind": kind, "startsAt": wire(at(day, start)), "endsAt": wire(ends_at), **values}


async def add(api: Api, *said: Any, calendar: Calendar | None = None, **values: Any) -> Any:
    """Add an exception, which must not be refused: its id, and the ids of appointments in it."""
    whose = {"calendarId": id_of(calendar)} if calendar else {}
    payload = await api.act("addAvailabilityException", ADDED, **told(*said, **values), **whose)
    assert payload["errors"] == []
    return payload["exception"]["id"], [visit["id"] for visit in payload["uncovered"]]


async def close(clinic: Clinic, day: date, start: str, end: str, **values: Any) -> Any:
    """Close a time of the doctor's calendar."""
    return await add(
        clinic.doctor, "CLOSED", day, start, end, calendar=calendar_of(clinic), **values
    )


async def extend(clinic: Clinic, day: date, start: str, end: str, **values: Any) -> str:
    """Open a time of the doctor's calendar."""
    id, uncovered = await add(
        clinic.doctor, "EXTRA_HOURS", day, start, end, calendar=calendar_of(clinic), **values
    )
    assert uncovered == []
    return str(id)


async def remove(api: Api, exception_id: str) -> None:
    """Take an exception away, which must not be refused."""
    gone = await api.done("removeAvailabilityException", "deletedId", exceptionId=exception_id)
    assert gone == exception_id
