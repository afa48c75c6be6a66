"""Doctors through the API: adding, inviting, changing, finding and archiving them."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from models import Department, Doctor, Office, Role, UserToken
from tests.accounts import INVALID_TOKEN
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import PASSWORD, Factory, id_of, tomorrow
from tests.mails import Mails
from tests.rivals import line_up
from tests.rows import unchanged

PROFILE = """
    name title specialty bio languages isAcceptingPatients
    department { name } office { name } calendar { timeZone }
    user { username email name role isActive locale timeZone }
"""
FIELDS = f"doctor {{ {PROFILE} }}"
SESSION = "session { accessToken user { role doctor { name } } }"
WHO = {"name": "Dr. Ana López", "email": "Ana@Clinic.Example"}
LINK = "http://127.0.0.1:8000/accept-invitation#"
NOT_FOUND = {
    "__typename": "NotFound",
    "message": "There is nothing with this id.",
    "code": "NOT_FOUND",
    "path": ["input", "doctorId"],
}


async def place(factory: Factory, kind: type, name: str, **values: Any) -> Any:
    """A department or an office."""
    row = kind(organization_id=factory.organization.id, id=uuid4(), name=name, **values)
    await factory.add(row)
    return row


# ---------------------------------------------------------------------------------------- adding


async def test_a_doctor_comes_with_account_and_calendar(clinic: Clinic) -> None:
    department = await place(clinic.factory, Department, "Cardiology")
    office = await place(clinic.factory, Office, "East", time_zone="Asia/Tokyo")
    made = await clinic.admin.done(
        "createDoctor",
        FIELDS,
        **WHO,
        username="Ana.L",
        departmentId=id_of(department),
        officeId=id_of(office),
        title=" Prof. ",
        specialty="Heart",
        bio="Two\nlines",
        languages=["es", "en", "es"],
    )
    assert made == {
        "name": "Dr. Ana López",
        "title": "Prof.",
        "specialty": "Heart",
        "bio": "Two\nlines",
        "languages": ["es", "en"],
        "isAcceptingPatients": True,
        "department": {"name": "Cardiology"},
        "office": {"name": "East"},
        "calendar": {"timeZone": "Asia/Tokyo"},
        "user": {
            "username": "ana.l",
            "email": "ana@clinic.example",
            "name": "Dr. Ana López",
            "role": "DOCTOR",
            "isActive": True,
            "locale": "en-GB",
            "timeZone": "Europe/Madrid",
        },
    }


async def test_a_name_and_an_address_are_enough(clinic: Clinic) -> None:
    made = await clinic.admin.done("createDoctor", FIELDS, **WHO, departmentId=None, title=None)
    assert (made["user"]["username"], made["calendar"]) == ("ana", {"timeZone": "Europe/Madrid"})
    nothing = {made[key] for key in ("title", "specialty", "bio", "department", "office")}
    assert (nothing, made["languages"]) == ({None}, [])


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"email": "KNOWN@clinic.example"}, "EMAIL_TAKEN", "email"),
        ({"username": "Known"}, "USERNAME_TAKEN", "username"),
        ({"name": ""}, "INVALID_INPUT", "name"),
        ({"email": "ana"}, "INVALID_INPUT", "email"),
        ({"username": "a@b.c"}, "INVALID_INPUT", "username"),
        ({"title": "\a"}, "INVALID_INPUT", "title"),
        ({"specialty": "x" * 501}, "INVALID_INPUT", "specialty"),
        ({"bio": "\0"}, "INVALID_INPUT", "bio"),
        ({"languages": ["Spanish"]}, "INVALID_INPUT", "languages"),
        ({"departmentId": f"department_{uuid4().hex}"}, "NOT_FOUND", "departmentId"),
        ({"departmentId": f"office_{uuid4().hex}"}, "NOT_FOUND", "departmentId"),
        ({"departmentId": "Cardiology"}, "INVALID_INPUT", "departmentId"),
        ({"officeId": f"office_{uuid4().hex}"}, "NOT_FOUND", "officeId"),
    ],
)
@pytest.mark.parametrize("mutation", ["createDoctor", "updateDoctor"])
async def test_a_refused_doctor_leaves_all_as_it_was(
    clinic: Clinic, mails: Mails, mutation: str, changes: dict[str, Any], code: str, path: str
) -> None:
    await clinic.factory.person(Role.PATIENT, email="known@clinic.example", username="known")
    given = {**WHO, "title": "Dr.", **changes}
    if mutation == "updateDoctor":
        given["doctorId"] = id_of(clinic.person(Role.DOCTOR).doctor)
    async with unchanged(clinic.factory):
        refusal = await clinic.admin.refusal(mutation, FIELDS, **given)
    assert (refusal["code"], refusal["path"]) == (code, ["input", path])
    assert await mails.rows() == []


# -------------------------------------------------------------------------------------- inviting


async def invited(clinic: Clinic, mails: Mails) -> tuple[str, str]:
    """A new doctor's id, and the token that was mailed to them."""
    doctor = await clinic.admin.done("createDoctor", "doctor { id }", **WHO)
    mail = await mails.last("ana@clinic.example")
    assert mail[:2] == ("ana@clinic.example", "Your account at A Clinic")
    sentence, _, token = mail.body.partition(LINK)
    assert sentence == "Choose a password within seven days: "
    return doctor["id"], token


