"""Sessions of browsers: what scripts cannot read, and pages of others cannot use."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.cookies import Morsel, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from sqlalchemy import update

from models import Organization, RefreshToken, Role
from models.database import Database
from services.accounts import tokens
from services.accounts.sessions import GRACE
from tests.accounts import HASH, SESSION, is_good
from tests.api import Api
from tests.conftest import CONFIG, serving
from tests.factories import PASSWORD, Factory, Person

WANTED = {"x-session-cookie": "1"}
SIGN_IN = (
    "mutation ($input: SignInInput!) { signIn(input: $input) { " + SESSION + " errors"
    " { ... on UserError { code } } } }"
)
FOREIGN = ["https://evil.example", "null", "", "http://127.0.0.1", "http://127.0.0.1:1", "*"]


@pytest.fixture
async def patient(factory: Factory) -> Person:
    """Somebody with a password."""
    return await factory.person(Role.PATIENT, password_hash=HASH)


def credentials(person: Person) -> dict[str, Any]:
    values = {"input": {"login": person.user.username, "password": PASSWORD}}
    return {"query": SIGN_IN, "variables": values}


def own_origin(api: Api) -> str:
    return api.url.removesuffix("/graphql")


async def posted(
    api: Api, path: str, headers: dict[str, str], body: object = None
) -> tuple[int, Any, SimpleCookie]:
    """An answer, and the cookies that it sets."""
    url = own_origin(api) + path
    # A pool of its own: the shared one would keep the cookies, and send them along.
    jar = aiohttp.DummyCookieJar()
    async with (
        aiohttp.ClientSession(cookie_jar=jar) as http,
        http.post(url, json=body, headers=api.headers | headers) as response,
    ):
        is_json = response.content_type == "application/json"
        return response.status, await response.json() if is_json else None, response.cookies


async def signed_in(
    api: Api, person: Person, **headers: str
) -> tuple[dict[str, Any], Morsel[str] | None]:
    """The session of somebody who signs in on a page, and the cookie."""
    body = credentials(person)
    sent = {"origin": own_origin(api)} | WANTED | headers
    status, answer, cookies = await posted(api, "/graphql", sent, body)
    assert status == 200
    return answer["data"]["signIn"]["session"], cookies.get("session")


async def renewed(
    api: Api, token: str, *, name: str = "session", **headers: str
) -> tuple[int, Any, Morsel[str] | None]:
    """What a page is answered that comes with a cookie."""
    sent = {"origin": own_origin(api), "cookie": f"{name}={token}"} | headers
    status, answer, cookies = await posted(api, "/session", sent)
    return status, answer, cookies.get(name)


async def test_a_browser_keeps_the_refresh_token_and_its_page_never_sees_it(
    public: Api, patient: Person, factory: Factory
) -> None:
    session, cookie = await signed_in(public, patient)
    assert session["refreshToken"] == ""
    assert await is_good(public, session["accessToken"])
    assert cookie is not None
    assert len(cookie.value) == 43
    assert cookie["httponly"] is True
    assert (cookie["path"], cookie["samesite"], cookie["secure"]) == ("/session", "strict", "")
    # As long as a patient's sign-in may last.
    assert timedelta(days=30) >= timedelta(seconds=int(cookie["max-age"])) > timedelta(days=29)
    _, of_staff = await signed_in(
        public, await factory.person(Role.RECEPTIONIST, password_hash=HASH)
    )
    assert of_staff is not None
    assert timedelta(hours=12) >= timedelta(seconds=int(of_staff["max-age"])) > timedelta(hours=11)

    status, answer, successor = await renewed(public, cookie.value)
    assert status == 200
    assert answer.keys() == {"session", "demoAccounts"}
    assert answer["session"].keys() == {"accessToken", "accessTokenExpiresAt"}
    assert await is_good(public, answer["session"]["accessToken"])
    assert successor is not None
    assert successor.value == tokens.successor(CONFIG, cookie.value)
    assert successor["httponly"] is True
    assert answer["demoAccounts"] == []


async def test_who_does_not_ask_for_a_cookie_gets_none(public: Api, patient: Person) -> None:
    body = credentials(patient)
    _, answer, cookies = await posted(public, "/graphql", {"origin": own_origin(public)}, body)
    assert len(answer["data"]["signIn"]["session"]["refreshToken"]) == 43
    assert not cookies


@pytest.mark.parametrize("origin", FOREIGN)
async def test_pages_of_others_neither_get_a_cookie_nor_use_one(
    public: Api, patient: Person, origin: str
) -> None:
    session, cookie = await signed_in(public, patient, origin=origin)
    assert len(session["refreshToken"]) == 43
    assert cookie is None
    _, cookie = await signed_in(public, patient)
    assert cookie is not None
    status, answer, set_by_it = await renewed(public, cookie.value, origin=origin)
    assert status == 403
    assert answer == {"error": "Pages of this origin have no session."}
    assert set_by_it is None
    # It is as good as before: nobody has used it.
    status, answer, _ = await renewed(public, cookie.value)
    assert status == 200
    assert answer["session"] is not None


async def test_a_stream_answers_with_the_token_itself(public: Api, patient: Person) -> None:
    headers = {"origin": own_origin(public), "accept": "text/event-stream"} | WANTED
    body = credentials(patient)
    sent = public.headers | headers
    async with public.http.post(public.url, json=body, headers=sent) as response:
        event = await response.text()
        assert "set-cookie" not in response.headers
    data = json.loads(event.partition("data: ")[2].partition("\n")[0])["data"]
    assert len(data["signIn"]["session"]["refreshToken"]) == 43


async def test_nothing_but_a_post_renews(public: Api, patient: Person) -> None:
    _, cookie = await signed_in(public, patient)
    assert cookie is not None
    headers = {"origin": own_origin(public), "cookie": f"session={cookie.value}"}
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
        url = own_origin(public) + "/session"
        async with public.http.request(method, url, headers=headers) as response:
            assert response.status in {404, 405}
            assert "set-cookie" not in response.headers


async def test_the_cookie_opens_nothing_of_the_api(public: Api, patient: Person) -> None:
    _, cookie = await signed_in(public, patient)
    assert cookie is not None
    sent = {"origin": own_origin(public), "cookie": f"session={cookie.value}"} | WANTED
    _, answer, _ = await posted(public, "/graphql", sent, {"query": "{ viewer { id } }"})
    assert answer["data"] == {"viewer": None}


async def test_two_tabs_that_renew_at_once_both_go_on(public: Api, patient: Person) -> None:
    _, cookie = await signed_in(public, patient)
    assert cookie is not None
    answers = await asyncio.gather(*(renewed(public, cookie.value) for _ in range(4)))
    kept = {successor.value for _, _, successor in answers if successor}
    assert kept == {tokens.successor(CONFIG, cookie.value)}
    for _, answer, _ in answers:
        assert await is_good(public, answer["session"]["accessToken"])


async def test_a_copy_that_is_used_later_ends_the_session_and_is_forgotten(
    public: Api, patient: Person, database: Database
) -> None:
    session, cookie = await signed_in(public, patient)
    assert cookie is not None
    _, answer, successor = await renewed(public, cookie.value)
    assert successor is not None
    used = update(RefreshToken).where(RefreshToken.token_hash == tokens.hashed(cookie.value))
    earlier = RefreshToken.used_at - GRACE - timedelta(seconds=1)
    async with database.crossing_organizations() as writing:
        await writing.execute(used.values(used_at=earlier))
    for token in (cookie.value, successor.value):
        status, said, forgotten = await renewed(public, token)
        assert (status, said["session"]) == (200, None)
        assert forgotten is not None
        assert (forgotten.value, forgotten["max-age"]) == ("", "0")
    assert not await is_good(public, session["accessToken"])
    assert not await is_good(public, answer["session"]["accessToken"])


async def test_signing_out_has_the_browser_forget(public: Api, patient: Person) -> None:
    session, cookie = await signed_in(public, patient)
    assert cookie is not None
    sent = {"origin": own_origin(public), "authorization": f"Bearer {session['accessToken']}"}
    body = {"query": "mutation { signOut(input: {}) { signedOut } }"}
    _, answer, cookies = await posted(public, "/graphql", sent | WANTED, body)
    assert answer["data"]["signOut"] == {"signedOut": True}
    assert (cookies["session"].value, cookies["session"]["max-age"]) == ("", "0")
    _, said, _ = await renewed(public, cookie.value)
    assert said["session"] is None


async def test_who_has_no_cookie_is_nobody(public: Api) -> None:
    status, answer, cookies = await posted(public, "/session", {"origin": own_origin(public)})
    assert (status, answer["session"]) == (200, None)
    assert not cookies


@pytest.fixture(scope="module")
def secure_url(database_url: str) -> Iterator[str]:
    """A server that people reach by TLS, in front of which it ends."""
    with serving(replace(CONFIG, base_url="https://clinic.example"), database_url) as url:
        yield url


async def test_by_tls_the_cookie_is_for_tls_alone(
    secure_url: str, http: aiohttp.ClientSession, organization: Organization, patient: Person
) -> None:
    api = Api(secure_url, http, organization.slug)
    host = {"host": "clinic.example", "origin": "https://clinic.example"}
    body = credentials(patient)
    _, _, cookies = await posted(api, "/graphql", host | WANTED, body)
    (cookie,) = cookies.values()
    assert cookie.key == "__Secure-session"
    assert cookie["secure"] is True
    status, answer, _ = await renewed(api, cookie.value, name=cookie.key, **host)
    assert status == 200
    assert answer["session"] is not None
    # Whoever listens in on a page without TLS has it ask; it is not answered.
    bare = host | {"origin": f"http://{urlsplit('//clinic.example').netloc}"}
    status, _, _ = await renewed(api, cookie.value, name=cookie.key, **bare)
    assert status == 403
