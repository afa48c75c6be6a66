"""Organizations through the API: their settings, who may do what, and that two never meet."""

from typing import Any
from uuid import uuid4

import pytest

from models import (
    Department,
    Office,
    Role,
)
from tests.conftest import Clinic
from tests.factories import PASSWORD, id_of
from tests.rows import unchanged, world

POLICY = """bookingPolicy {
    horizonMonths minimumNoticeMinutes cancellationNoticeMinutes
    maxOpenAppointmentsPerPatient holdMinutes offerMinutes reminderHoursBefore
}"""
SHOWN = f"name timeZone locale {POLICY}"
FIELDS = f"organization {{ {SHOWN} }}"
DEFAULT_POLICY = {
    "horizonMonths": 6,
    "minimumNoticeMinutes": 0,
    "cancellationNoticeMinutes": 0,
    "maxOpenAppointmentsPerPatient": None,
    "holdMinutes": 10,
    "offerMinutes": 60,
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
    "offerMinutes": (5, 1440),
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
    "userId": f"user_{uuid4().hex}",
    "signInId": f"sign_in_{uuid4().hex}",
    "notificationId": f"notification_{uuid4().hex}",
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
    "confirmEmail": ({"token": "nothing"}, EVERYBODY),
    "requestPasswordReset": ({"email": "no address"}, EVERYBODY),
    "resetPassword": ({"token": "nothing", "password": PASSWORD}, EVERYBODY),
    "requestEmailChange": ({"email": "no address", "password": PASSWORD}, SIGNED_IN),
    "confirmEmailChange": ({"token": "nothing"}, SIGNED_IN),
    "endSignIn": ({"signInId": NOBODYS["signInId"]}, SIGNED_IN),
    "inviteUser": ({"name": "A", "email": "no address", "role": "RECEPTIONIST"}, "ADMIN"),
    "resendInvitation": ({"userId": NOBODYS["userId"]}, "ADMIN"),
    "updateUser": ({"userId": NOBODYS["userId"], "role": "PATIENT"}, "ADMIN"),
    "retryNotification": ({"notificationId": NOBODYS["notificationId"]}, "ADMIN"),
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
        "userId": (await factory.person(Role.RECEPTIONIST)).user,
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