async def can_sign_in(api: Api, password: str) -> bool:
    answer = await api.act("signIn", SESSION, login="ana@clinic.example", password=password)
    return answer["session"] is not None


async def test_an_invited_doctor_chooses_a_password_once(clinic: Clinic, mails: Mails) -> None:
    _, token = await invited(clinic, mails)
    assert not await can_sign_in(clinic.public, PASSWORD)
    weak = await clinic.public.refusal("acceptInvitation", SESSION, token=token, password="short")
    assert (weak["code"], weak["path"]) == ("WEAK_PASSWORD", ["input", "password"])
    session = await clinic.public.done("acceptInvitation", SESSION, token=token, password=PASSWORD)
    assert session["user"] == {"role": "DOCTOR", "doctor": {"name": "Dr. Ana López"}}
    viewer = await clinic.public.signed_in(session["accessToken"]).ask("{ viewer { email } }")
    assert viewer == {"viewer": {"email": "ana@clinic.example"}}
    again = await clinic.public.refusal(
        "acceptInvitation", SESSION, token=token, password="seven quiet herons on a pier"
    )
    assert again == INVALID_TOKEN
    assert await can_sign_in(clinic.public, PASSWORD)


async def test_an_invitation_that_is_just_being_used_is_used_up(
    clinic: Clinic, mails: Mails
) -> None:
    _, token = await invited(clinic, mails)
    async with clinic.factory.database.writing(clinic.factory.organization.id) as session:
        await session.execute(update(UserToken).values(used_at=datetime.now(UTC)))
        (accepting,) = await line_up(
            clinic.factory,
            clinic.public.refusal("acceptInvitation", SESSION, token=token, password=PASSWORD),
        )
    assert await accepting == INVALID_TOKEN
    assert not await can_sign_in(clinic.public, PASSWORD)


async def test_an_invitation_ends_after_seven_days_and_with_its_account(
    clinic: Clinic, mails: Mails
) -> None:
    factory = clinic.factory
    doctor_id, token = await invited(clinic, mails)
    async with factory.database.writing(factory.organization.id) as session:
        (invitation,) = await session.rows(select(UserToken))
        lasts = invitation.expires_at - datetime.now(UTC)
        assert (lasts.days, token.encode() in invitation.token_hash) == (6, False)

    async def is_refused() -> bool:
        given = {"token": token, "password": PASSWORD}
        refusal = await clinic.public.refusal("acceptInvitation", SESSION, **given)
        return refusal == INVALID_TOKEN

    expiry = update(UserToken).where(UserToken.id == invitation.id)
    async with factory.database.writing(factory.organization.id) as session:
        await session.execute(expiry.values(expires_at=datetime.now(UTC)))
    assert await is_refused()
    async with factory.database.writing(factory.organization.id) as session:
        await session.execute(expiry.values(expires_at=invitation.expires_at))
    await clinic.admin.done("deleteDoctor", "deletedId", doctorId=doctor_id)
    assert await is_refused()
    assert not await can_sign_in(clinic.public, PASSWORD)


