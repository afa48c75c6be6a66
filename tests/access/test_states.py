"""People who are signed in no longer: whatever they ask, they are asked to sign in, even for what
is everybody's; and rights are read anew for each operation, on an open socket too."""

import json
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from sqlalchemy import update

from models import RefreshToken, Role, SignIn, TokenPurpose, User, UserToken
from services.accounts import tokens
from services.config import Config
from tests.access.acts import arguments, document, meaning, send
from tests.access.matrix import OPERATIONS
from tests.access.realm import PLAYERS, Realm, fingerprint
from tests.access.voices import Voice
from tests.api import Api
from tests.factories import PASSWORD

STATES = ("inactive", "ended", "expired", "forged", "elsewhere", "nonsense")
REFUSED = 4403


def token_for(realm: Realm, sign_in: SignIn, config: Config, at: datetime) -> str:
    token, _ = tokens.access_token(
        config,
        at,
        user_id=sign_in.user_id,
        organization_id=sign_in.organization_id,
        sign_in_id=sign_in.id,
    )
    return token


async def token_in(state: str, realm: Realm, strange: Realm, role: Role) -> str:
    """A token of somebody that is not good."""
    now = datetime.now(UTC)
    user = realm.rows[f"user.{PLAYERS[role]}"]
    if state == "inactive":
        return (await realm.factory.person(role, is_active=False)).token
    sign_in = SignIn(
        organization_id=user.organization_id,
        user_id=user.id,
        created_at=now,
        last_used_at=now,
        expires_at=now + timedelta(hours=1),
        ended_at=now if state == "ended" else None,
    )
    await realm.factory.add(sign_in)
    if state == "expired":
        return token_for(realm, sign_in, realm.factory.config, now - timedelta(days=1))
    if state == "forged":
        other = Config(secret_key="a secret key that only somebody else has: 0123456789")
        return token_for(realm, sign_in, other, now)
    if state == "elsewhere":
        # The sign-in is good, and the token says that it was in another organization.
        sign_in.organization_id = strange.factory.organization.id
    token = token_for(realm, sign_in, realm.factory.config, now)
    return "nonsense" if state == "nonsense" else token


def somebody(voices: list[Voice], role: Role, token: str) -> Voice:
    voice = next(v for v in voices if v.is_home and v.role is role)
    api = voice.api.signed_in(token)
    return Voice(api, role, voice.is_home, voice.home, voice.abroad)


@pytest.mark.parametrize("state", STATES)
async def test_who_is_signed_in_no_longer_is_asked_to_sign_in(
    state: str, workers: list[Voice], workshop: Realm, elsewhere: Realm
) -> None:
    """Every operation, by HTTP; the administrator, whose rights reach furthest."""
    voice = somebody(workers, Role.ADMIN, await token_in(state, workshop, elsewhere, Role.ADMIN))
    before = await fingerprint(workshop, elsewhere)
    shapes = set()
    for operation in OPERATIONS:
        given = arguments(operation, workshop.ids("mine"))
        if operation.startswith("Subscription."):
            continue
        answer = await send(voice, operation, "plain", given)
        assert meaning(operation, answer.body) == "U", (operation, answer.raw)
        shapes.add(answer.shape)
    assert {status for status, _ in shapes} == {401}
    assert len(shapes) == 1
    assert await fingerprint(workshop, elsewhere) == before


@pytest.mark.parametrize("state", STATES)
async def test_nobody_of_any_role_opens_a_socket_or_stream_with_such_a_token(
    state: str, workers: list[Voice], workshop: Realm, elsewhere: Realm
) -> None:
    for role in Role:
        voice = somebody(workers, role, await token_in(state, workshop, elsewhere, role))
        assert await close_code(voice.api) == REFUSED
        view = "Subscription.calendarChanges"
        headers = {**voice.api.headers, "accept": "text/event-stream"}
        body = {"query": document(view), "variables": arguments(view, workshop.ids("mine"))}
        async with voice.api.http.post(voice.api.url, json=body, headers=headers) as response:
            (error,) = json.loads(voice.hear(await response.read()))["errors"]
            assert (response.status, error["extensions"]["code"]) == (401, "UNAUTHENTICATED")


async def close_code(api: Api) -> int | None:
    async with api.http.ws_connect(api.url, protocols=("graphql-transport-ws",)) as socket:
        payload = {"authorization": f"Bearer {api.token}"}
        await socket.send_json({"type": "connection_init", "payload": payload})
        frame = await socket.receive(timeout=30)
        assert frame.type is aiohttp.WSMsgType.CLOSE, frame
        return int(frame.data)


async def test_on_an_open_socket_rights_are_those_of_the_moment(
    workers: list[Voice], workshop: Realm
) -> None:
    admin = await workshop.factory.person(Role.ADMIN)
    voice = somebody(workers, Role.ADMIN, admin.token)
    act = "Mutation.createDepartment"

    async def tried() -> str:
        given = arguments(act, workshop.ids("mine"))
        return meaning(act, await voice.ask_on_a_socket(document(act), **given))

    async def change(**values: object) -> None:
        async with workshop.factory.database.writing(workshop.factory.organization.id) as session:
            await session.execute(update(User).where(User.id == admin.user.id).values(**values))

    assert await tried() == "+"
    await change(role=Role.RECEPTIONIST)
    before = await fingerprint(workshop)
    assert await tried() == "F"
    assert await fingerprint(workshop) == before
    await change(is_active=False)
    assert await tried() == "U"
    await voice.close()


async def test_secrets_of_another_organization_open_nothing_here(
    workers: list[Voice], elsewhere: Realm
) -> None:
    """Nor are they used up by that: they are good where they are from."""
    here = next(v for v in workers if v.is_home and v.role is None)
    there = next(v for v in workers if not v.is_home and v.role is None)
    claims = tokens.read_access_token(elsewhere.factory.config, elsewhere.tokens[Role.PATIENT])
    owner = {"organization_id": claims.organization_id}
    refresh, invitation = tokens.new_secret(), tokens.new_secret()
    now = datetime.now(UTC)
    hashed = {"token_hash": tokens.hashed(refresh), "created_at": now}
    mailed = {"token_hash": tokens.hashed(invitation), "expires_at": now + timedelta(days=1)}
    await elsewhere.factory.add(
        RefreshToken(**owner, sign_in_id=claims.sign_in_id, **hashed),
        UserToken(**owner, user_id=claims.user_id, purpose=TokenPurpose.INVITATION, **mailed),
    )
    before = await fingerprint(elsewhere)
    for act, given in (
        ("refreshSession", {"refreshToken": refresh}),
        ("acceptInvitation", {"token": invitation, "password": PASSWORD}),
    ):
        text = document(f"Mutation.{act}")
        (error,) = (await here.ask(text, input=given)).body["data"][act]["errors"]
        assert error["code"] == "INVALID_TOKEN"
        assert await fingerprint(elsewhere) == before
        answer = await there.ask(text, input=given)
        assert answer.body["data"][act]["errors"] == []
        before = await fingerprint(elsewhere)
