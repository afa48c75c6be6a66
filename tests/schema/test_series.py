"""Booking a series: all of it, what can be had of it, or nothing; and why."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from models import Calendar, Role, SeriesOccurrence, Slot, VisitType, VisitTypeDoctor
from tests.booking import book, calendar_of, patient_id
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.hours import at
from tests.rows import across, kept
from tests.series import FIRST_DAY, book_series, obstacles, refused, weekly

# All of it is to come.
YEAR = tomorrow().year + 1


async def shown(clinic: Clinic, slots: list[Slot]) -> list[tuple[str, int]]:
    """Status and version of each slot."""
    query = text("SELECT status::text, revision FROM slots WHERE id = :id")
    async with across(clinic.factory) as connection:
        rows = [(await connection.execute(query, {"id": slot.id})).one() for slot in slots]
    return [(row.status, row.revision) for row in rows]


async def kind(clinic: Clinic, minutes: int, *, is_offered: bool = True) -> str:
    """The id of a kind of visit."""
    owner = {"organization_id": clinic.factory.organization.id}
    made = VisitType(**owner, name=f"{minutes} minutes", minutes=minutes)
    await clinic.factory.add(made)
    if is_offered:
        doctor_id = clinic.person(Role.DOCTOR).doctor.id
        await clinic.factory.add(
            VisitTypeDoctor(**owner, visit_type_id=made.id, doctor_id=doctor_id)
        )
    return id_of(made)


async def two_slots(clinic: Clinic, week: int) -> list[Slot]:
    """Two neighbouring slots from ten to eleven."""
    return await clinic.factory.slots(
        calendar_of(clinic), at(FIRST_DAY + timedelta(weeks=week), "10:00"), 2
    )


async def take(clinic: Clinic, *slots: Slot) -> None:
    """Let somebody else have slots."""
    for slot in slots:
        await book(clinic.reception, slot, patientId=id_of(await clinic.factory.patient()))


# --------------------------------------------------------------------- what is booked


async def test_a_patient_books_a_series(clinic: Clinic) -> None:
    await clinic.factory.policy(cancellation_notice_minutes=60)
    slots = await weekly(clinic, 3)
    payload = await clinic.patient.act(
        "bookSeries",
        "series { id recurrence everyWeeks timeZone createdAt appointments { "
        "id startsAt endsAt status version reason canCancelUntil bookedBy { id } patient { id } "
        "slot { id status version } series { id } history { status note by { id } } } } "
        "occurrences { number date startsAt obstacle message appointment { id } "
        "alternatives { id } }",
        slotId=id_of(slots[0]),
        recurrence={"count": 3},
        reason=" Knee ",
    )
    assert payload["errors"] == []
    series = payload["series"]
    assert series["recurrence"].splitlines() == [
        f"DTSTART;TZID=Europe/Madrid:{FIRST_DAY:%Y%m%d}T100000",
        "RRULE:FREQ=WEEKLY;COUNT=3;INTERVAL=1",
    ]
    assert (series["everyWeeks"], series["timeZone"]) == (1, "Europe/Madrid")
    assert series["id"].startswith("appointment_series_")
    user = {"id": id_of(clinic.person(Role.PATIENT).user)}
    ids = [one.pop("id") for one in series["appointments"]]
    assert series["appointments"] == [
        {
            "startsAt": wire(slot.starts_at),
            "endsAt": wire(slot.ends_at),
            "status": "BOOKED",
            "version": 1,
            "reason": "Knee",
            "canCancelUntil": wire(slot.starts_at - timedelta(hours=1)),
            "bookedBy": user,
            "patient": {"id": patient_id(clinic)},
            # One change of the calendar for all of them.
            "slot": {"id": id_of(slot), "status": "BOOKED", "version": 1},
            "series": {"id": series["id"]},
            "history": [{"status": "BOOKED", "note": None, "by": user}],
        }
        for slot in slots
    ]
    assert payload["occurrences"] == [
        {
            "number": number,
            "date": (FIRST_DAY + timedelta(weeks=number - 1)).isoformat(),
            "startsAt": wire(slot.starts_at),
            "obstacle": None,
            "message": None,
            "appointment": {"id": id},
            "alternatives": [],
        }
        for number, (slot, id) in enumerate(zip(slots, ids, strict=True), start=1)
    ]
    (calendar,) = [c for c in await kept(clinic.factory, Calendar) if c["revision"]]
    assert calendar["revision"] == 1


def changes(zone: str) -> list[datetime]:
    """Ten o'clock on the days of a year on which the clocks of a zone change, or on some days."""
    start = datetime.combine(date(YEAR, 1, 1), time(10), ZoneInfo(zone))
    days = [start + timedelta(days=n) for n in range(365)]
    found = [day for day, next in pairwise(days) if day.utcoffset() != next.utcoffset()]
    assert len(found) == (0 if zone == "Asia/Kolkata" else 2)
    return [day + timedelta(days=1) for day in found] or [days[90], days[300]]


