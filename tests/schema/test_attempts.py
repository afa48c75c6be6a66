"""Attempts: how often passwords may be tried, whichever way they come."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from gql import gql
from sqlalchemy import select

from models import PasswordAttempts, Role, User
from services.accounts.attempts import account_key, address_key, login_key
from tests.accounts import HASH, UNKNOWN, is_good, refreshed, signed_in, tried
from tests.api import Api
from tests.factories import PASSWORD, Factory, Person, wire
from tests.rows import kept, unchanged

SIGN_IN = """
mutation ($input: SignInInput!) {
  signIn(input: $input) {
    session { user { id } }
    errors { __typename ... on UserError { message code path }
             ... on TooManyAttempts { retryAt } }
  }
}
"""
LIMIT = ("TOO_MANY_ATTEMPTS", ["input", "login"])


async def attempt(api: Api, login: str, password: str, *, socket: bool = False) -> dict[str, Any]:
    """One try; over a WebSocket of its own if asked for."""
    values = {"input": {"login": login, "password": password}}
    if not socket:
        return (await api.ask(SIGN_IN, **values))["signIn"]
    async with api.socket() as session:
        request = gql(SIGN_IN)
        request.variable_values = values
        answer = await session.execute(request)
    return answer["signIn"]


@pytest.mark.parametrize("login", ["pia", "nobody"])
async def test_the_eleventh_try_is_refused_whichever_way_it_comes(
    factory: Factory, public: Api, login: str
) -> None:
    await factory.person(Role.PATIENT, username="pia", password_hash=HASH)
    spellings = [login.upper(), f" {login}"] * 5
    answers = await asyncio.gather(
        *(attempt(public, name, "wrong", socket=n % 3 == 0) for n, name in enumerate(spellings))
    )
    assert [answer["errors"] for answer in answers] == [[UNKNOWN]] * 10
    refused = {
        "__typename": "TooManyAttempts",
        "message": "Too many attempts; wait before you try again.",
        "code": "TOO_MANY_ATTEMPTS",
        "path": ["input", "login"],
        "retryAt": wire((await attempts_of(factory, login)).started_at + timedelta(minutes=15)),
    }
    for socket in (False, True):
        answer = await attempt(public, login, PASSWORD, socket=socket)
        assert answer == {"session": None, "errors": [refused]}


async def attempts_of(factory: Factory, login: str) -> PasswordAttempts:
    async with factory.database.reading(factory.organization.id) as session:
        found = await session.execute(select(User.id).where(User.username == login))
        user_id = found.scalar_one_or_none()
    key = account_key(user_id) if user_id else login_key(login)
    async with factory.database.crossing_organizations() as session:
        return await session.get_one(PasswordAttempts, (factory.organization.id, key))


async def test_after_a_quarter_of_an_hour_the_count_begins_again(
    factory: Factory, public: Api
) -> None:
    await tried(factory, login_key("early"), attempts=10, minutes_ago=14)
    await tried(factory, login_key("late"), attempts=10, minutes_ago=16)
    early = await attempt(public, "early", "wrong")
    late = await attempt(public, "late", "wrong")
    assert [early["errors"][0]["code"], late["errors"][0]["code"]] == [
        "TOO_MANY_ATTEMPTS",
        "INVALID_CREDENTIALS",
    ]
    assert (await attempts_of(factory, "late")).attempts == 1


async def test_a_success_sets_the_count_back(factory: Factory, public: Api, person: Person) -> None:
    login = person.user.username
    await tried(factory, account_key(person.user.id), attempts=9, minutes_ago=1)
    await signed_in(public, person)
    assert (await attempt(public, login, "wrong"))["errors"] == [UNKNOWN]
    assert (await attempts_of(factory, login)).attempts == 1


async def test_those_who_are_signed_in_are_not_locked_out(
    factory: Factory, public: Api, person: Person
) -> None:
    session = await signed_in(public, person)
    await tried(factory, account_key(person.user.id), attempts=99, minutes_ago=1)
    assert await is_good(public, person.token)
    assert await is_good(public, (await refreshed(public, session))["accessToken"])


async def test_name_and_address_of_one_account_are_one_count(
    factory: Factory, public: Api, person: Person
) -> None:
    spellings = [person.user.username, f" {person.user.email.upper()}"]
    for login in spellings * 5:
        assert (await attempt(public, login, "wrong"))["errors"] == [UNKNOWN]
    for login in spellings:
        answer = await attempt(public, login, PASSWORD)
        assert (answer["errors"][0]["code"], answer["errors"][0]["path"]) == LIMIT


ASKING = {
    "changePassword": ("session { user { id } }", "currentPassword", {"password": PASSWORD + "!"}),
    "requestEmailChange": ("accepted", "password", {"email": "new@mail.example"}),
}


@pytest.mark.parametrize("mutation", ASKING)
async def test_every_act_that_asks_for_the_password_counts(
    factory: Factory, public: Api, person: Person, mutation: str
) -> None:
    fields, name, given = ASKING[mutation]
    here = public.signed_in(person.token)
    await tried(factory, account_key(person.user.id), attempts=9, minutes_ago=1)
    async with unchanged(factory):
        refusal = await here.refusal(mutation, fields, **given, **{name: "wrong"})
        assert refusal["code"] == "INVALID_CREDENTIALS"
        # Not even the right one is looked at, whether here or where people sign in.
        refusal = await here.refusal(mutation, fields, **given, **{name: PASSWORD})
        assert (refusal["code"], refusal["path"]) == ("TOO_MANY_ATTEMPTS", ["input", name])
        answer = await attempt(public, person.user.email, PASSWORD)
        assert answer["errors"][0]["code"] == "TOO_MANY_ATTEMPTS"
    assert await is_good(public, person.token)


async def test_thirty_tries_from_one_address_are_enough_whoever_is_tried(
    factory: Factory, public: Api, person: Person
) -> None:
    here = address_key("127.0.0.1")
    await tried(factory, here, attempts=28, minutes_ago=1)
    assert (await attempt(public, "nobody", "wrong"))["errors"] == [UNKNOWN]
    # What succeeds does not count.
    await signed_in(public, person)
    assert (await attempt(public, "somebody", "wrong"))["errors"] == [UNKNOWN]
    answer = await attempt(public, person.user.username, PASSWORD)
    assert (answer["errors"][0]["code"], answer["errors"][0]["path"]) == LIMIT
    # It is not held against the account: nobody is locked out from elsewhere.
    rows = await kept(factory, PasswordAttempts)
    assert {row["counted_for"]: row["attempts"] for row in rows} == {
        here: 31,
        login_key("nobody"): 1,
        login_key("somebody"): 1,
    }


async def test_what_was_typed_as_a_login_is_not_kept(factory: Factory, public: Api) -> None:
    await attempt(public, PASSWORD, "wrong")
    rows = await kept(factory, PasswordAttempts)
    assert len(rows) == 2
    assert PASSWORD not in str(rows)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("203.0.113.7", "address:203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "address:2001:db8:1:2::/64"),
        ("a socket", "address:"),
    ],
)
def test_an_address_of_version_six_counts_with_its_network(address: str, key: str) -> None:
    assert address_key(address) == key
