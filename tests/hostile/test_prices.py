"""What an operation costs: rows times rows, from what its variables are; the pages of a clinic are
within the limit, and what multiplies is not.
"""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from models import Role
from schema.prices import MOST_POINTS
from tests.api import CALENDAR_CHANGES, Api
from tests.conftest import Clinic
from tests.factories import id_of
from tests.hostile.ways import refused
from tests.live.event_streams import events
from tests.protocols.sockets import acknowledged

FROM = "2027-03-01T00:00:00Z"
DAY, WEEK, MONTH, LONGEST = "2027-03-02", "2027-03-08", "2027-04-01", "2027-06-01"
SLOTS = """query ($from: DateTime!, $to: DateTime!, $first: Int) {
  doctors(first: $first) { edges { node { id name calendar { id
    slots(from: $from, to: $to) { id startsAt endsAt status version bookedCount isBookable } } } } }
}"""
ONE = """query ($from: DateTime!, $to: DateTime!) {
  calendar(id: "calendar_00000000000000000000000000000000") {
    slots(from: $from, to: $to) { id startsAt endsAt status } }
}"""
NESTED = """query ($n: Int, $m: Int) {
  patients(first: $n) { edges { node { id name
    appointments(first: $m) { edges { node { id startsAt status doctor { name } } } } } } }
}"""
DOCTORS = """query ($first: Int, $after: String) {
  doctors(first: $first, after: $after) {
    totalCount
    edges { node { id name department { name } nextAvailableSlot { id startsAt } } }
    pageInfo { hasNextPage endCursor }
  }
}"""


def window(end: str, **more: Any) -> dict[str, Any]:
    return {"from": FROM, "to": f"{end}T00:00:00Z", **more}


async def cost(api: Api, query: str, variables: dict[str, Any] | None = None) -> int:
    """What an answer says that it cost."""
    body = {"query": query, "variables": variables, "extensions": {"cost": True}}
    async with api.http.post(api.url, json=body, headers=api.headers) as response:
        answer = await response.json()
    assert answer["extensions"].keys() == {"cost"}
    assert answer["extensions"]["cost"]["limit"] == MOST_POINTS
    return int(answer["extensions"]["cost"]["requested"])


# A row is a point; a page and what it holds, and an act, have weights of their own.
PRICES = {
    "a name": ("{ __typename }", {}, 0),
    "one thing": ("{ viewer { name } }", {}, 1),
    "things in a thing": ("{ viewer { doctor { department { name } } } }", {}, 3),
    "ten fields of a thing": (
        f"{{ viewer {{ {'%s' * 10 % tuple(f'a{n}: id ' for n in range(10))} }} }}",
        {},
        1,
    ),
    "eleven fields of a thing": (
        f"{{ viewer {{ {'%s' * 11 % tuple(f'a{n}: id ' for n in range(11))} }} }}",
        {},
        2,
    ),
    "a page as usual": ("{ offices { edges { node { name } } } }", {}, 25),
    "a page of five": ("{ offices(first: 5) { edges { node { name } } } }", {}, 10),
    "a page by a variable": (
        "query ($n: Int) { offices(first: $n) { edges { node { name } } } }",
        {"n": 7},
        12,
    ),
    "a page by a default": (
        "query ($n: Int = 3) { offices(first: $n) { edges { node { name } } } }",
        {},
        8,
    ),
    "a page by a variable that is null": (
        "query ($n: Int = 3) { offices(first: $n) { edges { node { name } } } }",
        {"n": None},
        25,
    ),
    "a count": ("{ offices { totalCount pageInfo { endCursor } } }", {}, 15),
    "fields of one name are one": (
        (
            "{ offices(first: 5) { edges { node { name } } } ...F ...F } "
            "fragment F on Query { offices(first: 5) { edges { node { id } cursor } } }"
        ),
        {},
        10,
    ),
    "what is left out is counted": (
        "query ($no: Boolean!) { viewer @include(if: $no) { id } }",
        {"no": False},
        1,
    ),
    "ids in a variable": (
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        {"ids": ["a", "b"]},
        2,
    ),
    "ids in the document": ('query ($a: ID!) { nodes(ids: [$a, "b", "c"]) { id } }', {"a": "a"}, 3),
    "one id for a list": ('{ nodes(ids: "a") { id } }', {}, 1),
    "a day": (ONE, window(DAY), 65),
    "a month": (ONE, window(MONTH), 1 + 31 * 64),
    "a window as long as may be": (ONE, window(LONGEST), 1 + 92 * 64),
    "a week of twenty doctors": (SLOTS, window(WEEK, first=20), 5 + 20 * (2 + 7 * 64)),
    "fifty patients with their appointments": (NESTED, {"n": 50, "m": 20}, 5 + 50 * (6 + 20 * 2)),
    "a hundred doctors": (DOCTORS, {"first": 100}, 15 + 100 * 7),
    "a page of patients that is empty": ("{ patients(first: 0) { edges { node { id } } } }", {}, 5),
    "a negative page": ("{ patients(first: -5) { edges { node { id } } } }", {}, 5),
}


@pytest.mark.parametrize("name", PRICES)
async def test_the_price_is_told_to_who_asks(public: Api, name: str) -> None:
    query, variables, points = PRICES[name]
    assert await cost(public, query, variables) == points


