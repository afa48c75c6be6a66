"""Sessions through the API: signing in and out, refreshing, and how attempts are counted."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from models import RefreshToken, Role, SignIn, User
from tests.accounts import HASH, OLD_TOKEN, SESSION, UNKNOWN, is_good, refreshed, signed_in
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import PASSWORD, Factory, Person, id_of
from tests.mails import Mails


async def change(factory: Factory, statement: Any) -> None:
    """Change rows behind the API's back, such as their times."""
    async with factory.database.writing(factory.organization.id) as session:
        await session.execute(statement)


async def sign_ins(factory: Factory) -> int:
    async with factory.database.reading(factory.organization.id) as session:
        return len(await session.rows(select(SignIn)))


# ------------------------------------------------------------------------------------ signing in


async def test_people_sign_in_by_name_or_address_in_any_case(public: Api, factory: Factory) -> None:
    user = (
        await factory.person(
            Role.PATIENT, username="pia", email="pia@mail.example", password_hash=HASH
        )
    ).user
    for login in ("pia", "PIA", " Pia ", "pia@mail.example", "Pia@MAIL.Example"):
        session = await public.done("signIn", SESSION, login=login, password=PASSWORD)
        assert session["user"] == {"id": id_of(user)}
        assert await is_good(public, session["accessToken"])


@pytest.mark.parametrize("role", [Role.DOCTOR, Role.PATIENT])
async def test_the_payload_shows_who_has_signed_in(
    factory: Factory, public: Api, role: Role
) -> None:
    person = await factory.person(role, password_hash=HASH)
    session = await public.done(
        "signIn",
        "session { user { role doctor { name user { id } } patient { name user { id } } } }",
        login=person.user.email,
        password=PASSWORD,
    )
    shown = {"name": person.user.name, "user": {"id": id_of(person.user)}}
    assert session["user"] == {
        "role": role.value,
        "doctor": shown if person.doctor else None,
        "patient": shown if person.patient else None,
    }


async def test_an_access_token_lasts_ten_minutes(public: Api, person: Person) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    ends = datetime.fromisoformat((await signed_in(public, person))["accessTokenExpiresAt"])
    ten = timedelta(minutes=10)
    assert before + ten <= ends <= datetime.now(UTC) + ten


@pytest.mark.parametrize(
    ("login", "password", "values"),
    [
        ("nobody", PASSWORD, {}),
        ("", "", {}),
        ("pia", "another password", {}),
        ("pia", PASSWORD.upper(), {}),
        ("pia", f"{PASSWORD}\0", {}),
        ("pia", "x" * 5000, {}),
        ("pia", PASSWORD, {"is_active": False}),
        ("pia", "", {"password_hash": None}),
        ("pia", PASSWORD, {"password_hash": None}),
    ],
)
async def test_what_is_wrong_is_not_told(
    factory: Factory, public: Api, login: str, password: str, values: dict[str, Any]
) -> None:
    await factory.person(Role.PATIENT, username="pia", **{"password_hash": HASH, **values})
    before = await sign_ins(factory)
    refusal = await public.refusal("signIn", SESSION, login=login, password=password)
    assert refusal == UNKNOWN
    assert await sign_ins(factory) == before


async def test_a_login_that_no_text_can_be_is_bad_input(factory: Factory, public: Api) -> None:
    refusal = await public.refusal("signIn", SESSION, login="pi\0a", password=PASSWORD)
    assert refusal == {
        "__typename": "InvalidInput",
        "message": "Control characters are not allowed.",
        "code": "INVALID_INPUT",
        "path": [],
    }
    assert await sign_ins(factory) == 0


# ------------------------------------------------------------------------------------ refreshing


async def test_a_refresh_rotates_both_tokens(factory: Factory, public: Api, person: Person) -> None:
    first = await signed_in(public, person)
    second = await refreshed(public, first)
    third = await refreshed(public, second)
    for name in ("accessToken", "refreshToken"):
        assert len({session[name] for session in (first, second, third)}) == 3
    assert {session["user"]["id"] for session in (first, second, third)} == {id_of(person.user)}
    assert await is_good(public, first["accessToken"])
    assert await is_good(public, third["accessToken"])
    async with factory.database.reading(factory.organization.id) as session:
        kept = await session.rows(select(RefreshToken))
    assert [len(row.token_hash) for row in kept] == [32, 32, 32]
    assert sorted(row.used_at is None for row in kept) == [False, False, True]


async def test_a_token_that_is_used_twice_ends_its_sign_in_and_no_other(
    factory: Factory, public: Api, person: Person, mails: Mails
) -> None:
    first, other = await signed_in(public, person), await signed_in(public, person)
    second = await refreshed(public, first)
    await used_ago(factory, timedelta(seconds=11))
    for stolen in (first, second):
        refusal = await public.refusal(
            "refreshSession", SESSION, refreshToken=stolen["refreshToken"]
        )
        assert refusal == OLD_TOKEN
    assert not await is_good(public, first["accessToken"])
    assert not await is_good(public, second["accessToken"])
    assert await is_good(public, (await refreshed(public, other))["accessToken"])
    # Its owner is told once, however often it comes.
    mail = await mails.last(person.user.email)
    assert mail.subject == "You were signed out at A Clinic"


async def used_ago(factory: Factory, time: timedelta) -> None:
    """As if all refresh tokens that are used had been used so long ago."""
    used = update(RefreshToken).where(RefreshToken.used_at.is_not(None))
    await change(factory, used.values(used_at=datetime.now(UTC) - time))


