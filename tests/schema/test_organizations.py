"""Organizations through the API: their settings, who may do what, and that two never meet."""

import secrets
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from sqlalchemy import update

from models import Department, Doctor, Office, Role
from models.database import Database
from services.organizations import create_organization
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import PASSWORD, Factory, Person, id_of, tomorrow
from tests.rows import unchanged, world

POLICY = """bookingPolicy {
    horizonMonths minimumNoticeMinutes cancellationNoticeMinutes
    maxOpenAppointmentsPerPatient holdMinutes reminderHoursBefore
}"""
SHOWN = f"name timeZone locale {POLICY}"
FIELDS = f"organization {{ {SHOWN} }}"
DEFAULT_POLICY = {
    "horizonMonths": 6,
    "minimumNoticeMinutes": 0,
    "cancellationNoticeMinutes": 0,
    "maxOpenAppointmentsPerPatient": None,
    "holdMinutes": 10,
    "reminderHoursBefore": [24],
}
SETTINGS = {
    "name": "A Clinic",
    "timeZone": "Europe/Madrid",
    "locale": "en-GB",
    "bookingPolicy": DEFAULT_POLICY,
}

# -------------------------------------------------------------------------------------- settings


async def test_everybody_sees_the_organization(clinic: Clinic) -> None:
    own = clinic.factory.organization
    shown = {"id": id_of(own), "slug": own.slug, **SETTINGS}
    for api in (clinic.public, clinic.patient, clinic.admin):
        answer = await api.ask(f"{{ organization {{ id slug {SHOWN} }} }}")
        assert answer == {"organization": shown}
    node = "query ($id: ID!) { node(id: $id) { ... on Organization { slug } } }"
    assert await clinic.public.ask(node, id=id_of(own)) == {"node": {"slug": own.slug}}


async def test_what_of_the_settings_is_left_out_stays(clinic: Clinic) -> None:
    async def updated(**changes: Any) -> Any:
        return await clinic.admin.done("updateOrganization", FIELDS, **changes)

    assert await updated() == SETTINGS
    named = await updated(name=" New ", timeZone="America/Lima", locale="es-PE")
    names = {"name": "New", "timeZone": "America/Lima", "locale": "es-PE"}
    assert named == SETTINGS | names
    policy = {"horizonMonths": 12, "maxOpenAppointmentsPerPatient": 3}
    await updated(bookingPolicy={"maxOpenAppointmentsPerPatient": 3})
    changed = await updated(bookingPolicy={"horizonMonths": 12})
    assert changed == {**names, "bookingPolicy": DEFAULT_POLICY | policy}
    unlimited = {"maxOpenAppointmentsPerPatient": None, "reminderHoursBefore": []}
    changed = await updated(bookingPolicy=unlimited)
    assert changed == {**names, "bookingPolicy": DEFAULT_POLICY | policy | unlimited}


LIMITS = {
    "horizonMonths": (1, 24),
    "minimumNoticeMinutes": (0, 86400),
    "cancellationNoticeMinutes": (0, 86400),
    "maxOpenAppointmentsPerPatient": (1, 1000),
    "holdMinutes": (1, 120),
}


@pytest.mark.parametrize(("field", "limits"), LIMITS.items())
async def test_the_booking_policy_has_limits(
    clinic: Clinic, field: str, limits: tuple[int, int]
) -> None:
    for value in limits:
        changed = await clinic.admin.done(
            "updateOrganization", FIELDS, bookingPolicy={field: value}
        )
        assert changed["bookingPolicy"] == DEFAULT_POLICY | {field: value}
    async with unchanged(clinic.factory):
        for value in (limits[0] - 1, limits[1] + 1):
            refusal = await clinic.admin.refusal(
                "updateOrganization", FIELDS, name="New", bookingPolicy={field: value}
            )
            assert refusal["path"] == ["input", "bookingPolicy", field]
            assert refusal["message"] == f"This must be from {limits[0]} to {limits[1]}."


async def test_reminders_have_limits(clinic: Clinic) -> None:
    most = [1, 2, 48, 168, 720]
    changed = await clinic.admin.done(
        "updateOrganization", FIELDS, bookingPolicy={"reminderHoursBefore": most}
    )
    assert changed["bookingPolicy"]["reminderHoursBefore"] == most
    async with unchanged(clinic.factory):
        for hours in ([0], [721], [*most, 3]):
            refusal = await clinic.admin.refusal(
                "updateOrganization", FIELDS, bookingPolicy={"reminderHoursBefore": hours}
            )
            assert refusal["path"] == ["input", "bookingPolicy", "reminderHoursBefore"]


