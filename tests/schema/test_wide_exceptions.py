"""Exceptions of a whole organization: for whom they hold, by which clock, and among rivals."""

import asyncio
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from models import Calendar, Role, Slot, Weekday
from tests.api import Api
from tests.booking import calendar_of, elsewhere
from tests.conftest import Clinic
from tests.exceptions import ADDED, add, close, extend, remove, told
from tests.factories import Person, id_of, wire
from tests.hours import at, clocks, generate, generating, on, slots_of, work
from tests.rivals import codes, held, line_up
from tests.rows import kept, unchanged

CANARY = ZoneInfo("Atlantic/Canary")
DAY = "00:00", "24:00"
STARTS = """
query ($id: ID!, $from: DateTime!, $to: DateTime!) { calendar(id: $id) {
  exceptions(from: $from, to: $to) { id } slots(from: $from, to: $to) { startsAt } } }"""


async def colleague(clinic: Clinic, zone: str = "Europe/Madrid") -> Person:
    """Another doctor, who works from eight to midnight, and until one in the night, in hours."""
    person = await clinic.factory.person(Role.DOCTOR)
    assert person.calendar
    place = {"name": person.user.username, "timeZone": zone}
    office = await clinic.admin.done("createOffice", "office { id }", **place)
    doctor = {"doctorId": id_of(person.doctor), "officeId": office["id"]}
    await clinic.admin.done("updateDoctor", "doctor { id }", **doctor)
    for start, end in ((time(0), time(1)), (time(22), time(0))):
        times = {"start_time": start, "end_time": end, "slot_minutes": 60}
        await clinic.factory.template(person.calendar, weekdays=list(Weekday), **times)
    days = {**generating(clinic, on(1), on(4)), "calendarId": id_of(person.calendar)}
    await clinic.reception.done("generateSlots", "preview { created }", **days)
    return person


async def starts(api: Api, calendar: Calendar | None, zone: ZoneInfo, first: date) -> list[str]:
    """When the slots of three days begin, by the clock of a zone, such as 2T09."""
    assert calendar
    begin, end = (datetime.combine(first + timedelta(days=n), time(), zone) for n in (0, 3))
    window = {"from": wire(begin), "to": wire(end)}
    found = await api.ask(STARTS, id=id_of(calendar), **window)
    local = [
        datetime.fromisoformat(s["startsAt"]).astimezone(zone) for s in found["calendar"]["slots"]
    ]
    return [f"{(moment.date() - first).days + 1}T{moment:%H}" for moment in local]


NIGHTS = ["1T00", "1T22", "1T23", "2T00", "2T22", "2T23", "3T00", "3T22", "3T23"]


async def test_a_closed_day_is_a_day_by_the_clock_of_each_calendar(clinic: Clinic) -> None:
    await work(clinic)
    await generate(clinic, on(1), on(3))
    here, there = await colleague(clinic), await colleague(clinic, "Atlantic/Canary")
    zones = {here.calendar: ZoneInfo("Europe/Madrid"), there.calendar: CANARY}
    for calendar, zone in zones.items():
        assert await starts(clinic.public, calendar, zone, on(1)) == NIGHTS
    id, uncovered = await add(clinic.reception, "CLOSED", on(2), *DAY)
    assert uncovered == []
    assert await clocks(clinic, on(2)) == []
    # When it is midnight in Madrid, it is eleven o'clock of the day before on the islands.
    left = [start for start in NIGHTS if start[0] != "2"]
    for calendar, zone in zones.items():
        assert await starts(clinic.public, calendar, zone, on(1)) == left
    # A calendar's list of exceptions goes by its clock as well.
    midnight = at(on(3), "00:00")
    for calendar, count in ((here.calendar, 0), (there.calendar, 1)):
        window = {"from": wire(midnight), "to": wire(at(on(3), "00:30"))}
        found = await clinic.public.ask(STARTS, id=id_of(calendar), **window)
        assert len(found["calendar"]["exceptions"]) == count
    await remove(clinic.admin, id)
    for calendar, zone in zones.items():
        assert await starts(clinic.public, calendar, zone, on(1)) == NIGHTS


