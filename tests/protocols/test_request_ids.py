"""The id of a request: in its answer, in its errors and in the log; a proxy may choose it."""

import logging
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from tests.api import Api
from tests.conftest import CONFIG, Clinic, serving
from tests.protocols.sockets import acknowledged, watch

GOOD = "0af7651916cd43dd8448eb211c80319c"


async def id_of_answer(api: Api, query: str, *ids: str) -> tuple[str, dict[str, object]]:
    headers = [*api.headers.items(), *(("x-request-id", id) for id in ids)]
    async with api.http.post(api.url, json={"query": query}, headers=headers) as response:
        (id,) = response.headers.getall("x-request-id")
        return id, await response.json()


async def test_each_request_has_an_id_of_its_own(
    public: Api, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "access"):
        ids = [(await id_of_answer(public, "query A { __typename }"))[0] for _ in range(3)]
        # It is written down once it has been answered; of this one perhaps not yet.
        id, answer = await id_of_answer(public, '{ node(id: "x") { id } }')
    assert answer["errors"][0]["extensions"]["requestId"] == id  # type: ignore[index]
    assert len({*ids, id}) == 4
    assert all(len(id) == 32 for id in ids)
    records: list[Any] = [record for record in caplog.records if record.name == "access"]
    assert [record.request_id for record in records[:3]] == ids
    told = {name: getattr(records[0], name) for name in ("operation", "outcome", "status", "path")}
    assert told == {"operation": "A", "outcome": "OK", "status": 200, "path": "/graphql"}


async def test_the_word_of_a_proxy_is_taken_if_it_is_a_name(
    clinic: Clinic, database_url: str
) -> None:
    config = replace(CONFIG, trusted_proxies=("127.0.0.1",))
    with serving(config, database_url) as url:
        api = Api(url, clinic.public.http, clinic.public.slug)
        for name in (GOOD, "A-b_9" * 4):
            assert (await id_of_answer(api, "{ __typename }", name))[0] == name
        for none in ("", "short", "x" * 65, "a b c d e f", "a\tb" * 5, "\u20ac" * 9, "<b>12345678"):
            assert len((await id_of_answer(api, "{ __typename }", none))[0]) == 32


async def test_the_word_of_others_is_not(public: Api) -> None:
    assert (await id_of_answer(public, "{ __typename }", GOOD))[0] != GOOD


async def test_on_a_socket_each_operation_is_written_down(
    clinic: Clinic, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "access"):
        async with acknowledged(clinic.admin) as socket:
            await socket.answer("1", "query B { __typename }")
            await socket.error("2", "{")
            await watch(socket, clinic, "3")
            await socket.is_well()
    told = [
        (getattr(r, "kind", ""), getattr(r, "operation", ""), r.outcome, getattr(r, "role", ""))  # type: ignore[attr-defined]
        for r in caplog.records
        if r.name == "access"
    ]
    assert told == [
        ("connection", "", "OK", "ADMIN"),
        ("query", "B", "OK", "ADMIN"),
        ("", "", "QUERY_REJECTED", "ADMIN"),
        ("subscription", "", "OK", "ADMIN"),
        ("query", "", "OK", "ADMIN"),
    ]
    assert all(not hasattr(r, "path") for r in caplog.records if r.name == "access")
