"""What strangers learn of the schema in production: whether a document fits it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from models import Organization
from schema.documents import DOES_NOT_FIT
from schema.root import schema
from tests.api import Api
from tests.conftest import serving
from tests.hostile.conftest import PRODUCTION, ByHost
from tests.hostile.ways import refused
from tests.live.event_streams import events
from tests.protocols.sockets import acknowledged

NAMES = {name for name in schema._schema.type_map if not name.startswith("__")} - {"ID", "Int"}
ABOUT_THE_SCHEMA = [
    "{ __schema { types { name } } }",
    '{ __type(name: "Query") { name } }',
    "{ a: __schema { queryType { name } } }",
    "{ __typename ...F } fragment F on Query { __schema { types { name } } }",
    '{ ... { ... on Query { a: __type(name: "User") { fields { name } } } } }',
    "query A { __schema { types { name } } }",
    "{ __schema @skip(if: true) { types { name } } }",
]
NEAR_MISSES = [
    "{ doctor }",
    "{ doctor(id: 1) { nam } }",
    "{ doctors }",
    "{ doctors { edges { node { nam specialt } } } }",
    "{ doctors(frist: 1) { totalCount } }",
    "{ viewer { ... on Docto { id } } }",
    "{ node(id: 1) { ... on Usr { id } } }",
    "{ __typename @skp(if: true) }",
    "{ __typename @skip(iff: true) }",
    "{ appointments(filter: {statu: BOOKED}) { totalCount } }",
    "{ appointments(filter: {status: BOKED}) { totalCount } }",
    '{ appointments(filter: {from: "x"}) { totalCount } }',
    "{ viewer { ...F } } fragment F on Usr { id }",
    "query ($a: Strin) { doctors(search: $a) { totalCount } }",
    "query ($a: Int) { doctors(search: $a) { totalCount } }",
    'query ($a: Int = "x") { doctors(first: $a) { totalCount } }',
    "{ doctors { edges { node { calendar { owner { nam } } } } } }",
    "{ viewer { id: name id } }",
    "query ($unused: Int) { __typename }",
    'mutation { signIn(input: {login: "a", passwort: "b"}) { session { accessTokn } } }',
]


def check_silence(text: str) -> None:
    assert "Did you mean" not in text
    words = set(
        text.replace("'", " ").replace('"', " ").replace("!", " ").replace(".", " ").split()
    )
    assert words & NAMES == set(), text


@pytest.mark.parametrize("query", ABOUT_THE_SCHEMA)
async def test_the_schema_is_not_told(production: Api, query: str) -> None:
    """In the words in which a field that is not there is refused."""
    sentence = await refused(production, query)
    assert sentence == await refused(production, "{ nothing }") == DOES_NOT_FIT


@pytest.mark.parametrize("query", NEAR_MISSES)
async def test_what_does_not_fit_is_refused_without_a_name(production: Api, query: str) -> None:
    answer = await production.send(query)
    assert [error["message"] for error in answer["errors"]] == [DOES_NOT_FIT]


VALUES = [
    (
        "query ($a: Int) { doctors(first: $a) { totalCount } }",
        {"a": "x"},
        "Variable '$a' has invalid value.",
    ),
    (
        "query ($a: [AppointmentStatus!]) { appointments(filter: {status: $a}) { totalCount } }",
        {"a": ["BOOKED", "BOKED"]},
        "Variable '$a' has invalid value at [1].",
    ),
    (
        "mutation ($input: SignInInput!) { signIn(input: $input) { errors { __typename } } }",
        {"input": {"login": "a", "passwort": "a secret"}},
        "Variable '$input' has invalid value.",
    ),
    (
        "query ($input: AppointmentFilter) { appointments(filter: $input) { totalCount } }",
        {"input": {"statu": ["BOOKED"]}},
        "Variable '$input' has invalid value.",
    ),
    ("query ($a: ID!) { node(id: $a) { id } }", {}, "Variable '$a' has invalid value."),
    # The sentences of our own scalars name nothing.
    (
        "query ($a: DateTime) { appointments(filter: {from: $a}) { totalCount } }",
        {"a": "yesterday"},
        (
            "Variable '$a' has invalid value: This is not an instant with its offset, such as "
            "2027-03-28T09:00:00+02:00 or …Z."
        ),
    ),
    (
        "query ($a: Int) { doctors(first: $a) { totalCount } }",
        {"a": 1000},
        "first: A page has 1 to 100 items.",
    ),
]


@pytest.mark.parametrize(("query", "variables", "sentence"), VALUES)
async def test_a_value_is_refused_without_the_names_of_types(
    production: Api, query: str, variables: dict[str, Any], sentence: str
) -> None:
    answer = await production.send(query, **variables)
    assert sentence in [error["message"] for error in answer["errors"]]
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_INPUT"}
    assert "a secret" not in json.dumps(answer)
    if "instant" not in sentence:
        check_silence(json.dumps(answer))


@pytest.mark.parametrize(
    "given",
    [{}, {"id": None}, {"id": {"a": "secret"}}, {"id": "x", "from": "yesterday"}],
)
async def test_the_variables_of_a_subscription_are_refused_as_those_of_a_query(
    production: Api, given: dict[str, Any]
) -> None:
    """The same words by the same code, as an event, on a socket and for a query."""
    head = "($id: ID!, $from: DateTime!, $to: DateTime!)"
    calendar = "calendar(id: $id) { slots(from: $from, to: $to) { id } }"
    view = "calendarChanges(calendarId: $id, from: $from, to: $to) { cursor }"
    query = (await production.send(f"query {head} {{ {calendar} }}", **given))["errors"]
    document = f"subscription {head} {{ {view} }}"
    async with events(production, document, given) as stream:
        event, _ = await stream.rest()
    async with acknowledged(production) as socket:
        await socket.subscribe("bad", document, **given)
        said = await socket.next()
    words = [
        [(error["message"], error["extensions"]["code"]) for error in errors]
        for errors in (query, event.data["errors"], said["payload"])
    ]
    assert {code for _, code in words[0]} == {"BAD_INPUT"}
    assert words == [words[0]] * 3


async def test_a_mistake_of_syntax_is_said_where_it_is(production: Api) -> None:
    assert await refused(production, "{ doctors {") == "Syntax Error: Expected Name, found <EOF>."


async def test_a_developer_is_told_everything(public: Api) -> None:
    answer = await public.send("{ doctor { id } }")
    assert answer["errors"][0]["message"] == (
        "Cannot query field 'doctor' on type 'Query'. Did you mean 'doctors'?"
    )


@pytest.fixture(scope="module")
def told_url(database_url: str) -> Iterator[str]:
    with serving(replace(PRODUCTION, introspection=True), database_url) as url:
        yield url


async def test_the_schema_is_told_where_that_is_wanted(
    told_url: str, http: aiohttp.ClientSession, organization: Organization, production: Api
) -> None:
    told = ByHost(told_url, http, organization.slug)
    for query in ABOUT_THE_SCHEMA:
        answer = await told.ask(query)
        assert answer is not None
        # What one server has read another does not give away.
        assert await production.error_code(query) == "QUERY_REJECTED"
    assert (
        "Did you mean 'doctors'?" in (await told.send("{ doctor { id } }"))["errors"][0]["message"]
    )
