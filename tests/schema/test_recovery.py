"""Forgotten passwords through the API: asking for a link, and what it is good for."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from models import Role, UserToken
from services.accounts.attempts import account_key
from tests.accounts import (
    ACCOUNT,
    HASH,
    INVALID_TOKEN,
    NEW_PASSWORD,
    SESSION,
    asked,
    is_good,
    raw,
    reset,
    signed_in,
    tried,
)
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import PASSWORD, Factory, Person, id_of
from tests.live.views import another_server
from tests.mails import Mails
from tests.rivals import codes
from tests.rows import unchanged


async def test_a_new_password_ends_every_sign_in_and_signs_nobody_in(
    public: Api, person: Person, mails: Mails
) -> None:
    session = await signed_in(public, person)
    token = await asked(public, mails, person.user.email)
    answer = await reset(public, token)
    assert answer == {"user": {"id": id_of(person.user), "email": person.user.email}, "errors": []}
    assert not await is_good(public, session["accessToken"])
    assert not await is_good(public, person.token)
    for password, good in ((PASSWORD, False), (NEW_PASSWORD, True)):
        login = {"login": person.user.username, "password": password}
        made = await public.act("signIn", SESSION, **login)
        assert (made["session"] is not None) is good
    notice = await mails.last(person.user.email, 2)
    assert notice.subject == "Your password at A Clinic was changed"
    # It was good for one use.
    assert (await reset(public, token))["errors"] == [INVALID_TOKEN]


async def test_known_and_unknown_addresses_are_answered_alike(
    factory: Factory, public: Api, person: Person, mails: Mails
) -> None:
    idle = await factory.person(Role.PATIENT, password_hash=HASH, is_active=False)
    answers = {
        await raw(public, "requestPasswordReset", {"email": email}, "accepted")
        for email in (person.user.email, "nobody@mail.example", idle.user.email)
    }
    assert len(answers) == 1
    await mails.last(person.user.email)
    # To nobody nothing is written, and nothing remains of it.
    async with asyncio.timeout(30):
        while len(await mails.rows()) > 1:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    async with factory.database.reading(factory.organization.id) as session:
        assert len(await session.rows(select(UserToken))) == 1


async def test_so_many_links_are_asked_for_in_an_hour_for_known_and_unknown_alike(
    public: Api, person: Person, mails: Mails, database_url: str
) -> None:
    document = """mutation ($input: RequestPasswordResetInput!) {
      requestPasswordReset(input: $input) { accepted } }"""
    async with another_server(public, database_url, password_resets_per_account=2) as strict:
        for email in (person.user.email, person.user.email.upper()):
            await strict.ask(document, input={"email": email})
        for email in (person.user.email, "nobody@mail.example"):
            code = await strict.error_code(document, input={"email": email})
            assert code == "RATE_LIMITED"
    assert len(await mails.to(person.user.email, 2)) == 2


async def test_the_link_is_good_for_half_an_hour_and_kept_as_a_hash(
    factory: Factory, public: Api, person: Person, mails: Mails
) -> None:
    token = await asked(public, mails, person.user.email)
    async with factory.database.reading(factory.organization.id) as session:
        (kept,) = await session.rows(select(UserToken))
    lasts = kept.expires_at - datetime.now(UTC)
    assert timedelta(minutes=29) < lasts <= timedelta(minutes=30)
    assert token.encode() not in kept.token_hash
    async with factory.database.writing(factory.organization.id) as session:
        await session.execute(update(UserToken).values(expires_at=datetime.now(UTC)))
    async with unchanged(factory):
        assert (await reset(public, token))["errors"] == [INVALID_TOKEN]


async def test_of_two_links_one_is_good_once(public: Api, person: Person, mails: Mails) -> None:
    first = await asked(public, mails, person.user.email)
    second = await asked(public, mails, person.user.email, 2)
    assert first != second
    answers = await asyncio.gather(
        *(reset(public, token) for token in (first, second, first, second, first))
    )
    assert codes(answers) == ["DONE"] + ["INVALID_TOKEN"] * 4
    notices = [mail.subject for mail in await mails.to(person.user.email, 3)]
    assert notices[2] == "Your password at A Clinic was changed"


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaaaaaa"])
async def test_a_weak_password_uses_nothing_up(
    factory: Factory, public: Api, person: Person, mails: Mails, password: str
) -> None:
    token = await asked(public, mails, person.user.email)
    async with unchanged(factory):
        refused = await reset(public, token, password)
    assert refused["errors"][0]["code"] == "WEAK_PASSWORD"
    assert (await reset(public, token))["errors"] == []


async def test_what_is_mailed_for_one_thing_is_good_for_no_other(
    clinic: Clinic, person: Person, mails: Mails
) -> None:
    public = clinic.public
    invited = {"name": "Ada", "email": "ada@mail.example", "role": "RECEPTIONIST"}
    await clinic.admin.done("inviteUser", "user { id }", **invited)
    invitation = (await mails.last("ada@mail.example")).secret
    link = await asked(public, mails, person.user.email)
    for token in (link, "", "garbage", "x" * 9999, "\0"):
        refused = await public.refusal("confirmEmail", "session { user { id } }", token=token)
        assert refused == INVALID_TOKEN
        for api in (clinic.patient, public.signed_in(person.token)):
            refused = await api.refusal("confirmEmailChange", ACCOUNT, token=token)
            assert refused == INVALID_TOKEN
        accepting = {"token": token, "password": PASSWORD}
        refused = await public.refusal("acceptInvitation", "session { user { id } }", **accepting)
        assert refused == INVALID_TOKEN
    assert (await reset(public, invitation))["errors"] == [INVALID_TOKEN]
    assert (await reset(public, link))["errors"] == []


async def test_a_changed_password_ends_what_was_mailed_before(
    public: Api, person: Person, mails: Mails
) -> None:
    token = await asked(public, mails, person.user.email)
    changing = {"currentPassword": PASSWORD, "password": NEW_PASSWORD}
    await public.signed_in(person.token).done("changePassword", SESSION, **changing)
    assert (await reset(public, token, PASSWORD))["errors"] == [INVALID_TOKEN]
    assert (await mails.last(person.user.email, 2)).subject == (
        "Your password at A Clinic was changed"
    )


async def test_who_has_the_mailbox_gets_in_however_often_others_have_tried(
    factory: Factory, public: Api, person: Person, mails: Mails
) -> None:
    login = {"login": person.user.username}
    await tried(factory, account_key(person.user.id), attempts=10, minutes_ago=1)
    refused = await public.refusal("signIn", SESSION, **login, password=PASSWORD)
    assert refused["code"] == "TOO_MANY_ATTEMPTS"
    assert (await reset(public, await asked(public, mails, person.user.email)))["errors"] == []
    await public.done("signIn", SESSION, **login, password=NEW_PASSWORD)
