"""How a server is asked: by GraphQL, or by REST, where each operation has an address of its own.
What a REST server answers is read as the GraphQL answer that it stands for.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

Query = Mapping[str, Any]


class GraphQL:
    """Every operation is posted to one address."""

    def request(self, query: Query, token: str = "") -> bytes:
        """The whole request, as it goes over the wire."""
        return _request("POST", "/graphql", orjson.dumps(query), token)

    def read(self, query: Query, answer: Any) -> Any:  # noqa: ARG002
        """The GraphQL answer."""
        return answer


class Rest:
    """Each operation has its own method and address."""

    def request(self, query: Query, token: str = "") -> bytes:
        """The whole request, as it goes over the wire."""
        values = query["variables"]
        match query["operationName"]:
            case "Month":
                window = urlencode({"begin": values["from"], "end": values["to"]})
                address = f"/calendars/{_key(values['id'])}/slots?{window}"
                return _request("GET", address, b"", token)
            case "Doctors":
                after = f"?{urlencode({'after': values['after']})}" if values["after"] else ""
                return _request("GET", f"/doctors{after}", b"", token)
            case "Book":
                body = {"slotId": _key(values["slot"]), "patientId": _key(values["patient"])}
                return _request("POST", "/appointments", orjson.dumps(body), token)
        raise ValueError(f"Nobody knows how {query['operationName']} is asked here.")

    def read(self, query: Query, answer: Any) -> Any:
        """The GraphQL answer."""
        if query["operationName"] == "Month":
            slots = [{**slot, "id": _id("slot", slot["id"])} for slot in answer]
            return {"data": {"calendar": {"slots": slots}}}
        edges = [{"node": _doctor(doctor)} for doctor in answer["doctors"]]
        info = {"hasNextPage": answer["hasNextPage"], "endCursor": answer["endCursor"]}
        return {"data": {"doctors": {"edges": edges, "pageInfo": info}}}


Dialect = GraphQL | Rest


def _request(method: str, address: str, body: bytes, token: str) -> bytes:
    authorization = f"authorization: Bearer {token}\r\n" if token else ""
    head = (
        f"{method} {address} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n"
        f"content-type: application/json\r\n{authorization}content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _doctor(doctor: Mapping[str, Any]) -> dict[str, Any]:
    free = doctor["nextAvailableSlot"]
    shown = free and {**free, "id": _id("slot", free["id"])}
    return {**doctor, "id": _id("doctor", doctor["id"]), "nextAvailableSlot": shown}


def _id(kind: str, key: str) -> str:
    return f"{kind}_{key.replace('-', '')}"


def _key(id: str) -> str:
    return id.rpartition("_")[2]
