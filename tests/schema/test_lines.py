"""The lines of the waitlist: who stands in them, what is refused, and who sees whom."""

import pytest

from models import Role
from tests.booking import CONFLICTING, book, calendar_of, patient_id, treat
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.rows import unchanged
from tests.waiting import ENTRY, WINDOW, Waiter, cancel, offered, taken, waiter

LISTED = """query ($doctor: ID, $status: [WaitlistStatus!]) {
  waitlist(doctorId: $doctor, status: $status) { totalCount edges { node { id position } } } }"""


# ------------------------------------------------------------------------- what is refused


async def test_nobody_stands_in_a_line_twice(clinic: Clinic) -> None:
    one = await waiter(clinic)
    doctor = {"doctorId": id_of(clinic.person(Role.DOCTOR).doctor)}
    fields = f"{ENTRY} errors {{ ... on AlreadyWaiting {{ waitlistEntry {{ id }} }} }}"
    patient = {"patientId": id_of(one.person.patient)}
    async with unchanged(clinic.factory):
        for api in (one.api, clinic.reception, clinic.doctor):
            refusal = await api.refusal("joinWaitlist", fields, **WINDOW, **doctor, **patient)
            assert (refusal["code"], refusal["path"]) == ("ALREADY_WAITING", [])
            assert refusal["waitlistEntry"] == {"id": one.id}


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"doctorId": None}, "doctorId"),
        ({"departmentId": "department"}, "doctorId"),
        ({"to": WINDOW["from"]}, "to"),
        ({"from": wire(tomorrow(days=-3)), "to": wire(tomorrow(days=-2))}, "to"),
        ({"visitTypeId": "visit"}, "visitTypeId"),
    ],
)
async def test_what_nobody_could_be_offered_is_not_waited_for(
    clinic: Clinic, values: dict[str, str | None], path: str
) -> None:
    things = {
        "department": ("createDepartment", "department { id }", {"name": "Hearts"}),
        "visit": (
            "createVisitType",
            "visitType { id }",
            {"name": "Rare", "minutes": 30, "doctorIds": []},
        ),
    }
    for name, value in values.items():
        if value in things:
            act, fields, given = things[value]
            values = {**values, name: (await clinic.admin.done(act, fields, **given))["id"]}
    doctor = id_of(clinic.person(Role.DOCTOR).doctor)
    async with unchanged(clinic.factory):
        given = {**WINDOW, "doctorId": doctor, **values}
        refusal = await clinic.patient.refusal("joinWaitlist", ENTRY, **given)
    assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["input", path])


async def test_what_stands_against_accepting_is_said_and_nothing_happens(clinic: Clinic) -> None:
    one = Waiter(clinic, clinic.person(Role.PATIENT))
    await one.join()
    for name in ("acceptOffer", "declineOffer"):
        assert (await one.refused(name))["code"] == "OFFER_EXPIRED"
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await cancel(clinic, await taken(clinic, slot))
    assert await one.seen() == offered(slot)
    other = (await clinic.factory.person(Role.DOCTOR)).calendar
    visit = await book(
        clinic.reception, await clinic.factory.slot(other, tomorrow()), patientId=patient_id(clinic)
    )
    async with unchanged(clinic.factory):
        fields = f"appointment {{ id }} {CONFLICTING}"
        refusal = await one.api.refusal("acceptOffer", fields, waitlistEntryId=one.id)
    assert (refusal["code"], refusal["path"]) == ("PATIENT_BUSY", ["input", "waitlistEntryId"])
    assert refusal["conflicting"] == {"id": visit["id"]}
    await cancel(clinic, visit["id"])
    await clinic.factory.policy(max_open_appointments_per_patient=1)
    visit = await book(
        clinic.reception,
        await clinic.factory.slot(other, tomorrow(20)),
        patientId=patient_id(clinic),
    )
    async with unchanged(clinic.factory):
        assert (await one.refused("acceptOffer"))["code"] == "BOOKING_LIMIT_REACHED"
    await cancel(clinic, visit["id"])
    values = {"doctorId": id_of(clinic.person(Role.DOCTOR).doctor), "isAcceptingPatients": False}
    await clinic.admin.done("updateDoctor", "doctor { id }", **values)
    async with unchanged(clinic.factory):
        refusal = await one.refused("acceptOffer")
    assert (refusal["code"], refusal["path"]) == ("NOT_BOOKABLE", ["input", "waitlistEntryId"])


# ------------------------------------------------------------------------- who sees whom


async def test_the_list_is_the_line(clinic: Clinic) -> None:
    first, second, third = [await waiter(clinic) for _ in range(3)]
    await second.done("leaveWaitlist")
    other = await clinic.factory.person(Role.DOCTOR)
    elsewhere = await waiter(clinic, doctorId=id_of(other.doctor))
    whole = (await clinic.reception.ask(LISTED))["waitlist"]
    ids = [first.id, third.id, elsewhere.id]
    assert [edge["node"]["id"] for edge in whole["edges"]] == ids
    assert [edge["node"]["position"] for edge in whole["edges"]] == [1, 2, 1]
    assert whole["totalCount"] == 3
    left = (await clinic.reception.ask(LISTED, status=["LEFT"]))["waitlist"]
    assert [edge["node"]["id"] for edge in left["edges"]] == [second.id]
    one = (await clinic.reception.ask(LISTED, doctor=id_of(other.doctor)))["waitlist"]
    assert [edge["node"]["id"] for edge in one["edges"]] == [elsewhere.id]


