"""Patients through the API: registering, changing, finding and archiving; who sees whom."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from models import Patient, Role
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow
from tests.rows import unchanged

PROFILE = "{ name email phone birthDate notes user { id } }"
FIELDS = f"patient {PROFILE}"
SEEN = "query ($id: ID!) { node(id: $id) { ... on Patient { name notes } } }"
ALL = {
    "name": "Pía Nuñez",
    "email": "pia@mail.example",
    "phone": "+442079460018",
    "birthDate": "1984-02-29",
    "notes": "Rings twice\nand waits",
}
NOTHING = dict.fromkeys(("email", "phone", "birthDate", "notes", "user"))
NOT_FOUND = {
    "__typename": "NotFound",
    "message": "There is nothing with this id.",
    "code": "NOT_FOUND",
    "path": ["input", "patientId"],
}
TOMORROW = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()


async def booked(clinic: Clinic, patient: Patient) -> str:
    """An appointment of a patient with the clinic's doctor."""
    slot = await clinic.factory.slot(clinic.person(Role.DOCTOR).calendar, tomorrow())
    made = await clinic.reception.done(
        "bookAppointment", "appointment { id }", slotId=id_of(slot), patientId=id_of(patient)
    )
    return str(made["id"])


# -------------------------------------------------------------------- registering and changing


async def test_the_front_desk_registers_somebody_without_an_account(clinic: Clinic) -> None:
    given = ALL | {"name": " Pía Nuñez ", "email": "Pia@Mail.Example", "phone": "020 7946 0018"}
    made = await clinic.reception.done("registerPatient", FIELDS, **given)
    assert made == ALL | {"user": None}
    made = await clinic.admin.done("registerPatient", FIELDS, name="Bo", email=None)
    assert made == {"name": "Bo", **NOTHING}


async def test_what_of_a_patient_is_left_out_stays_and_null_clears(clinic: Clinic) -> None:
    made = await clinic.reception.done("registerPatient", "patient { id }", **ALL)

    async def updated(**changes: Any) -> Any:
        return await clinic.reception.done("updatePatient", FIELDS, patientId=made["id"], **changes)

    same = ALL | {"user": None}
    assert await updated() == same
    assert await updated(email="PIA@mail.example") == same
    assert await updated(name="Pia", notes=None) == same | {"name": "Pia", "notes": None}
    cleared = await updated(email=None, phone=None, birthDate=None)
    assert cleared == {"name": "Pia", **NOTHING}


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"email": "KNOWN@mail.example"}, "EMAIL_TAKEN", "email"),
        ({"name": " "}, "INVALID_INPUT", "name"),
        ({"name": "x" * 201}, "INVALID_INPUT", "name"),
        ({"email": "pia"}, "INVALID_INPUT", "email"),
        ({"phone": "12"}, "INVALID_INPUT", "phone"),
        ({"birthDate": TOMORROW}, "INVALID_INPUT", "birthDate"),
        ({"birthDate": "1879-12-31"}, "INVALID_INPUT", "birthDate"),
        ({"notes": "x" * 20_001}, "INVALID_INPUT", "notes"),
    ],
)
@pytest.mark.parametrize("mutation", ["registerPatient", "updatePatient"])
async def test_a_refused_patient_leaves_all_as_it_was(
    clinic: Clinic, mutation: str, changes: dict[str, str], code: str, path: str
) -> None:
    await clinic.factory.patient(email="known@mail.example")
    given = {**ALL, **changes}
    if mutation == "updatePatient":
        given["patientId"] = id_of(await clinic.factory.patient())
    async with unchanged(clinic.factory):
        refusal = await clinic.reception.refusal(mutation, FIELDS, **given)
    assert (refusal["code"], refusal["path"]) == (code, ["input", path])


async def test_patients_change_their_own_record_and_no_other(clinic: Clinic) -> None:
    own, other = clinic.person(Role.PATIENT).patient, await clinic.factory.patient()
    changed = await clinic.patient.done(
        "updatePatient", "patient { birthDate }", patientId=id_of(own), birthDate="1984-02-29"
    )
    assert changed == {"birthDate": "1984-02-29"}
    async with unchanged(clinic.factory):
        for patient_id in (id_of(other), f"patient_{uuid4().hex}"):
            refusal = await clinic.patient.refusal(
                "updatePatient", FIELDS, patientId=patient_id, birthDate="1984-02-29"
            )
            assert refusal == NOT_FOUND
        refusal = await clinic.patient.refusal(
            "updatePatient", FIELDS, patientId=id_of(own), name="Pia", notes="Mine"
        )
    assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["input", "notes"])