@pytest.mark.parametrize("token", ["", "\0", "x" * 9999, "garbage"])
async def test_a_token_that_nobody_was_sent_invites_nobody(public: Api, token: str) -> None:
    refusal = await public.refusal("acceptInvitation", SESSION, token=token, password=PASSWORD)
    assert refusal == INVALID_TOKEN


# -------------------------------------------------------------------------------------- changing


async def test_what_of_a_doctor_is_left_out_stays_and_null_clears(clinic: Clinic) -> None:
    department = await place(clinic.factory, Department, "Cardiology")
    which = {"doctorId": id_of(clinic.person(Role.DOCTOR).doctor)}

    async def updated(**changes: Any) -> Any:
        return await clinic.admin.done("updateDoctor", FIELDS, **which, **changes)

    everything = {"title": "Dr.", "specialty": "Heart", "bio": "x", "languages": ["es"]}
    full = await updated(
        **everything, departmentId=id_of(department), isAcceptingPatients=False, username="New"
    )
    assert {key: full[key] for key in everything} == everything
    assert (full["department"], full["isAcceptingPatients"]) == ({"name": "Cardiology"}, False)
    assert full["user"]["username"] == "new"
    assert await updated() == full
    renamed = await updated(name="Dr. New", email="New@clinic.example")
    user = full["user"] | {"email": "new@clinic.example"}
    assert renamed == full | {"name": "Dr. New", "user": user}
    cleared = await updated(title=None, specialty=None, bio=None, departmentId=None, languages=[])
    nothing = dict.fromkeys(("title", "specialty", "bio", "department"))
    assert cleared == renamed | nothing | {"languages": []}


async def test_doctors_change_their_own_profile_and_no_other(clinic: Clinic) -> None:
    own, other = clinic.person(Role.DOCTOR).doctor, await clinic.factory.person(Role.DOCTOR)
    changed = await clinic.doctor.done(
        "updateDoctor", "doctor { bio }", doctorId=id_of(own), bio="Mine"
    )
    assert changed == {"bio": "Mine"}
    async with unchanged(clinic.factory):
        for doctor_id in (id_of(other.doctor), f"doctor_{uuid4().hex}"):
            refusal = await clinic.doctor.refusal(
                "updateDoctor", "doctor { bio }", doctorId=doctor_id, bio="Mine"
            )
            assert refusal == NOT_FOUND


async def test_only_staff_see_the_account_of_a_doctor(clinic: Clinic) -> None:
    doctor = clinic.person(Role.DOCTOR)
    query = "query ($id: ID!) { node(id: $id) { ... on Doctor { user { email } } } }"
    seen = {"user": {"email": doctor.user.email}}
    for api in (clinic.admin, clinic.reception, clinic.doctor):
        assert await api.ask(query, id=id_of(doctor.doctor)) == {"node": seen}
    for api in (clinic.public, clinic.patient):
        assert await api.ask(query, id=id_of(doctor.doctor)) == {"node": {"user": None}}


