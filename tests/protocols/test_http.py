"""GraphQL over HTTP: bodies that are none, methods, media types, and what is said of our faults."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import pytest

from schema.view import LARGEST_BODY
from tests.api import Api
from tests.conftest import Clinic

RESPONSE = "application/graphql-response+json"
CHANGE = 'mutation { createDepartment(input: {name: "%s"}) { department { id } } }'
NO_BODIES = {
    "null": b"null",
    "a number": b"1",
    "a string": b'"{ __typename }"',
    "true": b"true",
    "nothing": b"",
    "blanks": b"  \n",
    "a list": b"[]",
    "lists in lists": b"[[]]",
    "one in a batch": b'[{"query": "{ __typename }"}]',
    "a batch": b'[{"query": "{ __typename }"}, {"query": "{ __typename }"}]',
    "no JSON": b"{ __typename }",
    "half of it": b'{"query": "{ __typename }"',
    "two of them": b'{"query": "{ __typename }"}{"query": "{ __typename }"}',
    "a comment": b'{"query": "{ __typename }"} // no JSON',
    "single quotes": b"{'query': '{ __typename }'}",
    "no UTF-8": b'{"query": "{ __typename } # \xff\xfe"}',
    "UTF-16": '{"query": "{ __typename }"}'.encode("utf-16"),
    "a lone surrogate": b'{"query": "{ __typename } # \\ud800"}',
    "NUL": b'{"query": "{ __typename }"}\0',
    "NaN": b'{"query": "{ __typename }", "variables": {"a": NaN}}',
    "Infinity": b'{"query": "{ __typename }", "variables": {"a": -Infinity}}',
    "an endless number": b'{"query": "{ __typename }", "variables": {"a": ' + b"9" * 5000 + b"}}",
    "deep lists": b'{"query": "{ __typename }", "variables": {"a": '
    + b"[" * 2000
    + b"]" * 2000
    + b"}}",
    "deep objects": b'{"a":' * 2000 + b"1" + b"}" * 2000,
    "no query": b"{}",
    "another key": b'{"Query": "{ __typename }"}',
    "query null": b'{"query": null}',
    "query empty": b'{"query": ""}',
    "query a number": b'{"query": 1}',
    "query a list": b'{"query": ["{ __typename }"]}',
    "query an object": b'{"query": {}}',
    "variables a list": b'{"query": "{ __typename }", "variables": []}',
    "variables a string": b'{"query": "{ __typename }", "variables": "{}"}',
    "variables a number": b'{"query": "{ __typename }", "variables": 0}',
    "variables false": b'{"query": "{ __typename }", "variables": false}',
    "operationName a number": b'{"query": "{ __typename }", "operationName": 1}',
    "operationName a list": b'{"query": "query A { __typename }", "operationName": ["A"]}',
    "operationName false": b'{"query": "{ __typename }", "operationName": false}',
    "operationName unknown": b'{"query": "query A { __typename }", "operationName": "B"}',
    "operationName of nothing": b'{"query": "{ __typename }", "operationName": "A"}',
    "extensions a list": b'{"query": "{ __typename }", "extensions": []}',
    "a subscription": b'{"query": "subscription { calendarChanges { cursor } }"}',
}


async def post(api: Api, body: bytes, **headers: str) -> tuple[int, Any, aiohttp.ClientResponse]:
    """The status and the JSON of an answer."""
    headers = {**api.headers, "content-type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    async with api.http.post(api.url, data=body, headers=headers) as response:
        return response.status, await response.json(content_type=None), response


async def departments(api: Api) -> list[str]:
    found = await api.ask("{ departments(first: 100) { edges { node { name } } } }")
    return [edge["node"]["name"] for edge in found["departments"]["edges"]]


@pytest.mark.parametrize("body", NO_BODIES.values(), ids=NO_BODIES.keys())
async def test_a_body_that_is_no_request_is_a_bad_request(public: Api, body: bytes) -> None:
    for accept in ("application/json", RESPONSE):
        status, answer, response = await post(public, body, accept=accept)
        assert status == 400
        assert response.headers["content-type"] == f"{accept}; charset=utf-8"
        assert answer.keys() == {"errors"}
        (error,) = answer["errors"]
        assert error["extensions"] == {"code": "QUERY_REJECTED"}
        assert error["message"]


async def test_of_a_key_that_stands_twice_the_last_one_counts(public: Api) -> None:
    body = b'{"query": "{ nonsense }", "query": "{ __typename }", "variables": null}'
    assert (await post(public, body))[:2] == (200, {"data": {"__typename": "Query"}})


async def test_several_operations_need_the_name_of_one(public: Api) -> None:
    query = "query A { a: __typename } query B { b: __typename }"
    assert (await public.send(query))["errors"][0]["extensions"]["code"] == "QUERY_REJECTED"
    body = json.dumps({"query": query, "operationName": "B"}).encode()
    assert (await post(public, body))[:2] == (200, {"data": {"b": "Query"}})


async def test_a_body_as_large_as_is_allowed_is_read_and_no_larger_one(public: Api) -> None:
    body = b'{"query": "{ __typename }"}'.ljust(LARGEST_BODY)
    assert (await post(public, body))[0] == 200
    status, answer, response = await post(public, body + b" ")
    assert status == 413
    assert answer["errors"][0]["extensions"]["code"] == "QUERY_REJECTED"
    assert response.headers["connection"] == "close"


async def test_a_large_body_is_refused_while_it_is_still_being_sent(public: Api) -> None:
    address = urlsplit(public.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(
        b"POST /graphql HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n"
        b"transfer-encoding: chunked\r\nx-organization: " + public.slug.encode() + b"\r\n\r\n"
    )
    chunk = b"2000\r\n" + b" " * 0x2000 + b"\r\n"
    for _ in range(LARGEST_BODY // 0x2000 + 1):
        writer.write(chunk)
    # The last chunk never comes, and the answer does, and then the connection ends.
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["errors"][0]["extensions"] == {
        "code": "QUERY_REJECTED"
    }


async def test_who_leaves_in_the_middle_of_a_body_leaves_no_trace(
    public: Api, caplog: pytest.LogCaptureFixture
) -> None:
    address = urlsplit(public.url)
    for _ in range(5):
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(
            b"POST /graphql HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n"
            b"content-length: 1000\r\nx-organization: " + public.slug.encode() + b'\r\n\r\n{"que'
        )
        await writer.drain()
        writer.transport.abort()
    assert await public.ask("{ __typename }") == {"__typename": "Query"}
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/jsonp",
        "application/json, text/plain",
        "application/octet-stream",
        "",
    ],
)
async def test_a_body_of_another_type_changes_nothing(clinic: Clinic, content_type: str) -> None:
    body = json.dumps({"query": CHANGE % "Forged"}).encode()
    status, answer, _ = await post(clinic.admin, body, content_type=content_type)
    assert status == 415
    assert answer["errors"][0]["extensions"] == {"code": "QUERY_REJECTED"}
    assert await departments(clinic.admin) == []


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON", "application/json;charset=utf-8", " application/json"],
)
async def test_a_body_of_json_is_read_however_its_type_is_written(
    public: Api, content_type: str
) -> None:
    body = b'{"query": "{ __typename }"}'
    assert (await post(public, body, content_type=content_type))[0] == 200


async def get(api: Api, accept: str = "application/json", **parameters: str) -> tuple[int, Any]:
    url = f"{api.url}?{urlencode(parameters)}"
    async with api.http.get(url, headers={**api.headers, "accept": accept}) as response:
        return response.status, await response.json(content_type=None)


async def test_a_query_may_come_by_get(clinic: Clinic) -> None:
    query = "query A($first: Int) { doctors(first: $first) { totalCount } } query B { __typename }"
    found = await get(clinic.public, query=query, operationName="A", variables='{"first": 1}')
    assert found == (200, {"data": {"doctors": {"totalCount": 1}}})


@pytest.mark.parametrize(
    "parameters",
    [
        {"query": ""},
        {"query": "{ __typename }", "variables": "[]"},
        {"query": "{ __typename }", "variables": "nonsense"},
        {"query": "{ __typename }", "variables": '{"a": "\\ud800"}'},
        {"query": "{ __typename }", "variables": "[" * 2000},
        {"query": "{ __typename }", "extensions": "1"},
        {"query": "query A { __typename }", "operationName": "B"},
        {"query": "subscription { calendarChanges { cursor } }"},
        {"variables": "{}"},
    ],
)
async def test_an_address_that_is_no_request_is_a_bad_request(
    public: Api, parameters: dict[str, str]
) -> None:
    status, answer = await get(public, **parameters)
    assert status == 400
    assert answer["errors"][0]["extensions"] == {"code": "QUERY_REJECTED"}


async def test_a_mutation_by_get_is_not_carried_out(clinic: Clinic) -> None:
    url = f"{clinic.admin.url}?{urlencode({'query': CHANGE % 'Forged'})}"
    for accept in ("application/json", RESPONSE, "text/html"):
        headers = {**clinic.admin.headers, "accept": accept}
        async with clinic.admin.http.get(url, headers=headers) as response:
            assert response.status == 405
            assert response.headers["allow"] == "POST"
            answer = await response.json(content_type=None)
        assert answer["errors"][0]["extensions"] == {"code": "QUERY_REJECTED"}
    assert await departments(clinic.admin) == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"])
async def test_other_methods_are_not_allowed(clinic: Clinic, method: str) -> None:
    body = {"query": CHANGE % "Forged"}
    async with clinic.admin.http.request(
        method, clinic.admin.url, json=body, headers=clinic.admin.headers
    ) as response:
        assert response.status == 405
        assert response.headers["allow"] == "GET, POST"
        assert "access-control-allow-origin" not in response.headers
        if method != "HEAD":
            answer = await response.json()
            assert answer["errors"][0]["extensions"] == {"code": "QUERY_REJECTED"}
    assert await departments(clinic.admin) == []
    # That is so for everybody, before anything is looked up.
    async with clinic.admin.http.request(method, clinic.admin.url) as response:
        assert response.status == 405


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("", "application/json"),
        ("text/html", "application/json"),
        ("multipart/mixed", "application/json"),
        (RESPONSE, RESPONSE),
        (f"{RESPONSE}; charset=utf-8, application/json; charset=utf-8", RESPONSE),
        (f"application/json, {RESPONSE};q=0.9", RESPONSE),
    ],
)
async def test_the_answer_has_a_media_type_that_is_accepted(
    public: Api, accept: str, media_type: str
) -> None:
    async def answered(query: str) -> tuple[int, Any]:
        body = json.dumps({"query": query}).encode()
        status, answer, response = await post(public, body, accept=accept)
        assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
        return status, answer

    assert await answered("{ __typename }") == (200, {"data": {"__typename": "Query"}})
    # What was not carried out has no `data`, and is a 400 in the newer media type alone.
    for nonsense in ("{", "{ nonsense }", "query ($a: Int!) { doctors(first: $a) { totalCount } }"):
        status, answer = await answered(nonsense)
        assert status == (400 if media_type == RESPONSE else 200)
        assert "data" not in answer
        extensions = answer["errors"][0]["extensions"]
        assert extensions["code"] in {"QUERY_REJECTED", "BAD_INPUT"}
        assert len(extensions["requestId"]) == 32
    # What failed while it was carried out is a 200 in both.
    status, answer = await answered('{ node(id: "x") { id } }')
    assert (status, answer["data"]) == (200, {"node": None})


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Digest x",
        "bearer a b",
        "Token x",
        "\xe9",
        "x" * 5000,
    ],
)
async def test_a_credential_that_is_none_is_unauthenticated(
    clinic: Clinic, authorization: str
) -> None:
    body = b'{"query": "{ __typename }"}'
    status, answer, response = await post(clinic.public, body, authorization=authorization)
    assert status == 401
    assert answer["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_good_token_under_another_scheme_is_unauthenticated(clinic: Clinic) -> None:
    for scheme in ("Basic", "Token", "JWT", "Bearer:"):
        credential = f"{scheme} {clinic.admin.token}"
        status, answer, _ = await post(
            clinic.public, b'{"query": "{ viewer { role } }"}', authorization=credential
        )
        assert (status, answer.keys()) == (401, {"errors"}), scheme
        assert answer["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_the_scheme_of_a_credential_may_be_written_in_any_case(clinic: Clinic) -> None:
    for scheme in ("bearer", "BEARER", "Bearer "):
        body = b'{"query": "{ viewer { role } }"}'
        status, answer, _ = await post(
            clinic.public, body, authorization=f"{scheme} {clinic.admin.token}"
        )
        assert (status, answer) == (200, {"data": {"viewer": {"role": "ADMIN"}}})


async def test_an_organization_that_is_not_there_is_not_found(public: Api) -> None:
    for slug in ("nobody", "", "A-Clinic", "x" * 5000, "%00", "' OR 1=1 --", "\xe9"):
        status, answer, _ = await post(
            public, b'{"query": "{ __typename }"}', **{"x-organization": slug}
        )
        assert status == 404, slug
        assert answer["errors"][0]["extensions"] == {"code": "NOT_FOUND"}


async def test_a_deep_document_is_rejected(public: Api) -> None:
    for query in ("{ a " * 3000, "{ nodes(ids: " + "[" * 9000, "{ a(b: " + "{c: " * 9000):
        assert await public.error_code(query) == "QUERY_REJECTED"


async def test_a_number_of_five_thousand_digits_in_a_document_is_rejected(public: Api) -> None:
    number = "9" * 5000
    assert await public.error_code(f"{{ doctors(first: {number}) {{ totalCount }} }}") == (
        "QUERY_REJECTED"
    )


async def test_a_server_that_lives_says_so(public: Api) -> None:
    root = public.url.removesuffix("/graphql")
    for path, said in (("/healthz", {"alive": True}), ("/readyz", {"ready": True})):
        async with public.http.get(root + path) as response:
            assert (response.status, await response.json()) == (200, said)
    async with public.http.get(root, allow_redirects=False) as response:
        assert (response.status, response.headers["location"]) == (307, "/graphql")
    for path in ("/docs", "/metrics", "/graphql/x", "/.env", "/../main.py"):
        async with public.http.get(root + path, allow_redirects=False) as response:
            assert response.status == 404, path