async def test_patients_are_not_told_which_addresses_are_known(clinic: Clinic) -> None:
    await clinic.factory.patient(email="known@mail.example")
    own = clinic.person(Role.PATIENT).patient
    given = {"patientId": id_of(own), "name": "Pia"}
    async with unchanged(clinic.factory):
        refused = [
            await clinic.patient.refusal("updatePatient", FIELDS, **given, email=email)
            for email in ("known@mail.example", "unknown@mail.example", None)
        ]
    assert refused[0] == {
        "__typename": "InvalidInput",
        "message": "Use requestEmailChange for your own address.",
        "code": "INVALID_INPUT",
        "path": ["input", "email"],
    }
    assert refused == [refused[0]] * 3
    same = await clinic.patient.done(
        "updatePatient", "patient { name email }", **given, email=own.email.upper()
    )
    assert same == {"name": "Pia", "email": own.email}


# --------------------------------------------------------------------------------- who sees whom


async def test_each_sees_the_patients_that_concern_them(clinic: Clinic) -> None:
    own = clinic.person(Role.PATIENT).patient
    treated = await clinic.factory.patient("Treated")
    await clinic.factory.patient("Other")
    await booked(clinic, treated)

    async def seen(api: Api) -> tuple[int, set[str]]:
        query = "{ patients { totalCount edges { node { name } } } }"
        listed = (await api.ask(query))["patients"]
        return listed["totalCount"], {edge["node"]["name"] for edge in listed["edges"]}

    everybody = {own.name, "Treated", "Other"}
    assert await seen(clinic.admin) == (3, everybody)
    assert await seen(clinic.reception) == (3, everybody)
    assert await seen(clinic.doctor) == (1, {"Treated"})
    stranger = await clinic.factory.person(Role.DOCTOR)
    assert await seen(clinic.public.signed_in(stranger.token)) == (0, set())
    assert await seen(clinic.patient) == (1, {own.name})
    assert await clinic.public.error_code("{ patients { totalCount } }") == "UNAUTHENTICATED"


async def test_staff_read_the_notes_and_patients_do_not(clinic: Clinic) -> None:
    own = clinic.person(Role.PATIENT).patient
    noted = {"patientId": id_of(own), "notes": "Rings twice"}
    await clinic.reception.done("updatePatient", FIELDS, **noted)
    await booked(clinic, own)
    for api in (clinic.admin, clinic.reception, clinic.doctor):
        answer = await api.ask(SEEN, id=id_of(own))
        assert answer == {"node": {"name": own.name, "notes": "Rings twice"}}
    answer = await clinic.patient.ask(SEEN, id=id_of(own))
    assert answer == {"node": {"name": own.name, "notes": None}}


async def test_a_patient_who_may_not_be_seen_is_not_there(clinic: Clinic) -> None:
    other = await clinic.factory.patient("Other")
    stranger = (await clinic.factory.person(Role.DOCTOR)).token
    for api in (clinic.patient, clinic.doctor, clinic.public.signed_in(stranger)):
        for patient_id in (id_of(other), f"patient_{uuid4().hex}"):
            assert await api.ask(SEEN, id=patient_id) == {"node": None}
    assert await clinic.public.error_code(SEEN, id=id_of(other)) == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("an", ["Ana 100%", "Dan\\"]),
        ("MAIL.example", ["Ana 100%"]),
        ("0018", ["Bea_x"]),
        ("%", ["Ana 100%"]),
        ("_", ["Bea_x"]),
        ("\\", ["Dan\\"]),
        ("A_a", []),
    ],
)
async def test_patients_are_found_by_name_address_or_number(
    clinic: Clinic, search: str, found: list[str]
) -> None:
    await clinic.factory.patient("Ana 100%", email="a@mail.example")
    await clinic.factory.patient("Bea_x", phone="+442079460018")
    await clinic.factory.patient("Dan\\")
    query = "query ($s: String) { patients(search: $s) { totalCount edges { node { name } } } }"
    listed = (await clinic.reception.ask(query, s=search))["patients"]
    assert [edge["node"]["name"] for edge in listed["edges"]] == found
    assert listed["totalCount"] == len(found)