@pytest.mark.parametrize(
    ("changes", "path"),
    [({"name": " "}, "name"), ({"name": "x" * 201}, "name"), ({"locale": "Spanish"}, "locale")],
)
async def test_refused_settings_change_nothing(
    clinic: Clinic, changes: dict[str, str], path: str
) -> None:
    given = {"timeZone": "America/Lima", "bookingPolicy": {"horizonMonths": 1}, **changes}
    async with unchanged(clinic.factory):
        refusal = await clinic.admin.refusal("updateOrganization", FIELDS, **given)
    assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["input", path])


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None},
        {"timeZone": None},
        {"locale": None},
        {"bookingPolicy": None},
        {"bookingPolicy": dict.fromkeys((*LIMITS, "reminderHoursBefore"))},
    ],
)
async def test_null_for_what_cannot_be_empty_says_nothing(
    clinic: Clinic, changes: dict[str, Any]
) -> None:
    async with unchanged(clinic.factory):
        assert await clinic.admin.done("updateOrganization", FIELDS, **changes) == SETTINGS


# ------------------------------------------------------------------------------ who may do what

NOBODYS = {
    "departmentId": f"department_{uuid4().hex}",
    "officeId": f"office_{uuid4().hex}",
    "doctorId": f"doctor_{uuid4().hex}",
    "patientId": f"patient_{uuid4().hex}",
}
EVERYBODY = "public PATIENT DOCTOR RECEPTIONIST ADMIN"
SIGNED_IN = "PATIENT DOCTOR RECEPTIONIST ADMIN"
# Each act, what it is sent, and who is not turned away at the door.
MAY: dict[str, tuple[dict[str, Any], str]] = {
    "signUp": ({"name": "A", "email": "no address", "password": PASSWORD}, EVERYBODY),
    "signIn": ({"login": "nobody", "password": "nothing"}, EVERYBODY),
    "refreshSession": ({"refreshToken": "nothing"}, EVERYBODY),
    "acceptInvitation": ({"token": "nothing", "password": PASSWORD}, EVERYBODY),
    "changePassword": ({"currentPassword": "wrong", "password": PASSWORD}, SIGNED_IN),
    "updateProfile": ({"locale": "no locale"}, SIGNED_IN),
    "signOut": ({}, SIGNED_IN),
    "updateOrganization": ({"name": " "}, "ADMIN"),
    "createDepartment": ({"name": " "}, "ADMIN"),
    "updateDepartment": ({"departmentId": NOBODYS["departmentId"]}, "ADMIN"),
    "deleteDepartment": ({"departmentId": NOBODYS["departmentId"]}, "ADMIN"),
    "createOffice": ({"name": " "}, "ADMIN"),
    "updateOffice": ({"officeId": NOBODYS["officeId"]}, "ADMIN"),
    "deleteOffice": ({"officeId": NOBODYS["officeId"]}, "ADMIN"),
    "createDoctor": ({"name": "A", "email": "no address"}, "ADMIN"),
    "updateDoctor": ({"doctorId": NOBODYS["doctorId"]}, "DOCTOR ADMIN"),
    "deleteDoctor": ({"doctorId": NOBODYS["doctorId"]}, "ADMIN"),
    "registerPatient": ({"name": " "}, "RECEPTIONIST ADMIN"),
    "updatePatient": ({"patientId": NOBODYS["patientId"]}, "PATIENT RECEPTIONIST ADMIN"),
    "deletePatient": ({"patientId": NOBODYS["patientId"]}, "ADMIN"),
}
# What those are sent who are turned away: good enough to be done, were it allowed.
GOOD = {"name": "Good", "email": "good@mail.example"}


def good_input(rows: dict[str, Any], mutation: str) -> dict[str, Any]:
    given = MAY[mutation][0]
    return {key: id_of(rows[key]) if key in rows else GOOD.get(key, given[key]) for key in given}


