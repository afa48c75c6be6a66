"""Fetching from addresses of strangers: a real server that misbehaves, and name servers that lie.

Whatever is refused, a server beside it, which counts who asks, is asked nothing.
"""

import asyncio
import logging
import socket
import ssl
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address

import pytest
import trustme
from aiohttp import web
from yarl import URL

from models import ExternalProblem
from services.external.addresses import STRICT, WHILE_DEVELOPING, Rules
from services.external.fetching import MOST_BYTES, Fetched, Fetcher, State, Unread
from tests.elsewhere import KIND, Answer, Elsewhere, file, pouring, saying, serving_elsewhere

OPEN = WHILE_DEVELOPING
NOTHING_KNOWN = State()
SECRET = "secret-of-the-calendar"


@dataclass
class Sink:
    """Counts who knocks at a port of this machine, by whichever of its addresses."""

    port: int = 0
    count: int = 0

    async def met(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.count += 1
        writer.close()


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    """A port at which nobody is to knock."""
    made = Sink()
    async with await asyncio.start_server(made.met, "0.0.0.0", 0) as server:
        made.port = server.sockets[0].getsockname()[1]
        yield made
    assert made.count == 0


def strict(*ports: int, own: str = "") -> Rules:
    """The rules of production, at other ports, and but for one address that plays the internet."""

    def admits(address: IPv4Address | IPv6Address) -> bool:
        return str(address) == own or STRICT.admits(address)

    return replace(STRICT, ports=frozenset(ports), admits=admits)


def knowing(*addresses: str) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """A name server that says the same of every host."""

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return resolve


async def problem_of(
    url: URL | str, fetcher: Fetcher | None = None, known: State = NOTHING_KNOWN
) -> ExternalProblem:
    """Why nothing could be fetched; what is told of it must not say where."""
    with pytest.raises(Unread) as unread:
        await (fetcher or Fetcher(OPEN)).fetch(URL(str(url)), known)
    told = "".join(traceback.format_exception(unread.value, chain=True))
    assert SECRET not in told
    return unread.value.problem


# ------------------------------------------------------------------------- what is fetched


async def test_a_file_and_what_its_state_is_called(elsewhere: Elsewhere) -> None:
    elsewhere.answer = saying(
        body=b"\xef\xbb\xbf\r\n" + file(), ETag='"1"', Last_Modified="Sat, 21 Nov 2026 10:00:00 GMT"
    )
    found = await Fetcher(OPEN).fetch(URL(elsewhere.url), NOTHING_KNOWN)
    state = State('"1"', "Sat, 21 Nov 2026 10:00:00 GMT")
    assert found == Fetched(file(), state)
    (asked,) = elsewhere.asked
    assert {"if-none-match", "if-modified-since", "cookie", "referer"} & asked.keys() == set()
    assert asked["user-agent"] == "appointment-server"


async def test_what_is_known_is_not_sent_again(elsewhere: Elsewhere) -> None:
    elsewhere.etag = '"2"'
    assert await Fetcher(OPEN).fetch(URL(elsewhere.url), State('"2"', "yesterday")) is None
    assert elsewhere.asked[0]["if-none-match"] == '"2"'
    assert elsewhere.asked[0]["if-modified-since"] == "yesterday"
    found = await Fetcher(OPEN).fetch(URL(elsewhere.url), State('"1"'))
    assert found == Fetched(file(), State('"2"'))


async def test_nothing_new_where_nothing_is_known_is_no_answer(elsewhere: Elsewhere) -> None:
    elsewhere.answer = saying(304)
    assert await problem_of(elsewhere.url) is ExternalProblem.UNREACHABLE


async def test_a_name_of_a_state_that_is_none_is_not_kept(elsewhere: Elsewhere) -> None:
    elsewhere.answer = saying(body=file(), ETag="x" * 501)
    found = await Fetcher(OPEN).fetch(URL(elsewhere.url), NOTHING_KNOWN)
    assert found == Fetched(file(), NOTHING_KNOWN)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_followed(elsewhere: Elsewhere, status: int) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/moved.ics"):
            return web.Response(body=file(), content_type=KIND)
        return web.Response(status=status, headers={"Location": "moved.ics"})

    elsewhere.answer = answer
    assert await Fetcher(OPEN).fetch(URL(elsewhere.url), NOTHING_KNOWN) == Fetched(file(), State())


async def test_redirects_end(elsewhere: Elsewhere) -> None:
    elsewhere.answer = saying(302, Location="again.ics")
    assert await problem_of(elsewhere.url) is ExternalProblem.UNREACHABLE
    assert len(elsewhere.asked) == 4


# ------------------------------------------------------------------------- where it does not go


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.9",
        "localhost",
        "[::ffff:127.0.0.1]",
        # As the C library reads numbers.
        "0",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
    ],
)
async def test_no_name_of_this_machine_is_asked(host: str, sink: Sink) -> None:
    url = f"https://{host}:{sink.port}/{SECRET}.ics"
    assert await problem_of(url, Fetcher(strict(sink.port))) is ExternalProblem.REFUSED_ADDRESS


