"""graphql-transport-ws on a bare socket: every state, every message that is none, every code."""

import json
from typing import Any

import aiohttp
import pytest

from tests.api import Api
from tests.conftest import Clinic
from tests.live.views import another_server
from tests.protocols.sockets import ACK, INIT, PROTOCOL, acknowledged, connected, watch

LARGEST_FRAME = 64 * 1024


@pytest.mark.parametrize("protocols", [(), ("graphql-ws",), ("chat",), ("graphql-sse", "json")])
async def test_another_protocol_is_not_acceptable(public: Api, protocols: tuple[str, ...]) -> None:
    async with connected(public, protocols=protocols) as socket:
        assert await socket.close_code() == 4406


async def test_of_several_protocols_the_one_that_is_known_is_taken(public: Api) -> None:
    async with connected(public, protocols=("graphql-ws", PROTOCOL)) as socket:
        assert socket.socket.protocol == PROTOCOL
        await socket.send(INIT)
        assert await socket.next() == ACK


async def test_who_does_not_begin_in_time_is_sent_away(public: Api) -> None:
    async with connected(public) as socket:
        assert await socket.close_code() == 4408


async def test_who_begins_twice_is_sent_away(public: Api) -> None:
    async with acknowledged(public) as socket:
        await socket.send(INIT)
        assert await socket.close_code() == 4429


async def test_nothing_is_carried_out_before_the_connection_is_acknowledged(clinic: Clinic) -> None:
    async with connected(clinic.admin) as socket:
        await socket.subscribe(
            "1", 'mutation { createDepartment(input: {name: "Forged"}) { department { id } } }'
        )
        assert await socket.close_code() == 4401
    found = await clinic.admin.ask("{ departments { totalCount } }")
    assert found == {"departments": {"totalCount": 0}}


@pytest.mark.parametrize("payload", [{}, None, {"a": 1}, {"authorization": None}])
async def test_the_public_may_come_in(public: Api, payload: Any) -> None:
    async with connected(public) as socket:
        await socket.send({**INIT, "payload": payload})
        assert await socket.next() == ACK
        await socket.is_well()


@pytest.mark.parametrize("payload", [[], [1], 1, "x", True, ""])
async def test_an_introduction_that_is_no_object_is_no_message(public: Api, payload: Any) -> None:
    async with connected(public) as socket:
        await socket.send({**INIT, "payload": payload})
        assert await socket.close_code() == 4400


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION"])
async def test_who_shows_a_token_is_known(clinic: Clinic, name: str) -> None:
    async with connected(clinic.admin) as socket:
        await socket.send({**INIT, "payload": {name: f"Bearer {clinic.admin.token}"}})
        assert await socket.next() == ACK
        answer = await socket.answer("1", "{ viewer { role } }")
        assert answer == {"data": {"viewer": {"role": "ADMIN"}}}


@pytest.mark.parametrize("token", ["", "x", "Bearer", "Bearer x", "Basic YTpi", 1, [], {}, False])
async def test_who_shows_a_bad_token_is_forbidden(public: Api, token: Any) -> None:
    async with connected(public) as socket:
        await socket.send({**INIT, "payload": {"authorization": token}})
        assert await socket.close_code() == 4403


async def test_a_token_in_the_address_says_nothing(clinic: Clinic) -> None:
    api = Api(
        f"{clinic.admin.url}?authorization=Bearer%20{clinic.admin.token}",
        clinic.admin.http,
        clinic.admin.slug,
    )
    async with acknowledged(api) as socket:
        assert await socket.answer("1", "{ viewer { id } }") == {"data": {"viewer": None}}


QUERY = {"query": "{ __typename }"}
SUBSCRIBE = {"type": "subscribe", "id": "1"}
NO_MESSAGES: dict[str, Any] = {
    "no JSON": "{",
    "nothing": "",
    "NaN": "NaN",
    "null": "null",
    "a number": "1",
    "a string": '"subscribe"',
    "a list": "[]",
    "messages in a list": '[{"type": "ping"}]',
    "deep lists": "[" * 2000 + "]" * 2000,
    "a lone surrogate": '{"type": "ping\\ud800"}',
    "no type": {},
    "type null": {"type": None},
    "type a number": {"type": 1},
    "type a list": {"type": ["ping"]},
    "an unknown type": {"type": "start", "id": "1", "payload": QUERY},
    "a type of the server": {"type": "next", "id": "1", "payload": {}},
    "an endless type": {"type": "x" * 50_000},
    "an endless type of more than ASCII": {"type": "\u20ac" * 10_000},
    "no id": {"type": "subscribe", "payload": QUERY},
    "id null": {"type": "subscribe", "id": None, "payload": QUERY},
    "id a number": {"type": "subscribe", "id": 1, "payload": QUERY},
    "id a list": {"type": "subscribe", "id": ["1"], "payload": QUERY},
    "id empty": {"type": "subscribe", "id": "", "payload": QUERY},
    "no payload": SUBSCRIBE,
    "payload null": {**SUBSCRIBE, "payload": None},
    "payload a list": {**SUBSCRIBE, "payload": []},
    "payload a string": {**SUBSCRIBE, "payload": "{ __typename }"},
    "no query": {**SUBSCRIBE, "payload": {}},
    "query null": {**SUBSCRIBE, "payload": {"query": None}},
    "query a number": {**SUBSCRIBE, "payload": {"query": 1}},
    "query a list": {**SUBSCRIBE, "payload": {"query": ["{ __typename }"]}},
    "variables a list": {**SUBSCRIBE, "payload": {**QUERY, "variables": []}},
    "variables a string": {**SUBSCRIBE, "payload": {**QUERY, "variables": "{}"}},
    "operationName a number": {**SUBSCRIBE, "payload": {**QUERY, "operationName": 1}},
    "extensions a list": {**SUBSCRIBE, "payload": {**QUERY, "extensions": []}},
    "complete without id": {"type": "complete"},
    "complete id a number": {"type": "complete", "id": 1},
}


