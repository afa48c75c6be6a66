"""Making slots from working hours: exact times, differences, and what appointments keep alive."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta
from sqlalchemy import text

from models import Weekday
from tests.conftest import Clinic
from tests.factories import id_of, wire
from tests.schema.test_appointments import (
    calendar_of,
    codes,
    held,
    line_up,
    patient_id,
    unchanged,
)

MADRID = ZoneInfo("Europe/Madrid")
PREVIEW = "preview { created kept removed uncovered { id status } }"
DAY = """
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
    """Let the doctor work from nine to eleven in half hours every day, unless said otherwise."""
    async with clinic.factory.database.engine.begin() as connection:
        forget = text("DELETE FROM availability_templates WHERE calendar_id = :id")
        await connection.execute(forget, {"id": calendar_of(clinic).id})
    hours = {"weekdays": list(Weekday), "start_time": time(9), "end_time": time(11)}
    await clinic.factory.template(calendar_of(clinic), **{**hours, **values})


async def generate(clinic: Clinic, first: date, last: date | None = None) -> dict[str, Any]:
    """Make the slots of some days: what was done."""
    found: dict[str, Any] = await clinic.reception.done(
        "generateSlots",
        PREVIEW,
        calendarId=id_of(calendar_of(clinic)),
        until=(last or first).isoformat(),
        **{"from": first.isoformat()},
    )
    return found


