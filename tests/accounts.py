"""Accounts, as tests of many things need them: signing in, mailed links, tries of passwords.

What a test proves about them stands in the test. Here is only what has to have happened before, and
the words of refusals.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from models import PasswordAttempts
from services.passwords import HASHING
from tests.api import Api
from tests.factories import PASSWORD, Factory, Person
from tests.mails import Mails

HASH = HASHING.hash(PASSWORD)
NEW_PASSWORD = "seven quiet herons on a pier"
SESSION = "session { accessToken accessTokenExpiresAt refreshToken user { id } }"
ACCOUNT = "user { id email }"
INVALID_TOKEN = {
    "__typename": "InvalidToken",
    "message": "This token is not valid, or not any more.",
    "code": "INVALID_TOKEN",
    "path": ["input", "token"],
}
UNKNOWN = {
    "__typename": "InvalidCredentials",
    "message": "The login or the password is wrong.",
    "code": "INVALID_CREDENTIALS",
    "path": ["input", "login"],
}
OLD_TOKEN = {**INVALID_TOKEN, "path": ["input", "refreshToken"]}


async def signed_in(api: Api, person: Person) -> dict[str, Any]:
    login = person.user.username
    session: dict[str, Any] = await api.done("signIn", SESSION, login=login, password=PASSWORD)
    return session


async def refreshed(api: Api, session: dict[str, Any]) -> dict[str, Any]:
    again: dict[str, Any] = await api.done(
        "refreshSession", SESSION, refreshToken=session["refreshToken"]
    )
    return again


async def is_good(api: Api, token: str) -> bool:
    """Whether an access token opens the API; one that does not is refused in the known way."""
    answer = await api.signed_in(token).send("{ viewer { id } }")
    if "errors" in answer:
        assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        return False
    return answer["data"]["viewer"] is not None


async def asked(api: Api, mails: Mails, email: str, count: int = 1) -> str:
    """The secret that is mailed to somebody who has asked for it."""
    assert await api.done("requestPasswordReset", "accepted", email=email) is True
    return (await mails.last(email, count)).secret


async def reset(api: Api, token: str, password: str = NEW_PASSWORD) -> dict[str, Any]:
    """How choosing a password ends."""
    return await api.act("resetPassword", ACCOUNT, token=token, password=password)


async def raw(api: Api, mutation: str, values: dict[str, Any], fields: str) -> bytes:
    """An answer byte for byte, and its status."""
    name = mutation[0].upper() + mutation[1:]
    document = (
        f"mutation ($input: {name}Input!) {{ {mutation}(input: $input) {{ {fields}"
        " errors { __typename ... on UserError { message code path } } } }"
    )
    body = {"query": document, "variables": {"input": values}}
    async with api.http.post(api.url, json=body, headers=api.headers) as response:
        own = {"date", "x-request-id"}
        headers = {k: v for k, v in response.headers.items() if k.lower() not in own}
        return await response.read() + f"{response.status} {json.dumps(headers)}".encode()


async def tried(factory: Factory, key: str, attempts: int, minutes_ago: int) -> None:
    """As if there had been so many tries, beginning so long ago."""
    started_at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    row = PasswordAttempts(counted_for=key, attempts=attempts, started_at=started_at)
    row.organization_id = factory.organization.id
    await factory.add(row)
