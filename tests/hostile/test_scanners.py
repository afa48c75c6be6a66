"""What scanners and shields of GraphQL try, each with the exact answer that shows it to be refused
or harmless: the checks of graphql-cop, and of graphql-armor's cases those that the tests of our
limits do not hold already.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import graphql_sync

from schema.documents import DOES_NOT_FIT
from schema.limits import LONGEST
from schema.prices import MOST_POINTS
from schema.root import schema
from tests.api import Api
from tests.hostile.ways import refused

Answer = tuple[int, Any]
NOT_ASKED: Answer = 0, None

QUERY = "query cop { __typename }"
HARMLESS: Answer = 200, {"data": {"__typename": "Query"}}
ALIASES = "query cop { " + "".join(f"alias{n}:__typename \n" for n in range(101)) + " }"
DIRECTIVES = "query cop { __typename @aa@aa@aa@aa@aa@aa@aa@aa@aa@aa }"
CIRCLES = (
    "query cop { __schema { types { fields { type { fields { type { fields { type { fields "
    "{ type { name } } } } } } } } } } }"
)
DUPLICATES = "query cop { " + "__typename \n" * 500 + "} "
NEAR_MISS = "query cop { __schema { directive } }"
INTROSPECTION = "query cop { __schema { types { name fields { name } } } }"
NONSENSE = "qwerty cop { abc }"


def refusal(sentence: str, column: int = 0, status: int = 200) -> Answer:
    """An answer of one error and nothing else."""
    place = {"locations": [{"line": 1, "column": column}]} if column else {}
    error = {"message": sentence, **place, "extensions": {"code": "QUERY_REJECTED"}}
    return status, {"errors": [error]}


@dataclass(frozen=True)
class Check:
    """What a scanner asks, and the answer in production; in development, where it is another."""

    request: Mapping[str, Any]
    production: Answer
    development: Answer | None = None


def document(text: str) -> dict[str, Any]:
    """A document as graphql-cop sends it."""
    return {"method": "POST", "json": {"query": text, "operationName": "cop"}}


CHECKS = {
    "Field Suggestions": Check(
        document(NEAR_MISS),
        refusal(DOES_NOT_FIT, 24),
        refusal(
            "Cannot query field 'directive' on type '__Schema'. Did you mean 'directives'?", 24
        ),
    ),
    "Introspection": Check(
        document(INTROSPECTION),
        refusal(DOES_NOT_FIT, 13),
        (200, {"data": graphql_sync(schema._schema, INTROSPECTION).data}),
    ),
    # What it is in development: tests/protocols/test_files.py.
    "GraphQL IDE": Check(
        {"method": "GET", "headers": {"accept": "text/html"}},
        refusal("Not Found", status=404),
        NOT_ASKED,
    ),
    # Let in: there are no cookies that it could carry, and no page of others can read the answer.
    "GET Method Query Support": Check(
        {"method": "GET", "params": {"query": "query cop {__typename}"}}, HARMLESS
    ),
    "Alias Overloading": Check(
        document(ALIASES), refusal("At most 30 aliases are accepted; this document has 101.")
    ),
    "Array-based Query Batching": Check(
        {"method": "POST", "json": [{"query": QUERY}] * 10},
        refusal("Expected a JSON object.", status=400),
    ),
    "Trace Mode": Check(document(QUERY), HARMLESS),
    "Directive Overloading": Check(
        document(DIRECTIVES),
        refusal("At most 3 directives in one place are accepted; this document has 10."),
    ),
    "Introspection-based Circular Query": Check(
        document(CIRCLES),
        refusal(DOES_NOT_FIT, 13),
        refusal("Maximum introspection depth exceeded", 13),
    ),
    "Mutation is allowed over GET (possible CSRF)": Check(
        {"method": "GET", "params": {"query": "mutation cop {__typename}"}},
        refusal("Mutations need POST.", status=405),
    ),
    "POST based url-encoded query (possible CSRF)": Check(
        {"method": "POST", "data": {"query": QUERY}},
        refusal("The body must be application/json.", status=415),
    ),
    "Unhandled Errors Detection": Check(
        document(NONSENSE), refusal("Syntax Error: Unexpected Name 'qwerty'.", 1)
    ),
    "Field Duplication": Check(
        document(DUPLICATES),
        refusal("At most 25 fields at the root are accepted; this document has 500."),
    ),
}


async def answer_to(api: Api, request: Mapping[str, Any]) -> Answer:
    """The status and the JSON of an answer, but for the id of the request."""
    headers = {**api.headers, "origin": "https://elsewhere.example", **request.get("headers", {})}
    async with api.http.request(url=api.url, **{**request, "headers": headers}) as response:
        assert "access-control-allow-origin" not in response.headers
        assert "set-cookie" not in response.headers
        answer = await response.json(content_type=None)
    for error in answer.get("errors", ()):
        error["extensions"].pop("requestId", None)
    return response.status, answer


@pytest.mark.parametrize("name", CHECKS)
async def test_a_scanner_finds_nothing(production: Api, public: Api, name: str) -> None:
    check = CHECKS[name]
    assert await answer_to(production, check.request) == check.production
    if check.development is not NOT_ASKED:
        expected = check.development or check.production
        assert await answer_to(public, check.request) == expected


BAD_DOCUMENTS = [
    name
    for name, check in CHECKS.items()
    if "operationName" in check.request.get("json", ()) and check.production != HARMLESS
]


@pytest.mark.parametrize("name", BAD_DOCUMENTS)
async def test_what_a_scanner_is_refused_is_refused_by_every_way(
    production: Api, name: str
) -> None:
    check = CHECKS[name]
    (error,) = check.production[1]["errors"]
    assert await refused(production, check.request["json"]["query"]) == error["message"]


def ids(letter: str, count: int) -> str:
    """So many aliases."""
    return " ".join(f"{letter}{n}: id" for n in range(count))


DEAR = (
    "departments(first: 100) { edges { node { doctors(first: 100) { edges { node { id } } } } } }"
)
TOO_DEAR = (
    f"At most {MOST_POINTS:,} points are accepted; this operation costs 10,605. "
    "Ask for smaller pages, a shorter time, or less of each row."
)
OWNERS = "calendar { owner { ... on Doctor { calendar { owner { ... on Doctor { %s } } } } } }"
TOO_DEEP = "At most 10 levels of fields are accepted; this document has 11."

# A shield that looks away where it reads `__schema` is gone around by a name.
ARMOR = {
    "cost: should limit cost for query named `__schema`": (
        f"query __schema {{ {DEAR} }}",
        TOO_DEAR,
    ),
    "cost: should limit cost for fragment named `__schema`": (
        f"{{ ...__schema }} fragment __schema on Query {{ {DEAR} }}",
        TOO_DEAR,
    ),
    "depth: rejects for fragment named `__schema` exceeding max depth": (
        (
            "{ doctors { edges { node { calendar { owner { ...__schema } } } } } } "
            f"fragment __schema on Doctor {{ {OWNERS % 'calendar { id }'} }}"
        ),
        TOO_DEEP,
    ),
    "aliases: respects fragment aliases": (
        (
            f"{{ doctors {{ edges {{ node {{ {ids('a', 15)} ...F }} }} }} }} "
            f"fragment F on Doctor {{ {ids('b', 16)} }}"
        ),
        "At most 30 aliases are accepted; this document has 31.",
    ),
    "tokens: rejects an operation with more than the default max token count": (
        f"{{ {'a ' * 1000}}}",
        "At most 1,000 tokens are accepted; this document has more.",
    ),
}


@pytest.mark.parametrize("name", ARMOR)
async def test_what_a_shield_refuses_is_refused(public: Api, name: str) -> None:
    query, sentence = ARMOR[name]
    assert await refused(public, query) == sentence


async def test_what_variables_hold_does_not_count_as_the_document(public: Api) -> None:
    """Armor's "characters: should not limit query variables"."""
    assert await public.ask("{ __typename }", foo="bar" * LONGEST) == {"__typename": "Query"}
