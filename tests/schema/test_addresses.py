"""A new address of one's own: confirmed by who has it, where they are signed in."""

import pytest

from models import Role
from tests.accounts import INVALID_TOKEN, SESSION, asked, raw, reset
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import PASSWORD, Factory, Person, id_of
from tests.mails import Mails
from tests.rows import unchanged

NEW = "new@mail.example"
USER = "user { email patient { email } }"


@pytest.fixture
def here(public: Api, person: Person) -> Api:
    """What that patient is signed in with."""
    return public.signed_in(person.token)


async def link(here: Api, mails: Mails, email: str = NEW) -> str:
    await here.done("requestEmailChange", "accepted", email=email, password=PASSWORD)
    return (await mails.last(email)).secret


async def test_a_new_address_is_good_once_it_is_confirmed(
    public: Api, person: Person, here: Api, mails: Mails
) -> None:
    old = person.user.email
    before = await asked(public, mails, old)
    token = await link(here, mails)
    assert (await here.ask("{ viewer { email } }"))["viewer"] == {"email": old}
    changed = await here.done("confirmEmailChange", USER, token=token)
    assert changed == {"email": NEW, "patient": {"email": NEW}}
    notice = await mails.last(old, 2)
    assert notice.subject == "Your address at A Clinic was changed"
    assert NEW not in notice.body
    # What was mailed to the old address is not good any more, and the link was good once.
    assert (await reset(public, before))["errors"] == [INVALID_TOKEN]
    assert await here.refusal("confirmEmailChange", USER, token=token) == INVALID_TOKEN
    await public.done("signIn", SESSION, login=NEW, password=PASSWORD)


async def test_a_stranger_with_the_link_gets_nothing(
    clinic: Clinic, here: Api, mails: Mails
) -> None:
    token = await link(here, mails)
    document = """mutation ($token: String!) {
      confirmEmailChange(input: {token: $token}) { user { id } } }"""
    async with unchanged(clinic.factory):
        assert await clinic.public.error_code(document, token=token) == "UNAUTHENTICATED"
        for api in (clinic.patient, clinic.admin):
            assert await api.refusal("confirmEmailChange", USER, token=token) == INVALID_TOKEN
    await here.done("confirmEmailChange", USER, token=token)


async def test_whether_somebody_has_the_address_is_not_told(
    factory: Factory, here: Api, mails: Mails
) -> None:
    other = await factory.person(Role.PATIENT)
    answers = {
        await raw(here, "requestEmailChange", {"email": email, "password": PASSWORD}, "accepted")
        for email in (other.user.email, "nobody@mail.example")
    }
    assert len(answers) == 1
    await mails.last("nobody@mail.example")
    assert await mails.to(other.user.email, 0) == []


async def test_an_address_that_is_taken_meanwhile_is_refused(
    factory: Factory, here: Api, mails: Mails
) -> None:
    token = await link(here, mails)
    await factory.person(Role.PATIENT, email=NEW)
    async with unchanged(factory):
        refusal = await here.refusal("confirmEmailChange", USER, token=token)
    assert refusal["code"] == "EMAIL_TAKEN"


async def test_of_two_new_addresses_the_last_is_meant(here: Api, mails: Mails) -> None:
    first = await link(here, mails, "first@mail.example")
    second = await link(here, mails, "second@mail.example")
    assert await here.refusal("confirmEmailChange", USER, token=first) == INVALID_TOKEN
    changed = await here.done("confirmEmailChange", USER, token=second)
    assert changed["email"] == "second@mail.example"


@pytest.mark.parametrize(
    ("email", "password", "code", "path"),
    [
        (NEW, "wrong", "INVALID_CREDENTIALS", "password"),
        ("a@b.example\r\nRCPT TO:<e@mail.example>", PASSWORD, "INVALID_INPUT", "email"),
        ("own", PASSWORD, "INVALID_INPUT", "email"),
    ],
)
async def test_a_refused_change_leaves_and_mails_nothing(
    factory: Factory, person: Person, here: Api, email: str, password: str, code: str, path: str
) -> None:
    email = person.user.email if email == "own" else email
    async with unchanged(factory):
        refusal = await here.refusal(
            "requestEmailChange", "accepted", email=email, password=password
        )
    assert (refusal["code"], refusal["path"]) == (code, ["input", path])


async def test_a_doctor_has_a_new_address_confirmed_and_an_administrator_sets_it(
    clinic: Clinic, mails: Mails
) -> None:
    doctor = clinic.person(Role.DOCTOR)
    given = {"doctorId": id_of(doctor.doctor), "email": NEW}
    async with unchanged(clinic.factory):
        refusal = await clinic.doctor.refusal("updateDoctor", "doctor { id }", **given)
    assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["input", "email"])
    await clinic.admin.done("updateDoctor", "doctor { id }", **given)
    notice = await mails.last(doctor.user.email)
    assert notice.subject == "Your address at A Clinic was changed"
    # Who has not chosen a password yet is invited at the new address.
    token = (await mails.last(NEW)).secret
    await clinic.public.done("acceptInvitation", SESSION, token=token, password=PASSWORD)