@pytest.mark.parametrize("mutation", MAY)
async def test_each_act_is_for_those_who_may(clinic: Clinic, mutation: str) -> None:
    factory = clinic.factory
    department = Department(organization_id=factory.organization.id, id=uuid4(), name="One")
    office = Office(
        organization_id=factory.organization.id, id=uuid4(), name="One", time_zone="UTC"
    )
    await factory.add(department, office)
    rows = {
        "departmentId": department,
        "officeId": office,
        "doctorId": (await factory.person(Role.DOCTOR)).doctor,
        "patientId": await factory.patient(),
    }
    refused, allowed = MAY[mutation]
    name = mutation[0].upper() + mutation[1:]
    document = f"mutation ($input: {name}Input!) {{ {mutation}(input: $input) "
    document += "{ errors { __typename } } }"
    before = await world(factory)
    for person in EVERYBODY.split():
        token = None if person == "public" else clinic.person(Role[person]).token
        api = clinic.public.signed_in(token) if token else clinic.public
        if person in allowed.split():
            await api.ask(document, input=refused)
            continue
        code = "UNAUTHENTICATED" if person == "public" else "FORBIDDEN"
        given = good_input(rows, mutation)
        assert await api.error_code(document, input=given) == code, person
    if mutation != "signOut":
        assert await world(factory) == before


# -------------------------------------------------------------------------- two organizations


@dataclass(frozen=True)
class Elsewhere:
    """Another organization, with one thing of each kind that is called Foreign."""

    factory: Factory
    api: Api
    admin: Api
    ids: dict[str, str]
    people: dict[Role, Person]


@pytest.fixture
async def elsewhere(
    database: Database, server_url: str, http: aiohttp.ClientSession, factory: Factory
) -> Elsewhere:
    slug = f"elsewhere-{secrets.token_hex(6)}"
    organization = await create_organization(
        database, slug=slug, name="Foreign", time_zone="Europe/Madrid", locale="en-GB"
    )
    other = Factory(database, factory.config, organization)
    names = {"organization_id": organization.id, "name": "Foreign"}
    department = Department(id=uuid4(), **names)
    office = Office(id=uuid4(), time_zone="Europe/Madrid", **names)
    await other.add(department, office)
    people = {role: await other.person(role, "Foreign") for role in Role}
    doctor, patient = people[Role.DOCTOR], people[Role.PATIENT]
    rows = {
        "organizationId": organization,
        "userId": people[Role.ADMIN].user,
        "departmentId": department,
        "officeId": office,
        "doctorId": doctor.doctor,
        "patientId": patient.patient,
        "calendarId": doctor.calendar,
        "slotId": await other.slot(doctor.calendar, tomorrow()),
    }
    async with database.writing(organization.id) as session:
        joining = update(Doctor).where(Doctor.id == doctor.doctor.id)
        place = {"department_id": department.id, "office_id": office.id}
        await session.execute(joining.values(place))
    api = Api(server_url, http, slug)
    ids = {key: id_of(row) for key, row in rows.items()}
    booked = await api.signed_in(patient.token).done(
        "bookAppointment", "appointment { id }", slotId=ids["slotId"]
    )
    ids["appointmentId"] = booked["id"]
    return Elsewhere(other, api, api.signed_in(people[Role.ADMIN].token), ids, people)


async def test_nothing_foreign_is_there_by_its_id(clinic: Clinic, elsewhere: Elsewhere) -> None:
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    ids = list(elsewhere.ids.values())
    own = await elsewhere.admin.ask(document, ids=ids)
    assert own == {"nodes": [{"id": id} for id in ids]}
    for api in (clinic.admin, clinic.reception, clinic.doctor, clinic.patient):
        assert await api.ask(document, ids=ids) == {"nodes": [None] * len(ids)}


LISTS = """{
  departments(search: "Foreign") { totalCount edges { node { id } } }
  offices { totalCount edges { node { id } } }
  doctors(search: "Foreign") { totalCount edges { node { id } } }
  patients(search: "Foreign") { totalCount edges { node { id } } }
  appointments { totalCount edges { node { id } } }
}"""


