"""Fetching a file from an address that somebody has given, without becoming their tool.

Each host is looked up once; every address that it has must be allowed, and the connection goes to
one of those that were looked at. That holds for each redirect anew. What is read, and how long that
may take, is limited while reading. What goes wrong is told in words of ours alone.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from models import ExternalProblem
from services.external.addresses import Rules

SECONDS = 10.0
MOST_BYTES = 5 * 2**20
MOST_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
NOT_MODIFIED = 304
KINDS = frozenset({"text/calendar", "application/ics", "application/octet-stream", "text/plain"})
BEGINNING = b"BEGIN:VCALENDAR"
# What the other side calls a state of its file, if it is not longer than such a name is.
LONGEST_NAME = 500
PROBLEMS = {
    401: ExternalProblem.ACCESS_DENIED,
    403: ExternalProblem.ACCESS_DENIED,
    404: ExternalProblem.NOT_FOUND,
    410: ExternalProblem.NOT_FOUND,
    413: ExternalProblem.TOO_LARGE,
}
# Threads of their own: a name server that says nothing holds up no other look-up of the process.
LOOKUPS = ThreadPoolExecutor(4, thread_name_prefix="external-lookup")
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class Unread(Exception):
    """An external calendar that could not be read, and why.

    Attributes:
        problem: what staff are told.

    """

    def __init__(self, problem: ExternalProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


@dataclass(frozen=True)
class State:
    """What the other side called the state of its file that was read last."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class Fetched:
    """A file, and what its state is called."""

    data: bytes
    state: State


async def looked_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as the machine knows them."""
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(
        LOOKUPS, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    )
    return [str(place[0]) for *_, place in found]


@dataclass(frozen=True)
class Fetcher:
    """Fetches files.

    Attributes:
        resolve: looks a host up.
        trusted: whose certificates are good; None: of those that the machine trusts.

    """

    rules: Rules
    resolve: Resolve = looked_up
    trusted: ssl.SSLContext | None = None
    seconds: float = SECONDS
    most_bytes: int = MOST_BYTES

    async def fetch(self, url: URL, known: State) -> Fetched | None:
        """The file at an address; None where it still is as it was known.

        Raises:
            Unread: it could not be had.

        """
        try:
            async with asyncio.timeout(self.seconds):
                for _ in range(1 + MOST_REDIRECTS):
                    found = await self._asked(url, known)
                    if not isinstance(found, URL):
                        return found
                    url = found
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            # Without what has caused it: the library's words hold the address.
            raise Unread(ExternalProblem.UNREACHABLE) from None
        raise Unread(ExternalProblem.UNREACHABLE)

    async def _asked(self, url: URL, known: State) -> Fetched | URL | None:
        """What one server says: the file, that it is known, or where it is."""
        headers = {
            "Accept": "text/calendar",
            # Nothing that is small on the way and large here.
            "Accept-Encoding": "identity",
            "User-Agent": "appointment-server",
        }
        names = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
        headers |= {name: value for name, value in names.items() if value}
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=_Pinned(await self._checked(url)),
                    ssl=self.trusted or True,
                    use_dns_cache=False,
                    force_close=True,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            ) as session,
            session.get(url, headers=headers, allow_redirects=False) as response,
        ):
            if response.status in REDIRECTS:
                return url.join(URL(response.headers.get("Location", "")))
            if response.status == NOT_MODIFIED and (known.etag or known.last_modified):
                return None
            return await self._read(response)

    async def _checked(self, url: URL) -> Sequence[str]:
        """The addresses of a host, each of which is allowed."""
        if self.rules.why_refused(url) is not None:
            raise Unread(ExternalProblem.REFUSED_ADDRESS)
        found = await self.resolve(url.host or "", url.port or 0)
        if not found:
            raise Unread(ExternalProblem.UNREACHABLE)
        if not all(self.rules.admits(ip_address(address)) for address in found):
            raise Unread(ExternalProblem.REFUSED_ADDRESS)
        return found

    async def _read(self, response: aiohttp.ClientResponse) -> Fetched:
        """The file, if it is one, and not too large."""
        if response.status != 200:
            raise Unread(PROBLEMS.get(response.status, ExternalProblem.UNREACHABLE))
        is_packed = response.headers.get("Content-Encoding", "identity").lower() != "identity"
        if is_packed or response.content_type not in KINDS:
            raise Unread(ExternalProblem.NOT_A_CALENDAR)
        data = bytearray()
        async for part in response.content.iter_any():
            data += part
            if len(data) > self.most_bytes:
                raise Unread(ExternalProblem.TOO_LARGE)
        whole = bytes(data).removeprefix(b"\xef\xbb\xbf").lstrip()
        if not whole[: len(BEGINNING)].upper() == BEGINNING:
            raise Unread(ExternalProblem.NOT_A_CALENDAR)
        return Fetched(whole, State(*(_name(response, n) for n in ("ETag", "Last-Modified"))))


class _Pinned(AbstractResolver):
    """Knows the addresses that were looked at, and no others."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - the library's own form
    ) -> list[ResolveResult]:
        """The addresses that were looked at."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


def _name(response: aiohttp.ClientResponse, header: str) -> str | None:
    found = response.headers.get(header)
    is_good = found is not None and len(found) <= LONGEST_NAME and found.isprintable()
    return found if is_good else None
