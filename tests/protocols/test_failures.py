"""What clients are told when the fault is ours: that it is, and nothing else."""

import asyncio
import json
import logging
from typing import Any

import aiohttp
import pytest

from models import Role
from tests.api import Api
from tests.protocols.conftest import Wire

DEPARTMENTS = "{ departments { edges { node { name } } } }"
MASKED = "Something went wrong on our side."


async def answer_to(api: Api, document: str) -> tuple[int, Any]:
    async with api.http.post(api.url, json={"query": document}, headers=api.headers) as response:
        return response.status, await response.json()


def whole_log(caplog: pytest.LogCaptureFixture, request_id: str) -> str:
    """What was logged of a request, traceback included."""
    (record,) = [r for r in caplog.records if request_id in r.getMessage()]
    assert (record.name, record.levelname) == ("graphql", "ERROR")
    return logging.Formatter().format(record)


async def test_a_bug_in_an_operation_is_masked_and_logged(
    private: Api, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    assert await private.ask(DEPARTMENTS) == {"departments": {"edges": []}}
    await wire.execute("ALTER TABLE departments RENAME COLUMN description TO telling_name")
    status, answer = await answer_to(private, DEPARTMENTS)
    (error,) = answer["errors"]
    assert (status, answer["data"]) == (200, None)
    assert (error["message"], error["extensions"]["code"]) == (MASKED, "INTERNAL")
    assert error["path"] == ["departments"]
    for secret in ("description", "SELECT", "Traceback", "asyncpg", "sqlalchemy", ".py"):
        assert secret not in json.dumps(answer)
    logged = whole_log(caplog, error["extensions"]["requestId"])
    assert "Traceback" in logged
    assert "description" in logged
    # The other fields of the same request are answered.
    status, answer = await answer_to(private, '{ __typename node(id: "department_0") { id } }')
    assert answer["data"] == {"__typename": "Query", "node": None}


async def test_a_bug_before_an_operation_is_masked_and_logged(
    private: Api, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    person = await private.factory.person(Role.ADMIN)  # type: ignore[attr-defined]
    admin = private.signed_in(person.token)
    assert await admin.ask("{ viewer { role } }") == {"viewer": {"role": "ADMIN"}}
    await wire.execute("ALTER TABLE sign_ins RENAME COLUMN ended_at TO telling_name")
    status, answer = await answer_to(admin, "{ viewer { role } }")
    assert (status, answer.keys()) == (500, {"errors"})
    (error,) = answer["errors"]
    assert error["message"] == MASKED
    assert error["extensions"].keys() == {"code", "requestId"}
    assert error["extensions"]["code"] == "INTERNAL"
    assert "ended_at" not in json.dumps(answer)
    assert "ended_at" in whole_log(caplog, error["extensions"]["requestId"])


async def test_a_bug_on_a_socket_ends_the_operation_and_says_so(private: Api, wire: Wire) -> None:
    person = await private.factory.person(Role.ADMIN)  # type: ignore[attr-defined]
    init = {
        "type": "connection_init",
        "payload": {"authorization": f"Bearer {person.token}"},
    }
    subscribe = {"type": "subscribe", "id": "1", "payload": {"query": "{ viewer { role } }"}}
    async with socket(private) as open_socket:
        await open_socket.send_json(init)
        assert await open_socket.receive_json() == {"type": "connection_ack"}
        await wire.execute("ALTER TABLE sign_ins RENAME COLUMN ended_at TO telling_name")
        await open_socket.send_json(subscribe)
        said = await open_socket.receive_json()
        assert (said["type"], said["id"]) == ("error", "1")
        assert said["payload"][0]["message"] == MASKED
        assert said["payload"][0]["extensions"]["code"] == "INTERNAL"
        # The socket goes on, and the id is free again.
        await wire.execute("ALTER TABLE sign_ins RENAME COLUMN telling_name TO ended_at")
        await open_socket.send_json(subscribe)
        said = await open_socket.receive_json()
        assert said["payload"] == {"data": {"viewer": {"role": "ADMIN"}}}
    await wire.execute("ALTER TABLE sign_ins RENAME COLUMN ended_at TO telling_name")
    async with socket(private) as open_socket:
        await open_socket.send_json(init)
        closed = await open_socket.receive()
        assert (closed.type, closed.data, closed.extra) == (aiohttp.WSMsgType.CLOSE, 4500, MASKED)


async def test_without_its_database_the_server_asks_to_try_again(private: Api, wire: Wire) -> None:
    root = private.url.removesuffix("/graphql")
    await wire.cut()
    for _ in range(2):
        status, answer = await answer_to(private, DEPARTMENTS)
        assert status == 503
        (error,) = answer["errors"]
        assert error["extensions"] == {"code": "UNAVAILABLE"}
        assert "unavailable" in error["message"]
        async with private.http.get(f"{root}/readyz") as response:
            assert (response.status, await response.json()) == (503, {"ready": False})
        async with private.http.get(f"{root}/healthz") as response:
            assert response.status == 200
    async with socket(private) as open_socket:
        await open_socket.send_json({"type": "connection_init"})
        closed = await open_socket.receive()
        assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 1013)
    await wire.mend()
    assert await private.ask(DEPARTMENTS) == {"departments": {"edges": []}}
    async with private.http.get(f"{root}/readyz") as response:
        assert (response.status, await response.json()) == (200, {"ready": True})


async def test_an_operation_that_loses_its_database_is_unavailable(
    private: Api, wire: Wire
) -> None:
    async with socket(private) as open_socket:
        await open_socket.send_json({"type": "connection_init"})
        assert await open_socket.receive_json() == {"type": "connection_ack"}
        await wire.cut()
        payload = {"query": DEPARTMENTS}
        await open_socket.send_json({"type": "subscribe", "id": "1", "payload": payload})
        said = await open_socket.receive_json()
        assert (said["type"], said["id"]) == ("error", "1")
        assert said["payload"][0]["extensions"]["code"] == "UNAVAILABLE"
        await wire.mend()
        async with asyncio.timeout(10):
            while True:
                await open_socket.send_json({"type": "subscribe", "id": "1", "payload": payload})
                said = await open_socket.receive_json()
                if said["type"] == "next":
                    break
        assert said["payload"] == {"data": {"departments": {"edges": []}}}


def socket(api: Api) -> Any:
    return api.http.ws_connect(
        api.url, protocols=["graphql-transport-ws"], headers={"x-organization": api.slug}
    )
