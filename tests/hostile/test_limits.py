"""What a document may ask for: just so much is carried out, one more is refused, by every way and
with one sentence.
"""

import random
import time
from typing import Any

import pytest
from graphql import get_introspection_query

from tests.api import Api
from tests.conftest import Clinic
from tests.factories import PASSWORD
from tests.hostile.ways import refused
from tests.protocols.sockets import a_change, acknowledged, told, watch

SIGN_IN = 'signIn(input: {login: "%s", password: "%s"}) { session { accessToken } }'


def levels(count: int) -> str:
    """Exactly so many levels of fields."""
    steps = ["calendar", "owner { ... on Doctor"]
    opened = "".join(f"{steps[n % 2]} {{ " for n in range(count - 4))
    closed = "".join("} " if n % 2 == 0 else "} } " for n in range(count - 4))
    return f"{{ doctors {{ edges {{ node {{ {opened}__typename {closed}}} }} }} }}"


def doubled(times: int) -> str:
    """Fragments that hold the next one twice: the last is there 2 ** times times."""
    spreads = "".join(f"fragment F{n} on User {{ ...F{n + 1} ...F{n + 1} }} " for n in range(times))
    return f"{{ viewer {{ ...F0 }} }} {spreads} fragment F{times} on User {{ name }}"


def names(count: int, name: str = "__typename") -> str:
    return " ".join(f"a{n}: {name}" for n in range(count))


def many(count: int, field: str) -> str:
    return " ".join([field] * count)


FRAGMENTS = "{ %s } %s"


def with_fragments(count: int) -> str:
    spreads = " ".join(f"...F{n}" for n in range(count))
    return FRAGMENTS % (
        spreads,
        " ".join(f"fragment F{n} on Query {{ __typename }}" for n in range(count)),
    )


def operations(count: int) -> str:
    return " ".join(f"query Q{n} {{ __typename }}" for n in range(count))


# Too large by one, and just not too large; the sentence that says so.
LIMITS = {
    "bytes": (
        "{ __typename }".ljust(16 * 1024 + 1),
        "{ __typename }".ljust(16 * 1024),
        (
            "At most 16,384 bytes are accepted of a document, besides its variables; this one has "
            "16,385."
        ),
    ),
    "bytes of letters that are longer": (
        "{ __typename } #" + "é" * 8185,
        "{ __typename } #" + "é" * 8184,
        (
            "At most 16,384 bytes are accepted of a document, besides its variables; this one has "
            "16,386."
        ),
    ),
    "tokens": (
        "query ({}) {{ __typename {} }}".format("$a: Int " * 249, "@skip(if: false)"),
        "{ __typename }",
        "At most 1,000 tokens are accepted; this document has more.",
    ),
    "tokens of comments": (
        "#\n" * 998 + "{ __typename }",
        "#\n" * 997 + "{ __typename }",
        "At most 1,000 tokens are accepted; this document has more.",
    ),
    "levels": (
        levels(11),
        levels(10),
        "At most 10 levels of fields are accepted; this document has 11.",
    ),
    "levels in a fragment": (
        "{ ...F } fragment F on Query " + levels(11),
        "{ ...F } fragment F on Query " + levels(10),
        "At most 10 levels of fields are accepted; this document has 11.",
    ),
    "levels in an inline fragment": (
        "{ ... on Query { ... " + levels(11) + "} }",
        "{ ... on Query { ... " + levels(10) + "} }",
        "At most 10 levels of fields are accepted; this document has 11.",
    ),
    "levels with a fragment that is known by then": (
        (
            "{ doctors { edges { ...E } } ...D } fragment E on DoctorEdge { node { id } } "
            "fragment D on Query { departments { edges { node { doctors { edges { node { calendar "
            "{ owner { ... on Doctor { calendar { owner { __typename } } } } } } } } } } } }"
        ),
        (
            "{ doctors { edges { ...E } } ...D } fragment E on DoctorEdge { node { id } } "
            "fragment D on Query { departments { edges { node { doctors { edges { ...E } } } } } }"
        ),
        "At most 10 levels of fields are accepted; this document has 11.",
    ),
    "aliases": (
        f"{{ doctors {{ edges {{ node {{ {names(31)} }} }} }} }}",
        f"{{ doctors {{ edges {{ node {{ {names(30)} }} }} }} }}",
        "At most 30 aliases are accepted; this document has 31.",
    ),
    "aliases in fragments": (
        (
            "{ doctors { edges { node { ...F calendar { owner { ...F } } } } } } "
            f"fragment F on Doctor {{ {names(16)} }}"
        ),
        (
            "{ doctors { edges { node { ...F calendar { owner { ...F } } } } } } "
            f"fragment F on Doctor {{ {names(15)} }}"
        ),
        "At most 30 aliases are accepted; this document has 32.",
    ),
    "fields at the root": (
        f"{{ {many(26, '__typename')} }}",
        f"{{ {many(25, '__typename')} }}",
        "At most 25 fields at the root are accepted; this document has 26.",
    ),
    "fields at the root in a fragment": (
        f"{{ __typename ...F }} fragment F on Query {{ {many(25, '__typename')} }}",
        f"{{ ...F }} fragment F on Query {{ {many(25, '__typename')} }}",
        "At most 25 fields at the root are accepted; this document has 26.",
    ),
    "fragments": (
        with_fragments(21),
        with_fragments(20),
        "At most 20 fragments are accepted; this document has 21.",
    ),
    "directives in one place": (
        "{ __typename @skip(if: false) @include(if: true) @a @b }",
        "{ __typename @skip(if: false) @include(if: true) }",
        "At most 3 directives in one place are accepted; this document has 4.",
    ),
    "directives": (
        f"{{ {many(21, '__typename @skip(if: false)')} }}",
        f"{{ {many(20, '__typename @skip(if: false)')} }}",
        "At most 20 directives are accepted; this document has 21.",
    ),
    "directives on fragments and spreads": (
        (
            "{ ...F @skip(if: true) ... @skip(if: true) { ...G } } fragment F on Query "
            f"{{ {many(10, '__typename @skip(if: false)')} }} fragment G on Query "
            f"{{ {many(9, '__typename @skip(if: false)')} }}"
        ),
        (
            "{ ...F @skip(if: true) ... @skip(if: true) { ...G } } fragment F on Query "
            f"{{ {many(10, '__typename @skip(if: false)')} }} fragment G on Query "
            f"{{ {many(8, '__typename @skip(if: false)')} }}"
        ),
        "At most 20 directives are accepted; this document has 21.",
    ),
    "selections": (
        doubled(9),
        doubled(8),
        (
            "At most 1,000 selections, its fragments put in their places, are accepted; this "
            "document has 1,536."
        ),
    ),
    "fields in one place": (
        f"{{ doctors {{ edges {{ node {{ {many(64, '__typename')} }} }} }} }}",
        f"{{ doctors {{ edges {{ node {{ {many(63, '__typename')} }} }} }} }}",
        (
            "At most 2,000 pairs of fields with the same name in the same place are accepted; this "
            "document has 2,016."
        ),
    ),
    "fields in one place below fields in one place": (
        f"{{ {many(25, 'doctors { edges { node { name id title bio } } }')} }}",
        f"{{ {many(20, 'doctors { edges { node { name id title bio } } }')} }}",
        (
            "At most 2,000 pairs of fields with the same name in the same place are accepted; this "
            "document has 2,100."
        ),
    ),
}


