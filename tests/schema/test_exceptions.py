"""Closed time and extra hours: which slots go, come and come back, exactly, and what stays."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from models import Calendar, Role, Slot, Weekday
from tests.api import Api
from tests.booking import book, calendar_of, patient_id
from tests.conftest import Clinic
from tests.exceptions import add, close, extend, remove, told
from tests.factories import id_of, wire
from tests.hours import at, clocks, generate, numbers, on, set_hours, slots_of, work
from tests.rows import across, kept, unchanged

NINE_TO_ELEVEN = [
    "09:00-09:30 AVAILABLE",
    "09:30-10:00 AVAILABLE",
    "10:00-10:30 AVAILABLE",
    "10:30-11:00 AVAILABLE",
]


@pytest.fixture
async def worked(clinic: Clinic) -> Clinic:
    """The doctor works from nine to eleven, and the slots of three days have been made."""
    await work(clinic)
    await generate(clinic, on(1), on(3))
    return clinic


async def versions(clinic: Clinic, *days: int) -> dict[str, int]:
    """The versions of the slots of some days, by id."""
    return {slot["id"]: slot["version"] for n in days for slot in await slots_of(clinic, on(n))}


# ------------------------------------------------------------ closed time


async def test_slots_in_closed_time_go_and_come_back(worked: Clinic) -> None:
    others = await versions(worked, 1, 3)
    id, _ = await close(worked, on(2), "09:45", "10:15")
    assert await clocks(worked, on(2)) == [NINE_TO_ELEVEN[0], NINE_TO_ELEVEN[3]]
    await remove(worked.reception, id)
    assert await clocks(worked, on(2)) == NINE_TO_ELEVEN
    # Other days, and other calendars, have not been touched.
    assert await versions(worked, 1, 3) == others


async def test_only_slots_that_overlap_change(worked: Clinic) -> None:
    first, *_, last = await slots_of(worked, on(2))
    await close(worked, on(2), "09:30", "10:30")
    left = await slots_of(worked, on(2))
    assert [slot["id"] for slot in left] == [first["id"], last["id"]]
    # The hours of the first end earlier now, which is a change; the last has nothing to learn.
    assert [slot["version"] - 1 for slot in left] == [first["version"], last["version"] - 1]


async def test_appointments_in_closed_time_are_named_and_kept(worked: Clinic) -> None:
    slots = await slots_of(worked, on(2))
    visit = await worked.reception.done(
        "bookAppointment",
        "appointment { id }",
        slotId=slots[1]["id"],
        patientId=patient_id(worked),
    )
    id, uncovered = await close(worked, on(2), "09:45", "10:15")
    assert uncovered == [visit["id"]]
    assert await clocks(worked, on(2)) == [
        NINE_TO_ELEVEN[0],
        "09:30-10:00 BOOKED",
        NINE_TO_ELEVEN[3],
    ]
    # Nothing else is closed by it: no second closure names a visit that it does not touch.
    assert (await close(worked, on(2), "10:30", "11:00"))[1] == []
    await remove(worked.doctor, id)
    (_, again, *_) = await slots_of(worked, on(2))
    assert (again["id"], again["status"]) == (slots[1]["id"], "BOOKED")
    await worked.reception.done(
        "cancelAppointment", "appointment { id }", appointmentId=visit["id"]
    )
    assert (await clocks(worked, on(2)))[1] == NINE_TO_ELEVEN[1]


async def test_a_cancelled_visit_does_not_open_closed_time(worked: Clinic) -> None:
    slot = (await slots_of(worked, on(2)))[1]
    visit = await worked.patient.done("bookAppointment", "appointment { id }", slotId=slot["id"])
    await close(worked, on(2), "09:30", "10:00")
    await worked.patient.done("cancelAppointment", "appointment { id }", appointmentId=visit["id"])
    assert await clocks(worked, on(2)) == [NINE_TO_ELEVEN[0], *NINE_TO_ELEVEN[2:]]
    async with unchanged(worked.factory):
        refusal = await worked.patient.refusal(
            "bookAppointment", "appointment { id }", slotId=slot["id"]
        )
    assert refusal["code"] == "SLOT_TAKEN"


async def test_a_visit_that_is_too_long_for_what_is_left_is_not_offered(worked: Clinic) -> None:
    doctor = id_of(worked.person(Role.DOCTOR).doctor)
    visit_type = await worked.admin.done(
        "createVisitType", "visitType { id }", name="Long", minutes=60, doctorIds=[doctor]
    )
    slot = (await slots_of(worked, on(2)))[1]["id"]
    given = {"slotId": slot, "visitTypeId": visit_type["id"]}
    id, _ = await close(worked, on(2), "10:00", "10:30")
    reason = "errors { ... on NotBookable { reason } }"
    refused = await worked.patient.act("bookAppointment", f"appointment {{ id }} {reason}", **given)
    assert refused["errors"][0]["reason"] == "VISIT_TOO_LONG"
    await remove(worked.doctor, id)
    await worked.patient.done("bookAppointment", "appointment { id }", **given)
    # Both of its slots stand in the closed time, if one of them is closed half.
    _, uncovered = await close(worked, on(2), "10:29", "10:30")
    assert len(uncovered) == 1
    assert (await clocks(worked, on(2)))[1:3] == ["09:30-10:00 BOOKED", "10:00-10:30 BOOKED"]


# ------------------------------------------------------------ extra hours


async def test_extra_hours_bring_slots_of_their_own(worked: Clinic) -> None:
    id = await extend(worked, on(2), "10:30", "12:00", slotMinutes=20)
    made = ["11:10-11:30 AVAILABLE", "11:30-11:50 AVAILABLE"]
    assert await clocks(worked, on(2)) == [*NINE_TO_ELEVEN, *made]
    await remove(worked.reception, id)
    assert await clocks(worked, on(2)) == NINE_TO_ELEVEN


async def test_extra_hours_that_overlap_or_come_twice_make_nothing_twice(worked: Clinic) -> None:
    for _ in range(2):
        await extend(worked, on(2), "11:00", "12:00")
    await extend(worked, on(2), "10:00", "12:30")
    extra = ["11:00-11:30 AVAILABLE", "11:30-12:00 AVAILABLE", "12:00-12:30 AVAILABLE"]
    assert await clocks(worked, on(2)) == [*NINE_TO_ELEVEN, *extra]
    assert numbers(await generate(worked, on(1), on(3))) == (0, 15, 0)


async def test_extra_hours_let_longer_visits_begin_before_them(worked: Clinic) -> None:
    await extend(worked, on(2), "11:00", "12:00")
    day = at(on(2), "00:00"), at(on(3), "00:00")
    async with across(worked.factory) as connection:
        found = await connection.exec_driver_sql(
            "SELECT DISTINCT hours_end_at FROM slots WHERE calendar_id = $1"
            " AND starts_at > $2 AND starts_at < $3",
            (calendar_of(worked).id, *day),
        )
        assert [row[0] for row in found] == [at(on(2), "12:00")]


async def test_booked_extra_slots_keep_their_length_and_the_rest_is_cut_anew(
    worked: Clinic,
) -> None:
    id = await extend(worked, on(2), "11:00", "12:30", slotMinutes=30)
    slot = (await slots_of(worked, on(2)))[5]
    booked = await worked.patient.done("bookAppointment", "appointment { id }", slotId=slot["id"])
    await remove(worked.doctor, id)
    assert await clocks(worked, on(2)) == [*NINE_TO_ELEVEN, "11:30-12:00 BOOKED"]
    await extend(worked, on(2), "11:00", "13:00", slotMinutes=20)
    assert await clocks(worked, on(2)) == [
        *NINE_TO_ELEVEN,
        "11:00-11:20 AVAILABLE",
        "11:30-12:00 BOOKED",
        *(f"12:{start:02}-{end} AVAILABLE" for start, end in ((0, "12:20"), (20, "12:40"))),
        "12:40-13:00 AVAILABLE",
    ]
    # Cancelled, it goes: it is none of the slots that are planned now.
    await worked.patient.done("cancelAppointment", "appointment { id }", appointmentId=booked["id"])
    assert len(await clocks(worked, on(2))) == 8


async def test_slots_of_extra_hours_know_what_is_taken_there_already(worked: Clinic) -> None:
    """A visit of staff that runs on after the hours, and closed time after it."""
    doctor = id_of(worked.person(Role.DOCTOR).doctor)
    visit_type = await worked.admin.done(
        "createVisitType", "visitType { id }", name="Long", minutes=60, doctorIds=[doctor]
    )
    last = (await slots_of(worked, on(2)))[-1]["id"]
    await worked.reception.done(
        "bookAppointment",
        "appointment { id }",
        slotId=last,
        visitTypeId=visit_type["id"],
        patientId=patient_id(worked),
    )
    await worked.doctor.done(
        "blockTime",
        "slots { id }",
        calendarId=id_of(calendar_of(worked)),
        startsAt=wire(at(on(2), "11:30")),
        endsAt=wire(at(on(2), "12:00")),
    )
    await extend(worked, on(2), "11:00", "12:30")
    assert (await clocks(worked, on(2)))[3:] == [
        "10:30-11:00 BOOKED",
        "11:00-11:30 BOOKED",
        "11:30-12:00 BLOCKED",
        "12:00-12:30 AVAILABLE",
    ]


# ------------------------------------------------------------ days that come later


async def test_slots_come_only_on_days_that_have_been_made(worked: Clinic) -> None:
    extra = await extend(worked, on(4), "08:00", "09:00")
    closed, _ = await close(worked, on(5), "00:00", "24:00")
    assert await clocks(worked, on(4)) == []
    # Nor do those that stay open although the organization closes.
    holiday, _ = await add(worked.reception, "CLOSED", on(4), "00:00", "24:00")
    assert await clocks(worked, on(4)) == []
    await remove(worked.reception, holiday)
    await remove(worked.doctor, closed)
    assert await clocks(worked, on(5)) == []
    await close(worked, on(5), "09:00", "10:00")
    assert numbers(await generate(worked, on(4), on(5))) == (6 + 2, 0, 0)
    assert (await clocks(worked, on(4)))[:2] == ["08:00-08:30 AVAILABLE", "08:30-09:00 AVAILABLE"]
    assert await clocks(worked, on(5)) == NINE_TO_ELEVEN[2:]
    await remove(worked.doctor, extra)
    assert await clocks(worked, on(4)) == NINE_TO_ELEVEN


async def test_a_day_that_was_made_when_all_of_it_was_closed_opens_again(worked: Clinic) -> None:
    id, _ = await close(worked, on(4), "00:00", "24:00")
    await generate(worked, on(3), on(5))
    assert await clocks(worked, on(4)) == []
    await remove(worked.doctor, id)
    assert await clocks(worked, on(4)) == NINE_TO_ELEVEN


async def test_previews_count_exceptions(worked: Clinic) -> None:
    slot = (await slots_of(worked, on(2)))[0]
    visit = await worked.patient.done("bookAppointment", "appointment { id }", slotId=slot["id"])
    await close(worked, on(2), "09:00", "10:00")
    await extend(worked, on(3), "13:00", "14:00")
    hours = {"startTime": "09:00", "endTime": "11:00", "slotMinutes": 30}
    found = await set_hours(worked, {"weekdays": [day.name for day in Weekday], **hours})
    assert [one["id"] for one in found["uncovered"]] == [visit["id"]]
    # Of three days twelve slots, of which two are in closed time, one of them booked; two more.
    assert (found["kept"], found["removed"]) == (4 + 3 + 6, 0)


# ------------------------------------------------------------ what is kept, and for whom


SHOWN = """
query ($id: ID!, $from: DateTime!, $to: DateTime!) { calendar(id: $id) {
  exceptions(from: $from, to: $to) {
    id calendar { id } kind startsAt endsAt slotMinutes reason } } }"""


async def shown(api: Api, calendar: Calendar, first: int, last: int) -> list[dict[str, Any]]:
    window = {"from": wire(at(on(first), "00:00")), "to": wire(at(on(last), "00:00"))}
    found: list[dict[str, Any]] = (await api.ask(SHOWN, id=id_of(calendar), **window))["calendar"][
        "exceptions"
    ]
    return found


async def test_exceptions_are_shown_as_they_were_given(worked: Clinic) -> None:
    calendar = calendar_of(worked)
    day = on(2), "00:00", "24:00"
    own, _ = await close(worked, *day, reason="Ill")
    extra = await extend(worked, on(3), "11:00", "12:00", slotMinutes=20)
    wide, _ = await add(worked.reception, "CLOSED", *day, reason="Fiesta")
    expected = {
        own: {"kind": "CLOSED", "reason": "Ill", "slotMinutes": None},
        wide: {"kind": "CLOSED", "reason": "Fiesta", "slotMinutes": None},
        extra: {"kind": "EXTRA_HOURS", "reason": None, "slotMinutes": 20},
    }
    found = await shown(worked.reception, calendar, 1, 5)
    assert {one["id"] for one in found[:2]} == {own, wide}
    assert found[2]["startsAt"] == wire(at(on(3), "11:00"))
    assert found[2]["endsAt"] == wire(at(on(3), "12:00"))
    for one in found:
        whose = None if one["id"] == wide else {"id": id_of(calendar)}
        assert one.pop("calendar") == whose
        assert {name: one[name] for name in expected[one["id"]]} == expected[one["id"]]
    assert [one["id"] for one in await shown(worked.public, calendar, 3, 4)] == [extra]
    assert await shown(worked.public, calendar, 4, 5) == []
    # Why somebody is not there is nobody else's business.
    for api in (worked.public, worked.patient):
        reasons = {one["id"]: one["reason"] for one in await shown(api, calendar, 1, 5)}
        assert reasons == {own: None, wide: "Fiesta", extra: None}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"endsAt": wire(at(on(2), "09:00"))}, "endsAt"),
        ({"endsAt": wire(at(on(369), "12:00"))}, "endsAt"),
        ({"startsAt": wire(at(on(700), "09:00")), "endsAt": wire(at(on(735), "09:00"))}, "endsAt"),
        ({"slotMinutes": 30}, "slotMinutes"),
        ({"kind": "EXTRA_HOURS", "slotMinutes": 0}, "slotMinutes"),
        ({"kind": "EXTRA_HOURS", "slotMinutes": 1441}, "slotMinutes"),
        ({"reason": "x" * 501}, "reason"),
    ],
)
async def test_exceptions_that_cannot_be_say_where(
    clinic: Clinic, values: dict[str, Any], field: str
) -> None:
    given = {**told("CLOSED", on(2), "09:00", "10:00"), **values}
    async with unchanged(clinic.factory):
        refusal = await clinic.reception.refusal(
            "addAvailabilityException",
            "exception { id } uncovered { id }",
            calendarId=id_of(calendar_of(clinic)),
            **given,
        )
    assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["input", field])


async def test_an_exception_may_be_a_leap_year_long(worked: Clinic) -> None:
    year = {**told("CLOSED", on(1), "00:00", "24:00"), "endsAt": wire(at(on(367), "00:00"))}
    calendar = id_of(calendar_of(worked))
    await worked.doctor.done(
        "addAvailabilityException", "exception { id }", calendarId=calendar, **year
    )
    assert [await clocks(worked, on(n)) for n in (1, 2, 3)] == [[], [], []]


async def test_what_has_begun_stays(clinic: Clinic) -> None:
    calendar, now = calendar_of(clinic), datetime.now(UTC)
    begun = await clinic.factory.slot(calendar, now - timedelta(minutes=10), minutes=20)
    later = await clinic.factory.slot(calendar, now + timedelta(hours=1))
    times = {"startsAt": wire(now - timedelta(days=1)), "endsAt": wire(now + timedelta(days=1))}
    values = {"calendarId": id_of(calendar), "kind": "CLOSED", **times}
    await clinic.doctor.done("addAvailabilityException", "exception { id }", **values)
    found = {row["id"]: row["status"] for row in await kept(clinic.factory, Slot)}
    assert found == {str(begun.id): "AVAILABLE", str(later.id): "REMOVED"}


async def test_without_working_hours_extra_hours_are_cut_into_half_hours(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), at(on(1), "09:00"))
    visit = await book(clinic.reception, slot, patientId=patient_id(clinic))
    assert numbers(await generate(clinic, on(1))) == (0, 1, 0)
    await extend(clinic, on(1), "08:30", "10:00")
    halves = [
        f"{start}-{end} AVAILABLE" for start, end in pairwise(("08:30", "09:00", "09:30", "10:00"))
    ]
    assert await clocks(clinic, on(1)) == [halves[0], "09:00-09:30 BOOKED", halves[2]]
    await clinic.reception.done(
        "cancelAppointment", "appointment { id }", appointmentId=visit["id"]
    )
    assert await clocks(clinic, on(1)) == halves
