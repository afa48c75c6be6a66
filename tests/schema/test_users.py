"""Accounts of others, for administrators: finding, inviting and changing them."""

from typing import Any

import pytest

from models import Role
from tests.accounts import HASH, INVALID_TOKEN, SESSION, is_good
from tests.conftest import Clinic
from tests.factories import PASSWORD, Factory, id_of
from tests.mails import Mails
from tests.rivals import held, line_up
from tests.rows import unchanged

USER = "user { id username email name role isActive patient { name email } }"
ADA = {"name": "Ada", "email": "Ada@Mail.Example", "role": "RECEPTIONIST"}
USERS = """query ($first: Int, $after: String, $role: Role, $search: String, $all: Boolean) {
  users(first: $first, after: $after, role: $role, search: $search, includeInactive: $all) {
    totalCount pageInfo { hasNextPage endCursor } edges { node { name } } } }"""


async def names(clinic: Clinic, **values: Any) -> list[str]:
    users = (await clinic.admin.ask(USERS, **values))["users"]
    return [edge["node"]["name"] for edge in users["edges"]]


# --------------------------------------------------------------------------------------- finding


async def test_administrators_find_accounts(clinic: Clinic) -> None:
    factory = clinic.factory
    await factory.person(Role.PATIENT, "Zoe", email="zoe@mail.example")
    await factory.person(Role.PATIENT, "Zac", is_active=False)
    assert len(await names(clinic)) == 5
    assert await names(clinic, search="z") == ["Zoe"]
    assert await names(clinic, search="Z", all=True) == ["Zac", "Zoe"]
    assert await names(clinic, search="OE@MAIL") == ["Zoe"]
    assert await names(clinic, search="%") == []
    admin = clinic.person(Role.ADMIN).user.name
    assert await names(clinic, role="ADMIN") == [admin]
    page = (await clinic.admin.ask(USERS, first=2))["users"]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (5, True)
    assert len(await names(clinic, after=page["pageInfo"]["endCursor"])) == 3


async def test_nobody_else_lists_accounts(clinic: Clinic) -> None:
    assert await clinic.public.error_code(USERS) == "UNAUTHENTICATED"
    for api in (clinic.reception, clinic.doctor, clinic.patient):
        assert await api.error_code(USERS) == "FORBIDDEN"


# -------------------------------------------------------------------------------------- inviting


@pytest.mark.parametrize("role", ["ADMIN", "RECEPTIONIST", "PATIENT"])
async def test_who_is_invited_chooses_a_password(clinic: Clinic, mails: Mails, role: str) -> None:
    user = await clinic.admin.done("inviteUser", USER, **{**ADA, "role": role})
    record = {"name": "Ada", "email": "ada@mail.example"}
    assert {key: user[key] for key in ("username", "email", "role", "isActive", "patient")} == {
        "username": "ada",
        "email": "ada@mail.example",
        "role": role,
        "isActive": True,
        "patient": record if role == "PATIENT" else None,
    }
    given = {"token": (await mails.last("ada@mail.example")).secret, "password": PASSWORD}
    session = await clinic.public.done("acceptInvitation", SESSION, **given)
    assert session["user"] == {"id": user["id"]}
    again = await clinic.admin.refusal("resendInvitation", USER, userId=user["id"])
    assert (again["code"], again["path"]) == ("INVITATION_ACCEPTED", ["input", "userId"])


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"role": "DOCTOR"}, "INVALID_INPUT", "role"),
        ({"email": "KNOWN@mail.example"}, "EMAIL_TAKEN", "email"),
        ({"username": "known"}, "USERNAME_TAKEN", "username"),
        ({"name": "A\nB"}, "INVALID_INPUT", "name"),
        ({"email": "a@b.example\r\nRCPT TO:<e@mail.example>"}, "INVALID_INPUT", "email"),
    ],
)
async def test_a_refused_invitation_leaves_and_mails_nothing(
    clinic: Clinic, changes: dict[str, str], code: str, path: str
) -> None:
    await clinic.factory.person(Role.PATIENT, email="known@mail.example", username="known")
    async with unchanged(clinic.factory):
        refusal = await clinic.admin.refusal("inviteUser", USER, **{**ADA, **changes})
    assert (refusal["code"], refusal["path"]) == (code, ["input", path])