@pytest.mark.parametrize("name", LIMITS)
async def test_one_more_than_is_accepted_is_refused_by_every_way(public: Api, name: str) -> None:
    too_large, fits, sentence = LIMITS[name]
    assert await refused(public, too_large) == sentence
    assert "errors" not in await public.send(fits), fits


async def test_operations_are_counted_though_one_is_carried_out(public: Api) -> None:
    assert await refused(public, operations(6)) == (
        "At most 5 operations are accepted; this document has 6."
    )
    body = {"query": operations(5), "operationName": "Q4"}
    async with public.http.post(public.url, json=body, headers=public.headers) as response:
        assert await response.json() == {"data": {"__typename": "Query"}}


# How deep exactly is not looked at.
TOO_DEEP = "At most 10 levels of fields are accepted; this document has more."


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("{ ...A } fragment A on Query { ...A }", "The fragment A contains itself."),
        (
            "{ ...A } fragment A on Query { ...B } fragment B on Query { ... { ...A } }",
            "The fragment A contains itself.",
        ),
        (
            (
                "{ doctors { edges { node { ...D } } } } "
                "fragment D on Doctor { calendar { owner { ...D } } }"
            ),
            "The fragment D contains itself.",
        ),
        (doubled(19), None),
        ("{ " + "a { " * 450, None),
        ("{ " + "a { " * 150 + "b" + "}" * 151, TOO_DEEP),
        (
            (
                "{ ...F } "
                f"fragment F on Query {{ {'a { ' * 150} ...G {'}' * 151} "
                f"fragment G on Query {{ {'a { ' * 150} b {'}' * 151}"
            ),
            TOO_DEEP,
        ),
        ("{ " + "... { " * 200 + "__typename" + "}" * 201, None),
        ("{ doctors(first: " + "[" * 450 + "]" * 450 + ") { totalCount } }", None),
        ("{ node(id: " + "{a: " * 200 + "1" + "}" * 200 + ") { id } }", None),
        ("fragment A on Query { ...A } " * 20, None),
        ("{ __typename } fragment __schema on Query " + levels(10), None),
        (f"{{ {names(300)} }}", None),
        (f"{{ {many(900, '__typename')} }}", None),
    ],
)
async def test_what_is_made_to_keep_a_server_busy_is_refused(
    public: Api, query: str, sentence: str | None
) -> None:
    found = await refused(public, query)
    assert sentence is None or found == sentence