@pytest.mark.parametrize(
    "zone", ["Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
)
async def test_the_time_on_the_wall_stays_over_every_change_of_the_clocks(
    clinic: Clinic, zone: str
) -> None:
    calendar = Calendar(organization_id=clinic.factory.organization.id, id=uuid4(), time_zone=zone)
    await clinic.factory.add(calendar)
    async with across(clinic.factory) as connection:
        moving = text("UPDATE doctors SET calendar_id = :to WHERE calendar_id = :from")
        await connection.execute(moving, {"to": calendar.id, "from": calendar_of(clinic).id})
    for change in changes(zone):
        walls = [change + timedelta(weeks=week) for week in (-1, 0, 1)]
        slots = [await clinic.factory.slot(calendar, wall) for wall in walls]
        until = {"until": walls[-1].date().isoformat()}
        whom = {"patientId": patient_id(clinic)}
        payload = await book_series(clinic.reception, slots[0], 3, recurrence=until, **whom)
        booked = [one["startsAt"] for one in payload["series"]["appointments"]]
        assert booked == [wire(slot.starts_at) for slot in slots]


async def test_a_time_that_the_clocks_leave_out_is_no_other_time(clinic: Clinic) -> None:
    await clinic.factory.policy(horizon_months=24)
    day = changes("Europe/Madrid")[0]
    walls = [(day + timedelta(weeks=week)).replace(hour=2, minute=30) for week in (-1, 0, 1)]
    walls[1] = walls[1].replace(hour=3, minute=0)
    first, after_gap, last = [
        await clinic.factory.slot(calendar_of(clinic), wall) for wall in walls
    ]
    whom = {"patientId": patient_id(clinic)}
    found = await refused(clinic, clinic.reception, first, 3, onConflict="SUGGEST", **whom)
    assert obstacles(found) == [None, "NO_SUCH_TIME", None]
    starts = [one["startsAt"] for one in found]
    assert starts == [wire(first.starts_at), None, wire(last.starts_at)]
    assert [one["alternatives"] for one in found] == [[], [{"id": id_of(after_gap)}], []]
    payload = await book_series(clinic.reception, first, 3, onConflict="SKIP", **whom)
    assert obstacles(payload["occurrences"]) == [None, "NO_SUCH_TIME", None]
    booked = ("BOOKED", 1)
    assert await shown(clinic, [first, after_gap, last]) == [booked, ("AVAILABLE", 0), booked]


# --------------------------------------------------------------------- what stands in the way


async def in_the_way(clinic: Clinic) -> tuple[list[Slot], list[str | None]]:
    """A slot each week, and what stands in the way of the patient at each of them."""
    slots = await weekly(clinic, 9)
    # Beside them there are others.
    await weekly(clinic, 9, clock="18:00")
    await clinic.factory.policy(minimum_notice_minutes=3 * 24 * 60, horizon_months=2)
    await take(clinic, slots[2])
    rival = clinic.public.signed_in((await clinic.factory.person(Role.PATIENT)).token)
    await rival.done("holdSlot", "slot { id }", slotId=id_of(slots[3]))
    span = {"startsAt": wire(slots[4].starts_at), "endsAt": wire(slots[4].ends_at)}
    calendar_id = id_of(calendar_of(clinic))
    await clinic.doctor.done("blockTime", "slots { id }", calendarId=calendar_id, **span)
    other = await clinic.factory.person(Role.DOCTOR)
    away = await clinic.factory.slot(other.calendar, slots[5].starts_at + timedelta(minutes=15))
    await book(clinic.patient, away)
    async with across(clinic.factory) as connection:
        await connection.execute(
            text("UPDATE slots SET in_buffer = true WHERE id = :id"), {"id": slots[6].id}
        )
        await connection.execute(text("DELETE FROM slots WHERE id = :id"), {"id": slots[7].id})
    return slots, [
        *("TOO_SOON", None, "BOOKED", "HELD", "BLOCKED", "PATIENT_BUSY", "KEPT_CLEAR", "NO_SLOT"),
        None,
        # There is no slot either, and cannot be yet.
        "BEYOND_HORIZON",
    ]


async def test_with_fail_all_one_that_cannot_be_booked_is_in_the_way_of_all(
    clinic: Clinic,
) -> None:
    slots, expected = await in_the_way(clinic)
    found = await refused(clinic, clinic.patient, slots[0], 10)
    assert obstacles(found) == expected
    assert [one["startsAt"] for one in found] == [
        wire(at(FIRST_DAY + timedelta(weeks=week), "10:00")) for week in range(10)
    ]
    assert all(one["alternatives"] == [] for one in found)
    assert found[2]["message"] == "This time is taken."
    assert found[7]["message"] == "No visit begins at this time on this day."
    assert await refused(clinic, clinic.patient, slots[0], 10, onConflict="FAIL_ALL") == found


async def test_with_skip_what_can_be_booked_is_and_the_rest_is_named(clinic: Clinic) -> None:
    slots, expected = await in_the_way(clinic)
    payload = await book_series(clinic.patient, slots[0], 10, onConflict="SKIP")
    assert payload["errors"] == []
    # What is skipped counts: there are not two more at the end.
    assert obstacles(payload["occurrences"]) == expected
    booked = [one["startsAt"] for one in payload["series"]["appointments"]]
    assert booked == [wire(slots[week].starts_at) for week in (1, 8)]
    appointments = [one["appointment"] for one in payload["occurrences"] if one["appointment"]]
    assert [one["startsAt"] for one in appointments] == booked
    rows = await kept(clinic.factory, SeriesOccurrence)
    assert [row["obstacle"] for row in sorted(rows, key=lambda row: row["number"])] == expected
    there = [slot for week, slot in enumerate(slots) if week != 7]
    booked, free = "BOOKED", "AVAILABLE"
    assert [status for status, _ in await shown(clinic, there)] == [
        *(free, booked, booked, "HELD", "BLOCKED", free, free, booked)
    ]


async def test_a_series_of_which_nothing_can_be_booked_is_refused_by_skip_too(
    clinic: Clinic,
) -> None:
    slots = await weekly(clinic, 2)
    await take(clinic, *slots)
    found = await refused(clinic, clinic.patient, slots[0], 3, onConflict="SKIP")
    assert obstacles(found) == ["BOOKED", "BOOKED", "NO_SLOT"]


async def test_suggest_brings_the_nearest_times_that_the_patient_could_have(
    clinic: Clinic,
) -> None:
    slots = await weekly(clinic, 3)
    early, *late = [
        await weekly(clinic, 3, clock=clock) for clock in ("09:00", "11:00", "11:30", "12:00")
    ]
    await take(clinic, slots[1], early[1])
    # The patient is elsewhere in the third week, until a quarter past eleven.
    other = await clinic.factory.person(Role.DOCTOR)
    await book(
        clinic.patient, await clinic.factory.slot(other.calendar, slots[2].starts_at, minutes=75)
    )
    found = await refused(clinic, clinic.patient, slots[0], 4, onConflict="SUGGEST")
    assert obstacles(found) == [None, "BOOKED", "PATIENT_BUSY", "NO_SLOT"]
    assert [[slot["id"] for slot in one["alternatives"]] for one in found] == [
        [],
        [id_of(clock[1]) for clock in late],
        [id_of(clock[2]) for clock in (early, late[1], late[2])],
        # In the fourth week there is nothing; what is wanted itself is not offered instead.
        [id_of(clock[2]) for clock in (early, late[1], late[2])],
    ]


async def test_where_another_time_would_not_help_none_is_offered(clinic: Clinic) -> None:
    slots = await weekly(clinic, 1)
    await weekly(clinic, 1, clock="11:00")
    unoffered = await kind(clinic, 30, is_offered=False)
    values: dict[str, Any] = {"onConflict": "SUGGEST", "recurrence": {"count": 2, "everyWeeks": 12}}
    await clinic.factory.policy(horizon_months=1)
    found = await refused(clinic, clinic.patient, slots[0], 2, **values)
    assert obstacles(found) == [None, "BEYOND_HORIZON"]
    assert [one["alternatives"] for one in found] == [[], []]
    found = await refused(clinic, clinic.patient, slots[0], 2, visitTypeId=unoffered, **values)
    assert obstacles(found) == ["NOT_OFFERED", "BEYOND_HORIZON"]
    assert [one["alternatives"] for one in found] == [[], []]


async def test_a_long_visit_needs_room_at_each_time(clinic: Clinic) -> None:
    first = [
        await clinic.factory.slots(
            calendar_of(clinic), at(FIRST_DAY + timedelta(weeks=week), "10:00"), 2
        )
        for week in range(3)
    ]
    await take(clinic, first[1][1])
    long, longer = await kind(clinic, 60), await kind(clinic, 61)
    found = await refused(clinic, clinic.patient, first[0][0], 3, visitTypeId=long)
    assert obstacles(found) == [None, "PARTLY_TAKEN", None]
    found = await refused(clinic, clinic.patient, first[0][0], 3, visitTypeId=longer)
    assert obstacles(found) == ["VISIT_TOO_LONG"] * 3
    payload = await book_series(clinic.patient, first[0][0], 3, visitTypeId=long, onConflict="SKIP")
    assert obstacles(payload["occurrences"]) == [None, "PARTLY_TAKEN", None]
    seen = await shown(clinic, [slot for pair in first for slot in pair])
    booked, free = ("BOOKED", 2), ("AVAILABLE", 0)
    assert seen == [booked, booked, free, ("BOOKED", 1), booked, booked]
