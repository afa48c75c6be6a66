"""Pages: the web client's and GraphiQL's, their files, and what a browser may do with them."""

import asyncio
import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from services.config import PAGES
from tests.api import Api
from tests.conftest import CONFIG, serving

CONTENT_SECURITY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",
    "worker-src": "'self' blob:",
    "connect-src": "'self' ws: wss:",
    "font-src": "'self' data:",
    "img-src": "'self' data:",
    "frame-ancestors": "'none'",
}
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".woff2": "font/woff2",
    ".html": "text/html",
}

IDE, PAGE = PAGES / "graphiql", PAGES / "index.html"

built = pytest.mark.skipif(
    not (IDE / "index.html").is_file(),
    reason="THE PAGES ARE NOT BUILT: run `make web` (needs Node.js); they were NOT tested.",
)


@pytest.fixture(scope="module")
def production_url(database_url: str) -> Iterator[str]:
    """A server that is not for developers."""
    with serving(replace(CONFIG, development=False), database_url) as url:
        yield url


def root_of(url: str) -> str:
    return url.removesuffix("/graphql")


OF_DATA = {"default-src": "'none'", "frame-ancestors": "'none'"}


def check_headers(
    response: aiohttp.ClientResponse, content_security: dict[str, str] = CONTENT_SECURITY
) -> None:
    """What every answer says to browsers, exactly once."""
    (policy,) = response.headers.getall("content-security-policy")
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts == content_security
    assert len(response.headers.getall("x-request-id")) == 1
    if content_security == OF_DATA:
        assert response.headers.getall("cache-control") == ["no-store"]
    assert response.headers.getall("x-content-type-options") == ["nosniff"]
    assert response.headers.getall("referrer-policy") == ["no-referrer"]


