"""Openings: what can be booked first, over many doctors, by what somebody looks for."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from models import Department, Doctor, Office, Role, Slot, VisitType, VisitTypeDoctor
from tests.api import Api
from tests.booking import book
from tests.conftest import Clinic
from tests.factories import Person, id_of, tomorrow, wire
from tests.rows import unchanged

OPENINGS = """
query ($search: OpeningSearch!, $first: Int, $after: String) {
  openings(search: $search, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage hasPreviousPage endCursor }
    edges { node { startsAt endsAt slot { id } doctor { id } } } } }
"""


async def page(api: Api, *, first: int = 100, after: str | None = None, **search: Any) -> Any:
    """A page of openings from tomorrow on."""
    given = {"from": wire(tomorrow(0)), **search}
    return (await api.ask(OPENINGS, search=given, first=first, after=after))["openings"]


async def found(api: Api, **search: Any) -> list[str]:
    """The slots of all openings, in order."""
    edges = (await page(api, **search))["edges"]
    return [edge["node"]["slot"]["id"] for edge in edges]


async def doctor(clinic: Clinic, **values: Any) -> Person:
    """A doctor with a profile."""
    person = await clinic.factory.person(Role.DOCTOR)
    async with clinic.factory.database.writing(clinic.factory.organization.id) as session:
        await session.execute(
            update(Doctor).where(Doctor.id == person.doctor.id).values(**values or {"bio": ""})
        )
    return person


async def at(
    clinic: Clinic, person: Person, hour: int, *, days: int = 1, minutes: int = 30
) -> Slot:
    """A free slot of a doctor, in working hours that last until five."""
    starts_at = tomorrow(hour, days=days)
    return await clinic.factory.slot(
        person.calendar, starts_at, minutes=minutes, hours_end_at=starts_at.replace(hour=17)
    )


async def test_the_first_free_times_of_all_doctors_come_in_order(clinic: Clinic) -> None:
    one, other = await doctor(clinic), await doctor(clinic)
    slots = [
        await at(clinic, one, 11),
        await at(clinic, other, 9),
        await at(clinic, one, 9, days=2),
        await at(clinic, other, 10),
    ]
    expected = [slots[1], slots[3], slots[0], slots[2]]
    assert await found(clinic.public) == [id_of(slot) for slot in expected]
    first = (await page(clinic.public))["edges"][0]["node"]
    assert first == {
        "startsAt": wire(slots[1].starts_at),
        "endsAt": wire(slots[1].ends_at),
        "slot": {"id": id_of(slots[1])},
        "doctor": {"id": id_of(other.doctor)},
    }


@pytest.mark.parametrize("crowd", [1, 70])
async def test_pages_follow_each_other_without_a_gap(clinic: Clinic, crowd: int) -> None:
    """For few doctors and for many, which are looked for in two ways."""
    people = [await doctor(clinic) for _ in range(crowd)]
    for place in range(7):
        await at(clinic, people[place % crowd], 9 + place)
    whole = await found(clinic.public)
    assert len(whole) == 7
    pages, after = [], None
    for _ in range(3):
        shown = await page(clinic.public, first=3, after=after)
        assert shown["totalCount"] == 7
        pages.append([edge["node"]["slot"]["id"] for edge in shown["edges"]])
        after = shown["pageInfo"]["endCursor"]
    assert pages == [whole[:3], whole[3:6], whole[6:]]
    assert shown["pageInfo"]["hasNextPage"] is False
    assert shown["pageInfo"]["hasPreviousPage"] is True


async def test_what_is_taken_closed_held_or_over_is_no_opening(clinic: Clinic) -> None:
    one = await doctor(clinic)
    slots = [await at(clinic, one, hour) for hour in (9, 10, 11, 12)]
    await book(clinic.patient, slots[0])
    await clinic.reception.done("holdSlot", "slot { id }", slotId=id_of(slots[1]))
    await clinic.reception.done(
        "blockTime",
        "slots { id }",
        calendarId=id_of(one.calendar),
        startsAt=wire(slots[2].starts_at),
        endsAt=wire(slots[2].ends_at),
    )
    assert await found(clinic.public) == [id_of(slots[3])]


@pytest.mark.parametrize("crowd", [0, 70])
async def test_each_condition_leaves_what_meets_it(clinic: Clinic, crowd: int) -> None:
    for _ in range(crowd):
        await doctor(clinic)
    owner = {"organization_id": clinic.factory.organization.id}
    department = Department(**owner, id=uuid4(), name="Hearts")
    office = Office(**owner, id=uuid4(), name="Main", time_zone="Europe/Madrid")
    await clinic.factory.add(department, office)
    one = await doctor(
        clinic,
        department_id=department.id,
        office_id=office.id,
        specialty="Cardiology",
        languages=["es", "en"],
    )
    other = await doctor(clinic, specialty="Dermatology", languages=["fr"])
    mine, theirs = await at(clinic, one, 9), await at(clinic, other, 9)
    for search in (
        {"departmentId": id_of(department)},
        {"officeId": id_of(office)},
        {"specialty": "cardiology"},
        {"language": "es"},
        {"doctorIds": [id_of(one.doctor)]},
    ):
        assert await found(clinic.public, **search) == [id_of(mine)], search
    assert await found(clinic.public, language="fr", specialty="Dermatology") == [id_of(theirs)]
    assert await found(clinic.public, language="fr", specialty="Cardiology") == []
    assert await found(clinic.public, doctorIds=[]) == []
    both = await found(clinic.public, doctorIds=[id_of(one.doctor), id_of(other.doctor)])
    assert sorted(both) == sorted([id_of(mine), id_of(theirs)])


async def test_days_and_times_are_those_where_the_doctor_works(clinic: Clinic) -> None:
    """Nine o'clock in UTC is ten or eleven in Madrid."""
    one = await doctor(clinic)
    slots = [await at(clinic, one, 9, days=days) for days in range(1, 8)]
    names = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
    for slot in slots:
        name = names[slot.starts_at.weekday()]
        assert await found(clinic.public, weekdays=[name]) == [id_of(slot)]
    assert await found(clinic.public, weekdays=[]) == []
    assert len(await found(clinic.public, earliestTime="10:00", latestTime="11:00")) == 7
    assert await found(clinic.public, latestTime="09:59") == []
    assert await found(clinic.public, earliestTime="11:01") == []


