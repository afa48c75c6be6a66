"""Connections: pages by keyset, their cursors, and what is refused as a page."""

import base64
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from models import Department, Doctor, Office, Role
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import Factory

PAGE = "totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
NAMES = ["Álvarez", "alvarez", "Ob", "ob", "Ö", "Zoë", "zoe", "Same", "Same", "Same", "%", '"\\']
NESTED = {"department": Department, "office": Office}


async def add_department(factory: Factory, name: str) -> None:
    await factory.add(Department(organization_id=factory.organization.id, name=unique(name)))


async def add_office(factory: Factory, name: str) -> None:
    values = {"name": unique(name), "time_zone": "Europe/Madrid"}
    await factory.add(Office(organization_id=factory.organization.id, **values))


async def add_doctor(factory: Factory, name: str) -> None:
    await factory.person(Role.DOCTOR, name)


async def add_patient(factory: Factory, name: str) -> None:
    await factory.patient(name)


def unique(name: str) -> str:
    return f"{name} {uuid4().hex}"


@dataclass(frozen=True)
class List:
    """A list of the API, and how it grows."""

    name: str
    add: Callable[[Factory, str], Awaitable[None]]

    @property
    def document(self) -> str:
        return f"""
        query ($first: Int, $after: String) {{
          {self.name}(first: $first, after: $after) {{
            edges {{ cursor node {{ id name }} }} {PAGE}
          }}
        }}"""

    async def page(self, api: Api, first: Any, after: str | None = None) -> Any:
        return (await api.ask(self.document, first=first, after=after))[self.name]


LISTS = [
    List("departments", add_department),
    List("offices", add_office),
    List("doctors", add_doctor),
    List("patients", add_patient),
]
each_list = pytest.mark.parametrize("listed", LISTS, ids=lambda listed: listed.name)


@pytest.fixture
async def desk(factory: Factory, public: Api) -> Api:
    """The API as the front desk sees it, in an organization where there is nothing else."""
    return public.signed_in((await factory.person(Role.RECEPTIONIST)).token)


def ids(page: Any) -> list[str]:
    return [edge["node"]["id"] for edge in page["edges"]]


@each_list
async def test_an_empty_list_is_one_page(desk: Api, listed: List) -> None:
    assert await listed.page(desk, 10) == {
        "edges": [],
        "totalCount": 0,
        "pageInfo": {
            "hasNextPage": False,
            "hasPreviousPage": False,
            "startCursor": None,
            "endCursor": None,
        },
    }


@each_list
@pytest.mark.parametrize("size", [1, 5, 12, 100])
async def test_pages_go_through_the_list_once(
    factory: Factory, desk: Api, listed: List, size: int
) -> None:
    for name in NAMES:
        await listed.add(factory, name)
    whole = ids(await listed.page(desk, 100))
    assert len(set(whole)) == len(NAMES)
    found: list[str] = []
    after = None
    for place in range(0, len(NAMES), size):
        page = await listed.page(desk, size, after)
        after = page["edges"][-1]["cursor"]
        found += ids(page)
        assert page["totalCount"] == len(NAMES)
        assert page["pageInfo"] == {
            "hasNextPage": place + size < len(NAMES),
            "hasPreviousPage": place > 0,
            "startCursor": page["edges"][0]["cursor"],
            "endCursor": after,
        }
    assert found == whole


