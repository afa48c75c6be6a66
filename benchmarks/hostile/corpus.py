"""The hostile requests: what others have used against servers of GraphQL, and the dearest that ours
accepts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson

SIGN_IN = 'signIn(input: {login: "a@b.example", password: "a guess"}) { errors { __typename } }'
WEEKS = """query ($from: DateTime!, $to: DateTime!) {
  doctors(first: 20) { edges { node { id name calendar { id
    slots(from: $from, to: $to) { id startsAt endsAt status version bookedCount isBookable }
  } } } }
}"""
QUARTER = """query ($id: ID!, $from: DateTime!, $to: DateTime!) {
  calendar(id: $id) { slots(from: $from, to: $to) { id startsAt endsAt status isBookable } }
}"""
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
MANY = """{ doctors(first: 100) {
  totalCount edges { node { id name department { name } nextAvailableSlot { id startsAt } } }
} }"""


@dataclass(frozen=True)
class Attack:
    """A hostile request.

    Attributes:
        body: as it is posted.
        payload: of `subscribe` on a socket; None where it is none there.

    """

    name: str
    body: bytes
    payload: dict[str, Any] | None = None


def corpus(calendar_ids: Sequence[UUID]) -> list[Attack]:
    """All of them."""
    return [*_bodies(), *_documents(), *_dear(calendar_ids)]


def _asked(name: str, query: str, **variables: Any) -> Attack:
    payload = {"query": query, "variables": variables}
    return Attack(name, orjson.dumps(payload), payload)


def _bodies() -> Iterator[Attack]:
    one = {"query": "{ __typename }"}
    yield Attack("a batch", orjson.dumps([one] * 100))
    yield Attack("lists in lists", b'{"query":"{a}","variables":' + b"[" * 60_000)
    yield Attack("half a megabyte", orjson.dumps({"query": "#" + "x" * 512 * 1024}))
    yield Attack("5,000 digits", b'{"query":"{ __typename }","variables":{"a":%b}}' % (b"9" * 5000))


def _documents() -> Iterator[Attack]:
    spreads = " ".join(f"fragment F{n} on User {{ ...F{n + 1} ...F{n + 1} }}" for n in range(19))
    yield _asked(
        "doubled fragments", f"{{ viewer {{ ...F0 }} }} {spreads} fragment F19 on User {{ name }}"
    )
    yield _asked("a circle", "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }")
    yield _asked("300 aliases", f"{{ {' '.join(f'a{n}: __typename' for n in range(300))} }}")
    yield _asked("900 times one field", f"{{ {'__typename ' * 900} }}")
    yield _asked("pairs", f"{{ {'doctors { edges { node { name id title bio } } } ' * 25} }}")
    yield _asked("140 directives", f"{{ {'__typename @skip(if: false) ' * 140} }}")
    yield _asked("too deep", "{ " + "a { " * 450)
    yield _asked(
        "lists in lists in a document", "{ node(id: " + "[" * 450 + "]" * 450 + ") { id } }"
    )
    yield _asked("a comment", "{ __typename } #" + "x" * 100_000)
    yield _asked("comments", "{ __typename } " + "#\n" * 8_000)
    yield _asked(
        "words that nearly fit", f"{{ {' '.join(f'doctr{n} {{ nam }}' for n in range(25))} }}"
    )
    yield _asked("30 guesses", f"mutation {{ {' '.join(f'a{n}: {SIGN_IN}' for n in range(30))} }}")
    yield _asked("the schema", "{ __schema { types { fields { type { fields { name } } } } } }")
    yield _asked("variables too deep", "{ __typename }", a=_nested(240))
    yield _asked(
        "a million rows",
        "query ($n: Int) { doctors(first: $n) { edges { node { id } } } }",
        n=10**6,
    )


def _dear(calendar_ids: Sequence[UUID]) -> Iterator[Attack]:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    def window(days: int) -> dict[str, str]:
        return {"from": today.isoformat(), "to": (today + timedelta(days=days)).isoformat()}

    yield _asked("accepted: a week of 20 doctors", WEEKS, **window(7))
    yield _asked(
        "accepted: a quarter of a year", QUARTER, id=f"calendar_{calendar_ids[0].hex}", **window(92)
    )
    yield _asked("accepted: 100 doctors", MANY)
    yield _asked("too dear", WEEKS, **window(92))
    yield _asked("accepted: 100 ids of nothing", NODES, ids=_of_nothing(100))
    yield _asked("2,500 ids", NODES, ids=_of_nothing(2500))
    yield _asked("accepted: a guess", f"mutation {{ {SIGN_IN} }}")


def _of_nothing(count: int) -> list[str]:
    return [f"calendar_{uuid4().hex}" for _ in range(count)]


def _nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value
