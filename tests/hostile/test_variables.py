"""Variables that go too deep are refused by every way, and by live views."""

from typing import Any

import pytest

from schema.documents import DEEPEST
from tests.api import Api
from tests.conftest import Clinic
from tests.hostile.ways import refused
from tests.live.event_streams import events
from tests.protocols.sockets import acknowledged


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
