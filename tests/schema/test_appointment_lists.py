"""Reading appointments: who sees which, filters, order, pages, references, and slots' visitors."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from models import Department, Role
from tests.api import Api
from tests.booking import book, calendar_of, elsewhere, patient_id
from tests.conftest import Clinic
from tests.factories import Person, id_of, tomorrow, wire

LIST = """
query ($first: Int, $after: String, $filter: AppointmentFilter, $newest: Boolean) {
  appointments(first: $first, after: $after, filter: $filter, newestFirst: $newest) {
    totalCount edges { node { id } cursor }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
MINE, OTHERS, ELSEWHERE = 0, 1, 2


@dataclass(frozen=True)
class Visits:
    """Three appointments: the patient's and another's with the doctor, and the patient's with
    another doctor; in order of start.
    """

    ids: list[str]
    references: list[str]
    other_doctor: Person
    other_patient: str


@pytest.fixture
async def visits(clinic: Clinic) -> Visits:
    """See the class."""
    other = await clinic.factory.person(Role.DOCTOR)
    assert other.calendar
    stranger = id_of(await clinic.factory.patient("Strange 100% Person"))
    found = []
    for calendar, patient, days in (
        (calendar_of(clinic), patient_id(clinic), 1),
        (calendar_of(clinic), stranger, 2),
        (other.calendar, patient_id(clinic), 3),
    ):
        slot = await clinic.factory.slot(calendar, tomorrow(days=days))
        found.append(
            await clinic.reception.done(
                "bookAppointment",
                "appointment { id reference }",
                slotId=id_of(slot),
                patientId=patient,
            )
        )
    ids, references = ([one[key] for one in found] for key in ("id", "reference"))
    return Visits(ids, references, other, stranger)


async def listed(api: Api, **values: Any) -> list[str]:
    """The ids of a list's first page."""
    found = (await api.ask(LIST, **values))["appointments"]
    return [edge["node"]["id"] for edge in found["edges"]]


def chosen(visits: Visits, *places: int) -> list[str]:
    return [visits.ids[place] for place in places]


# ------------------------------------------------------------ who sees which


async def test_everybody_sees_their_own_and_the_front_desk_all(
    clinic: Clinic, visits: Visits
) -> None:
    colleague = clinic.public.signed_in(visits.other_doctor.token)
    for api, expected in (
        (clinic.admin, [MINE, OTHERS, ELSEWHERE]),
        (clinic.reception, [MINE, OTHERS, ELSEWHERE]),
        (clinic.doctor, [MINE, OTHERS]),
        (clinic.patient, [MINE, ELSEWHERE]),
        (colleague, [ELSEWHERE]),
    ):
        found = (await api.ask(LIST))["appointments"]
        assert [edge["node"]["id"] for edge in found["edges"]] == chosen(visits, *expected)
        assert found["totalCount"] == len(expected)


async def test_the_public_and_other_organizations_see_none(clinic: Clinic, visits: Visits) -> None:
    assert await clinic.public.error_code(LIST) == "UNAUTHENTICATED"
    other = await elsewhere(clinic)
    for role in Role:
        stranger = clinic.public.signed_in((await other.person(role)).token)
        assert await listed(stranger) == []
        found = await stranger.ask(
            "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=visits.ids
        )
        assert found == {"nodes": [None, None, None]}


async def test_an_id_shows_no_more_than_the_list(clinic: Clinic, visits: Visits) -> None:
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    for api in (clinic.admin, clinic.reception, clinic.doctor, clinic.patient):
        found = (await api.ask(document, ids=visits.ids))["nodes"]
        assert [node["id"] for node in found if node] == await listed(api)
    assert await clinic.public.error_code(document, ids=visits.ids) == "UNAUTHENTICATED"


async def test_a_reference_finds_what_the_viewer_may_see(clinic: Clinic, visits: Visits) -> None:
    document = "query ($code: String!) { appointmentByReference(reference: $code) { id } }"

    async def find(api: Api, code: str) -> Any:
        return (await api.ask(document, code=code))["appointmentByReference"]

    code = visits.references[OTHERS]
    assert await find(clinic.reception, f" {code.lower()} ") == {"id": visits.ids[OTHERS]}
    assert await find(clinic.doctor, code) == {"id": visits.ids[OTHERS]}
    assert await find(clinic.patient, code) is None
    other = await elsewhere(clinic)
    foreign_admin = clinic.public.signed_in((await other.person(Role.ADMIN)).token)
    assert await find(foreign_admin, code) is None
    for nonsense in ("", "AAAA-AAAA"):
        assert await find(clinic.reception, nonsense) is None
    assert await clinic.public.error_code(document, code=code) == "UNAUTHENTICATED"


async def test_a_slot_shows_its_appointments_to_those_who_may_see_them(
    clinic: Clinic, visits: Visits
) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(days=5), capacity=3)
    mine = await book(clinic.patient, slot)
    theirs = await book(clinic.reception, slot, patientId=visits.other_patient)
    called_off = await book(clinic.reception, slot, patientId=id_of(await clinic.factory.patient()))
    await clinic.admin.done(
        "cancelAppointment", "appointment { id }", appointmentId=called_off["id"]
    )
    document = """query ($id: ID!) {
      node(id: $id) { ... on Slot { bookedCount appointments { id patient { id } } } } }"""
    both = [
        {"id": mine["id"], "patient": {"id": patient_id(clinic)}},
        {"id": theirs["id"], "patient": {"id": visits.other_patient}},
    ]
    colleague = clinic.public.signed_in(visits.other_doctor.token)
    for api, expected in (
        (clinic.public, []),
        (clinic.patient, both[:1]),
        (clinic.doctor, both),
        (clinic.reception, both),
        (clinic.admin, both),
        (colleague, []),
    ):
        found = (await api.ask(document, id=id_of(slot)))["node"]
        assert found == {"bookedCount": 2, "appointments": expected}


async def test_a_patients_appointments_are_filtered_by_the_viewer(
    clinic: Clinic, visits: Visits
) -> None:
    document = """query ($id: ID!, $filter: AppointmentFilter) {
      node(id: $id) { ... on Patient {
        appointments(filter: $filter) { edges { node { id } } } } } }"""
    for api, expected in (
        (clinic.reception, [MINE, ELSEWHERE]),
        (clinic.patient, [MINE, ELSEWHERE]),
        (clinic.doctor, [MINE]),
    ):
        # Naming somebody else in the filter does not lead out of the patient.
        for filter in ({}, {"patientId": visits.other_patient}):
            found = await api.ask(document, id=patient_id(clinic), filter=filter)
            edges = found["node"]["appointments"]["edges"]
            assert [edge["node"]["id"] for edge in edges] == chosen(visits, *expected)


# ------------------------------------------------------------ filters


async def test_filters_narrow_the_list(clinic: Clinic, visits: Visits) -> None:
    await clinic.doctor.done(
        "checkInAppointment", "appointment { id }", appointmentId=visits.ids[OTHERS]
    )
    doctor = id_of(visits.other_doctor.doctor)
    second = tomorrow(days=2)
    late = second + timedelta(seconds=1)
    for filter, expected in (
        ({"status": ["CHECKED_IN"]}, [OTHERS]),
        ({"status": ["BOOKED", "CHECKED_IN"]}, [MINE, OTHERS, ELSEWHERE]),
        ({"status": []}, []),
        ({"doctorId": doctor}, [ELSEWHERE]),
        ({"patientId": visits.other_patient}, [OTHERS]),
        ({"patientId": patient_id(clinic), "doctorId": doctor}, [ELSEWHERE]),
        ({"from": wire(second)}, [OTHERS, ELSEWHERE]),
        ({"from": wire(late)}, [ELSEWHERE]),
        ({"to": wire(second)}, [MINE]),
        ({"to": wire(late)}, [MINE, OTHERS]),
        ({"from": wire(second), "to": wire(late)}, [OTHERS]),
        ({"search": visits.references[MINE][:6].lower()}, [MINE]),
        ({"search": "range 100% per"}, [OTHERS]),
        ({"search": "Str_nge"}, []),
        ({"search": "%"}, [OTHERS]),
        ({"search": ""}, [MINE, OTHERS, ELSEWHERE]),
        ({"status": None, "search": None, "from": None}, [MINE, OTHERS, ELSEWHERE]),
    ):
        assert await listed(clinic.reception, filter=filter) == chosen(visits, *expected), filter


async def test_a_department_finds_the_appointments_of_its_doctors(
    clinic: Clinic, visits: Visits
) -> None:
    department = Department(organization_id=clinic.factory.organization.id, name="Cardiology")
    await clinic.factory.add(department)
    await clinic.admin.done(
        "updateDoctor",
        "doctor { id }",
        doctorId=id_of(visits.other_doctor.doctor),
        departmentId=id_of(department),
    )
    filter = {"departmentId": id_of(department)}
    assert await listed(clinic.reception, filter=filter) == chosen(visits, ELSEWHERE)
    assert await listed(clinic.doctor, filter=filter) == []


async def test_a_filter_opens_nothing(clinic: Clinic, visits: Visits) -> None:
    filter = {"patientId": visits.other_patient}
    assert await listed(clinic.patient, filter=filter) == []
    filter = {"doctorId": id_of(visits.other_doctor.doctor)}
    assert await listed(clinic.doctor, filter=filter) == []


@pytest.mark.parametrize(
    ("filter", "code"),
    [
        ({"doctorId": "nobody"}, "BAD_INPUT"),
        ({"patientId": "slot_" + "0" * 32}, "NOT_FOUND"),
        ({"from": "2027-01-01T09:00:00"}, "BAD_INPUT"),
        ({"status": ["LOST"]}, "BAD_INPUT"),
        ({"search": "nul \0"}, "BAD_INPUT"),
    ],
)
async def test_a_filter_that_cannot_be_is_refused(
    clinic: Clinic, filter: dict[str, Any], code: str
) -> None:
    assert await clinic.reception.error_code(LIST, filter=filter) == code


# ------------------------------------------------------------ order and pages


async def many(clinic: Clinic, count: int = 5) -> list[str]:
    """Appointments of which several begin at the same time; the ids in order of start and id."""
    booked = []
    for place in range(count):
        doctor = await clinic.factory.person(Role.DOCTOR)
        assert doctor.calendar
        starts_at = tomorrow(9 if place < 3 else 8)
        slot = await clinic.factory.slot(doctor.calendar, starts_at)
        patient = id_of(await clinic.factory.patient())
        appointment = await book(clinic.reception, slot, patientId=patient)
        booked.append((starts_at, appointment["id"]))
    return [id for _, id in sorted(booked)]


@pytest.mark.parametrize("newest", [False, True])
async def test_pages_give_every_appointment_once_in_order(clinic: Clinic, newest: bool) -> None:
    expected = await many(clinic)
    expected = expected[::-1] if newest else expected
    found: list[str] = []
    after = None
    for page in range(3):
        answer = await clinic.reception.ask(LIST, first=2, after=after, newest=newest)
        part, info = answer["appointments"], answer["appointments"]["pageInfo"]
        found += [edge["node"]["id"] for edge in part["edges"]]
        assert part["totalCount"] == 5
        assert (info["hasNextPage"], info["hasPreviousPage"]) == (page < 2, page > 0)
        assert info["startCursor"] == part["edges"][0]["cursor"]
        after = info["endCursor"]
        assert after == part["edges"][-1]["cursor"]
    assert found == expected
    beyond = (await clinic.reception.ask(LIST, after=after, newest=newest))["appointments"]
    assert beyond["edges"] == []
    assert beyond["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": True,
        "startCursor": None,
        "endCursor": None,
    }


async def test_a_page_goes_on_where_the_one_before_ended_whatever_came(clinic: Clinic) -> None:
    expected = await many(clinic)
    answer = (await clinic.reception.ask(LIST, first=2))["appointments"]
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(7))
    await book(clinic.patient, slot)
    after = answer["pageInfo"]["endCursor"]
    assert await listed(clinic.reception, first=100, after=after) == expected[2:]


