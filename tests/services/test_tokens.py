"""Access tokens: what one says, and that no other text opens a door of the API."""

import base64
import json
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import Role, SignIn
from services.accounts import tokens
from services.config import Config
from services.errors import NotSignedIn
from tests.api import Api
from tests.factories import Factory, Person, id_of

CONFIG = Config(secret_key=secrets.token_urlsafe(48))
NOW = datetime(2027, 3, 28, 9, tzinfo=UTC)
CLAIMS = ["iss", "aud", "sub", "org", "sid", "jti", "iat", "nbf", "exp"]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
SIXTEEN_KIB, SIXTY_FOUR_KIB = 16 * 1024, 64 * 1024
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Maker:
    """Makes tokens for somebody who is signed in, good ones and others."""

    key: str
    claims: dict[str, Any]

    def token(self, *, key: str | None = None, algorithm: str = "HS256", **header: Any) -> str:
        header = {"typ": "at+jwt", **header}
        return jwt.encode(self.claims, key or self.key, algorithm=algorithm, headers=header)

    def saying(self, **claims: Any) -> "Maker":
        return Maker(self.key, {**self.claims, **claims})

    def silent_about(self, claim: str) -> str:
        return Maker(self.key, {k: v for k, v in self.claims.items() if k != claim}).token()

    def edited(self) -> str:
        """A good token whose payload was changed after it had been signed."""
        head, _, signature = self.token().split(".")
        payload = json.dumps({**self.claims, "sub": str(uuid4())}).encode()
        return f"{head}.{encoded(payload)}.{signature}"

    def unsigned(self, algorithm: str) -> str:
        head = encoded(json.dumps({"alg": algorithm, "typ": "at+jwt"}).encode())
        return f"{head}.{self.token().split('.')[1]}."


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def maker(key: str, user_id: UUID, organization_id: UUID, sign_in_id: UUID) -> Maker:
    """The claims that a token has, written down here apart from the application's own code."""
    now = int(datetime.now(UTC).timestamp())
    claims = {
        "iss": "appointment-server",
        "aud": "graphql",
        "sub": str(user_id),
        "org": str(organization_id),
        "sid": str(sign_in_id),
        "jti": str(uuid4()),
        "iat": now,
        "nbf": now,
        "exp": now + 600,
    }
    return Maker(key, claims)


def at(moment: timedelta) -> int:
    return int((datetime.now(UTC) + moment).timestamp())


FORGERIES: dict[str, Callable[[Maker], str]] = {
    "nothing": lambda _: "",
    "garbage": lambda _: "garbage",
    "three points": lambda _: "a.b.c.d",
    "no JSON": lambda _: f"{encoded(b'x')}.{encoded(b'y')}.{encoded(b'z')}",
    "deep JSON": lambda _: f"{encoded(b'[' * 2900)}.{encoded(b'{}')}.x",
    "letters beyond ASCII": lambda _: "Pía.Nuñez.Ñ",
    "a refresh token": lambda _: secrets.token_urlsafe(32),
    "64 KiB": lambda made: made.token().ljust(SIXTY_FOUR_KIB, "x"),
    "64 KiB, well signed": lambda made: made.saying(note="x" * SIXTY_FOUR_KIB).token(),
    "no algorithm": lambda made: made.unsigned("none"),
    "no algorithm, spelt otherwise": lambda made: made.unsigned("nOnE"),
    "no signature": lambda made: made.unsigned("HS256"),
    "another algorithm": lambda made: made.token(algorithm="HS512"),
    "another key": lambda made: made.token(key=secrets.token_urlsafe(48)),
    "another type": lambda made: made.token(typ="JWT"),
    "no type": lambda made: made.token(typ=None),
    "an unknown extension": lambda made: made.token(crit=["exp2"], exp2=1),
    "another payload": lambda made: made.edited(),
    "expired": lambda made: made.saying(exp=at(-timedelta(seconds=1))).token(),
    "not yet": lambda made: made.saying(nbf=at(HOUR)).token(),
    "made in the future": lambda made: made.saying(iat=at(HOUR)).token(),
    "for ever": lambda made: made.saying(exp=10**30).token(),
    "another issuer": lambda made: made.saying(iss="somebody").token(),
    "another audience": lambda made: made.saying(aud="somebody").token(),
    "nobody": lambda made: made.saying(sub=str(uuid4())).token(),
    "no user": lambda made: made.saying(sub="admin").token(),
    "another organization": lambda made: made.saying(org=str(uuid4())).token(),
    "a list": lambda made: made.saying(org=[made.claims["org"]]).token(),
    "another sign-in": lambda made: made.saying(sid=str(uuid4())).token(),
    **{f"no {claim}": lambda made, claim=claim: made.silent_about(claim) for claim in CLAIMS},
}
# What is wrong with these can only be seen in the database.
UNKNOWN_TO_US = {"nobody", "another organization", "another sign-in"}


# ------------------------------------------------------------------------------------- by itself


def made_by_us() -> tuple[str, datetime, dict[str, UUID]]:
    ids = {"user_id": uuid4(), "organization_id": uuid4(), "sign_in_id": uuid4()}
    return *tokens.access_token(CONFIG, datetime.now(UTC), **ids), ids


