"""Ids that are broken, of the wrong type, unknown or another organization's, wherever one goes."""

from itertools import product
from typing import Any
from uuid import uuid4

import pytest

from tests.api import Api
from tests.booking import elsewhere
from tests.conftest import Clinic
from tests.factories import Factory, id_of
from tests.rows import unchanged
from tests.schema.plausible import MUTATIONS, QUERIES, other_ids, places, world_of

IN_MUTATIONS = places(MUTATIONS, "ID")
IN_QUERIES = places(QUERIES, "ID")
KEY = uuid4().hex
BROKEN: tuple[Any, ...] = (
    "",
    " ",
    "1",
    1,
    -1,
    "null",
    "_",
    "slot",
    "slot_",
    KEY,
    f"_{KEY}",
    f"slot_{KEY[:-1]}",
    f"slot_{KEY}0",
    f"slot_{KEY[:-1]}g",
    f"slot_{KEY.upper()}A"[:37],
    f"Slot_{KEY}",
    f"slot-{KEY}",
    f"slot_{KEY}\n",
    f" slot_{KEY}",
    f"slot_{KEY}\0",
    f"slot_{uuid4()}",
    "slot_" + "\uff10" * 32,
    "slot_" + "9" * 100_000,
    "'; DROP TABLE slots; --",
    "../../etc/passwd",
    "{}",
)
SOME_BROKEN = ("", 1, KEY, f"slot_{KEY}\0", "slot_" + "9" * 100_000)
# Moving an appointment to where it was put by the act before is refused as such.
REPEATED = {"rescheduleAppointment"}


@pytest.fixture
async def other(clinic: Clinic) -> Factory:
    """Another organization."""
    return await elsewhere(clinic)


def meaningless(good: str, theirs: str) -> tuple[str, ...]:
    """Ids in good order that name nothing here: unknown, somebody else's, of another type."""
    prefix, _, key = good.rpartition("_")
    kind = "slot" if prefix != "slot" else "patient"
    return unknown(good), theirs, f"{kind}_{key}", f"nothing_{key}"


def unknown(id: str) -> str:
    return f"{id.rpartition('_')[0]}_{uuid4().hex}"


def test_the_schema_was_read() -> None:
    assert len(IN_MUTATIONS) >= 20
    assert len(IN_QUERIES) >= 8


async def test_a_broken_id_is_invalid_input_wherever_one_goes(clinic: Clinic) -> None:
    world = await world_of(clinic)
    async with unchanged(clinic.factory):
        for place, broken in product(IN_MUTATIONS, SOME_BROKEN):
            payload = (await world.send(place, broken))["data"][place.operation]
            assert payload["errors"] == [
                {
                    "__typename": "InvalidInput",
                    "code": "INVALID_INPUT",
                    "message": "This is not an id.",
                    "path": place.blamed,
                }
            ], (str(place), broken)


async def test_an_id_of_nothing_that_is_meant_is_not_found_wherever_one_goes(
    clinic: Clinic, other: Factory
) -> None:
    world = await world_of(clinic)
    theirs = await other_ids(other)
    async with unchanged(clinic.factory), unchanged(other):
        for place in IN_MUTATIONS:
            for bad in meaningless(world.good(place), theirs[place.name]):
                payload = (await world.send(place, bad))["data"][place.operation]
                assert payload["errors"] == [
                    {
                        "__typename": "NotFound",
                        "code": "NOT_FOUND",
                        "message": "There is nothing with this id.",
                        "path": place.blamed,
                    }
                ], (str(place), bad)


async def test_the_ids_that_are_meant_would_have_been_accepted(clinic: Clinic) -> None:
    world = await world_of(clinic)
    # What ends something comes last, so that it is there for the others.
    ends = ("unpublish", "delete")
    for place in sorted(IN_MUTATIONS, key=lambda place: place.operation.startswith(ends)):
        payload = (await world.send(place, world.good(place)))["data"][place.operation]
        refused = {error["__typename"] for error in payload["errors"]}
        assert not refused & {"InvalidInput", "NotFound"} or place.operation in REPEATED, place


async def test_a_broken_id_in_a_question_is_bad_input(clinic: Clinic) -> None:
    world = await world_of(clinic)
    for place, broken in product(IN_QUERIES, SOME_BROKEN):
        (error,) = (await world.send(place, broken))["errors"]
        where = ".".join(place.blamed)
        assert error["message"] == f"{where}: This is not an id.", (str(place), broken)
        assert error["extensions"]["code"] == "BAD_INPUT"
        assert len(error["extensions"]["requestId"]) == 32


async def test_every_way_in_which_an_id_can_be_broken_is_bad_input(public: Api) -> None:
    for broken in BROKEN:
        answer = await public.send("query ($id: ID!) { node(id: $id) { id } }", id=broken)
        assert answer["data"] == {"node": None}, repr(broken)
        assert answer["errors"][0]["message"] == "id: This is not an id.", repr(broken)
        assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT", repr(broken)


# Of nothing all numbers are 0, as `test_reports` sees.
NO_NUMBERS = {"__typename": "Statistics"}


async def test_a_question_about_nothing_that_is_meant_shows_nothing(
    clinic: Clinic, other: Factory
) -> None:
    world = await world_of(clinic)
    theirs = await other_ids(other)
    for place in IN_QUERIES:
        bad_ids = meaningless(world.ids[place.name], theirs[place.name])
        answers = [await world.send(place, bad) for bad in bad_ids]
        for answer in answers:
            codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
            assert codes <= {"NOT_FOUND"}
            shown = (answer["data"] or {}).get(place.operation)
            assert shown in (None, [None], [], {"edges": []}, NO_NUMBERS), place
        # Nobody learns from the answer that an id is good elsewhere.
        assert without_request_id(answers[0]) == without_request_id(answers[1])


def without_request_id(answer: dict[str, Any]) -> dict[str, Any]:
    for error in answer.get("errors", ()):
        del error["extensions"]["requestId"]
    return answer


async def test_values_that_cannot_be_ids_are_refused_before_anything_is_looked_up(
    public: Api,
) -> None:
    for value in (True, 1.5, {}, {"id": "1"}, ["a", "b"]):
        assert await public.error_code("query ($id: ID!) { node(id: $id) { id } }", id=value) == (
            "BAD_INPUT"
        ), value


async def test_a_hundred_nodes_are_found_and_no_more_may_be_asked_for(clinic: Clinic) -> None:
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    id = (await world_of(clinic)).ids["calendarId"]
    found = await clinic.public.ask(document, ids=[id, unknown(id)] * 50)
    assert found == {"nodes": [{"id": id}, None] * 50}
    assert await clinic.public.ask(document, ids=[]) == {"nodes": []}
    assert await clinic.public.error_code(document, ids=[id] * 101) == "BAD_INPUT"


async def test_every_kind_of_thing_is_found_by_its_id(clinic: Clinic) -> None:
    world = await world_of(clinic)
    everything = {
        *world.ids.values(),
        id_of(clinic.factory.organization),
        *(id_of(person.user) for person in clinic.people.values()),
    }
    for id in sorted(everything):
        answer = await clinic.admin.ask("query ($id: ID!) { node(id: $id) { id } }", id=id)
        assert answer == {"node": {"id": id}}


async def test_nobody_sees_things_of_another_organization_by_id(
    clinic: Clinic, other: Factory
) -> None:
    ids = sorted({*(await other_ids(other)).values(), id_of(other.organization)})
    answer = await clinic.admin.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)
    assert answer == {"nodes": [None] * len(ids)}