async def test_a_cursor_is_good_for_its_own_list_alone(clinic: Clinic, visits: Visits) -> None:
    cursor = (await clinic.reception.ask(LIST, first=1))["appointments"]["pageInfo"]["endCursor"]
    for values in (
        {"after": cursor, "newest": True},
        {"after": cursor[:-4]},
        {"after": "not a cursor"},
        {"after": "é"},
        {"after": "W10="},
    ):
        assert await clinic.reception.error_code(LIST, **values) == "BAD_INPUT"
    assert await listed(clinic.patient, after=cursor) == chosen(visits, ELSEWHERE)
    doctors = "query ($after: String) { doctors(after: $after) { totalCount } }"
    assert await clinic.reception.error_code(doctors, after=cursor) == "BAD_INPUT"


async def test_a_page_has_1_to_100_appointments_20_unless_said_otherwise(clinic: Clinic) -> None:
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow(), capacity=25)
    for _ in range(21):
        patient = id_of(await clinic.factory.patient())
        await book(clinic.reception, slot, patientId=patient)
    assert len(await listed(clinic.reception)) == 20
    assert len(await listed(clinic.reception, first=None)) == 20
    assert len(await listed(clinic.reception, first=1)) == 1
    assert len(await listed(clinic.reception, first=100)) == 21
    for first in (0, -1, 101):
        assert await clinic.reception.error_code(LIST, first=first) == "BAD_INPUT"