def test_a_token_says_who_where_and_until_when() -> None:
    ids = {"user_id": uuid4(), "organization_id": uuid4(), "sign_in_id": uuid4()}
    moment = NOW + timedelta(microseconds=7)
    token, expires_at = tokens.access_token(CONFIG, moment, **ids)
    assert expires_at == NOW + timedelta(minutes=10)
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "at+jwt"}
    claims = jwt.decode(token, options={"verify_signature": False})
    assert UUID(claims.pop("jti")).version == 4
    second = int(NOW.timestamp())
    assert claims == {
        "iss": "appointment-server",
        "aud": "graphql",
        "sub": str(ids["user_id"]),
        "org": str(ids["organization_id"]),
        "sid": str(ids["sign_in_id"]),
        "iat": second,
        "nbf": second,
        "exp": second + 600,
    }


def test_a_token_is_read_as_it_was_made() -> None:
    token, expires_at, ids = made_by_us()
    claims = tokens.read_access_token(CONFIG, token)
    assert claims == tokens.AccessClaims(**ids, expires_at=expires_at)


@pytest.mark.parametrize("name", sorted(set(FORGERIES) - UNKNOWN_TO_US))
def test_a_forged_token_says_nothing(name: str) -> None:
    made = maker(CONFIG.secret_key, uuid4(), uuid4(), uuid4())
    assert tokens.read_access_token(CONFIG, made.token())
    with pytest.raises(NotSignedIn):
        tokens.read_access_token(CONFIG, FORGERIES[name](made))


def test_no_letter_of_a_token_can_be_changed() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    token, _, _ = made_by_us()
    # Of the last letter only a part belongs to the signature.
    for place in range(len(token) - 1):
        other = chance.choice([letter for letter in LETTERS if letter != token[place]])
        with pytest.raises(NotSignedIn):
            tokens.read_access_token(CONFIG, token[:place] + other + token[place + 1 :])


@settings(deadline=None)
@given(st.text() | st.lists(st.binary(), min_size=3, max_size=3))
def test_no_text_is_a_token(given: str | list[bytes]) -> None:
    text = given if isinstance(given, str) else ".".join(map(encoded, given))
    with pytest.raises(NotSignedIn):
        tokens.read_access_token(CONFIG, text)


def test_secrets_are_long_random_and_kept_as_hashes() -> None:
    made = {tokens.new_secret() for _ in range(100)}
    assert {len(base64.urlsafe_b64decode(secret + "=")) for secret in made} == {32}
    assert len(made) == 100
    assert tokens.hashed("abc").hex() == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


# ----------------------------------------------------------------------------------- at the doors


@pytest.fixture
async def person(factory: Factory) -> Person:
    """Somebody who is signed in."""
    return await factory.person(Role.ADMIN)


async def maker_for(factory: Factory, person: Person) -> Maker:
    """Makes tokens of a sign-in that there is."""
    now = datetime.now(UTC)
    owned = {"organization_id": factory.organization.id, "user_id": person.user.id}
    times = {"created_at": now, "last_used_at": now, "expires_at": now + HOUR}
    sign_in = SignIn(id=uuid4(), **owned, **times)
    await factory.add(sign_in)
    key = factory.config.secret_key
    return maker(key, person.user.id, factory.organization.id, sign_in.id)


async def over_http(api: Api, authorization: str) -> tuple[int, Any]:
    # As large as a head may be, which is 16 KiB with all that is around the token.
    headers = {**api.headers, "authorization": authorization[: SIXTEEN_KIB - 500]}
    document = {"query": "{ viewer { id } }"}
    async with api.http.post(api.url, json=document, headers=headers) as response:
        return response.status, await response.json()


async def over_websocket(api: Api, authorization: str) -> tuple[str, Any]:
    """What the server says to a connection_init: its type, or the code that it closes with."""
    async with api.http.ws_connect(
        api.url, protocols=["graphql-transport-ws"], headers=api.headers
    ) as socket:
        # As large as the frame may be, which is 64 KiB with all that is around the token.
        payload = {"authorization": authorization[: SIXTY_FOUR_KIB - 200]}
        await socket.send_json({"type": "connection_init", "payload": payload})
        answer = await socket.receive()
        if answer.type is aiohttp.WSMsgType.TEXT:
            return "says", answer.json()
        return "closes", answer.data


async def test_a_good_token_opens_both_doors(factory: Factory, public: Api, person: Person) -> None:
    token = (await maker_for(factory, person)).token()
    for scheme in ("Bearer", "bearer"):
        opened = 200, {"data": {"viewer": {"id": id_of(person.user)}}}
        assert await over_http(public, f"{scheme} {token}") == opened
    assert await over_websocket(public, f"Bearer {token}") == ("says", {"type": "connection_ack"})


CLOSED = {"message": "Sign in first.", "extensions": {"code": "UNAUTHENTICATED"}}


@pytest.mark.parametrize("name", FORGERIES)
async def test_a_forged_token_opens_no_door(
    factory: Factory, public: Api, person: Person, name: str
) -> None:
    authorization = f"Bearer {FORGERIES[name](await maker_for(factory, person))}"
    assert await over_http(public, authorization) == (401, {"errors": [CLOSED]})
    assert await over_websocket(public, authorization) == ("closes", 4403)


@pytest.mark.parametrize("scheme", ["Basic ", "", "Bearer, "])
async def test_only_bearers_are_let_in(
    factory: Factory, public: Api, person: Person, scheme: str
) -> None:
    authorization = scheme + (await maker_for(factory, person)).token()
    assert await over_http(public, authorization) == (401, {"errors": [CLOSED]})
    assert await over_websocket(public, authorization) == ("closes", 4403)
