"""One document by every way that leads to the server, and what each says of it."""

import json
from typing import Any
from urllib.parse import urlencode

from serving.lines import LARGEST_HEAD
from tests.api import Api
from tests.protocols.sockets import acknowledged

RESPONSE = "application/graphql-response+json"
EVENTS = "text/event-stream"


async def refused(api: Api, query: str, variables: dict[str, Any] | None = None) -> str:
    """The one sentence with which every way refuses a document, and nothing besides."""
    sentences = {
        await _by_post(api, query, variables, "application/json", 200),
        await _by_post(api, query, variables, RESPONSE, 400),
        await _by_get(api, query, variables),
        await _by_event_stream(api, query, variables),
        await _by_socket(api, query, variables),
    }
    assert len(sentences) == 1, sentences
    (sentence,) = sentences
    return sentence


def said(answer: dict[str, Any]) -> str:
    """The sentence of an answer that is nothing but one refusal."""
    assert answer.keys() == {"errors"}, answer
    return said_once(answer["errors"])


def said_once(errors: list[dict[str, Any]]) -> str:
    (error,) = errors
    assert error["extensions"]["code"] == "QUERY_REJECTED"
    assert error["extensions"].keys() <= {"code", "requestId"}
    assert "path" not in error
    return str(error["message"])


async def _by_post(api: Api, query: str, variables: Any, accept: str, status: int) -> str:
    body = {"query": query, "variables": variables}
    headers = {**api.headers, "accept": accept}
    async with api.http.post(api.url, json=body, headers=headers) as response:
        answer = await response.json(content_type=None)
        assert response.status == status, answer
        return said(answer)


async def _by_get(api: Api, query: str, variables: Any) -> str:
    url = f"{api.url}?{urlencode({'query': query, 'variables': json.dumps(variables or {})})}"
    headers = {**api.headers, "accept": RESPONSE}
    if query.startswith("mutation") or len(url) > LARGEST_HEAD:
        return await _by_post(api, query, variables, RESPONSE, 400)
    async with api.http.get(url, headers=headers) as response:
        assert response.status == 400
        return said(await response.json(content_type=None))


async def _by_event_stream(api: Api, query: str, variables: Any) -> str:
    body = {"query": query, "variables": variables}
    headers = {**api.headers, "accept": EVENTS}
    async with api.http.post(api.url, json=body, headers=headers) as response:
        assert response.status == 200
        text = await response.text()
    (data,) = [line.removeprefix("data: ") for line in text.splitlines() if "data: " in line]
    assert "event: complete" in text
    return said(json.loads(data))


async def _by_socket(api: Api, query: str, variables: Any) -> str:
    async with acknowledged(api) as socket:
        await socket.subscribe("1", query, **(variables or {}))
        message = await socket.next()
        assert (message["id"], message["type"]) == ("1", "error")
        await socket.is_well()
        return said_once(message["payload"])
