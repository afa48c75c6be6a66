"""Working hours and the slots that are made of them, as tests ask for them: set, generate, look.

The clinic's days and clocks are Madrid's. What hours mean on paper is proved without a server in
`services/timetable`; what a test expects of them stands in the test.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from models import Weekday
from tests.booking import calendar_of
from tests.conftest import Clinic
from tests.factories import id_of, wire
from tests.rows import across, unchanged

MADRID = ZoneInfo("Europe/Madrid")
NUMBERS = "created kept removed uncovered { id status }"
DAYS = """
query ($id: ID!, $from: DateTime!, $to: DateTime!) {
  calendar(id: $id) { slots(from: $from, to: $to) {
    id startsAt endsAt status capacity bookedCount version isBookable } } }
"""


def on(days: int) -> date:
    """A day from today on, in the clinic's zone."""
    return datetime.now(MADRID).date() + timedelta(days=days)


def at(day: date, clock: str) -> datetime:
    """A wall-clock time of the clinic; not one of a night when clocks change."""
    return datetime.combine(day, time.fromisoformat(clock), MADRID).astimezone(UTC)


async def work(clinic: Clinic, **values: Any) -> None:
    """Let the doctor work from nine to eleven in half hours every day, unless said otherwise.

    As if it had always been so: no act of the API sets these hours.
    """
    async with across(clinic.factory) as connection:
        forget = text("DELETE FROM availability_templates WHERE calendar_id = :id")
        await connection.execute(forget, {"id": calendar_of(clinic).id})
    hours = {"weekdays": list(Weekday), "start_time": time(9), "end_time": time(11)}
    await clinic.factory.template(calendar_of(clinic), **{**hours, **values})


async def set_hours(clinic: Clinic, *templates: dict[str, Any]) -> dict[str, Any]:
    """Set working hours through the API: what it says that generating would do."""
    found: dict[str, Any] = await clinic.reception.done(
        "setAvailability",
        f"preview {{ {NUMBERS} }}",
        calendarId=id_of(calendar_of(clinic)),
        templates=list(templates),
    )
    return found


def generating(clinic: Clinic, first: date, last: date | None = None) -> dict[str, Any]:
    """What is sent to make the slots of some days."""
    until = (last or first).isoformat()
    return {"calendarId": id_of(calendar_of(clinic)), "from": first.isoformat(), "until": until}


async def generate(clinic: Clinic, first: date, last: date | None = None) -> dict[str, Any]:
    """Make the slots of some days: what was done."""
    found: dict[str, Any] = await clinic.reception.done(
        "generateSlots", f"preview {{ {NUMBERS} }}", **generating(clinic, first, last)
    )
    return found


async def generate_refused(clinic: Clinic, first: date, last: date) -> tuple[str, list[str]]:
    """How making the slots of some days is refused, which must change nothing."""
    async with unchanged(clinic.factory):
        refusal = await clinic.reception.refusal(
            "generateSlots",
            "calendar { id } preview { created }",
            **generating(clinic, first, last),
        )
    return refusal["code"], refusal["path"]


def numbers(preview: dict[str, Any]) -> tuple[int, int, int]:
    """How many slots are made, kept and removed."""
    return preview["created"], preview["kept"], preview["removed"]


async def slots_of(clinic: Clinic, first: date, last: date | None = None) -> list[dict[str, Any]]:
    """The slots of some days, as the patient sees them."""
    answer = await clinic.patient.ask(
        DAYS,
        id=id_of(calendar_of(clinic)),
        to=wire(at((last or first) + timedelta(days=1), "00:00")),
        **{"from": wire(at(first, "00:00"))},
    )
    found: list[dict[str, Any]] = answer["calendar"]["slots"]
    return found


async def clocks(clinic: Clinic, day: date) -> list[str]:
    """When the slots of a day begin and end, on the clinic's clock, and what they show."""
    return [
        f"{_clock(slot['startsAt'])}-{_clock(slot['endsAt'])} {slot['status']}"
        for slot in await slots_of(clinic, day)
    ]


def _clock(instant: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone(MADRID):%H:%M}"