@pytest.mark.parametrize("url", ["http://calendar.example/", "https://calendar.example:8000/"])
async def test_in_production_nothing_but_tls_at_its_ports(url: str) -> None:
    fetcher = Fetcher(STRICT, knowing("127.0.0.1"))
    assert await problem_of(url, fetcher) is ExternalProblem.REFUSED_ADDRESS


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["10.1.2.3"],
        ["::ffff:127.0.0.1"],
        ["fd00::1"],
        # One good address does not make the other one good.
        ["8.8.8.8", "127.0.0.1"],
        ["127.0.0.1", "8.8.8.8"],
    ],
)
async def test_a_name_that_leads_inside_is_refused(addresses: list[str]) -> None:
    fetcher = Fetcher(STRICT, resolve=knowing(*addresses))
    url = f"https://calendar.example/{SECRET}.ics"
    assert await problem_of(url, fetcher) is ExternalProblem.REFUSED_ADDRESS


async def test_the_connection_goes_to_the_address_that_was_looked_at(elsewhere: Elsewhere) -> None:
    """A name server that says something else the second time is not asked a second time."""
    asked = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    port = URL(elsewhere.address).port
    url = URL(f"http://calendar.invalid:{port}/{SECRET}.ics")
    assert await Fetcher(OPEN, resolve=resolve).fetch(url, NOTHING_KNOWN) is not None
    assert asked == [("calendar.invalid", port)]
    assert elsewhere.asked[0]["host"] == f"calendar.invalid:{port}"


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
        "http://[::ffff:10.0.0.1]/",
        "http://user:password@127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
    ],
)
async def test_a_redirect_leads_nowhere_else(elsewhere: Elsewhere, location: str) -> None:
    elsewhere.answer = saying(302, Location=location)
    assert await problem_of(elsewhere.url) is ExternalProblem.REFUSED_ADDRESS
    assert len(elsewhere.asked) == 1


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """An authority for certificates that only the test trusts."""
    return trustme.CA()