async def test_a_window_is_half_open(clinic: Clinic) -> None:
    one = await doctor(clinic)
    slots = [await at(clinic, one, hour) for hour in (9, 10, 11)]
    window = {"from": wire(slots[0].starts_at), "to": wire(slots[2].starts_at)}
    assert await found(clinic.public, **window) == [id_of(slot) for slot in slots[:2]]


async def test_a_kind_of_visit_needs_room_and_somebody_who_offers_it(clinic: Clinic) -> None:
    one, other = await doctor(clinic), await doctor(clinic)
    owner = {"organization_id": clinic.factory.organization.id}
    long = VisitType(**owner, id=uuid4(), name="Long", minutes=60)
    await clinic.factory.add(long)
    offer = VisitTypeDoctor(**owner, visit_type_id=long.id, doctor_id=one.doctor.id)
    await clinic.factory.add(offer)
    half = timedelta(minutes=30)
    start, end = tomorrow(9), tomorrow(11)
    slots = [
        await clinic.factory.slot(one.calendar, start + half * n, hours_end_at=end)
        for n in range(4)
    ]
    await at(clinic, other, 9)
    await book(clinic.patient, slots[1])
    shown = (await page(clinic.public, visitTypeId=id_of(long)))["edges"]
    assert [edge["node"]["slot"]["id"] for edge in shown] == [id_of(slots[2])]
    assert shown[0]["node"]["endsAt"] == wire(end)
    # Without a kind of its own, so many minutes are asked for.
    ones = {"doctorIds": [id_of(one.doctor)]}
    assert await found(clinic.public, minimumMinutes=60, **ones) == [id_of(slots[2])]
    assert len(await found(clinic.public, minimumMinutes=30, **ones)) == 3


async def test_what_is_shown_is_what_the_viewer_may_book(clinic: Clinic) -> None:
    await clinic.factory.policy(minimum_notice_minutes=60 * 24 * 2, horizon_months=1)
    one = await doctor(clinic)
    closed = await doctor(clinic, is_accepting_patients=False)
    soon, later = await at(clinic, one, 9), await at(clinic, one, 9, days=4)
    hidden, far = await at(clinic, closed, 9, days=4), await at(clinic, one, 9, days=40)
    assert await found(clinic.patient) == [id_of(later)]
    assert await found(clinic.public) == [id_of(later)]
    for_staff = await found(clinic.reception)
    assert for_staff[0] == id_of(soon)
    assert sorted(for_staff) == sorted(map(id_of, (soon, later, hidden, far)))


async def test_who_has_left_has_no_openings(clinic: Clinic) -> None:
    one = await doctor(clinic)
    await at(clinic, one, 9)
    await clinic.admin.done("deleteDoctor", "deletedId", doctorId=id_of(one.doctor))
    assert await found(clinic.reception) == []


@pytest.mark.parametrize(
    ("search", "code"),
    [
        ({"minimumMinutes": 0}, "BAD_INPUT"),
        ({"minimumMinutes": 1441}, "BAD_INPUT"),
        ({"visitTypeId": f"visit_type_{uuid4().hex}"}, "NOT_FOUND"),
        ({"doctorIds": [f"doctor_{uuid4().hex}"] * 501}, "BAD_INPUT"),
    ],
)
async def test_what_cannot_be_looked_for_is_refused(
    clinic: Clinic, search: dict[str, Any], code: str
) -> None:
    given = {"from": wire(tomorrow(0)), **search}
    async with unchanged(clinic.factory):
        assert await clinic.public.error_code(OPENINGS, search=given) == code