@each_list
async def test_pages_show_every_row_once_while_others_come(
    factory: Factory, desk: Api, listed: List
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for name in NAMES:
        await listed.add(factory, name)
    there = ids(await listed.page(desk, 100))
    found: list[str] = []
    after, goes_on = None, True
    while goes_on:
        page = await listed.page(desk, 3, after)
        found += ids(page)
        after, goes_on = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        if len(found) < len(NAMES):
            await listed.add(factory, chance.choice(NAMES))
    assert len(set(found)) == len(found)
    assert [id for id in found if id in there] == there


@each_list
async def test_a_page_has_twenty_rows_unless_said_otherwise(
    factory: Factory, desk: Api, listed: List
) -> None:
    for number in range(21):
        await listed.add(factory, f"{number:02}")
    said_nothing = f"{{ {listed.name} {{ edges {{ cursor }} pageInfo {{ hasNextPage }} }} }}"
    page = (await desk.ask(said_nothing))[listed.name]
    assert (len(page["edges"]), page["pageInfo"]["hasNextPage"]) == (20, True)
    assert ids(await listed.page(desk, None)) == ids(await listed.page(desk, 20))


@each_list
@pytest.mark.parametrize("first", [0, -1, 101, 2**31 - 1])
async def test_a_page_has_1_to_100_rows(desk: Api, listed: List, first: int) -> None:
    answer = await desk.send(listed.document, first=first)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "BAD_INPUT"
    assert error["message"] == "first: A page has 1 to 100 items."


def written(*values: Any) -> str:
    """A cursor as the API writes it, written down here apart from the application's own code."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


KEY = str(uuid4())
NO_CURSORS: dict[str, Callable[[str], str]] = {
    "garbage": lambda _: "garbage",
    "beyond ASCII": lambda _: "ñ",
    "no JSON": lambda _: base64.urlsafe_b64encode(b"\xff\xff").decode(),
    "another list": lambda _: written("appointments", "a", KEY),
    "no place": written,
    "half a place": lambda name: written(name, "a"),
    "too much": lambda name: written(name, "a", KEY, "b"),
    "no key": lambda name: written(name, "a", "b"),
    "a number for a key": lambda name: written(name, "a", 5),
    "no list": lambda _: base64.urlsafe_b64encode(b"{}").decode(),
    "a number": lambda _: base64.urlsafe_b64encode(b"5").decode(),
    "very long": lambda name: written(name, "a" * 1000, KEY),
}


@each_list
@pytest.mark.parametrize("kind", NO_CURSORS)
async def test_what_is_no_cursor_of_the_list_is_bad_input(
    desk: Api, listed: List, kind: str
) -> None:
    answer = await desk.send(listed.document, after=NO_CURSORS[kind](listed.name))
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "BAD_INPUT"
    assert error["message"] == "after: This is not a cursor of this list."


@each_list
async def test_a_cursor_of_one_list_is_none_of_another(
    factory: Factory, desk: Api, listed: List
) -> None:
    await listed.add(factory, "A")
    cursor = (await listed.page(desk, 1))["pageInfo"]["endCursor"]
    for other in LISTS:
        if other is not listed:
            assert await desk.error_code(other.document, after=cursor) == "BAD_INPUT"


@each_list
async def test_a_forged_cursor_is_bad_input_or_opens_nothing(desk: Api, listed: List) -> None:
    assert ids(await listed.page(desk, 10, written(listed.name, "", KEY))) == []
    forged = written(listed.name, "\0", KEY)
    assert await desk.error_code(listed.document, after=forged) == "BAD_INPUT"


@pytest.mark.parametrize("text", ["search", "specialty"])
async def test_a_search_for_what_no_text_can_hold_is_bad_input(desk: Api, text: str) -> None:
    document = f"query ($text: String) {{ doctors({text}: $text) {{ totalCount }} }}"
    assert await desk.error_code(document, text="a\0") == "BAD_INPUT"


@pytest.mark.parametrize("parent", NESTED)
async def test_pages_of_nested_doctors_go_through_each_list_once(
    clinic: Clinic, parent: str
) -> None:
    factory = clinic.factory
    values = {"time_zone": "Europe/Madrid"} if parent == "office" else {}
    row = NESTED[parent](organization_id=factory.organization.id, name="One", **values)
    await factory.add(row)
    for name in NAMES:
        doctor = (await factory.person(Role.DOCTOR, name)).doctor
        joining = update(Doctor).where(Doctor.id == doctor.id)
        async with factory.database.writing(factory.organization.id) as session:
            await session.execute(joining.values({f"{parent}_id": row.id}))
    document = f"""
    query ($first: Int, $after: String) {{ {parent}s {{ edges {{ node {{
      doctors(first: $first, after: $after) {{ edges {{ cursor node {{ id }} }} {PAGE} }}
    }} }} }} }}"""

    async def page(first: int, after: str | None = None) -> Any:
        answer = await clinic.public.ask(document, first=first, after=after)
        return answer[f"{parent}s"]["edges"][0]["node"]["doctors"]

    whole = ids(await page(100))
    found: list[str] = []
    after = None
    for _ in range(3):
        some = await page(5, after)
        found, after = found + ids(some), some["pageInfo"]["endCursor"]
        assert some["totalCount"] == len(NAMES)
    assert found == whole
    assert len(set(whole)) == len(NAMES)
    for wrong in ({"first": 0}, {"first": 101}, {"after": "garbage"}):
        assert await clinic.public.error_code(document, **wrong) == "BAD_INPUT"