async def test_of_two_invitations_the_newer_is_good(clinic: Clinic, mails: Mails) -> None:
    user = await clinic.admin.done("inviteUser", USER, **ADA)
    await mails.last("ada@mail.example")
    assert await clinic.admin.done("resendInvitation", USER, userId=user["id"]) == user
    old, new = await mails.to("ada@mail.example", 2)
    given = {"password": PASSWORD}
    refused = await clinic.public.refusal("acceptInvitation", SESSION, token=old.secret, **given)
    assert refused == INVALID_TOKEN
    await clinic.public.done("acceptInvitation", SESSION, token=new.secret, **given)


async def test_who_was_shut_out_is_not_invited_again(clinic: Clinic) -> None:
    person = await clinic.factory.person(Role.RECEPTIONIST, is_active=False)
    async with unchanged(clinic.factory):
        refusal = await clinic.admin.refusal("resendInvitation", USER, userId=id_of(person.user))
    assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["input", "userId"])


# -------------------------------------------------------------------------------------- changing


async def admin(factory: Factory) -> tuple[Any, str]:
    """An administrator who can sign in, and a global id."""
    person = await factory.person(Role.ADMIN, password_hash=HASH)
    return person, id_of(person.user)


async def test_who_is_shut_out_is_out_everywhere_until_let_in_again(clinic: Clinic) -> None:
    person, _ = await admin(clinic.factory)
    boss = clinic.public.signed_in(person.token)
    token = clinic.person(Role.RECEPTIONIST).token
    id = id_of(clinic.person(Role.RECEPTIONIST).user)
    user = await boss.done("updateUser", USER, userId=id, isActive=False)
    assert (user["isActive"], user["role"]) == (False, "RECEPTIONIST")
    assert not await is_good(clinic.public, token)
    user = await boss.done("updateUser", USER, userId=id, isActive=True)
    assert user["isActive"] is True
    # The sign-in of before is not good again.
    assert not await is_good(clinic.public, token)


async def test_a_new_role_is_had_after_signing_in_again(clinic: Clinic) -> None:
    person, _ = await admin(clinic.factory)
    boss = clinic.public.signed_in(person.token)
    id = id_of(clinic.person(Role.RECEPTIONIST).user)
    user = await boss.done("updateUser", USER, userId=id, role="PATIENT")
    assert (user["role"], user["patient"] is not None) == ("PATIENT", True)
    assert not await is_good(clinic.public, clinic.person(Role.RECEPTIONIST).token)
    async with unchanged(clinic.factory):
        again = await boss.done("updateUser", USER, userId=id, role="PATIENT", isActive=True)
    assert again == user


async def test_nobody_becomes_a_doctor_without_a_calendar(clinic: Clinic) -> None:
    person, _ = await admin(clinic.factory)
    boss = clinic.public.signed_in(person.token)
    id = id_of(clinic.person(Role.RECEPTIONIST).user)
    async with unchanged(clinic.factory):
        refusal = await boss.refusal("updateUser", USER, userId=id, role="DOCTOR")
    assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["input", "role"])


@pytest.mark.parametrize("change", [{"role": "PATIENT"}, {"isActive": False}])
async def test_the_last_administrator_stays(clinic: Clinic, change: dict[str, Any]) -> None:
    # Others who are called administrators cannot sign in: one has no password, one is shut out.
    person, id = await admin(clinic.factory)
    await clinic.factory.person(Role.ADMIN, password_hash=HASH, is_active=False)
    boss = clinic.public.signed_in(person.token)
    async with unchanged(clinic.factory):
        for api in (boss, clinic.admin):
            refusal = await api.refusal("updateUser", USER, userId=id, **change)
            assert (refusal["code"], refusal["path"]) == ("LAST_ADMIN", ["input", "userId"])
    await admin(clinic.factory)
    await boss.done("updateUser", USER, userId=id, **change)


async def test_of_two_administrators_who_shut_each_other_out_one_stays(clinic: Clinic) -> None:
    one, ones = await admin(clinic.factory)
    two, twos = await admin(clinic.factory)
    document = """mutation ($input: UpdateUserInput!) {
      updateUser(input: $input) { user { id } errors { __typename } } }"""
    async with held(clinic.factory, clinic.person(Role.ADMIN).user):
        acts = await line_up(
            clinic.factory,
            clinic.public.signed_in(one.token).send(
                document, input={"userId": twos, "role": "RECEPTIONIST"}
            ),
            clinic.public.signed_in(two.token).send(
                document, input={"userId": ones, "isActive": False}
            ),
        )
    first, second = [await act for act in acts]
    assert first["data"]["updateUser"] == {"user": {"id": twos}, "errors": []}
    (error,) = second["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert await is_good(clinic.public, one.token)
    assert not await is_good(clinic.public, two.token)