async def test_a_search_finds_nobody_who_may_not_be_seen(clinic: Clinic) -> None:
    await clinic.factory.patient("Other", email="other@mail.example")
    query = "query ($s: String) { patients(search: $s) { totalCount } }"
    for api in (clinic.patient, clinic.doctor):
        assert await api.ask(query, s="other") == {"patients": {"totalCount": 0}}


# ------------------------------------------------------------------------------------- archiving


async def test_a_patient_with_open_appointments_stays(clinic: Clinic) -> None:
    patient = await clinic.factory.patient()
    appointment = await booked(clinic, patient)
    which = {"patientId": id_of(patient)}
    async with unchanged(clinic.factory):
        refusal = await clinic.admin.refusal("deletePatient", "deletedId", **which)
    assert (refusal["code"], refusal["path"]) == ("IN_USE", ["input", "patientId"])
    await clinic.reception.done(
        "cancelAppointment", "appointment { id }", appointmentId=appointment
    )
    deleted = await clinic.admin.done("deletePatient", "deletedId", **which)
    assert deleted == which["patientId"]


async def test_an_archived_patient_is_out_of_the_lists_and_in_the_history(clinic: Clinic) -> None:
    patient = await clinic.factory.patient("Pia", email="pia@mail.example")
    appointment = await booked(clinic, patient)
    await clinic.reception.done(
        "cancelAppointment", "appointment { id }", appointmentId=appointment
    )
    which = {"patientId": id_of(patient)}
    await clinic.admin.done("deletePatient", "deletedId", **which)
    query = '{ patients(search: "pia@") { totalCount edges { cursor } } }'
    for api in (clinic.admin, clinic.doctor):
        assert await api.ask(query) == {"patients": {"totalCount": 0, "edges": []}}
        history = "{ appointments { edges { node { id status patient { name } } } } }"
        (edge,) = (await api.ask(history))["appointments"]["edges"]
        shown = {"id": appointment, "status": "CANCELLED", "patient": {"name": "Pia"}}
        assert edge["node"] == shown
    async with unchanged(clinic.factory):
        for mutation, fields in (("deletePatient", "deletedId"), ("updatePatient", FIELDS)):
            assert await clinic.admin.refusal(mutation, fields, **which) == NOT_FOUND


async def test_an_archived_patient_cannot_be_booked_for(clinic: Clinic) -> None:
    patient = await clinic.factory.patient()
    slot = await clinic.factory.slot(clinic.person(Role.DOCTOR).calendar, tomorrow())
    await clinic.admin.done("deletePatient", "deletedId", patientId=id_of(patient))
    refusal = await clinic.reception.refusal(
        "bookAppointment", "appointment { id }", slotId=id_of(slot), patientId=id_of(patient)
    )
    assert refusal == NOT_FOUND
    assert await status_of(clinic, id_of(slot)) == "AVAILABLE"


async def test_an_archived_patient_cannot_book(clinic: Clinic) -> None:
    own = clinic.person(Role.PATIENT).patient
    slot = await clinic.factory.slot(clinic.person(Role.DOCTOR).calendar, tomorrow())
    await clinic.admin.done("deletePatient", "deletedId", patientId=id_of(own))
    document = """mutation ($slot: ID!) {
      bookAppointment(input: { slotId: $slot }) { appointment { id } } }"""
    assert await clinic.patient.error_code(document, slot=id_of(slot)) == "UNAUTHENTICATED"
    assert await status_of(clinic, id_of(slot)) == "AVAILABLE"


async def status_of(clinic: Clinic, slot_id: str) -> str:
    query = "query ($id: ID!) { node(id: $id) { ... on Slot { status } } }"
    node: dict[str, str] = (await clinic.public.ask(query, id=slot_id))["node"]
    return node["status"]


async def test_the_address_of_an_archived_patient_is_free_again(clinic: Clinic) -> None:
    patient = await clinic.factory.patient(email="pia@mail.example")
    taken = await clinic.reception.refusal("registerPatient", FIELDS, **ALL)
    assert taken["code"] == "EMAIL_TAKEN"
    await clinic.admin.done("deletePatient", "deletedId", patientId=id_of(patient))
    made = await clinic.reception.done("registerPatient", FIELDS, **ALL)
    assert made["email"] == "pia@mail.example"