async def test_it_closes_what_is_a_doctors_and_opens_what_has_hours(clinic: Clinic) -> None:
    """The doctor has no working hours, but slots all the same; the colleague has hours."""
    idle = await clinic.factory.slot(calendar_of(clinic), at(on(2), "23:00"))
    there = await colleague(clinic)
    zone = ZoneInfo("Europe/Madrid")
    await add(clinic.reception, "EXTRA_HOURS", on(2), "21:00", "22:00")
    await add(clinic.reception, "CLOSED", on(2), "22:30", "24:00")
    assert await clocks(clinic, on(2)) == []
    assert await starts(clinic.public, there.calendar, zone, on(2)) == [
        *("1T00", "1T21"),
        *("2T00", "2T22", "2T23", "3T00", "3T22", "3T23"),
    ]
    assert [
        row["status"] for row in await kept(clinic.factory, Slot) if row["id"] == str(idle.id)
    ] == ["REMOVED"]


async def test_what_is_a_calendars_own_beats_what_is_the_organizations(clinic: Clinic) -> None:
    await work(clinic)
    await generate(clinic, on(1), on(3))
    holiday, _ = await add(clinic.reception, "CLOSED", on(2), *DAY)
    emergency = await extend(clinic, on(2), "09:00", "10:00", slotMinutes=20)
    thirds = ["09:00-09:20 AVAILABLE", "09:20-09:40 AVAILABLE", "09:40-10:00 AVAILABLE"]
    assert await clocks(clinic, on(2)) == thirds
    # Whichever comes first.
    await remove(clinic.reception, holiday)
    assert (await clocks(clinic, on(2)))[0] == "09:00-09:30 AVAILABLE"
    await add(clinic.reception, "CLOSED", on(2), *DAY)
    assert await clocks(clinic, on(2)) == thirds
    slot = (await slots_of(clinic, on(2)))[0]["id"]
    visit = await clinic.patient.done("bookAppointment", "appointment { id }", slotId=slot)
    # It stands in time that is open all the same, until the doctor closes it.
    assert (await add(clinic.reception, "CLOSED", on(2), *DAY))[1] == []
    assert (await close(clinic, on(2), *DAY))[1] == [visit["id"]]
    await remove(clinic.doctor, emergency)
    assert await clocks(clinic, on(2)) == ["09:00-09:20 BOOKED"]


async def test_the_front_desk_alone_closes_the_organization(clinic: Clinic) -> None:
    await work(clinic)
    await generate(clinic, on(2))
    said = told("CLOSED", on(2), *DAY)
    document = """mutation ($input: AddAvailabilityExceptionInput!) {
      addAvailabilityException(input: $input) { exception { id } } }"""
    removing = """mutation ($input: RemoveAvailabilityExceptionInput!) {
      removeAvailabilityException(input: $input) { deletedId } }"""
    id, _ = await add(clinic.admin, "CLOSED", on(3), *DAY)
    denied = {
        clinic.public: "UNAUTHENTICATED",
        clinic.patient: "FORBIDDEN",
        clinic.doctor: "FORBIDDEN",
    }
    async with unchanged(clinic.factory):
        for api, code in denied.items():
            assert await api.error_code(document, input=said) == code
            assert await api.error_code(removing, input={"exceptionId": id}) == code
    await remove(clinic.reception, id)


async def test_another_organization_stays_open(clinic: Clinic) -> None:
    other = await elsewhere(clinic)
    person = await other.person(Role.DOCTOR)
    assert person.calendar
    await other.template(person.calendar)
    await other.slot(person.calendar, at(on(2), "10:00"))
    async with unchanged(other):
        await add(clinic.reception, "CLOSED", on(2), *DAY)


async def test_views_are_told_of_what_changes_and_of_nothing_else(clinic: Clinic) -> None:
    await work(clinic, end_time=time(10))
    await generate(clinic, on(2))
    there = await colleague(clinic)
    assert there.calendar
    window = wire(at(on(1), "00:00")), wire(at(on(4), "00:00"))
    before = await kept(clinic.factory, Calendar)
    async with clinic.public.watching(id_of(calendar_of(clinic)), *window) as view:
        first = await view.next()
        id, _ = await add(clinic.reception, "CLOSED", on(2), "08:00", "09:10")
        update = await view.next()
        (gone,) = [slot for slot in update["slots"] if slot["status"] == "REMOVED"]
        assert gone["id"] == first["slots"][0]["id"]
        await remove(clinic.reception, id)
        update = await view.next()
        assert [slot["status"] for slot in update["slots"]] == ["AVAILABLE"]
    # The colleague works at night: nobody is woken for nothing.
    after = await kept(clinic.factory, Calendar)
    raised = {row["id"]: row["revision"] for row in after}
    was = {row["id"]: row["revision"] for row in before}
    assert raised[str(there.calendar.id)] == was[str(there.calendar.id)]
    assert raised[str(calendar_of(clinic).id)] == was[str(calendar_of(clinic).id)] + 2