async def test_of_many_who_refresh_at_once_all_get_the_same_successor(
    factory: Factory, public: Api, person: Person, mails: Mails
) -> None:
    session = await signed_in(public, person)
    renewed = await asyncio.gather(*(refreshed(public, session) for _ in range(20)))
    assert len({one["refreshToken"] for one in renewed}) == 1
    await used_ago(factory, timedelta(seconds=9))
    assert (await refreshed(public, session))["refreshToken"] == renewed[0]["refreshToken"]
    # It is one chain, which goes on; and its links say nothing to who has not the secret key.
    later = await refreshed(public, renewed[7])
    assert await is_good(public, later["accessToken"])
    async with factory.database.reading(factory.organization.id) as reading:
        assert len(await reading.rows(select(RefreshToken))) == 3
    assert await mails.rows() == []


async def test_a_used_token_renews_nothing_that_has_ended(
    factory: Factory, public: Api, person: Person, mails: Mails
) -> None:
    session = await signed_in(public, person)
    again = await refreshed(public, session)
    await public.signed_in(again["accessToken"]).done("signOut", "signedOut")
    for token in (session["refreshToken"], again["refreshToken"]):
        assert await public.refusal("refreshSession", SESSION, refreshToken=token) == OLD_TOKEN
    assert await mails.rows() == []


@pytest.mark.parametrize(
    ("role", "idle"),
    [
        (Role.PATIENT, timedelta(days=7)),
        (Role.DOCTOR, timedelta(minutes=30)),
        (Role.RECEPTIONIST, timedelta(minutes=30)),
        (Role.ADMIN, timedelta(minutes=30)),
    ],
)
async def test_a_session_ends_when_it_is_not_used(
    factory: Factory, public: Api, role: Role, idle: timedelta
) -> None:
    person = await factory.person(role, password_hash=HASH)
    session = await signed_in(public, person)
    minute = timedelta(minutes=1)
    used = update(SignIn).where(SignIn.user_id == person.user.id)
    await change(factory, used.values(last_used_at=datetime.now(UTC) - idle + minute))
    session = await refreshed(public, session)
    await change(factory, used.values(last_used_at=datetime.now(UTC) - idle - minute))
    refusal = await public.refusal("refreshSession", SESSION, refreshToken=session["refreshToken"])
    assert refusal == OLD_TOKEN


@pytest.mark.parametrize(
    ("role", "longest"),
    [
        (Role.PATIENT, timedelta(days=30)),
        (Role.DOCTOR, timedelta(hours=12)),
        (Role.RECEPTIONIST, timedelta(hours=12)),
        (Role.ADMIN, timedelta(hours=12)),
    ],
)
async def test_a_session_ends_however_much_it_is_used(
    factory: Factory, public: Api, role: Role, longest: timedelta
) -> None:
    person = await factory.person(role, password_hash=HASH)
    session = await refreshed(public, await signed_in(public, person))
    async with factory.database.reading(factory.organization.id) as reading:
        (lasting,) = await reading.rows(
            select(SignIn.expires_at - SignIn.created_at).where(
                SignIn.user_id == person.user.id, SignIn.ip_address.is_not(None)
            )
        )
    assert longest <= lasting < longest + timedelta(seconds=1)
    await change(factory, update(SignIn).values(expires_at=datetime.now(UTC)))
    refusal = await public.refusal("refreshSession", SESSION, refreshToken=session["refreshToken"])
    assert refusal == OLD_TOKEN


async def test_only_the_own_fresh_token_of_an_active_account_refreshes(
    factory: Factory, public: Api, person: Person
) -> None:
    session = await signed_in(public, person)
    tokens = [session["accessToken"], "", "\0", session["refreshToken"][:-1], "x" * 9999]
    for token in tokens:
        assert await public.refusal("refreshSession", SESSION, refreshToken=token) == OLD_TOKEN
    await change(factory, update(User).values(is_active=False))
    refusal = await public.refusal("refreshSession", SESSION, refreshToken=session["refreshToken"])
    assert refusal == OLD_TOKEN
    async with factory.database.reading(factory.organization.id) as reading:
        unused = select(func.count()).where(RefreshToken.used_at.is_(None))
        assert (await reading.execute(unused)).scalar_one() == 1


# ----------------------------------------------------------------------------------- signing out


async def test_signing_out_ends_this_session_at_once(public: Api, person: Person) -> None:
    here, there = await signed_in(public, person), await signed_in(public, person)
    assert await public.signed_in(here["accessToken"]).act("signOut", "signedOut") == {
        "signedOut": True,
        "errors": [],
    }
    assert not await is_good(public, here["accessToken"])
    refusal = await public.refusal("refreshSession", SESSION, refreshToken=here["refreshToken"])
    assert refusal == OLD_TOKEN
    assert await is_good(public, there["accessToken"])
    assert await is_good(public, (await refreshed(public, there))["accessToken"])


async def test_signing_out_everywhere_ends_all_of_ones_sessions(
    public: Api, person: Person, clinic: Clinic
) -> None:
    here, there = await signed_in(public, person), await signed_in(public, person)
    await public.signed_in(here["accessToken"]).done("signOut", "signedOut", everywhere=True)
    for session in (here, there):
        assert not await is_good(public, session["accessToken"])
    assert await is_good(public, clinic.person(Role.PATIENT).token)


async def test_an_account_that_is_shut_is_out_at_once(
    factory: Factory, public: Api, person: Person
) -> None:
    assert await is_good(public, person.token)
    await change(factory, update(User).values(is_active=False))
    assert not await is_good(public, person.token)