@built
async def test_a_browser_that_asks_for_a_page_is_shown_graphiql(public: Api) -> None:
    headers = {**public.headers, "accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with public.http.get(public.url, headers=headers) as response:
        assert response.status == 200
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        check_headers(response)
        page = await response.text()
    assert page == (IDE / "index.html").read_text()
    await check_loaded(public, page)


async def check_loaded(public: Api, page: str) -> None:
    """All that a page loads is ours, is there, and is allowed by the policy."""
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert loaded
    assert re.findall(r"<script[^>]*>[^<]", page) == []
    for path in loaded:
        assert path.startswith("/assets/")
        async with public.http.get(root_of(public.url) + path) as response:
            assert response.status == 200, path


@built
@pytest.mark.parametrize("path", ["/", "/calendar", "/e/a-slug", "/reset-password", "/nothing"])
async def test_every_address_that_is_no_program_s_is_the_client_s(public: Api, path: str) -> None:
    headers = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with public.http.get(root_of(public.url) + path, headers=headers) as response:
        assert response.status == 200
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert response.headers["cache-control"] == "no-cache"
        check_headers(response)
        page = await response.text()
    assert page == PAGE.read_text()
    if path == "/":
        await check_loaded(public, page)
    # A program that has lost its way is told so.
    options = {"allow_redirects": False}
    async with public.http.get(root_of(public.url) + path, **options) as response:
        assert response.status == (307 if path == "/" else 404)
    async with public.http.post(root_of(public.url) + path, headers=headers) as response:
        assert response.status == 405


@built
async def test_the_client_is_there_in_production_as_well(
    production_url: str, http: aiohttp.ClientSession
) -> None:
    headers = {"accept": "text/html"}
    async with http.get(root_of(production_url), headers=headers) as response:
        assert await response.text() == PAGE.read_text()
        check_headers(response)


async def test_without_a_build_a_page_says_how_to_build_it(
    public: Api, tmp_path: Path, database_url: str
) -> None:
    headers = {"accept": "text/html"}
    with serving(replace(CONFIG, pages=tmp_path), database_url) as url:
        async with public.http.get(root_of(url), headers=headers) as response:
            assert response.status == 200
            check_headers(response)
            assert "<code>make web</code>" in await response.text()
        async with public.http.get(f"{root_of(url)}/calendar", headers=headers) as response:
            assert response.status == 404


async def test_what_stands_in_an_address_of_the_client_is_not_logged(
    public: Api, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"accept": "text/html"}
    caplog.set_level("INFO", "access")
    async with public.http.get(f"{root_of(public.url)}/e/a-secret-slug", headers=headers):
        pass
    assert "a-secret-slug" not in str([vars(record) for record in caplog.records])


@built
async def test_every_file_has_its_type_and_the_headers(public: Api) -> None:
    files = [file for part in (IDE, PAGES / "assets") for file in part.iterdir()]
    assert len(files) > 5
    for file in files:
        path = f"/{file.relative_to(PAGES)}"
        async with public.http.head(root_of(public.url) + path) as response:
            assert response.status == 200
            assert response.headers["content-type"].partition(";")[0] == TYPES[file.suffix]
            assert int(response.headers["content-length"]) == file.stat().st_size
            check_headers(response)
            of_name = "public, max-age=31536000, immutable"
            assert response.headers["cache-control"] == (
                of_name if file.parent.name == "assets" else "no-cache"
            )


@built
async def test_a_file_that_has_not_changed_is_not_sent_again(public: Api) -> None:
    url = f"{root_of(public.url)}/graphiql/index.html"
    async with public.http.get(url) as response:
        tag = response.headers["etag"]
    async with public.http.get(url, headers={"if-none-match": tag}) as response:
        assert (response.status, await response.read()) == (304, b"")


async def raw_status(url: str, target: str) -> tuple[int, bytes]:
    """The status for a target as it stands, which no client has tidied."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"GET {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


@pytest.mark.parametrize(
    "target",
    [
        "/graphiql/../../../main.py",
        "/graphiql/assets/../../../../main.py",
        "/graphiql/..%2f..%2f..%2fmain.py",
        "/graphiql/%2e%2e/%2e%2e/%2e%2e/main.py",
        "/graphiql/..%5c..%5c..%5cmain.py",
        "/graphiql/....//....//....//main.py",
        "/graphiql//etc/passwd",
        "/graphiql/%2fetc%2fpasswd",
        "/graphiql/%00",
        "/graphiql/index.html%00.js",
        "/graphiql/" + "x" * 5000,
        "/graphiql/nothing.js",
        "/graphiql/",
        "/graphiql/assets",
        "/graphiql/assets/",
        "/graphiql/.",
        "/assets/",
        "/assets/../../../main.py",
        "/assets/..%2f..%2f..%2fmain.py",
        "/assets/%2e%2e/index.html",
        "/assets/nothing.js",
        "/.vite/manifest.json",
        "/web/dist/graphiql/index.html",
        "/.env",
    ],
)
async def test_nothing_but_the_files_is_served(public: Api, target: str) -> None:
    status, body = await raw_status(public.url, target)
    assert status in {400, 404, 405}
    for secret in (b"argparse", b"root:", b"<html", b"assets"):
        assert secret not in body


@built
async def test_the_demo_alone_tells_its_accounts(
    public: Api, database_url: str, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{root_of(public.url)}/graphiql/config.json") as response:
        assert response.status == 200
        assert response.headers["content-type"] == "application/json"
        assert await response.json() == {"demoAccounts": []}
        check_headers(response)
    password = secrets.token_hex(8)
    with serving(replace(CONFIG, demo=True, demo_password=password), database_url) as url:
        async with http.get(f"{root_of(url)}/graphiql/config.json") as response:
            accounts = (await response.json())["demoAccounts"]
    assert {account["label"] for account in accounts} >= {"Admin", "Doctor", "Patient"}
    assert {account["password"] for account in accounts} == {password}


async def test_in_production_there_is_no_graphiql(
    production_url: str, http: aiohttp.ClientSession
) -> None:
    paths = ["/graphiql/config.json", "/graphiql/index.html", "/graphiql", "/graphiql/"]
    for path in paths:
        async with http.get(root_of(production_url) + path) as response:
            assert response.status == 404, path
    headers = {"accept": "text/html"}
    async with http.get(production_url, headers=headers) as response:
        assert response.status == 404
        assert "html" not in response.headers["content-type"]
        check_headers(response, OF_DATA)


async def test_in_production_a_header_does_not_name_the_organization(
    production_url: str, public: Api
) -> None:
    body = {"query": "{ organization { slug } }"}
    headers = {"x-organization": public.slug, "x-forwarded-host": f"{public.slug}.localhost"}
    async with public.http.post(production_url, json=body, headers=headers) as response:
        assert response.status == 404
        answer = await response.json()
    assert answer["errors"][0]["extensions"] == {"code": "NOT_FOUND"}


async def test_every_answer_tells_browsers_to_take_it_as_it_is(public: Api) -> None:
    for path in ("/healthz", "/readyz", "/", "/nothing", "/graphql?query=x", "/graphql?query={a}"):
        async with public.http.get(root_of(public.url) + path, allow_redirects=False) as response:
            check_headers(response, OF_DATA)
            for name in ("access-control-allow-origin", "server", "strict-transport-security"):
                assert name not in response.headers
    async with public.http.post(public.url, json={"query": "{ __typename }"}) as response:
        check_headers(response, OF_DATA)


async def test_who_is_reached_by_tls_is_never_reached_without(
    database_url: str, http: aiohttp.ClientSession
) -> None:
    with serving(replace(CONFIG, base_url="https://clinic.example"), database_url) as url:
        for path in ("/healthz", "/graphiql/config.json", "/nothing"):
            async with http.get(root_of(url) + path) as response:
                (said,) = response.headers.getall("strict-transport-security")
                assert said == "max-age=63072000; includeSubDomains"