PARTS = (
    "__typename",
    "viewer { name }",
    "...NEXT ...NEXT",
    "... { ...NEXT }",
    "a: doctors { totalCount }",
)


async def test_no_document_takes_long_to_refuse_or_to_accept(public: Api) -> None:
    """Hostile documents at random: whatever they are made of, the server is soon done with them."""
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    for _ in range(40):
        count = chance.randrange(1, 20)
        bodies = [" ".join(chance.choices(PARTS, k=chance.randrange(1, 30))) for _ in range(count)]
        fragments = " ".join(
            f"fragment F{n} on Query {{ {body.replace('NEXT', f'F{n + 1}')} }}"
            for n, body in enumerate([*bodies, "__typename"])
        )
        query = f"{{ __typename ...F0 }} {fragments}"
        begun = time.monotonic()
        answer = await public.send(query)
        assert answer.get("data") or 1 <= len(answer["errors"]) <= 6, query
        assert time.monotonic() - begun < 5


async def test_one_guess_at_a_password_to_an_operation(clinic: Clinic) -> None:
    login = "guessed@clinic.example"
    await clinic.public.done("signUp", "accepted", name="Pat", email=login, password=PASSWORD)
    good = SIGN_IN % (login, PASSWORD)
    bad = SIGN_IN % (login, "not the password")
    for query, count in (
        (f"mutation {{ {' '.join(f'a{n}: {bad}' for n in range(30))} }}", 30),
        (f"mutation {{ a: {bad} b: {good} }}", 2),
        (f"mutation {{ ...F b: {good} }} fragment F on Mutation {{ a: {bad} }}", 2),
        (f"mutation {{ a: {good} ... {{ b: {good} }} }}", 2),
        (
            (
                f"mutation {{ a: {good} "
                'refreshSession(input: {refreshToken: "x"}) { __typename } }'
            ),
            2,
        ),
    ):
        message = await refused(clinic.public, query)
        if count < 30:
            assert message == (
                "At most one act that takes a secret is accepted in an operation; this one has "
                f"{count}."
            )
    # Nothing of it was tried: had it been, the account would be closed by now.
    answer = await clinic.public.ask(f"mutation {{ {good} }}")
    assert answer["signIn"]["session"]["accessToken"]


async def test_other_acts_may_stand_beside_each_other(clinic: Clinic) -> None:
    acts = " ".join(
        f'a{n}: createDepartment(input: {{name: "D{n}"}}) {{ errors {{ __typename }} }}'
        for n in range(20)
    )
    answer = await clinic.admin.ask(f"mutation {{ {acts} }}")
    assert answer == {f"a{n}": {"errors": []} for n in range(20)}


async def test_what_is_refused_ends_only_its_own_operation(clinic: Clinic) -> None:
    async with acknowledged(clinic.public) as socket:
        await watch(socket, clinic, "live")
        for number, (too_large, _, sentence) in enumerate(LIMITS.values()):
            error = await socket.error(f"bad {number}", too_large)
            assert error["message"] == sentence
        slot_id = await a_change(clinic)
        assert await told(socket, "live") == slot_id


async def test_a_live_view_keeps_to_the_limits_as_well(clinic: Clinic) -> None:
    inside = "id"
    for _ in range(4):
        inside = f"calendar {{ owner {{ ... on Doctor {{ {inside} }} }} }}"
    query = (
        "subscription ($id: ID!, $from: DateTime!, $to: DateTime!) "
        f"{{ calendarChanges(calendarId: $id, from: $from, to: $to) {{ slots {{ {inside} }} }} }}"
    )
    window: dict[str, Any] = {
        "id": "x",
        "from": "2027-03-01T00:00:00Z",
        "to": "2027-03-02T00:00:00Z",
    }
    async with acknowledged(clinic.public) as socket:
        error = await socket.error("1", query, **window)
    assert error["message"] == "At most 10 levels of fields are accepted; this document has 11."


@pytest.mark.parametrize(
    "options",
    [
        {},
        {
            "specified_by_url": True,
            "directive_is_repeatable": True,
            "schema_description": True,
            "input_value_deprecation": True,
        },
    ],
)
async def test_what_tools_ask_about_the_schema_is_answered(
    public: Api, options: dict[str, bool]
) -> None:
    answer = await public.ask(get_introspection_query(**options))
    assert answer["__schema"]["queryType"]["name"] == "Query"


async def test_introspection_in_circles_is_refused(public: Api) -> None:
    for query in (
        "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
        (
            '{ __type(name: "Query") { ...T } } fragment T on __Type { fields { type { fields { '
            "type { fields { type { fields { name } } } } } } } }"
        ),
        "{ __schema { types { " + "ofType { " * 20 + "name" + "}" * 20 + "} } }",
    ):
        assert await public.error_code(query) == "QUERY_REJECTED", query
