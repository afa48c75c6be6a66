"""Documents by their hashes: as Apollo's clients ask for them, by every way, and from a list."""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from models import Organization
from schema.persisted import MOST_CHARACTERS, Persisted
from tests.api import Api
from tests.clients import FOLDER, program
from tests.conftest import CONFIG, Clinic, serving
from tests.protocols.sockets import acknowledged

NOT_FOUND = {
    "message": "PersistedQueryNotFound",
    "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"},
}
ANSWER = {"data": {"__typename": "Query"}}


def hash_of(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()


def by_hash(query: str, /, **more: Any) -> dict[str, Any]:
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": hash_of(query)}}
    return {"extensions": extensions, **more}


def new() -> str:
    """A document that nobody has sent yet."""
    return f"query Q{secrets.token_hex(8)} {{ __typename }}"


async def post(api: Api, body: Any, **headers: str) -> tuple[int, Any]:
    async with api.http.post(api.url, json=body, headers={**api.headers, **headers}) as response:
        return response.status, await response.json(content_type=None)


async def get(api: Api, body: dict[str, Any]) -> tuple[int, Any]:
    parameters = {k: v if isinstance(v, str) else json.dumps(v) for k, v in body.items()}
    url = f"{api.url}?{urlencode(parameters)}"
    # With the Accept header of a plain fetch, which takes a page as well.
    async with api.http.get(url, headers={**api.headers, "accept": "*/*"}) as response:
        return response.status, await response.json(content_type=None)


async def test_a_document_is_asked_for_by_its_hash_once_it_was_sent_with_it(public: Api) -> None:
    query = new()
    for accept in ("application/json", "application/graphql-response+json"):
        assert await post(public, by_hash(query), accept=accept) == (200, {"errors": [NOT_FOUND]})
    assert await get(public, by_hash(query)) == (200, {"errors": [NOT_FOUND]})
    assert await post(public, by_hash(query, query=query)) == (200, ANSWER)
    assert await post(public, by_hash(query)) == (200, ANSWER)
    assert await post(public, by_hash(query, query=None)) == (200, ANSWER)
    assert await get(public, by_hash(query)) == (200, ANSWER)
    async with acknowledged(public) as socket:
        for payload in (by_hash(query), by_hash(query, query=""), by_hash(query, query=None)):
            await socket.send({"type": "subscribe", "id": "1", "payload": payload})
            assert await socket.next() == {"id": "1", "type": "next", "payload": ANSWER}
            assert await socket.next() == {"id": "1", "type": "complete"}


async def test_a_document_is_registered_by_get_and_on_a_socket(public: Api) -> None:
    query = new()
    assert await get(public, by_hash(query, query=query)) == (200, ANSWER)
    assert await get(public, by_hash(query)) == (200, ANSWER)
    query = new()
    async with acknowledged(public) as socket:
        await socket.send({"type": "subscribe", "id": "1", "payload": by_hash(query)})
        assert await socket.next() == {"id": "1", "type": "error", "payload": [NOT_FOUND]}
        payload = by_hash(query, query=query)
        await socket.send({"type": "subscribe", "id": "1", "payload": payload})
        assert (await socket.next())["payload"] == ANSWER
        assert (await socket.next())["type"] == "complete"
        await socket.send({"type": "subscribe", "id": "1", "payload": by_hash(query)})
        assert (await socket.next())["payload"] == ANSWER


async def test_a_hash_carries_variables_and_a_name(clinic: Clinic) -> None:
    query = "query A($n: Int) { doctors(first: $n) { totalCount } } query B { __typename }"
    await post(clinic.public, by_hash(query, query=query, operationName="B"))
    body = by_hash(query, operationName="A", variables={"n": 1})
    assert await get(clinic.public, body) == (200, {"data": {"doctors": {"totalCount": 1}}})


async def test_a_mutation_by_its_hash_needs_post(clinic: Clinic) -> None:
    query = 'mutation { createDepartment(input: {name: "Forged"}) { errors { __typename } } }'
    status, _ = await post(clinic.public, by_hash(query, query=query))
    assert status == 200
    status, answer = await get(clinic.admin, by_hash(query))
    assert (status, answer["errors"][0]["message"]) == (405, "Mutations need POST.")
    url = (
        f"{clinic.admin.url}?{urlencode({'extensions': json.dumps(by_hash(query)['extensions'])})}"
    )
    headers = {**clinic.admin.headers, "accept": "text/event-stream"}
    async with clinic.admin.http.get(url, headers=headers) as response:
        assert response.status == 405
    found = await clinic.admin.ask("{ departments { totalCount } }")
    assert found == {"departments": {"totalCount": 0}}


@pytest.mark.parametrize(
    "asked",
    [
        {},
        [],
        "x",
        1,
        True,
        {"version": 1},
        {"version": 2, "sha256Hash": "x"},
        {"version": "1", "sha256Hash": "x"},
        {"sha256Hash": "x"},
        {"version": 1, "sha256Hash": 1},
        {"version": 1, "sha256Hash": None},
        {"version": 1, "sha256Hash": ["x"]},
    ],
)
async def test_what_is_no_hash_is_refused(public: Api, asked: Any) -> None:
    body = {"extensions": {"persistedQuery": asked}}
    status, answer = await post(public, body)
    assert (status, [e["extensions"] for e in answer["errors"]]) == (
        400,
        [{"code": "QUERY_REJECTED"}],
    )
    async with acknowledged(public) as socket:
        await socket.send({"type": "subscribe", "id": "1", "payload": body})
        assert (await socket.next_error("1"))["extensions"] == {"code": "QUERY_REJECTED"}
        await socket.is_well()


async def test_nobody_gives_a_document_the_hash_of_another(public: Api) -> None:
    query, forged = new(), new()
    status, answer = await post(public, by_hash(query, query=forged))
    assert (status, answer["errors"][0]["message"]) == (
        400,
        "The hash is not the SHA-256 of the document.",
    )
    assert await post(public, by_hash(query)) == (200, {"errors": [NOT_FOUND]})
    assert await post(public, by_hash(forged)) == (200, {"errors": [NOT_FOUND]})


async def test_a_document_is_held_to_the_limits_however_it_comes(public: Api) -> None:
    query = "{ " + " ".join(f"a{n}: __typename" for n in range(40)) + " }"
    for body in (by_hash(query, query=query), by_hash(query)):
        _, answer = await post(public, body)
        assert answer["errors"][0]["extensions"]["code"] == "QUERY_REJECTED"


async def test_who_is_not_let_in_hears_nothing_of_documents(public: Api) -> None:
    async with public.http.ws_connect(
        public.url, protocols=("graphql-transport-ws",), headers=public.headers
    ) as socket:
        await socket.send_json({"type": "subscribe", "id": "1", "payload": by_hash(new())})
        assert (await socket.receive()).data == 4401


def test_memory_is_bounded_and_the_newest_are_kept() -> None:
    persisted = Persisted()
    queries = [f"{{ __typename }} # {n} ".ljust(16_000, "x") for n in range(300)]
    for query in queries:
        persisted.text(query, by_hash(query)["extensions"])
        # The first is asked for again and again.
        assert persisted.text(None, by_hash(queries[0])["extensions"]) == queries[0]
    held = sum(query in persisted._remembered.values() for query in queries)
    assert held == MOST_CHARACTERS // 16_000
    assert persisted.text(None, by_hash(queries[-1])["extensions"]) == queries[-1]
    assert persisted._characters == sum(map(len, persisted._remembered.values()))


REGISTERED = {"a-hash-of-any-kind": "query Known { __typename }"}


@pytest.fixture(scope="module")
def strict_url(database_url: str) -> Iterator[str]:
    with serving(replace(CONFIG, persisted_documents=REGISTERED), database_url) as url:
        yield url


@pytest.fixture
def strict(strict_url: str, http: aiohttp.ClientSession, organization: Organization) -> Api:
    return Api(strict_url, http, organization.slug)


async def test_only_what_is_registered_is_accepted(strict: Api) -> None:
    known = {"persistedQuery": {"version": 1, "sha256Hash": "a-hash-of-any-kind"}}
    assert await post(strict, {"extensions": known}) == (200, ANSWER)
    assert await get(strict, {"extensions": known}) == (200, ANSWER)
    assert await post(strict, {"query": REGISTERED["a-hash-of-any-kind"]}) == (200, ANSWER)
    other = "query Unknown { __typename }"
    assert await post(strict, by_hash(other)) == (200, {"errors": [NOT_FOUND]})
    bodies = ({"query": other}, by_hash(other, query=other), {"query": other, "extensions": known})
    for body in bodies:
        status, answer = await post(strict, body)
        assert (status, answer["errors"]) == (
            400,
            [
                {
                    "message": "Only documents that are registered are accepted.",
                    "extensions": {"code": "QUERY_REJECTED"},
                }
            ],
        )
        assert (await get(strict, body))[0] == 400
    async with acknowledged(strict) as socket:
        assert (await socket.error("1", other))["extensions"] == {"code": "QUERY_REJECTED"}
        await socket.send({"type": "subscribe", "id": "1", "payload": {"extensions": known}})
        assert (await socket.next())["payload"] == ANSWER


async def test_apollo_client_asks_by_hash(clinic: Clinic) -> None:
    """The client's own link: it is refused, sends the document, and from then on the hash alone."""
    places = json.dumps(
        {"url": clinic.public.url, "slug": clinic.public.slug, "name": f"A{secrets.token_hex(8)}"}
    )
    process = await asyncio.create_subprocess_exec(
        program("node"), "persisted.mjs", places, cwd=FOLDER, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    assert json.loads(output) == {
        "answers": [{"doctors": {"totalCount": 1, "__typename": "DoctorConnection"}}] * 2,
        "sent": [
            {"method": "GET", "query": False},
            {"method": "POST", "query": True},
            {"method": "GET", "query": False},
        ],
    }
