"""Requests that others have used to attack servers of GraphQL, and what ours says to them."""

import json
from typing import Any

import pytest

from schema.documents import DEEPEST
from tests.api import Api
from tests.conftest import Clinic
from tests.hostile.ways import refused
from tests.live.event_streams import events
from tests.protocols.sockets import acknowledged

# graphql-cop asks these; a mutation by GET and a body that is a form are in tests/protocols.
REFUSED = [
    "query cop { " + " ".join(f"alias{n}:__typename \n" for n in range(101)) + " }",
    "query cop { __typename @aa@aa@aa@aa@aa@aa@aa@aa@aa@aa }",
    (
        "query cop { __schema { types { fields { type { fields { type { fields { type { fields "
        "{ type { name } } } } } } } } } } }"
    ),
    "query cop { " + "__typename \n" * 500 + "} ",
    "query cop { __schema { directive } }",
    "query cop { __schema { types { name fields { name } } } }",
    "qwerty cop { abc }",
]


@pytest.mark.parametrize("query", REFUSED)
async def test_what_scanners_try_is_refused_with_one_error(production: Api, query: str) -> None:
    sentence = await refused(production, query)
    assert "Did you mean" not in sentence


async def test_what_scanners_look_for_is_not_there(production: Api) -> None:
    async def answered(**request: Any) -> tuple[int, str]:
        headers = {**production.headers, **request.pop("headers", {})}
        async with production.http.request(
            request.pop("method", "POST"), production.url, headers=headers, **request
        ) as response:
            return response.status, await response.text()

    query = {"query": "query cop { __typename }"}
    status, text = await answered(json=[query] * 10)
    assert (status, len(json.loads(text)["errors"])) == (400, 1)
    status, text = await answered(data=query)
    assert (status, "data" in json.loads(text)) == (415, False)
    status, text = await answered(method="GET", params={"query": "mutation cop {__typename}"})
    assert (status, "data" in json.loads(text)) == (405, False)
    status, text = await answered(method="GET", headers={"accept": "text/html"})
    assert (status, "graphi" in text.lower(), "playground" in text.lower()) == (404, False, False)
    status, text = await answered(json=query)
    assert (status, text) == (200, '{"data":{"__typename":"Query"}}')
    status, text = await answered(json={"query": "qwerty cop { abc }"})
    assert json.loads(text)["errors"][0]["extensions"].keys() == {"code", "requestId"}


def nested(levels: int, *, is_list: bool) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value] if is_list else {"a": value}
    return value


@pytest.mark.parametrize("is_list", [True, False])
@pytest.mark.parametrize("levels", [DEEPEST + 1, 240, 900])
async def test_variables_that_go_too_deep_are_refused(
    public: Api, *, levels: int, is_list: bool
) -> None:
    variables = {"a": nested(levels, is_list=is_list)}
    assert await refused(public, "{ __typename }", variables) == (
        f"At most {DEEPEST} levels of variables are accepted."
    )


async def test_variables_that_go_as_deep_as_they_may_are_read(public: Api) -> None:
    for is_list in (True, False):
        assert await public.ask("{ __typename }", a=nested(DEEPEST, is_list=is_list)) == {
            "__typename": "Query"
        }


WATCH = """subscription ($id: ID!, $from: DateTime!, $to: DateTime!) {
  calendarChanges(calendarId: $id, from: $from, to: $to) { cursor }
}"""


async def test_a_live_view_with_variables_that_go_too_deep_is_refused(clinic: Clinic) -> None:
    window = {"from": "2027-03-01T00:00:00Z", "to": "2027-03-02T00:00:00Z", "id": "calendar_x"}
    async with acknowledged(clinic.public) as socket:
        for levels in (DEEPEST + 1, 300, 900):
            error = await socket.error("1", WATCH, **window, more=nested(levels, is_list=True))
            assert error["extensions"]["code"] == "QUERY_REJECTED"
        await socket.is_well()
    more = {**window, "more": nested(300, is_list=False)}
    async with events(clinic.public, WATCH, more) as stream:
        event = await stream.next()
    assert event is not None
    assert [error["extensions"]["code"] for error in event.data["errors"]] == ["QUERY_REJECTED"]
