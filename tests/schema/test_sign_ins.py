"""Where people are signed in: what they see of it, how they end it, and how many there may be."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, update

from models import SignIn
from tests.accounts import SESSION, is_good, refreshed, signed_in
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import Factory, Person, id_of
from tests.live.views import another_server
from tests.rows import unchanged

SIGN_INS = "{ signIns { id createdAt lastUsedAt userAgent ipAddress isCurrent } }"
IDS = "{ signIns { id isCurrent } }"


async def test_people_see_where_they_are_signed_in(public: Api, person: Person) -> None:
    session = await signed_in(public, person)
    here = public.signed_in(session["accessToken"])
    newest, oldest = (await here.ask(SIGN_INS))["signIns"]
    assert (newest["isCurrent"], oldest["isCurrent"]) == (True, False)
    assert newest["ipAddress"] == "127.0.0.1"
    assert newest["userAgent"].startswith("Python/")
    assert newest["createdAt"] == newest["lastUsedAt"] > oldest["createdAt"]
    node = "query ($id: ID!) { node(id: $id) { ... on SignIn { isCurrent } } }"
    assert await here.ask(node, id=newest["id"]) == {"node": {"isCurrent": True}}
    assert await public.error_code(IDS) == "UNAUTHENTICATED"


async def test_one_of_them_is_ended_from_another(public: Api, person: Person) -> None:
    here, lost = await signed_in(public, person), await signed_in(public, person)
    api = public.signed_in(here["accessToken"])
    newest, *_ = (await api.ask(IDS))["signIns"]
    assert newest["isCurrent"] is False
    ended = await api.done("endSignIn", "signIn { id }", signInId=newest["id"])
    assert ended == {"id": newest["id"]}
    assert not await is_good(public, lost["accessToken"])
    refusal = await public.refusal("refreshSession", SESSION, refreshToken=lost["refreshToken"])
    assert refusal["code"] == "INVALID_TOKEN"
    assert newest["id"] not in [one["id"] for one in (await api.ask(IDS))["signIns"]]
    refusal = await api.refusal("endSignIn", "signIn { id }", signInId=newest["id"])
    assert refusal["code"] == "NOT_FOUND"


async def test_nobody_sees_or_ends_those_of_others(clinic: Clinic, person: Person) -> None:
    (own,) = (await clinic.public.signed_in(person.token).ask(IDS))["signIns"]
    node = "query ($id: ID!) { node(id: $id) { id } }"
    async with unchanged(clinic.factory):
        for api in (clinic.admin, clinic.reception, clinic.patient):
            assert await api.ask(node, id=own["id"]) == {"node": None}
            refusal = await api.refusal("endSignIn", "signIn { id }", signInId=own["id"])
            assert (refusal["code"], refusal["path"]) == ("NOT_FOUND", ["input", "signInId"])
    assert await is_good(clinic.public, person.token)


async def test_of_too_many_the_oldest_ends(factory: Factory, public: Api, person: Person) -> None:
    tokens = [person.token, *[await factory.token(person.user) for _ in range(9)]]
    assert await is_good(public, tokens[0])
    eleventh = await signed_in(public, person)
    assert [await is_good(public, token) for token in tokens] == [False] + [True] * 9
    assert await is_good(public, eleventh["accessToken"])
    # One that has expired takes no place.
    now = datetime.now(UTC)
    async with factory.database.writing(factory.organization.id) as session:
        oldest = select(func.min(SignIn.created_at)).where(SignIn.ended_at.is_(None))
        expiring = update(SignIn).where(SignIn.created_at == oldest.scalar_subquery())
        await session.execute(expiring.values(expires_at=now - timedelta(minutes=1)))
    await signed_in(public, person)
    assert [await is_good(public, token) for token in tokens[2:]] == [True] * 8


async def test_a_successor_is_the_same_whichever_process_is_asked(
    public: Api, person: Person, database_url: str
) -> None:
    session = await signed_in(public, person)
    async with another_server(public, database_url) as other:
        assert (await refreshed(public, session))["refreshToken"] == (
            await refreshed(other, session)
        )["refreshToken"]
    assert id_of(person.user) == session["user"]["id"]