# --------------------------------------------------------------------------------------- finding


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({}, ["Ana", "Bea 100%", "Cid_x", "Dan\\"]),
        ({"search": "BEA"}, ["Bea 100%"]),
        ({"search": "hea"}, ["Ana", "Cid_x"]),
        ({"search": "%"}, ["Bea 100%"]),
        ({"search": "_"}, ["Cid_x"]),
        ({"search": "\\"}, ["Dan\\"]),
        ({"specialty": "HEART"}, ["Ana"]),
        ({"specialty": "hear_"}, []),
        ({"departmentId": "Cardiology"}, ["Ana", "Bea 100%"]),
        ({"officeId": "North"}, ["Bea 100%"]),
        ({"departmentId": "Cardiology", "search": "a", "specialty": "heart"}, ["Ana"]),
    ],
)
async def test_doctors_are_found_by_name_specialty_and_place(
    factory: Factory, public: Api, arguments: dict[str, str], found: list[str]
) -> None:
    department = await place(factory, Department, "Cardiology")
    office = await place(factory, Office, "North", time_zone="Europe/Madrid")
    of = {"department_id": department.id}
    values = {
        "Ana": {**of, "specialty": "Heart"},
        "Bea 100%": {**of, "office_id": office.id},
        "Cid_x": {"specialty": "Hearts"},
        "Dan\\": {},
    }
    for name, profile in values.items():
        doctor = (await factory.person(Role.DOCTOR, name)).doctor
        async with factory.database.writing(factory.organization.id) as session:
            if profile:
                which = update(Doctor).where(Doctor.id == doctor.id)
                await session.execute(which.values(profile))
    ids = {"departmentId": id_of(department), "officeId": id_of(office)}
    query = """
    query ($departmentId: ID, $officeId: ID, $specialty: String, $search: String) {
      doctors(departmentId: $departmentId, officeId: $officeId,
              specialty: $specialty, search: $search) { totalCount edges { node { name } } }
    }
    """
    sent = {key: ids.get(key, value) for key, value in arguments.items()}
    listed = (await public.ask(query, **sent))["doctors"]
    assert [edge["node"]["name"] for edge in listed["edges"]] == found
    assert listed["totalCount"] == len(found)


# ------------------------------------------------------------------------------------- archiving


async def test_a_doctor_with_open_appointments_stays(clinic: Clinic) -> None:
    person = clinic.person(Role.DOCTOR)
    slot = await clinic.factory.slot(person.calendar, tomorrow())
    await clinic.patient.done("bookAppointment", "appointment { id }", slotId=id_of(slot))
    async with unchanged(clinic.factory):
        refusal = await clinic.admin.refusal(
            "deleteDoctor", "deletedId", doctorId=id_of(person.doctor)
        )
    assert (refusal["code"], refusal["path"]) == ("IN_USE", ["input", "doctorId"])
    node = "query ($id: ID!) { node(id: $id) { ... on Slot { status } } }"
    assert await clinic.public.ask(node, id=id_of(slot)) == {"node": {"status": "BOOKED"}}
    assert await clinic.doctor.ask("{ viewer { doctor { id } } }") == {
        "viewer": {"doctor": {"id": id_of(person.doctor)}}
    }


async def test_an_archived_doctor_is_out_of_the_lists_and_in_the_history(clinic: Clinic) -> None:
    person = clinic.person(Role.DOCTOR)
    past, free = await clinic.factory.slots(person.calendar, tomorrow(), 2)
    booked = await clinic.patient.done("bookAppointment", "appointment { id }", slotId=id_of(past))
    await clinic.patient.done("cancelAppointment", "appointment { id }", appointmentId=booked["id"])
    which = {"doctorId": id_of(person.doctor)}
    assert await clinic.admin.done("deleteDoctor", "deletedId", **which) == which["doctorId"]
    lists = await clinic.admin.ask("{ doctors { totalCount edges { cursor } } }")
    assert lists == {"doctors": {"totalCount": 0, "edges": []}}
    history = "{ appointments { edges { node { status doctor { name } slot { status } } } } }"
    (edge,) = (await clinic.patient.ask(history))["appointments"]["edges"]
    assert edge["node"] == {
        "status": "CANCELLED",
        "doctor": {"name": person.doctor.name},
        "slot": {"status": "REMOVED"},
    }
    refusal = await clinic.reception.refusal(
        "bookAppointment",
        "appointment { id }",
        slotId=id_of(free),
        patientId=id_of(clinic.person(Role.PATIENT).patient),
    )
    assert refusal["code"] == "SLOT_TAKEN"
    assert await clinic.doctor.error_code("{ viewer { id } }") == "UNAUTHENTICATED"
    for mutation, fields in (("deleteDoctor", "deletedId"), ("updateDoctor", FIELDS)):
        assert await clinic.admin.refusal(mutation, fields, **which) == NOT_FOUND
