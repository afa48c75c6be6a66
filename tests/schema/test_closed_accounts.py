"""Accounts that are closed when the doctor or patient whose they are is archived."""

from dataclasses import dataclass

import pytest
from sqlalchemy import update

from models import Role, SignIn, User, UserToken
from tests.accounts import HASH, INVALID_TOKEN, SESSION, UNKNOWN, asked, is_good, reset, signed_in
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import PASSWORD, Person, id_of
from tests.mails import Mails
from tests.rows import kept, unchanged
from tests.trails import trail

USER = "user { id isActive role }"
ACTS = {Role.DOCTOR: ("deleteDoctor", "doctorId"), Role.PATIENT: ("deletePatient", "patientId")}


@dataclass(frozen=True)
class Leaver:
    """Who is archived, and who does it: an administrator with a password, and not the last one."""

    person: Person
    boss: Api

    async def is_archived(self, kind: Role) -> None:
        """Archive the doctor, or the patient."""
        mutation, field = ACTS[kind]
        whose = self.person.doctor if kind is Role.DOCTOR else self.person.patient
        await self.boss.done(mutation, "deletedId", **{field: id_of(whose)})


@pytest.fixture(params=ACTS)
async def leaver(request: pytest.FixtureRequest, clinic: Clinic) -> Leaver:
    """A doctor, or a patient, with a password."""
    return Leaver(
        await clinic.factory.person(request.param, password_hash=HASH), await a_boss(clinic)
    )


async def a_boss(clinic: Clinic) -> Api:
    boss = await clinic.factory.person(Role.ADMIN, password_hash=HASH)
    clinic.people[Role.ADMIN] = boss
    return clinic.public.signed_in(boss.token)


async def turned_into(clinic: Clinic, person: Person, role: Role) -> None:
    """Let an account have another role than that of its record."""
    async with clinic.factory.database.writing(clinic.factory.organization.id) as session:
        await session.execute(update(User).where(User.id == person.user.id).values(role=role))


async def test_nobody_signs_in_to_a_closed_account(
    clinic: Clinic, leaver: Leaver, mails: Mails
) -> None:
    user, public = leaver.person.user, clinic.public
    session = await signed_in(public, leaver.person)
    link = await asked(public, mails, user.email)
    await leaver.is_archived(user.role)
    for token in (session["accessToken"], leaver.person.token):
        assert not await is_good(public, token)
    refused = await public.refusal("refreshSession", SESSION, refreshToken=session["refreshToken"])
    assert refused["code"] == "INVALID_TOKEN"
    for login in (user.username, user.email):
        assert await public.refusal("signIn", SESSION, login=login, password=PASSWORD) == UNKNOWN
    assert (await reset(public, link))["errors"] == [INVALID_TOKEN]
    # Even if the account were opened again behind everything's back.
    mine = [row for row in await kept(clinic.factory, SignIn) if row["user_id"] == str(user.id)]
    assert [row["ended_at"] is None for row in mine] == [False] * 2
    assert [row["used_at"] is None for row in await kept(clinic.factory, UserToken)] == [False]
    closed = (Role.ADMIN, "DONE", "User", "email, is_active, password_hash, username")
    noted = [(who, how, kind, what) for who, _, how, kind, _, what in await trail(clinic)]
    assert noted.count(closed) == 1


async def test_the_address_and_username_of_a_closed_account_are_free(
    clinic: Clinic, leaver: Leaver
) -> None:
    user = leaver.person.user
    again = {"name": "Ada", "email": user.email, "username": user.username, "role": "RECEPTIONIST"}
    taken = await leaver.boss.refusal("inviteUser", USER, **again)
    assert taken["code"] in {"EMAIL_TAKEN", "USERNAME_TAKEN"}
    await leaver.is_archived(user.role)
    assert (await leaver.boss.done("inviteUser", USER, **again))["isActive"] is True


async def test_a_closed_account_stays_closed(clinic: Clinic, leaver: Leaver) -> None:
    account = id_of(leaver.person.user)
    await leaver.is_archived(leaver.person.user.role)
    async with unchanged(clinic.factory):
        for changes in ({"isActive": True}, {"role": "RECEPTIONIST"}):
            refused = await leaver.boss.refusal("updateUser", USER, userId=account, **changes)
            assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", "userId"])


@pytest.mark.parametrize("role", [Role.ADMIN, Role.RECEPTIONIST])
async def test_an_account_that_is_more_than_that_goes_on(
    clinic: Clinic, leaver: Leaver, role: Role
) -> None:
    kind = leaver.person.user.role
    await turned_into(clinic, leaver.person, role)
    await leaver.is_archived(kind)
    assert await is_good(clinic.public, leaver.person.token)


async def test_a_patient_who_is_a_doctor_too_has_one_account_until_both_are_archived(
    clinic: Clinic,
) -> None:
    person, boss = await clinic.factory.person(Role.DOCTOR), await a_boss(clinic)
    patient = await clinic.factory.patient(user_id=person.user.id)
    both = Leaver(Person(person.user, person.token, person.doctor, patient=patient), boss)
    await both.is_archived(Role.PATIENT)
    assert await is_good(clinic.public, person.token)
    await both.is_archived(Role.DOCTOR)
    assert not await is_good(clinic.public, person.token)