def certified(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """What a server shows that this is its name."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_over_tls_the_name_must_be_the_server_s_own(authority: trustme.CA) -> None:
    fetcher = Fetcher(OPEN, knowing("127.0.0.1"), trusting(authority))
    async with serving_elsewhere(certified(authority, "calendar.example")) as elsewhere:
        port = URL(elsewhere.address).port
        good = URL(f"https://calendar.example:{port}/{SECRET}.ics")
        assert await fetcher.fetch(good, NOTHING_KNOWN) == Fetched(file(), State())
        other = f"https://other.example:{port}/{SECRET}.ics"
        assert await problem_of(other, fetcher) is ExternalProblem.UNREACHABLE
        untrusting = replace(fetcher, trusted=None)
        assert await problem_of(good, untrusting) is ExternalProblem.UNREACHABLE
        assert len(elsewhere.asked) == 1


@pytest.mark.parametrize(
    "location",
    [
        "https://127.0.0.9:{port}/",
        "https://localhost:{port}/",
        "https://inside.example:{port}/",
        "https://2130706441:{port}/",
        "//inside.example:{port}/",
        "http://calendar.example:{port}/",
    ],
)
async def test_in_production_no_redirect_leads_to_the_own_machine_or_out_of_tls(
    authority: trustme.CA, sink: Sink, location: str
) -> None:
    async def resolve(host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1" if host == "calendar.example" else "127.0.0.9"]

    async with serving_elsewhere(certified(authority, "calendar.example")) as elsewhere:
        port = URL(elsewhere.address).port or 0
        rules = strict(port, sink.port, own="127.0.0.1")
        fetcher = Fetcher(rules, resolve, trusting(authority))
        url = URL(f"https://calendar.example:{port}/{SECRET}.ics")
        assert await fetcher.fetch(url, NOTHING_KNOWN) == Fetched(file(), State())
        elsewhere.answer = saying(302, Location=location.format(port=sink.port))
        assert await problem_of(url, fetcher) is ExternalProblem.REFUSED_ADDRESS
        assert len(elsewhere.asked) == 2


# ------------------------------------------------------------------------- what it does not take


async def test_a_file_is_not_read_further_than_it_may_be_long(elsewhere: Elsewhere) -> None:
    elsewhere.data = file("X-A:" + "x" * (MOST_BYTES - len(file("X-A:"))))
    found = await Fetcher(OPEN).fetch(URL(elsewhere.url), NOTHING_KNOWN)
    assert found is not None
    assert len(found.data) == MOST_BYTES == 5 * 1024 * 1024
    elsewhere.data += b"\n"
    assert await problem_of(elsewhere.url) is ExternalProblem.TOO_LARGE
    elsewhere.answer = pouring(b"x" * 65536)
    assert await problem_of(elsewhere.url) is ExternalProblem.TOO_LARGE


async def test_what_drips_is_given_up(elsewhere: Elsewhere) -> None:
    elsewhere.answer = pouring(b"x", pause=0.05)
    hurried = Fetcher(OPEN, seconds=0.5)
    assert await problem_of(elsewhere.url, hurried) is ExternalProblem.UNREACHABLE


async def test_who_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/{SECRET}.ics"
        hurried = Fetcher(OPEN, seconds=0.2)
        assert await problem_of(url, hurried) is ExternalProblem.UNREACHABLE
    # And now nobody is there.
    assert await problem_of(url) is ExternalProblem.UNREACHABLE


async def test_a_name_server_that_says_nothing_is_given_up() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    hurried = Fetcher(STRICT, resolve, seconds=0.1)
    url = f"https://calendar.example/{SECRET}.ics"
    assert await problem_of(url, hurried) is ExternalProblem.UNREACHABLE
    assert await problem_of(url, Fetcher(STRICT, knowing())) is ExternalProblem.UNREACHABLE


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (saying(401), ExternalProblem.ACCESS_DENIED),
        (saying(403), ExternalProblem.ACCESS_DENIED),
        (saying(404), ExternalProblem.NOT_FOUND),
        (saying(410), ExternalProblem.NOT_FOUND),
        (saying(429), ExternalProblem.UNREACHABLE),
        (saying(500, file()), ExternalProblem.UNREACHABLE),
        (saying(206, file()), ExternalProblem.UNREACHABLE),
        (saying(204), ExternalProblem.UNREACHABLE),
        (saying(200, file(), "text/html"), ExternalProblem.NOT_A_CALENDAR),
        (saying(200, file(), "image/png"), ExternalProblem.NOT_A_CALENDAR),
        (saying(200, b"<html>"), ExternalProblem.NOT_A_CALENDAR),
        (saying(200, b""), ExternalProblem.NOT_A_CALENDAR),
        (saying(200, file(), Content_Encoding="gzip"), ExternalProblem.NOT_A_CALENDAR),
        (saying(200, file(), X_Long="x" * 10_000), ExternalProblem.UNREACHABLE),
        (saying(302, Location="http://[bad"), ExternalProblem.UNREACHABLE),
    ],
)
async def test_what_is_no_file_of_a_calendar_is_told_from_it(
    elsewhere: Elsewhere, answer: Answer, problem: ExternalProblem
) -> None:
    elsewhere.answer = answer
    assert await problem_of(elsewhere.url) is problem


async def test_a_file_that_breaks_off_is_none(elsewhere: Elsewhere) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": KIND, "Content-Length": "1000"})
        await response.prepare(request)
        await response.write(file())
        assert request.transport is not None
        request.transport.abort()
        return response

    elsewhere.answer = answer
    assert await problem_of(elsewhere.url) is ExternalProblem.UNREACHABLE


async def test_nothing_of_an_address_is_logged(
    elsewhere: Elsewhere, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        for answer in (saying(500), saying(302, Location="http://10.0.0.1/"), saying(body=file())):
            elsewhere.answer = answer
            asked = Fetcher(OPEN).fetch(URL(elsewhere.url), NOTHING_KNOWN)
            await asyncio.gather(asked, return_exceptions=True)
    ours = [record for record in caplog.records if record.name != "aiohttp.access"]
    assert SECRET not in "".join(record.getMessage() for record in ours)
    assert len(elsewhere.asked) == 3
