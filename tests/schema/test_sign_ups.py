"""Signing up where addresses must be confirmed: nobody is told whether an address is known."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from models import Role, SignUp
from tests.accounts import HASH, INVALID_TOKEN, is_good, raw
from tests.api import Api
from tests.factories import PASSWORD, Factory
from tests.live.views import another_server
from tests.mails import Mails
from tests.rivals import codes
from tests.rows import kept, unchanged

ANA = {"name": "Ana López", "email": "Ana.Lopez@Mail.Example", "password": PASSWORD}
ADDRESS = "ana.lopez@mail.example"
ANSWER = "accepted session { accessToken }"
SESSION = """session { accessToken user {
    username name email phone role locale timeZone patient { name email phone }
} }"""


@pytest.fixture
async def strict(public: Api, database_url: str) -> AsyncIterator[Api]:
    """A server that has addresses confirmed."""
    async with another_server(public, database_url, confirm_email=True) as api:
        yield api


async def test_an_account_is_made_once_its_address_is_confirmed(
    factory: Factory, strict: Api, mails: Mails
) -> None:
    details = {"username": "Ana", "phone": "020 7946 0018", "locale": "es-MX"}
    made = await strict.act("signUp", ANSWER, **ANA, **details)
    assert made == {"accepted": True, "session": None, "errors": []}
    login = {"login": ADDRESS, "password": PASSWORD}
    refused = await strict.refusal("signIn", ANSWER.partition(" ")[2], **login)
    assert refused["code"] == "INVALID_CREDENTIALS"
    mail = await mails.last(ADDRESS)
    assert mail.subject == "Confirm your address at A Clinic"
    # Nothing that was said goes to an address that may be a stranger's.
    assert "Ana" not in mail.body
    session = await strict.done("confirmEmail", SESSION, token=mail.secret)
    assert session["user"] == {
        "username": "ana",
        "name": "Ana López",
        "email": ADDRESS,
        "phone": "+442079460018",
        "role": "PATIENT",
        "locale": "es-MX",
        "timeZone": "Europe/Madrid",
        "patient": {"name": "Ana López", "email": ADDRESS, "phone": "+442079460018"},
    }
    assert await is_good(strict, session["accessToken"])
    again = await strict.refusal("confirmEmail", SESSION, token=mail.secret)
    assert again == INVALID_TOKEN
    assert await kept(factory, SignUp) == []


async def test_known_and_unknown_addresses_are_answered_alike_and_their_owners_told(
    factory: Factory, strict: Api, mails: Mails
) -> None:
    await factory.person(Role.PATIENT, email="known@mail.example", password_hash=HASH)
    answers = {
        await raw(strict, "signUp", {**ANA, "email": email}, ANSWER)
        for email in ("known@mail.example", "KNOWN@mail.example", "new@mail.example")
    }
    assert len(answers) == 1
    told = await mails.to("known@mail.example", 2)
    assert {mail.subject for mail in told} == {"You have an account at A Clinic"}
    assert "#" not in told[0].body
    assert (await mails.last("new@mail.example")).secret


async def test_of_two_who_sign_up_with_one_address_the_one_who_reads_the_mail_gets_it(
    strict: Api, mails: Mails
) -> None:
    await strict.act("signUp", ANSWER, **{**ANA, "name": "Eve", "username": "ana"})
    await strict.act("signUp", ANSWER, **{**ANA, "username": "ana"})
    eves, anas = await mails.to(ADDRESS, 2)
    user = (await strict.done("confirmEmail", SESSION, token=anas.secret))["user"]
    assert (user["name"], user["username"]) == ("Ana López", "ana")
    assert await strict.refusal("confirmEmail", SESSION, token=eves.secret) == INVALID_TOKEN


async def test_of_many_who_follow_a_link_one_gets_the_account(strict: Api, mails: Mails) -> None:
    await strict.act("signUp", ANSWER, **ANA)
    token = (await mails.last(ADDRESS)).secret
    answers = await asyncio.gather(
        *(strict.act("confirmEmail", SESSION, token=token) for _ in range(6))
    )
    assert codes(answers) == ["DONE"] + ["INVALID_TOKEN"] * 5


async def test_a_username_that_is_taken_meanwhile_is_made_anew(
    factory: Factory, strict: Api, mails: Mails
) -> None:
    await strict.act("signUp", ANSWER, **ANA, username="ana")
    await factory.person(Role.PATIENT, username="ana")
    mail = await mails.last(ADDRESS)
    user = (await strict.done("confirmEmail", SESSION, token=mail.secret))["user"]
    assert user["username"] == "ana-lopez"


async def test_a_link_ends_after_a_day(factory: Factory, strict: Api, mails: Mails) -> None:
    await strict.act("signUp", ANSWER, **ANA)
    token = (await mails.last(ADDRESS)).secret
    (row,) = await kept(factory, SignUp)
    lasts = datetime.fromisoformat(row["expires_at"]) - datetime.now(UTC)
    assert 23 < lasts.total_seconds() / 3600 <= 24
    async with factory.database.writing(factory.organization.id) as session:
        await session.execute(update(SignUp).values(expires_at=datetime.now(UTC)))
    async with unchanged(factory):
        assert await strict.refusal("confirmEmail", SESSION, token=token) == INVALID_TOKEN


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"username": "Known"}, "USERNAME_TAKEN", "username"),
        ({"password": "short but odd!"}, "WEAK_PASSWORD", "password"),
        ({"name": "Ana\r\nBcc: eve@mail.example"}, "INVALID_INPUT", "name"),
        ({"email": "ana@mail.example\r\nRCPT TO:<eve@mail.example>"}, "INVALID_INPUT", "email"),
        ({"email": "ana@mail.example, eve@mail.example"}, "INVALID_INPUT", "email"),
        ({"phone": "call me"}, "INVALID_INPUT", "phone"),
    ],
)
async def test_a_refused_sign_up_leaves_and_mails_nothing(
    factory: Factory, strict: Api, changes: dict[str, Any], code: str, path: str
) -> None:
    await factory.person(Role.PATIENT, username="known")
    async with unchanged(factory):
        refusal = await strict.refusal("signUp", ANSWER, **{**ANA, **changes})
    assert (refusal["code"], refusal["path"]) == (code, ["input", path])