async def test_an_act_has_its_price(clinic: Clinic) -> None:
    fields = "department { name } errors { __typename }"
    query = f'mutation {{ createDepartment(input: {{name: "A"}}) {{ {fields} }} }}'
    assert await cost(clinic.admin, query) == 12


@pytest.mark.parametrize(
    ("query", "variables", "points"),
    [
        (SLOTS, window(WEEK, first=23), 5 + 23 * (2 + 7 * 64)),
        (SLOTS, window(LONGEST, first=100), 5 + 100 * (2 + 92 * 64)),
        (NESTED, {"n": 100, "m": 100}, 5 + 100 * (6 + 100 * 2)),
        (NESTED.replace("$n: Int, $m: Int", "$n: Int = 100, $m: Int = 100"), {}, 20_605),
        # More than a page may have counts as much as it may, and no more.
        (NESTED, {"n": 10**6, "m": 2**31 - 1}, 20_605),
        (
            (
                "{ departments(first: 100) { edges { node { "
                "doctors(first: 100) { edges { node { id } } } } } } }"
            ),
            None,
            10_605,
        ),
        (
            (
                "{ departments(first: 50) { ...D } } "
                "fragment D on DepartmentConnection { edges { node { ...E } } } "
                "fragment E on Department { a: doctors { ...C } b: doctors(first: 100) { ...C } } "
                "fragment C on DoctorConnection { edges { node { calendar { id } } } }"
            ),
            None,
            5 + 50 * (1 + 5 + 40 + 5 + 200),
        ),
        (
            (
                "subscription ($from: DateTime!, $to: DateTime!) "
                "{ calendarChanges(calendarId: 1, from: $from, to: $to) "
                "{ slots { appointments { patient { user { name } } } } } }"
            ),
            window(LONGEST),
            1 + 92 * 64 * 4,
        ),
    ],
)
async def test_what_multiplies_is_refused_by_every_way(
    public: Api, query: str, variables: dict[str, Any] | None, points: int
) -> None:
    message = (
        f"At most {MOST_POINTS:,} points are accepted; this operation costs {points:,}. "
        "Ask for smaller pages, a shorter time, or less of each row."
    )
    if query.startswith("subscription"):
        async with acknowledged(public) as socket:
            assert (await socket.error("1", query, **(variables or {})))["message"] == message
            await socket.is_well()
        async with events(public, query, variables) as stream:
            event = await stream.next()
            assert event is not None
            assert [error["message"] for error in event.data["errors"]] == [message]
            assert "data" not in event.data
        return
    assert await refused(public, query, variables) == message


async def test_one_of_several_operations_is_priced(public: Api) -> None:
    doctors = "doctors(first: 100) { edges { node { id } } }"
    dear = f"departments(first: 100) {{ edges {{ node {{ {doctors} }} }} }}"
    query = f"query Cheap {{ viewer {{ role }} }} query Dear {{ {dear} }}"
    codes = []
    for name in ("Cheap", "Dear"):
        body = {"query": query, "operationName": name}
        async with public.http.post(public.url, json=body, headers=public.headers) as response:
            codes.append("errors" in await response.json())
    assert codes == [False, True]


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query ($n: Int) { offices(first: $n) { totalCount } }", {"n": 101}),
        ("query ($n: Int) { offices(first: $n) { totalCount } }", {"n": -1}),
        ("query ($n: Int) { offices(first: $n) { totalCount } }", {"n": "x"}),
        ("query ($n: Int) { offices(first: $n) { totalCount } }", {"n": 1e300}),
        ("{ offices(first: 1000000) { totalCount } }", None),
        (ONE, {"from": "x", "to": FROM}),
        (ONE, {"from": FROM, "to": {"a": 1}}),
        (SLOTS, window("2028-01-01", first=1)),
    ],
)
async def test_what_cannot_be_priced_is_refused_for_what_it_is(
    clinic: Clinic, query: str, variables: dict[str, Any] | None
) -> None:
    answer = await clinic.admin.send(query, **(variables or {}))
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_INPUT"}


async def test_an_answer_says_nothing_of_prices_unless_it_is_asked(public: Api) -> None:
    for extensions in (None, {}, {"cost": False}, {"cost": 1}, {"cost": {"a": []}}):
        body = {"query": "{ __typename }", "extensions": extensions}
        async with public.http.post(public.url, json=body, headers=public.headers) as response:
            assert await response.json() == {"data": {"__typename": "Query"}}


async def test_the_price_is_told_by_get_and_in_an_event(public: Api) -> None:
    parameters = {"query": "{ viewer { id } }", "extensions": json.dumps({"cost": True})}
    url = f"{public.url}?{urlencode(parameters)}"
    expected = {
        "data": {"viewer": None},
        "extensions": {"cost": {"requested": 1, "limit": MOST_POINTS}},
    }
    async with public.http.get(url, headers=public.headers) as response:
        assert await response.json() == expected
    headers = {**public.headers, "accept": "text/event-stream"}
    async with public.http.get(url, headers=headers) as response:
        assert json.dumps(expected, separators=(",", ":")) in await response.text()


async def test_a_live_view_of_a_calendar_is_within_the_limit(clinic: Clinic) -> None:
    calendar = id_of(clinic.person(Role.DOCTOR).calendar)
    async with acknowledged(clinic.patient) as socket:
        await socket.subscribe("1", CALENDAR_CHANGES, id=calendar, **window(LONGEST))
        said = await socket.next()
    assert said["payload"]["data"]["calendarChanges"]["reset"] is True
