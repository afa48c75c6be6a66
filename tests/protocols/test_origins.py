"""Pages of other origins, and what proxies say: whom the server believes, and whom it answers."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from itertools import count

import aiohttp
import pytest

from models import Organization, Role
from tests.api import Api
from tests.conftest import CONFIG, Clinic, serving
from tests.factories import id_of, tomorrow, wire
from tests.live.event_streams import events
from tests.live.views import CHANGES, FIELDS
from tests.protocols.sockets import ACK, INIT, connected

OURS = ("https://calendar.example", "http://localhost:5173")
FOREIGN = [
    "https://calendar.example.evil.example",
    "https://evil.example",
    "http://calendar.example",
    "https://calendar.example:8443",
    "https://www.calendar.example",
    "http://localhost",
    "http://localhost:5174",
    "null",
    "*",
    "",
]
ADDRESSES = count(int(ip_address("198.18.0.1")))
CHANGE = 'mutation { createDepartment(input: {name: "Forged"}) { department { id } } }'


@pytest.fixture(scope="module")
def believing_url(database_url: str) -> Iterator[str]:
    """A server with origins and proxies that it trusts, and one connection for each address."""
    proxies = ("127.0.0.1", "10.0.0.0/8", "fd00::/8")
    config = replace(
        CONFIG, allowed_origins=OURS, trusted_proxies=proxies, connections_per_address=1
    )
    with serving(config, database_url) as url:
        yield url


@pytest.fixture
def believing(believing_url: str, http: aiohttp.ClientSession, organization: Organization) -> Api:
    """That server's API."""
    return Api(believing_url, http, organization.slug)


async def asked(api: Api, origin: str, *, query: str = "{ __typename }") -> aiohttp.ClientResponse:
    headers = {**api.headers, "origin": origin}
    async with api.http.post(api.url, json={"query": query}, headers=headers) as response:
        await response.read()
    return response


async def asked_before(api: Api, origin: str) -> aiohttp.ClientResponse:
    """What a browser asks before it asks."""
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,authorization",
    }
    async with api.http.options(api.url, headers=headers) as response:
        await response.read()
    return response


@pytest.mark.parametrize("origin", OURS)
async def test_a_page_of_an_allowed_origin_may_ask_and_read(believing: Api, origin: str) -> None:
    before = await asked_before(believing, origin)
    assert before.status == 200
    assert before.headers["access-control-allow-origin"] == origin
    assert "POST" in before.headers["access-control-allow-methods"]
    allowed = before.headers["access-control-allow-headers"].lower()
    assert {"authorization", "content-type", "last-event-id"} <= set(allowed.split(", "))
    response = await asked(believing, origin)
    assert response.status == 200
    assert response.headers["access-control-allow-origin"] == origin
    assert "origin" in response.headers["vary"].lower()
    assert response.headers["access-control-expose-headers"] == "retry-after, x-request-id"
    # Nobody's cookies are wanted.
    assert "access-control-allow-credentials" not in before.headers
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_page_of_another_origin_may_not(
    believing: Api, public: Api, clinic: Clinic, origin: str
) -> None:
    for api in (believing, public):
        before = await asked_before(api, origin)
        assert before.status in {400, 405}
        for response in (before, await asked(api, origin)):
            assert "access-control-allow-origin" not in response.headers
    headers = {**clinic.admin.headers, "origin": origin, "content-type": "text/plain"}
    body = f'{{"query": "{CHANGE}"}}'
    async with clinic.admin.http.post(believing.url, data=body, headers=headers) as response:
        assert response.status == 415
    assert await clinic.admin.ask("{ departments { totalCount } }") == {
        "departments": {"totalCount": 0}
    }


async def test_sockets_and_streams_are_for_the_same_origins(believing: Api, clinic: Clinic) -> None:
    window = {
        "id": id_of(clinic.person(Role.DOCTOR).calendar),
        "from": wire(tomorrow(0)),
        "to": wire(tomorrow(23)),
    }
    own = believing.url.removesuffix("/graphql")
    for origin in (*OURS, own):
        async with connected(believing, **sender(origin)) as socket:
            await socket.send(INIT)
            assert await socket.next() == ACK
        for method in ("GET", "POST"):
            watching = events(believing, CHANGES % FIELDS, window, method=method, **sender(origin))
            async with watching as stream:
                event = await stream.next()
                assert event is not None
                assert event.kind == "next"
    for origin in FOREIGN:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            async with connected(believing, **sender(origin)):
                pass
        for method in ("GET", "POST"):
            watching = events(believing, CHANGES % FIELDS, window, method=method, **sender(origin))
            async with watching as stream:
                assert stream.response.status == 403
                (error,) = (await stream.response.json())["errors"]
                assert error["extensions"]["code"] == "QUERY_REJECTED"


def sender(origin: str) -> dict[str, str]:
    """The headers of a page that nobody else's connections count for."""
    return {"origin": origin, "x-forwarded-for": str(ip_address(next(ADDRESSES)))}


async def is_let_in(api: Api, forwarded: str | None) -> bool:
    """Whether a connection that came through a proxy is one of those that there may be."""
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    async with connected(api, **headers) as socket:
        await socket.send(INIT)
        frame = await socket.socket.receive(10)
        return frame.type is aiohttp.WSMsgType.TEXT


async def test_clients_behind_proxies_are_told_apart_by_what_proxies_say(believing: Api) -> None:
    async with connected(believing, **{"x-forwarded-for": "203.0.113.1"}) as socket:
        await socket.send(INIT)
        assert await socket.next() == ACK
        for same in (
            "203.0.113.1",
            "203.0.113.1:4711",
            "203.0.113.1, 10.1.2.3",
            "203.0.113.1, 10.1.2.3, 127.0.0.1",
            # What the client itself says comes first, and is not believed.
            "198.51.100.7, 203.0.113.1",
            "127.0.0.1, 203.0.113.1, 10.1.2.3",
        ):
            assert not await is_let_in(believing, same), same
        for other in ("203.0.113.2", "203.0.113.1, 203.0.113.2", "2001:db8::1", "nonsense", None):
            assert await is_let_in(believing, other), other
    async with connected(believing, **{"x-forwarded-for": "2001:db8::1"}) as socket:
        await socket.send(INIT)
        assert await socket.next() == ACK
        for same in ("2001:db8::2", "[2001:db8:0:0:ffff::1]:80", "2001:db8::3, fd00::1"):
            assert not await is_let_in(believing, same), same
        assert await is_let_in(believing, "2001:db8:0:1::1")


async def test_who_is_no_proxy_is_not_believed(clinic: Clinic, database_url: str) -> None:
    config = replace(CONFIG, connections_per_address=1, trusted_proxies=("10.0.0.0/8",))
    with serving(config, database_url) as url:
        api = Api(url, clinic.public.http, clinic.public.slug)
        async with connected(api) as socket:
            await socket.send(INIT)
            assert await socket.next() == ACK
            for said in ("203.0.113.1", "10.0.0.1", "::1"):
                assert not await is_let_in(api, said)
