"""Making slots from working hours: exact times, on which days, once, and among rivals."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta

import pytest
from dateutil.relativedelta import relativedelta

from models import Calendar, Weekday
from tests.booking import calendar_of
from tests.conftest import Clinic
from tests.factories import id_of, wire
from tests.hours import (
    MADRID,
    NUMBERS,
    at,
    clocks,
    generate,
    generate_refused,
    generating,
    numbers,
    on,
    slots_of,
    work,
)
from tests.rivals import codes, held, line_up
from tests.rows import kept


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
    (calendar,) = await kept(clinic.factory, Calendar)
    assert calendar["revision"] == 2


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


async def test_slots_are_made_up_to_the_horizon_and_not_beyond(clinic: Clinic) -> None:
    await clinic.factory.policy(horizon_months=1)
    await work(clinic)
    horizon = (datetime.now(UTC) + relativedelta(months=1)).astimezone(MADRID).date()
    beyond = horizon + timedelta(days=1)
    assert await generate_refused(clinic, on(1), beyond) == ("BEYOND_HORIZON", ["input", "until"])
    assert (await generate(clinic, horizon))["created"] == 4


async def test_days_that_cannot_be_are_refused(clinic: Clinic) -> None:
    await work(clinic)
    assert await generate_refused(clinic, on(2), on(1)) == ("INVALID_INPUT", ["input", "until"])
    assert await generate_refused(clinic, on(-400), on(1)) == ("INVALID_INPUT", ["input", "from"])


async def test_without_working_hours_there_is_nothing_to_make(clinic: Clinic) -> None:
    where = ["input", "calendarId"]
    assert await generate_refused(clinic, on(1), on(7)) == ("NO_AVAILABILITY", where)
    await work(clinic, weekdays=[Weekday(on(3).isoweekday())])
    assert await generate_refused(clinic, on(1), on(2)) == ("NO_AVAILABILITY", where)
    await work(clinic, valid_from=on(5))
    assert await generate_refused(clinic, on(1), on(4)) == ("NO_AVAILABILITY", where)
    assert (await generate(clinic, on(4), on(5)))["created"] == 4


# ------------------------------------------------------------ what else wants the time


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
            "generateSlots", f"preview {{ {NUMBERS} }}", **generating(clinic, on(1))
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
