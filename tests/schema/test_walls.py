"""The walls between two organizations: nothing foreign is seen, changed, or known of."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from sqlalchemy import update

from models import (
    Department,
    Doctor,
    Notification,
    NotificationKind,
    NotificationStatus,
    Office,
    Role,
)
from models.database import Database
from services.organizations import create_organization
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import PASSWORD, Factory, Person, id_of, tomorrow
from tests.rows import unchanged

GOOD = {"name": "Good", "email": "good@mail.example"}


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
    failed = Notification(
        organization_id=organization.id,
        id=uuid4(),
        kind=NotificationKind.PASSWORD_CHANGED,
        recipient="foreign@mail.example",
        status=NotificationStatus.FAILED,
        created_at=datetime.now(UTC),
    )
    await other.add(department, office, failed)
    people = {role: await other.person(role, "Foreign") for role in Role}
    doctor, patient = people[Role.DOCTOR], people[Role.PATIENT]
    rows = {
        "organizationId": organization,
        "userId": people[Role.ADMIN].user,
        "departmentId": department,
        "officeId": office,
        "doctorId": doctor.doctor,
        "patientId": patient.patient,
        "notificationId": failed,
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
  notifications { totalCount edges { node { id } } }
}"""


async def test_nothing_foreign_is_in_a_list(clinic: Clinic, elsewhere: Elsewhere) -> None:
    own = await elsewhere.admin.ask(LISTS)
    assert [page["totalCount"] for page in own.values()] == [1] * 6
    answer = await clinic.admin.ask(LISTS)
    assert list(answer.values()) == [{"totalCount": 0, "edges": []}] * 6
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
    ("updateUser", "userId", {"role": "PATIENT"}),
    ("resendInvitation", "userId", {}),
    ("retryNotification", "notificationId", {}),
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