@pytest.mark.parametrize("message", NO_MESSAGES.values(), ids=NO_MESSAGES.keys())
async def test_what_is_no_message_closes_the_socket(public: Api, message: Any) -> None:
    async with acknowledged(public) as socket:
        await socket.send(message)
        assert await socket.close_code() == 4400
    async with connected(public) as socket:
        await socket.send(message)
        assert await socket.close_code() == 4400


async def test_binary_is_no_message(public: Api) -> None:
    async with acknowledged(public) as socket:
        await socket.socket.send_bytes(json.dumps({"type": "ping"}).encode())
        assert await socket.close_code() == 4400


async def test_a_socket_that_is_closed_leaves_the_others_alone(public: Api) -> None:
    async with acknowledged(public) as other, acknowledged(public) as socket:
        await socket.send("[]")
        assert await socket.close_code() == 4400
        await other.is_well()


async def test_a_frame_may_have_64_kilobytes_and_no_more(public: Api) -> None:
    message = json.dumps({"type": "ping", "payload": {}})
    async with acknowledged(public) as socket:
        await socket.send(message.ljust(LARGEST_FRAME))
        assert await socket.next() == {"type": "pong"}
        await socket.send(message.ljust(LARGEST_FRAME + 1))
        assert await socket.close_code() == 1009


async def test_a_message_may_have_64_kilobytes_however_it_is_cut(public: Api) -> None:
    message = json.dumps({"type": "ping", "payload": {}}).ljust(LARGEST_FRAME + 1).encode()
    for size, parts in ((LARGEST_FRAME, 2), (LARGEST_FRAME + 1, 3)):
        async with acknowledged(public) as socket:
            step = size // parts + 1
            for begin in range(0, size, step):
                is_last = begin + step >= size
                await socket.fragment(
                    message[begin : min(begin + step, size)], is_first=not begin, is_last=is_last
                )
            if size == LARGEST_FRAME:
                assert await socket.next() == {"type": "pong"}
            else:
                assert await socket.close_code() == 1009


async def test_text_that_is_no_utf_8_is_no_text(public: Api) -> None:
    async with acknowledged(public) as socket:
        await socket.fragment(b'{"type": "\xff"}', is_first=True, is_last=True)
        assert await socket.close_code() == 1007


async def test_a_socket_says_so_much_in_a_minute(clinic: Clinic, database_url: str) -> None:
    limits = {"messages_at_once": 30, "messages_per_minute": 100}
    async with (
        another_server(clinic.public, database_url, **limits) as public,
        acknowledged(public) as other,
        acknowledged(public) as socket,
    ):
        # One was for the introduction. What ends an operation is not counted.
        for _ in range(9):
            await watch(socket, clinic, "1")
            await socket.send({"type": "complete", "id": "1"})
        for _ in range(20):
            await socket.send({"type": "ping"})
            assert await socket.next() == {"type": "pong"}
        # What ends nothing is counted as all else, and two are earned in the meantime.
        for _ in range(10):
            await socket.send({"type": "complete", "id": "2"})
        assert await socket.close_code() == 4429
        await other.is_well()


async def test_a_ping_is_answered_at_any_time_and_a_pong_is_not(public: Api) -> None:
    async with connected(public) as socket:
        await socket.send({"type": "pong", "payload": {"a": 1}})
        await socket.send({"type": "ping"})
        assert await socket.next() == {"type": "pong"}
        await socket.send(INIT)
        assert await socket.next() == ACK
        await socket.send({"type": "pong"})
        await socket.send({"type": "ping", "payload": {"a": 1}})
        assert await socket.next() == {"type": "pong"}


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "https://127.0.0.1.evil.example",
        "file://",
    ],
)
async def test_a_page_of_another_origin_is_not_let_in(public: Api, origin: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with connected(public, origin=origin):
            pass
    assert refused.value.status == 403


async def test_a_page_of_the_same_origin_is_let_in(public: Api) -> None:
    async with connected(public, origin=public.url.removesuffix("/graphql")) as socket:
        await socket.send(INIT)
        assert await socket.next() == ACK


async def test_who_breaks_off_leaves_the_server_well(
    clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(10):
        async with acknowledged(clinic.public) as socket:
            await watch(socket, clinic, "1")
            await socket.subscribe("2", "{ __typename }")
            transport = socket.socket.get_extra_info("socket")
            assert transport is not None
            socket.socket._response.connection.transport.abort()  # type: ignore[union-attr]
    async with acknowledged(clinic.public) as socket:
        await socket.is_well()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