async def test_nothing_foreign_is_in_a_list(clinic: Clinic, elsewhere: Elsewhere) -> None:
    own = await elsewhere.admin.ask(LISTS)
    assert [page["totalCount"] for page in own.values()] == [1] * 5
    answer = await clinic.admin.ask(LISTS)
    assert list(answer.values()) == [{"totalCount": 0, "edges": []}] * 5
    for argument in ("departmentId", "officeId"):
        query = f"query ($id: ID) {{ doctors({argument}: $id) {{ totalCount }} }}"
        for api, count in ((clinic.admin, 0), (elsewhere.admin, 1)):
            answer = await api.ask(query, id=elsewhere.ids[argument])
            assert answer == {"doctors": {"totalCount": count}}


FOREIGN_INPUTS = [
    ("updateDepartment", "departmentId", {"name": "Mine"}),
    ("deleteDepartment", "departmentId", {}),
    ("updateOffice", "officeId", {"name": "Mine", "timeZone": "Asia/Tokyo"}),
    ("deleteOffice", "officeId", {}),
    ("createDoctor", "departmentId", GOOD),
    ("createDoctor", "officeId", GOOD),
    ("updateDoctor", "doctorId", {"name": "Mine"}),
    ("updateDoctor", "departmentId", {"doctorId": None}),
    ("updateDoctor", "officeId", {"doctorId": None}),
    ("deleteDoctor", "doctorId", {}),
    ("updatePatient", "patientId", {"name": "Mine"}),
    ("deletePatient", "patientId", {}),
    ("bookAppointment", "patientId", {"slotId": None}),
    ("bookAppointment", "slotId", {"patientId": None}),
]


@pytest.mark.parametrize(("mutation", "field", "given"), FOREIGN_INPUTS)
async def test_a_foreign_id_looks_like_one_that_names_nothing(
    clinic: Clinic, elsewhere: Elsewhere, mutation: str, field: str, given: dict[str, Any]
) -> None:
    doctor = clinic.person(Role.DOCTOR)
    own = {
        "doctorId": doctor.doctor,
        "patientId": clinic.person(Role.PATIENT).patient,
        "slotId": await clinic.factory.slot(doctor.calendar, tomorrow()),
    }
    given = {key: value or id_of(own[key]) for key, value in given.items()}
    nobodys = f"{field.removesuffix('Id')}_{uuid4().hex}"
    async with unchanged(clinic.factory), unchanged(elsewhere.factory):
        for id in (elsewhere.ids[field], nobodys):
            payload = await clinic.admin.act(mutation, "", **given, **{field: id})
            assert payload == {
                "errors": [
                    {
                        "__typename": "NotFound",
                        "message": "There is nothing with this id.",
                        "code": "NOT_FOUND",
                        "path": ["input", field],
                    }
                ]
            }


async def test_names_and_addresses_are_taken_in_one_organization_alone(
    clinic: Clinic, elsewhere: Elsewhere
) -> None:
    user = elsewhere.people[Role.PATIENT].user
    taken = {"email": user.email, "username": user.username}
    patient = {"name": "Foreign", "email": user.email}
    for mutation, given in (
        ("createDepartment", {"name": "Foreign"}),
        ("createOffice", {"name": "Foreign"}),
        ("registerPatient", patient),
        ("createDoctor", {"name": "Foreign", **taken}),
    ):
        assert len((await elsewhere.admin.act(mutation, "", **given))["errors"]) == 1, mutation
        assert (await clinic.admin.act(mutation, "", **given))["errors"] == [], mutation


async def test_a_sign_in_is_good_in_its_own_organization(
    clinic: Clinic, elsewhere: Elsewhere
) -> None:
    given = {"name": "Ana", "email": "ana@mail.example", "password": PASSWORD}
    session = await clinic.public.done("signUp", "session { refreshToken accessToken }", **given)
    login = {"login": "ana@mail.example", "password": PASSWORD}
    refusal = await elsewhere.api.refusal("signIn", "session { accessToken }", **login)
    assert refusal["code"] == "INVALID_CREDENTIALS"
    token = {"refreshToken": session["refreshToken"]}
    refusal = await elsewhere.api.refusal("refreshSession", "session { accessToken }", **token)
    assert refusal["code"] == "INVALID_TOKEN"
    # The token says where it belongs, whatever the request says besides.
    strayed = elsewhere.api.signed_in(session["accessToken"])
    answer = await strayed.ask("{ organization { slug } viewer { email } }")
    assert answer == {
        "organization": {"slug": clinic.factory.organization.slug},
        "viewer": {"email": "ana@mail.example"},
    }
    await clinic.public.done("refreshSession", "session { accessToken }", **token)