async def test_a_department_where_somebody_waits_stays(clinic: Clinic) -> None:
    made = await clinic.admin.done("createDepartment", "department { id }", name="Hearts")
    one = await waiter(clinic, departmentId=made["id"])
    refusal = await clinic.admin.refusal("deleteDepartment", "deletedId", departmentId=made["id"])
    assert refusal["code"] == "IN_USE"
    await one.done("leaveWaitlist")
    await clinic.admin.done("deleteDepartment", "deletedId", departmentId=made["id"])
    assert await one.seen() == ("LEFT", None)


async def test_who_is_no_patient_any_more_has_left(clinic: Clinic) -> None:
    first, second = await waiter(clinic), await waiter(clinic)
    patient = id_of(first.person.patient)
    await clinic.admin.done("deletePatient", "deletedId", patientId=patient)
    found = await clinic.reception.ask(LISTED, status=["LEFT"])
    assert [edge["node"]["id"] for edge in found["waitlist"]["edges"]] == [first.id]
    assert (await second.entry())["position"] == 1


async def test_a_doctor_sees_who_waits_for_them_and_nobody_else(clinic: Clinic) -> None:
    """Also the patients, for as long as they wait, of a department those whose visit they offer."""
    department = await clinic.admin.done("createDepartment", "department { id }", name="Hearts")
    other = await clinic.factory.person(Role.DOCTOR)
    theirs = clinic.public.signed_in(other.token)
    kinds = []
    for name, person in (("Ours", clinic.person(Role.DOCTOR)), ("Theirs", other)):
        doctor = id_of(person.doctor)
        values = {"doctorId": doctor, "departmentId": department["id"]}
        await clinic.admin.done("updateDoctor", "doctor { id }", **values)
        kind = {"name": name, "minutes": 30, "doctorIds": [doctor]}
        kinds.append(await clinic.admin.done("createVisitType", "visitType { id }", **kind))
    anywhere = {"departmentId": department["id"]}
    mine, both = await waiter(clinic), await waiter(clinic, **anywhere)
    ours = await waiter(clinic, **anywhere, visitTypeId=kinds[0]["id"])
    found = {}
    for name, api in (("doctor", clinic.doctor), ("other", theirs)):
        seen = (await api.ask(LISTED))["waitlist"]["edges"]
        listed = (await api.ask("{ patients { edges { node { id } } } }"))["patients"]["edges"]
        found[name] = ([edge["node"]["id"] for edge in seen], len(listed))
    assert found == {"doctor": ([mine.id, both.id, ours.id], 3), "other": ([both.id], 1)}
    for one in (mine, ours):
        assert (await one.refused("leaveWaitlist", theirs))["code"] == "NOT_FOUND"
        assert (await one.done("leaveWaitlist", clinic.doctor))["status"] == "LEFT"
    listed = (await clinic.doctor.ask("{ patients { totalCount } }"))["patients"]
    assert listed == {"totalCount": 1}


async def test_doctors_put_people_into_their_own_line_alone(clinic: Clinic) -> None:
    patient = patient_id(clinic)
    await treat(clinic, patient)
    other = await clinic.factory.person(Role.DOCTOR)
    department = await clinic.admin.done("createDepartment", "department { id }", name="Hearts")
    given = {**WINDOW, "patientId": patient}
    async with unchanged(clinic.factory):
        for name, id in (("doctorId", id_of(other.doctor)), ("departmentId", department["id"])):
            refusal = await clinic.doctor.refusal("joinWaitlist", ENTRY, **given, **{name: id})
            assert (refusal["code"], refusal["path"]) == ("NOT_FOUND", ["input", name])
    own = {"doctorId": id_of(clinic.person(Role.DOCTOR).doctor)}
    made = await clinic.doctor.done("joinWaitlist", ENTRY, **given, **own)
    assert (made["status"], made["position"]) == ("WAITING", 1)


async def test_what_is_done_in_a_line_is_in_the_audit_trail(clinic: Clinic) -> None:
    one = await waiter(clinic)
    slot = await clinic.factory.slot(calendar_of(clinic), tomorrow())
    await cancel(clinic, await taken(clinic, slot))
    await one.done("declineOffer")
    await one.done("leaveWaitlist")
    document = """query ($id: ID!) { auditEvents(subjectId: $id) { edges { node {
      action details subject { id } } } } }"""
    found = (await clinic.admin.ask(document, id=one.id))["auditEvents"]["edges"]
    assert [edge["node"]["action"] for edge in found] == [
        "leaveWaitlist",
        "declineOffer",
        "joinWaitlist",
    ]
    assert found[0]["node"] == {
        "action": "leaveWaitlist",
        "details": "status",
        "subject": {"id": one.id},
    }
