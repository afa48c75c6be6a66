"""What is asked on a socket: each operation lives and ends by itself, and its socket goes on."""

import asyncio

from models import Role
from tests.api import CALENDAR_CHANGES, Api
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.protocols.sockets import a_change, acknowledged, told, watch

MOST_OPERATIONS = 20


async def test_an_id_that_is_in_use_closes_the_socket(clinic: Clinic) -> None:
    for id in ("1", "\u20ac" * 10_000):
        async with acknowledged(clinic.public) as socket:
            await watch(socket, clinic, id)
            await socket.subscribe(id, "{ __typename }")
            assert await socket.close_code() == 4409


async def test_an_id_is_free_again_once_its_operation_has_ended(public: Api) -> None:
    async with acknowledged(public) as socket:
        for _ in range(3):
            assert await socket.answer("1", "{ __typename }") == {"data": {"__typename": "Query"}}
            assert (await socket.error("1", "{"))["extensions"]["code"] == "QUERY_REJECTED"


NO_DOCUMENTS = (
    "",
    " # nothing",
    "{",
    "{ nonsense }",
    "{ a " * 3000,
    "query A { __typename } query B { __typename }",
    "fragment A on Query { __typename }",
    "{ doctors(first: " + "9" * 5000 + ") { totalCount } }",
)


async def test_a_document_that_is_none_ends_only_its_own_operation(clinic: Clinic) -> None:
    async with acknowledged(clinic.public) as socket:
        await watch(socket, clinic, "live")
        for query in NO_DOCUMENTS:
            error = await socket.error("bad", query)
            assert error["extensions"]["code"] == "QUERY_REJECTED", query
        payload = {"query": "query A { __typename }", "operationName": "B"}
        await socket.send({"type": "subscribe", "id": "bad", "payload": payload})
        assert (await socket.next_error("bad"))["message"] == 'Unknown operation named "B".'
        slot_id = await a_change(clinic)
        assert await told(socket, "live") == slot_id
        await socket.is_well()


async def test_values_that_cannot_be_end_only_their_own_operation(clinic: Clinic) -> None:
    async with acknowledged(clinic.public) as socket:
        await watch(socket, clinic, "live")
        await socket.subscribe("bad", "query ($a: Int!) { doctors(first: $a) { totalCount } }")
        said = await socket.next()
        error = (said["payload"] if said["type"] == "error" else said["payload"]["errors"])[0]
        assert (said["id"], error["extensions"]["code"]) == ("bad", "BAD_INPUT")
        if said["type"] == "next":
            assert await socket.next() == {"id": "bad", "type": "complete"}
        window = {"from": wire(tomorrow(9)), "to": wire(tomorrow(8))}
        for id, window_, code in (
            ("calendar_x", window, "BAD_INPUT"),
            (id_of(clinic.person(Role.DOCTOR).calendar), window, "BAD_INPUT"),
            (id_of(clinic.person(Role.DOCTOR).user, "Calendar"), {}, "NOT_FOUND"),
        ):
            values = {"from": wire(tomorrow(1)), "to": wire(tomorrow(2)), **window_}
            await socket.subscribe("bad", CALENDAR_CHANGES, id=id, **values)
            said = await socket.next()
            errors = said["payload"] if said["type"] == "error" else said["payload"]["errors"]
            assert (said["id"], errors[0]["extensions"]["code"]) == ("bad", code)
            if said["type"] == "next":
                assert await socket.next() == {"id": "bad", "type": "complete"}
        slot_id = await a_change(clinic)
        assert await told(socket, "live") == slot_id


async def test_one_operation_too_many_is_refused_and_the_socket_goes_on(clinic: Clinic) -> None:
    async with acknowledged(clinic.public) as socket:
        for number in range(MOST_OPERATIONS):
            await watch(socket, clinic, str(number))
        error = await socket.error("one too many", "{ __typename }")
        assert error["extensions"] == {"code": "QUERY_REJECTED"}
        slot_id = await a_change(clinic)
        seen = {(await socket.next())["id"] for _ in range(MOST_OPERATIONS)}
        assert seen == {str(number) for number in range(MOST_OPERATIONS)}
        await socket.send({"type": "complete", "id": "7"})
        await socket.is_well()
        assert slot_id


async def test_a_stream_that_is_completed_says_no_more(clinic: Clinic) -> None:
    async with acknowledged(clinic.public) as socket:
        await watch(socket, clinic, "stopped")
        await watch(socket, clinic, "live")
        await socket.send({"type": "complete", "id": "stopped"})
        await socket.is_well()
        slot_id = await a_change(clinic)
        assert await told(socket, "live") == slot_id
        await socket.is_well()
        # The id is free again.
        await watch(socket, clinic, "stopped")


async def test_completing_what_is_not_there_is_ignored(clinic: Clinic) -> None:
    async with acknowledged(clinic.public) as socket:
        await watch(socket, clinic, "live")
        for id in ("nothing", "x" * 50_000):
            await socket.send({"type": "complete", "id": id})
        await socket.is_well()
        slot_id = await a_change(clinic)
        assert await told(socket, "live") == slot_id


async def test_a_query_and_a_mutation_may_come_on_a_socket(clinic: Clinic) -> None:
    create = """mutation ($input: CreateDepartmentInput!) {
      createDepartment(input: $input) { department { name } errors { __typename } }
    }"""
    async with acknowledged(clinic.admin) as socket:
        made = await socket.answer("1", create, input={"name": "Cardiology"})
        assert made == {
            "data": {"createDepartment": {"department": {"name": "Cardiology"}, "errors": []}}
        }
        again = await socket.answer("1", create, input={"name": "Cardiology"})
        assert again["data"]["createDepartment"]["errors"] == [{"__typename": "NameTaken"}]
        found = await socket.answer("1", "{ departments { edges { node { name } } } }")
        assert found == {"data": {"departments": {"edges": [{"node": {"name": "Cardiology"}}]}}}


async def test_operations_on_one_socket_do_not_wait_for_each_other(clinic: Clinic) -> None:
    async with acknowledged(clinic.public) as socket:
        await watch(socket, clinic, "live")
        for number in range(10):
            await socket.subscribe(str(number), "{ doctors { totalCount } }")
        said = [await socket.next() for _ in range(20)]
        for number in range(10):
            mine = [message for message in said if message["id"] == str(number)]
            assert [message["type"] for message in mine] == ["next", "complete"]
            assert mine[0]["payload"] == {"data": {"doctors": {"totalCount": 1}}}


async def test_a_refusal_on_a_socket_has_a_code_and_the_id_of_its_request(clinic: Clinic) -> None:
    async with acknowledged(clinic.public) as socket:
        answer = await socket.answer("1", '{ node(id: "x") { id } }')
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "BAD_INPUT"
        assert len(error["extensions"]["requestId"]) == 32
        await socket.subscribe("2", "{ patients { totalCount } }")
        said = await socket.next()
        assert said["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_many_sockets_may_be_open_at_once(public: Api) -> None:
    async def one() -> None:
        async with acknowledged(public) as socket:
            await socket.is_well()

    await asyncio.gather(*(one() for _ in range(50)))