# ------------------------------------------------------------ rivals


@pytest.mark.parametrize("first", ["book", "close"])
async def test_of_booking_a_slot_and_closing_its_time_the_first_decides(
    clinic: Clinic, first: str
) -> None:
    await work(clinic, end_time=time(9, 30))
    await generate(clinic, on(2))
    (slot,) = await slots_of(clinic, on(2))
    said = told("CLOSED", on(2), *DAY)
    acts = {
        "book": clinic.patient.act("bookAppointment", "appointment { id }", slotId=slot["id"]),
        "close": clinic.reception.act("addAvailabilityException", ADDED, **said),
    }
    order = [first, *({"book", "close"} - {first})]
    async with held(clinic.factory, calendar_of(clinic)):
        tasks = await line_up(clinic.factory, *(acts[name] for name in order))
    done = dict(zip(order, await asyncio.gather(*tasks), strict=True))
    is_booked = first == "book"
    assert codes([done["book"]]) == ["DONE" if is_booked else "SLOT_TAKEN"]
    assert len(done["close"]["uncovered"]) == is_booked
    assert await clocks(clinic, on(2)) == ["09:00-09:30 BOOKED"] * is_booked


async def test_slots_that_are_made_while_the_organization_closes_are_not_forgotten(
    clinic: Clinic,
) -> None:
    """The closure is held up at a calendar, and slots are made of one that it does not know of: a
    doctor's who comes meanwhile.
    """
    await work(clinic)
    said = told("CLOSED", on(2), *DAY)
    async with held(clinic.factory, calendar_of(clinic)):
        closing = clinic.reception.act("addAvailabilityException", ADDED, **said)
        (closed,) = await line_up(clinic.factory, closing)
        new = await clinic.factory.person(Role.DOCTOR)
        assert new.calendar
        await clinic.factory.template(new.calendar, weekdays=list(Weekday))
        days = {**generating(clinic, on(1), on(3)), "calendarId": id_of(new.calendar)}
        generating_slots = clinic.reception.act("generateSlots", "preview { created }", **days)
        (making,) = await line_up(clinic.factory, generating_slots, behind=1)
    assert (await closed)["errors"] == []
    # Two days of sixteen slots: the one between them is closed.
    assert (await making)["preview"] == {"created": 32}


async def test_of_two_who_remove_the_same_one_does(clinic: Clinic) -> None:
    await work(clinic)
    await generate(clinic, on(2))
    id, _ = await add(clinic.reception, "CLOSED", on(2), *DAY)
    removing = [
        api.act("removeAvailabilityException", "deletedId", exceptionId=id)
        for api in (clinic.reception, clinic.admin)
    ]
    async with held(clinic.factory, calendar_of(clinic)):
        tasks = await line_up(clinic.factory, *removing)
    assert codes(await asyncio.gather(*tasks)) == ["DONE", "NOT_FOUND"]
    assert len(await clocks(clinic, on(2))) == 4


async def test_a_crowd_that_closes_opens_and_books_ends_without_a_deadlock(clinic: Clinic) -> None:
    await work(clinic)
    await generate(clinic, on(1), on(3))
    for _ in range(3):
        await colleague(clinic)
    slots = [slot["id"] for slot in await slots_of(clinic, on(1), on(3))]
    said = [told("CLOSED", on(n), *DAY) for n in (1, 2, 3)]
    done = await asyncio.gather(
        *(clinic.reception.act("addAvailabilityException", ADDED, **one) for one in said * 2),
        *(
            clinic.patient.act("bookAppointment", "appointment { id }", slotId=slot)
            for slot in slots[::-1]
        ),
        clinic.doctor.act(
            "generateSlots", "preview { created }", **generating(clinic, on(1), on(4))
        ),
    )
    booked = sum(payload["errors"] == [] for payload in done[6:-1])
    assert {payload["errors"] == [] for payload in (*done[:6], done[-1])} == {True}
    left = [clock for n in (1, 2, 3) for clock in await clocks(clinic, on(n))]
    assert len(left) == booked
    assert all(clock.endswith("BOOKED") for clock in left)
