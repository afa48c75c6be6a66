"""Each rule of the house finds a break of it: shown by breaking it in a house of our own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from graphql import build_schema

from tests.house import rules

Rule = Callable[[Path], list[str]]
DOCSTRING = '"""What lives here."""\n'


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A small house that keeps all rules."""
    for room in (*rules.ROOMS, "serving", "tests"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text(DOCSTRING)
    return tmp_path


BREAKS: list[tuple[Rule, str, str]] = [
    (rules.long_files, "services/slots.py", "x = 1\n" * 400),
    (rules.long_files, "tests/test_slots.py", "x = 1\n" * 400),
    (rules.long_functions, "services/slots.py", "def f():\n" + "    x = 1\n" * 50),
    (rules.late_imports, "services/slots.py", "def f():\n    import os\n"),
    (rules.environment_readers, "services/slots.py", "import os\nx = os.environ\n"),
    (rules.environment_readers, "main.py", "import os\nx = os.environ\n"),
    (rules.environment_readers, "application.py", "import os\nx = os.getenv('X')\n"),
    (rules.foreign_materials, "main.py", "import strawberry\n"),
    (rules.foreign_materials, "application.py", "from sqlalchemy import select\n"),
    (rules.foreign_materials, "serving/lines.py", "import asyncpg\n"),
    (rules.mocks, "tests/test_slots.py", "from unittest.mock import patch\n"),
    (rules.unguarded_acts, "services/slots.py", "async def book(context): ...\n"),
    (
        rules.crossings,
        "services/slots.py",
        "async def book(database):\n    async with database.crossing_organizations(): ...\n",
    ),
]


@pytest.mark.parametrize(("rule", "file", "text"), BREAKS)
def test_a_break_is_found(house: Path, rule: Rule, file: str, text: str) -> None:
    assert rule(house) == []
    (house / file).write_text(DOCSTRING + text)
    (found,) = rule(house)
    assert found.startswith(file)


def test_a_module_without_docstring_is_found(house: Path) -> None:
    assert rules.modules_without_docstring(house) == []
    (house / "services" / "slots.py").write_text("x = 1\n")
    assert rules.modules_without_docstring(house) == ["services/slots.py"]


@pytest.mark.parametrize("proof", ["tests/test_gone.py", "tests/test_slots.py::test_gone"])
def test_a_document_that_names_a_test_which_is_not_there_is_found(house: Path, proof: str) -> None:
    (house / "docs").mkdir()
    (house / "tests" / "test_slots.py").write_text("def test_is_here(): ...\n")
    for named, broken in (("tests/test_slots.py::test_is_here", False), (proof, True)):
        (house / "docs" / "promises.md").write_text(f"Proved by `{named}`.\n")
        assert bool(rules.untrue_proofs(house)) is broken


def test_a_guarded_act_and_a_part_are_no_breaks(house: Path) -> None:
    (house / "services" / "slots.py").write_text(
        DOCSTRING
        + "@act(Permission.BOOK)\nasync def book(context): ...\n"
        + "async def take(session): ...\n"
        + "async def _own(context): ...\n"
    )
    assert rules.unguarded_acts(house) == []


SCHEMA = '''
"""Root."""
type Query {{ """A field.""" a("""An argument.""" x: Int): Int }}
"""Root."""
type Mutation {{ """Books.""" book({arguments}): {payload} }}
"""Input."""
input BookInput {{ """Which.""" slotId: ID {more} }}
"""Payload."""
type BookPayload {{ """Why not.""" errors: [BookError!]! }}
"""Refused."""
type InvalidInput {{ """Why.""" message: String }}
"""Refused."""
type NotFound {{ """Why.""" message: String }}
"""All."""
union BookError = InvalidInput | NotFound
'''
GOOD = {"arguments": '"""All."""input: BookInput!', "payload": "BookPayload!", "more": ""}


def test_a_described_schema_has_nothing_undescribed() -> None:
    assert rules.undescribed(build_schema(SCHEMA.format(**GOOD))) == []


@pytest.mark.parametrize(
    "description", ['"""A field."""', '"""Which."""', '"""All."""', '"""Why."""']
)
def test_a_missing_description_is_found(description: str) -> None:
    broken = SCHEMA.format(**GOOD).replace(description, "")
    assert rules.undescribed(build_schema(broken)) != []


def test_a_description_without_full_stop_is_found() -> None:
    broken = SCHEMA.format(**GOOD).replace("A field.", "A field")
    assert rules.undescribed(build_schema(broken)) == ["Query.a"]


@pytest.mark.parametrize(
    "change",
    [
        {"arguments": "slotId: ID!"},
        {"arguments": "input: BookInput"},
        {"arguments": "input: BookInput!, also: Int"},
        {"payload": "Boolean!"},
        {"payload": "BookPayload"},
    ],
)
def test_an_odd_mutation_is_found(change: dict[str, str]) -> None:
    assert rules.odd_mutations(build_schema(SCHEMA.format(**GOOD))) == []
    assert rules.odd_mutations(build_schema(SCHEMA.format(**GOOD | change))) == ["book"]


def test_an_undeclared_or_forgotten_refusal_is_found() -> None:
    schema = build_schema(SCHEMA.format(**GOOD))
    assert rules.undeclared_refusals(schema, {"book": set()}) == []
    assert rules.undeclared_refusals(schema, {"book": {"SlotTaken"}}) != []
    keyed = build_schema(SCHEMA.format(**GOOD | {"more": "idempotencyKey: String"}))
    assert rules.undeclared_refusals(keyed, {"book": set()}) != []


def test_a_list_that_does_not_say_how_long_it_is_is_found() -> None:
    broken = build_schema(
        "type Query { slots: [Slot!]! names: [String!] one: Slot } type Slot { id: ID }"
    )
    assert rules.unpriced_lists(broken) == ["Query.slots"]


def test_a_secret_that_may_be_guessed_at_is_found() -> None:
    broken = build_schema(
        "type Query { a: Int } input A { password: String } input B { name: String } "
        "type Mutation { open(input: A!): Int rename(input: B!): Int }"
    )
    assert rules.guessable_secrets(broken) == ["open"]


def test_an_act_that_creates_something_twice_is_found() -> None:
    broken = build_schema(
        "type Query { a: Int } input A { name: String } input B { idempotencyKey: String } "
        "type Mutation { createRoom(input: A!): Int holdRoom(input: A!): Int "
        "addRoom(input: B!): Int updateRoom(input: A!): Int signUp(input: A!): Int }"
    )
    assert rules.creating_without_key(broken) == ["createRoom", "holdRoom"]
