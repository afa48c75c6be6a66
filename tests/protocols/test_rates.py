"""How much may be asked, over HTTP, by aliases and on sockets, and what is said of more."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from sqlalchemy import func, select, text

from models import Organization, User
from models.database import ReadSession
from tests.api import Api
from tests.booking import calendar_of
from tests.brokers import Valkey
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.live.event_streams import events
from tests.live.views import CHANGES, FIELDS, another_server
from tests.protocols.sockets import INIT, acknowledged, connected

SENTENCE = "Too many requests; wait before you send more."
CREATE = "mutation { %s }"
DEPARTMENT = '%s: createDepartment(input: {name: "%s"}) { department { name } }'


@pytest.fixture(autouse=True)
async def within_one_window() -> None:
    """Wait for a new minute where this one is about to end, as a new one brings new points."""
    left = 60 - time.time() % 60
    if left < 8:
        await asyncio.sleep(left)


async def post(api: Api, query: str) -> tuple[int, Any, aiohttp.ClientResponse]:
    async with api.http.post(api.url, json={"query": query}, headers=api.headers) as response:
        return response.status, await response.json(), response


def is_limited(error: dict[str, Any]) -> bool:
    """Whether an error says that too much was asked, and when to ask again."""
    if error["extensions"]["code"] != "RATE_LIMITED":
        return False
    assert error["message"] == SENTENCE
    retry_at = datetime.fromisoformat(error["extensions"]["retryAt"])
    now = datetime.now(UTC)
    assert now - timedelta(seconds=5) < retry_at <= now + timedelta(hours=1)
    return True


async def refused(api: Api, query: str) -> None:
    """The whole request must be refused."""
    status, answer, response = await post(api, query)
    assert (status, answer.keys()) == (429, {"errors"})
    (error,) = answer["errors"]
    assert is_limited(error)
    assert 1 <= int(response.headers["retry-after"]) <= 60


async def names(clinic: Clinic) -> list[str]:
    """The departments that there are, as another server tells."""
    found = await clinic.admin.ask("{ departments { edges { node { name } } } }")
    return [edge["node"]["name"] for edge in found["departments"]["edges"]]


async def test_a_user_may_ask_so_much_in_a_minute_and_others_have_theirs(
    clinic: Clinic, database_url: str
) -> None:
    async with another_server(clinic.admin, database_url, points_per_user=8) as admin:
        for _ in range(3):
            assert (await post(admin, "{ viewer { role } }"))[0] == 200
        assert (await post(admin, CREATE % DEPARTMENT % ("a", "First")))[0] == 200
        for query in ("{ __typename }", CREATE % DEPARTMENT % ("a", "Second"), "{"):
            await refused(admin, query)
        assert await names(clinic) == ["First"]
        # On sockets as well, and each of them is told so.
        async with connected(admin) as socket:
            await socket.send({**INIT, "payload": {"authorization": f"Bearer {admin.token}"}})
            assert await socket.close_code() == 1013
        doctor = admin.signed_in(str(clinic.doctor.token))
        assert (await post(doctor, "{ viewer { role } }"))[0] == 200
        public = Api(admin.url, admin.http, admin.slug)
        assert (await post(public, "{ __typename }"))[0] == 200


async def test_each_alias_counts_and_a_mutation_counts_more(
    clinic: Clinic, database_url: str
) -> None:
    async with another_server(clinic.admin, database_url, points_per_user=20) as admin:
        many = " ".join(f"a{number}: __typename" for number in range(21))
        for storm in (f"{{ {many} }}", f"{{ ...A }} fragment A on Query {{ {many} }}"):
            await refused(admin, storm)
        # Two points are gone, one for each document that came: 18 are three acts and three queries.
        three = " ".join(DEPARTMENT % (f"a{number}", f"No. {number}") for number in range(3))
        assert (await post(admin, CREATE % three))[0] == 200
        one_more = DEPARTMENT % ("a", "One too many")
        await refused(admin, CREATE % one_more)
        assert (await post(admin, "{ a: __typename b: __typename }"))[0] == 200
        await refused(admin, "{ __typename }")
    assert await names(clinic) == [f"No. {number}" for number in range(3)]


async def test_each_thousand_rows_that_may_come_count_like_another_question(
    clinic: Clinic, database_url: str
) -> None:
    doctors = "doctors(first: 80) { edges { node { id } } }"
    pages = f"{{ departments(first: 100) {{ edges {{ node {{ {doctors} }} }} }} }}"
    async with another_server(clinic.admin, database_url, points_per_user=10) as admin:
        body = {"query": pages, "extensions": {"cost": True}}
        async with admin.http.post(admin.url, json=body, headers=admin.headers) as response:
            answer = await response.json()
        assert answer["extensions"]["cost"]["requested"] // 1_000 == 8
        # One point for the question and eight for its rows: one is left.
        assert (await post(admin, "{ __typename }"))[0] == 200
        await refused(admin, "{ __typename }")


async def test_the_public_is_counted_by_address_and_apart_from_the_clinic(
    clinic: Clinic, database_url: str
) -> None:
    limits = {"points_per_address": 5, "points_per_organization": 8}
    trusted = ("127.0.0.1",)
    async with another_server(
        clinic.public, database_url, **limits, trusted_proxies=trusted
    ) as public:

        async def status_from(address: str) -> int:
            headers = {**public.headers, "x-forwarded-for": address}
            body = {"query": "{ __typename }"}
            async with public.http.post(public.url, json=body, headers=headers) as response:
                return response.status

        assert [await status_from("203.0.113.1") for _ in range(6)] == [200] * 5 + [429]
        assert [await status_from("203.0.113.2") for _ in range(4)] == [200] * 3 + [429]
        # What the public has used up, those who work there still have.
        admin = public.signed_in(str(clinic.admin.token))
        assert [(await post(admin, "{ __typename }"))[0] for _ in range(9)] == [200] * 8 + [429]
        doctor = public.signed_in(str(clinic.doctor.token))
        await refused(doctor, "{ __typename }")


async def test_on_a_socket_only_the_operation_is_refused(clinic: Clinic, database_url: str) -> None:
    async with another_server(clinic.public, database_url, points_per_address=4) as public:
        async with acknowledged(public) as socket:
            window = {"from": wire(tomorrow(0)), "to": wire(tomorrow(23))}
            live = {"id": id_of(calendar_of(clinic)), **window}
            await socket.subscribe("live", CHANGES % FIELDS, **live)
            assert (await socket.next())["type"] == "next"
            await socket.is_well()
            error = await socket.error("1", "{ a: __typename b: __typename }")
            assert is_limited(error)
            for id, query in (("2", "{ __typename }"), ("3", CHANGES % FIELDS)):
                assert is_limited(await socket.error(id, query, **live))
            await socket.send({"type": "ping"})
            assert await socket.next() == {"type": "pong"}
        async with events(public, CHANGES % FIELDS, live) as stream:
            assert stream.response.status == 429
            assert is_limited((await stream.response.json())["errors"][0])


SIGN_UP = """mutation {
  %s: signUp(input: {
    name: "Ada", email: "ada.%s@home.example", password: "correct-horse-battery-%s"
  }) { session { user { email } } errors { __typename } }
}"""


async def test_so_many_accounts_are_made_from_one_address_in_an_hour(
    clinic: Clinic, database_url: str
) -> None:
    async with another_server(clinic.public, database_url, sign_ups_per_address=2) as public:
        both = [SIGN_UP % ("a", number, number) for number in range(3)]
        for query in both[:2]:
            assert (await post(public, query))[1]["data"]["a"]["errors"] == []
        for _ in range(2):
            status, answer, _ = await post(public, both[2])
            # It was refused while it was carried out: other parts of it may have been done.
            assert (status, answer["data"]) == (200, None)
            assert is_limited(answer["errors"][0])
        async with acknowledged(public) as socket:
            assert is_limited((await socket.answer("1", both[2]))["errors"][0])
    database = clinic.factory.database
    async with database.reading(clinic.factory.organization.id) as session:
        made = select(func.count()).where(User.email.like("ada.%@home.example"))
        assert (await session.execute(made)).scalar_one() == 2


async def test_processes_count_together_and_alone_while_they_cannot(
    clinic: Clinic, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    broker = Valkey()
    await asyncio.to_thread(broker.start)
    limits = {"points_per_user": 6, "rate_limit_url": broker.url}
    try:
        async with (
            another_server(clinic.admin, database_url, **limits) as here,
            another_server(clinic.admin, database_url, **limits) as there,
        ):
            for api in (here, there) * 3:
                assert (await post(api, "{ __typename }"))[0] == 200
            await refused(here, "{ __typename }")
            await refused(there, "{ __typename }")
            await asyncio.to_thread(broker.kill)
            assert [(await post(here, "{ __typename }"))[0] for _ in range(7)] == [200] * 6 + [429]
            assert (await post(there, "{ __typename }"))[0] == 200
            said = [record for record in caplog.records if record.name == "limits"]
            # Each process once.
            assert [record.levelname for record in said] == ["WARNING"] * 2
    finally:
        await asyncio.to_thread(broker.kill)


async def test_a_server_starts_and_serves_without_the_shared_counts(
    clinic: Clinic, database_url: str
) -> None:
    nowhere = "redis://127.0.0.1:1"
    async with another_server(
        clinic.admin, database_url, points_per_user=2, rate_limit_url=nowhere
    ) as admin:
        assert [(await post(admin, "{ __typename }"))[0] for _ in range(3)] == [200, 200, 429]


async def test_when_too_many_wait_the_next_is_sent_away_at_once(
    clinic: Clinic, database_url: str
) -> None:
    database, organization = clinic.factory.database, clinic.factory.organization
    rename = 'mutation { updateOrganization(input: {name: "Renamed"}) { organization { name } } }'
    async with (
        another_server(clinic.admin, database_url, executions=1, executions_waiting=1) as admin,
        acknowledged(admin) as socket,
    ):
        async with database.writing(organization.id) as session:
            row = select(Organization).where(Organization.id == organization.id)
            await session.execute(row.with_for_update())
            renaming = asyncio.create_task(post(admin, rename))
            await has_come_to_wait(session)
            two = [asyncio.create_task(post(admin, "{ __typename }")) for _ in range(2)]
            done, _ = await asyncio.wait(two, return_when=asyncio.FIRST_COMPLETED, timeout=30)
            status, answer, response = done.pop().result()
            assert status == 503
            assert answer["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
            assert response.headers["retry-after"] == "2"
            error = await socket.error("1", "{ __typename }")
            assert error["extensions"]["code"] == "UNAVAILABLE"
            # Live views do not wait: what they show is not asked again for each.
            await socket.send({"type": "ping"})
            assert await socket.next() == {"type": "pong"}
        assert (await renaming)[1]["data"]["updateOrganization"]["organization"] == {
            "name": "Renamed"
        }
        assert sorted([(await task)[0] for task in two]) == [200, 503]
        await socket.is_well()


async def has_come_to_wait(session: ReadSession) -> None:
    """Return when somebody waits for a lock."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with asyncio.timeout(30):
        while not (await session.execute(waiting)).scalar_one():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