async def slots_of(clinic: Clinic, first: date, last: date | None = None) -> list[dict[str, Any]]:
    """The slots of some days."""
    answer = await clinic.patient.ask(
        DAY,
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


async def book_at(clinic: Clinic, day: date, place: int) -> dict[str, Any]:
    """Book one of the slots of a day for the patient."""
    slot = (await slots_of(clinic, day))[place]
    found: dict[str, Any] = await clinic.reception.done(
        "bookAppointment",
        "appointment { id status slot { id } }",
        slotId=slot["id"],
        patientId=patient_id(clinic),
    )
    return found


def numbers(preview: dict[str, Any]) -> tuple[int, int, int]:
    return preview["created"], preview["kept"], preview["removed"]


def spring_saturday() -> date:
    """The next Saturday before the last Sunday of March, when clocks in Madrid go forward."""
    for year in (on(0).year, on(0).year + 1):
        sunday = date(year, 3, 31)
        sunday -= timedelta(days=sunday.isoweekday() % 7)
        if sunday - timedelta(days=1) > on(0):
            break
    return sunday - timedelta(days=1)


async def test_slots_keep_to_the_wall_clock_when_clocks_change(clinic: Clinic) -> None:
    await clinic.factory.policy(horizon_months=24)
    await work(clinic, start_time=time(1), end_time=time(4), slot_minutes=60)
    saturday = spring_saturday()
    made = await generate(clinic, saturday, saturday + timedelta(days=2))
    assert numbers(made) == (8, 0, 0)
    found = await slots_of(clinic, saturday, saturday + timedelta(days=2))
    day = [(saturday + timedelta(days=n)).isoformat() for n in range(3)]
    assert [slot["startsAt"] for slot in found] == [
        f"{day[0]}T00:00:00Z",
        f"{day[0]}T01:00:00Z",
        f"{day[0]}T02:00:00Z",
        # From two to three no clock ran: 01:00 to 04:00 has two hours.
        f"{day[1]}T00:00:00Z",
        f"{day[1]}T01:00:00Z",
        f"{day[1]}T23:00:00Z",
        f"{day[2]}T00:00:00Z",
        f"{day[2]}T01:00:00Z",
    ]


async def test_slots_leave_the_buffer_between_them(clinic: Clinic) -> None:
    await work(clinic, slot_minutes=25, buffer_minutes=10, capacity=4)
    await generate(clinic, on(2))
    assert await clocks(clinic, on(2)) == [
        "09:00-09:25 AVAILABLE",
        "09:35-10:00 AVAILABLE",
        "10:10-10:35 AVAILABLE",
    ]
    assert {slot["capacity"] for slot in await slots_of(clinic, on(2))} == {4}


async def test_only_the_named_days_get_slots(clinic: Clinic) -> None:
    await work(clinic)
    assert numbers(await generate(clinic, on(3), on(4))) == (8, 0, 0)
    found = await slots_of(clinic, on(1), on(7))
    assert {slot["startsAt"][:10] for slot in found} == {on(3).isoformat(), on(4).isoformat()}


async def test_generating_again_changes_nothing(clinic: Clinic) -> None:
    await work(clinic)
    assert numbers(await generate(clinic, on(1), on(5))) == (20, 0, 0)
    before = await slots_of(clinic, on(1), on(5))
    # One act, one revision, for the calendar and all that it made.
    assert {slot["version"] for slot in before} == {1}
    assert numbers(await generate(clinic, on(1), on(5))) == (0, 20, 0)
    assert await slots_of(clinic, on(1), on(5)) == before
    query = text("SELECT revision FROM calendars WHERE id = :id")
    async with clinic.factory.database.engine.connect() as connection:
        found = await connection.execute(query, {"id": calendar_of(clinic).id})
        assert found.scalar_one() == 2


async def test_two_who_generate_at_once_make_each_slot_once(clinic: Clinic) -> None:
    await work(clinic)
    async with held(clinic.factory, calendar_of(clinic)):
        acts = (generate(clinic, on(1), on(5)) for _ in range(2))
        tasks = await line_up(clinic.factory, *acts)
    assert [numbers(made) for made in await asyncio.gather(*tasks)] == [(20, 0, 0), (0, 20, 0)]
    assert len(await slots_of(clinic, on(1), on(5))) == 20


async def test_the_past_and_what_has_begun_stay_as_they_are(clinic: Clinic) -> None:
    calendar, now = calendar_of(clinic), datetime.now(UTC)
    over = await clinic.factory.slot(calendar, now - timedelta(hours=2), minutes=20)
    begun = await clinic.factory.slot(calendar, now - timedelta(minutes=10), minutes=20)
    await work(clinic, start_time=time(0), end_time=time(0), slot_minutes=5)
    await generate(clinic, on(-1), on(1))
    found = await slots_of(clinic, on(-1), on(1))
    assert [slot["id"] for slot in found[:2]] == [id_of(over), id_of(begun)]
    # What is new begins after now, and after the slot that is going on.
    assert found[2]["startsAt"] >= wire(begun.ends_at)
    assert {slot["status"] for slot in found} == {"AVAILABLE"}
    assert found[-1]["endsAt"] == wire(at(on(2), "00:00"))


async def test_slots_that_nobody_works_any_more_are_removed(clinic: Clinic) -> None:
    await work(clinic)
    await generate(clinic, on(1), on(2))
    gone = (await slots_of(clinic, on(1)))[0]
    await work(clinic, start_time=time(10))
    assert numbers(await generate(clinic, on(1))) == (0, 2, 2)
    assert await clocks(clinic, on(1)) == ["10:00-10:30 AVAILABLE", "10:30-11:00 AVAILABLE"]
    assert len(await slots_of(clinic, on(2))) == 4
    document = "query ($id: ID!) { node(id: $id) { ... on Slot { status version } } }"
    found = await clinic.public.ask(document, id=gone["id"])
    assert found["node"] == {"status": "REMOVED", "version": 2}


async def refused(clinic: Clinic, first: date, last: date) -> tuple[str, list[str]]:
    """How generating is refused, which must change nothing."""
    async with unchanged(clinic.factory):
        refusal = await clinic.reception.refusal(
            "generateSlots",
            "calendar { id } preview { created }",
            calendarId=id_of(calendar_of(clinic)),
            until=last.isoformat(),
            **{"from": first.isoformat()},
        )
    return refusal["code"], refusal["path"]


async def test_slots_are_made_up_to_the_horizon_and_not_beyond(clinic: Clinic) -> None:
    await clinic.factory.policy(horizon_months=1)
    await work(clinic)
    horizon = (datetime.now(UTC) + relativedelta(months=1)).astimezone(MADRID).date()
    beyond = horizon + timedelta(days=1)
    assert await refused(clinic, on(1), beyond) == ("BEYOND_HORIZON", ["input", "until"])
    assert (await generate(clinic, horizon))["created"] == 4


async def test_days_that_cannot_be_are_refused(clinic: Clinic) -> None:
    await work(clinic)
    assert await refused(clinic, on(2), on(1)) == ("INVALID_INPUT", ["input", "until"])
    assert await refused(clinic, on(-400), on(1)) == ("INVALID_INPUT", ["input", "from"])


async def test_without_working_hours_there_is_nothing_to_make(clinic: Clinic) -> None:
    where = ["input", "calendarId"]
    assert await refused(clinic, on(1), on(7)) == ("NO_AVAILABILITY", where)
    await work(clinic, weekdays=[Weekday(on(3).isoweekday())])
    assert await refused(clinic, on(1), on(2)) == ("NO_AVAILABILITY", where)
    await work(clinic, valid_from=on(5))
    assert await refused(clinic, on(1), on(4)) == ("NO_AVAILABILITY", where)
    assert (await generate(clinic, on(4), on(5)))["created"] == 4


# ------------------------------------------------------------ appointments outlive hours


async def test_an_appointment_outside_of_the_hours_is_kept_and_named(clinic: Clinic) -> None:
    await work(clinic, capacity=2)
    await generate(clinic, on(1))
    booked = await book_at(clinic, on(1), 1)
    await work(clinic, start_time=time(10), capacity=2)
    preview = await generate(clinic, on(1))
    assert numbers(preview) == (0, 3, 1)
    assert preview["uncovered"] == [{"id": booked["id"], "status": "BOOKED"}]
    # Half empty, and yet not to be booked: the doctor is not there.
    first = (await slots_of(clinic, on(1)))[0]
    assert first["id"] == booked["slot"]["id"]
    assert (first["status"], first["bookedCount"], first["isBookable"]) == ("BOOKED", 1, False)
    other = id_of(await clinic.factory.patient())
    async with unchanged(clinic.factory):
        refusal = await clinic.reception.refusal(
            "bookAppointment", "appointment { id }", slotId=first["id"], patientId=other
        )
    assert refusal["code"] == "SLOT_TAKEN"


async def test_a_slot_outside_of_the_hours_goes_with_its_last_appointment(clinic: Clinic) -> None:
    await work(clinic, capacity=2)
    await generate(clinic, on(1))
    first = await book_at(clinic, on(1), 0)
    second = await clinic.reception.done(
        "bookAppointment",
        "appointment { id }",
        slotId=first["slot"]["id"],
        patientId=id_of(await clinic.factory.patient()),
    )
    await work(clinic, start_time=time(10))
    await generate(clinic, on(1))
    for booked, left in ((first, "09:00-09:30 BOOKED"), (second, "10:00-10:30 AVAILABLE")):
        await clinic.reception.done(
            "cancelAppointment", "appointment { id }", appointmentId=booked["id"]
        )
        assert (await clocks(clinic, on(1)))[0] == left
    # Cancelled ones need no working hours.
    assert (await generate(clinic, on(1)))["uncovered"] == []


async def test_a_slot_is_open_again_when_the_hours_come_back(clinic: Clinic) -> None:
    await work(clinic, capacity=2)
    await generate(clinic, on(1))
    booked = await book_at(clinic, on(1), 0)
    await work(clinic, start_time=time(10), capacity=2)
    await generate(clinic, on(1))
    await work(clinic, capacity=2)
    preview = await generate(clinic, on(1))
    assert (numbers(preview), preview["uncovered"]) == ((1, 3, 0), [])
    first = (await slots_of(clinic, on(1)))[0]
    assert first["id"] == booked["slot"]["id"]
    assert (first["status"], first["bookedCount"], first["isBookable"]) == ("AVAILABLE", 1, True)


async def test_a_new_cut_goes_around_appointments(clinic: Clinic) -> None:
    await work(clinic, end_time=time(13))
    await generate(clinic, on(1))
    booked = await book_at(clinic, on(1), 1)
    await work(clinic, end_time=time(13), slot_minutes=45)
    preview = await generate(clinic, on(1))
    assert numbers(preview) == (3, 1, 7)
    # Covered by the hours, though by no slot of the new cut.
    assert preview["uncovered"] == []
    assert await clocks(clinic, on(1)) == [
        "09:30-10:00 BOOKED",
        "10:30-11:15 AVAILABLE",
        "11:15-12:00 AVAILABLE",
        "12:00-12:45 AVAILABLE",
    ]
    found = await slots_of(clinic, on(1))
    assert all(one["endsAt"] <= other["startsAt"] for one, other in pairwise(found))
    assert found[0]["id"] == booked["slot"]["id"]


async def test_an_appointment_half_inside_the_hours_is_named(clinic: Clinic) -> None:
    await work(clinic, slot_minutes=60)
    await generate(clinic, on(1))
    booked = await book_at(clinic, on(1), 0)
    await work(clinic, start_time=time(9, 30), slot_minutes=30)
    preview = await generate(clinic, on(1))
    assert preview["uncovered"] == [{"id": booked["id"], "status": "BOOKED"}]
    assert await clocks(clinic, on(1)) == [
        "09:00-10:00 BOOKED",
        "10:00-10:30 AVAILABLE",
        "10:30-11:00 AVAILABLE",
    ]


@pytest.mark.parametrize(
    ("before", "after", "status"), [(1, 3, "AVAILABLE"), (3, 2, "AVAILABLE"), (3, 1, "BOOKED")]
)
async def test_a_new_capacity_is_that_of_the_same_slots(
    clinic: Clinic, before: int, after: int, status: str
) -> None:
    await work(clinic, capacity=before)
    await generate(clinic, on(1))
    await book_at(clinic, on(1), 0)
    ids = [slot["id"] for slot in await slots_of(clinic, on(1))]
    await work(clinic, capacity=after)
    assert numbers(await generate(clinic, on(1))) == (0, 4, 0)
    found = await slots_of(clinic, on(1))
    assert [slot["id"] for slot in found] == ids
    assert [slot["capacity"] for slot in found] == [after] * 4
    assert [slot["status"] for slot in found] == [status, *["AVAILABLE"] * 3]
    assert [slot["version"] for slot in found] == [3] * 4


async def test_slots_inside_of_a_closed_time_are_made_closed(clinic: Clinic) -> None:
    await clinic.reception.done(
        "blockTime",
        "slots { id }",
        calendarId=id_of(calendar_of(clinic)),
        startsAt=wire(at(on(1), "09:45")),
        endsAt=wire(at(on(1), "10:30")),
    )
    await work(clinic)
    await generate(clinic, on(1), on(2))
    assert await clocks(clinic, on(1)) == [
        "09:00-09:30 AVAILABLE",
        "09:30-10:00 BLOCKED",
        "10:00-10:30 BLOCKED",
        "10:30-11:00 AVAILABLE",
    ]
    assert {slot["status"] for slot in await slots_of(clinic, on(2))} == {"AVAILABLE"}


@pytest.mark.parametrize("first", ["book", "generate"])
async def test_of_booking_a_slot_and_removing_it_the_first_decides(
    clinic: Clinic, first: str
) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), at(on(1), "08:00"))
    await work(clinic)
    acts = {
        "book": clinic.patient.act("bookAppointment", "appointment { id }", slotId=id_of(slot)),
        "generate": clinic.reception.act(
            "generateSlots",
            PREVIEW,
            calendarId=id_of(calendar_of(clinic)),
            until=on(1).isoformat(),
            **{"from": on(1).isoformat()},
        ),
    }
    order = [first, *({"book", "generate"} - {first})]
    async with held(clinic.factory, calendar_of(clinic)):
        tasks = await line_up(clinic.factory, *(acts[name] for name in order))
    done = dict(zip(order, await asyncio.gather(*tasks), strict=True))
    is_booked = first == "book"
    assert codes([done["book"]]) == ["DONE" if is_booked else "SLOT_TAKEN"]
    assert numbers(done["generate"]["preview"]) == ((4, 1, 0) if is_booked else (4, 0, 1))
    found = await clocks(clinic, on(1))
    assert len(found) == (5 if is_booked else 4)
    assert found[0] == ("08:00-08:30 BOOKED" if is_booked else "09:00-09:30 AVAILABLE")
