"""Settings: what the server refuses to start with, and that it says how to mend it."""

import dataclasses
import json
from pathlib import Path

import pytest

from services.config import Config, ConfigurationError, registered_documents

GOOD = "7Jc4daP04T3abNY7c4NtUwueXQGfd2b-_KzQw9Lr0Xs5VtYp1MhGe8Ui"


def test_a_strong_secret_is_all_that_is_needed() -> None:
    config = Config(secret_key=GOOD)
    assert (config.development, config.demo, config.broadcast_url) == (False, False, "")
    assert config.access_token_minutes == 10


@pytest.mark.parametrize(
    "secret",
    [
        "",
        " ",
        "secret",
        GOOD[:31],
        "x" * 64,
        "ab" * 40,
        "123456789" * 8,
        "\u20ac" * 32,
    ],
)
def test_a_weak_secret_is_refused_with_a_way_to_make_a_strong_one(secret: str) -> None:
    with pytest.raises(ConfigurationError, match="SECRET_KEY is missing or weak") as refused:
        Config(secret_key=secret)
    assert "secrets.token_urlsafe(48)" in str(refused.value)


def test_thirty_two_bytes_are_enough_for_a_secret() -> None:
    assert Config(secret_key="0123456789abcdef" * 2).secret_key


@pytest.mark.parametrize(
    "url",
    [
        "redis:localhost",
        "redis-stream://localhost",
        "kafka://localhost",
        "http://localhost",
        "memory",
        "://",
        "localhost:5432",
        " postgres://localhost",
    ],
)
def test_hints_travel_by_no_other_way(url: str) -> None:
    with pytest.raises(ConfigurationError, match="BROADCAST_URL must begin with"):
        Config(secret_key=GOOD, broadcast_url=url)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "1a"])
def test_the_port_of_a_broker_must_be_one(port: str) -> None:
    with pytest.raises(ConfigurationError, match="port in BROADCAST_URL must be from 1 to 65535"):
        Config(secret_key=GOOD, broadcast_url=f"redis://localhost:{port}/0")


@pytest.mark.parametrize("setting", ["broadcast_url", "rate_limit_url"])
@pytest.mark.parametrize(
    ("option", "why"),
    [
        ("nonsense=1", "'nonsense'"),
        ("db=first", "'db'"),
        ("socket_timeout=soon", "'socket_timeout'"),
        ("protocol=9", "protocol"),
        ("retry=3", "update_supported_errors"),
    ],
)
def test_the_options_of_a_broker_must_be_some(setting: str, option: str, why: str) -> None:
    words = f"{setting.upper()} has an option that cannot be: .*{why}"
    with pytest.raises(ConfigurationError, match=words):
        Config(secret_key=GOOD, **{setting: f"redis://localhost/0?{option}"})
    assert Config(secret_key=GOOD, **{setting: "redis://localhost?db=1&health_check_interval=5"})


@pytest.mark.parametrize(
    "url",
    [
        "",
        "memory://",
        "postgres://a/b",
        "postgresql://a:1,b:2/c",
        "redis://localhost",
        "rediss://:secret@[::1]:65535/0?ssl_ca_certs=/etc/ca.pem",
    ],
)
def test_the_ways_that_are_known_are_accepted(url: str) -> None:
    assert Config(secret_key=GOOD, broadcast_url=url).broadcast_url == url


@pytest.mark.parametrize("minutes", [0, -1, -(2**31)])
def test_an_access_token_lasts_at_least_a_minute(minutes: int) -> None:
    with pytest.raises(ConfigurationError, match="ACCESS_TOKEN_MINUTES must be at least 1"):
        Config(secret_key=GOOD, access_token_minutes=minutes)
    assert Config(secret_key=GOOD, access_token_minutes=1).access_token_minutes == 1


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "calendar.example",
        "https://calendar.example/",
        "https://calendar.example/app",
        "https://Calendar.example",
        "https://*.example",
        "ftp://calendar.example",
        "https://calendar.example https://other.example",
        "https://",
    ],
)
def test_an_origin_is_written_as_browsers_write_it(origin: str) -> None:
    with pytest.raises(ConfigurationError, match="ALLOWED_ORIGINS must be origins such as"):
        Config(secret_key=GOOD, allowed_origins=("https://good.example", origin))
    good = ("https://good.example", "http://localhost:5173", "http://[::1]:80")
    assert Config(secret_key=GOOD, allowed_origins=good).allowed_origins == good


@pytest.mark.parametrize("proxy", ["*", "proxy.example", "10.0.0.1/8", "127.0.0.1:80", "1.2.3"])
def test_a_proxy_is_an_address_or_a_network(proxy: str) -> None:
    with pytest.raises(ConfigurationError, match="TRUSTED_PROXIES must be addresses or networks"):
        Config(secret_key=GOOD, trusted_proxies=("10.0.0.0/8", proxy))
    good = ("127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8")
    assert Config(secret_key=GOOD, trusted_proxies=good).trusted_proxies == good


@pytest.mark.parametrize("url", ["memory://", "postgres://a/b", "redis:localhost", "localhost"])
def test_counts_are_shared_in_no_other_way(url: str) -> None:
    with pytest.raises(ConfigurationError, match="RATE_LIMIT_URL must begin with redis://"):
        Config(secret_key=GOOD, rate_limit_url=url)
    with pytest.raises(ConfigurationError, match="port in RATE_LIMIT_URL must be from 1 to 65535"):
        Config(secret_key=GOOD, rate_limit_url="redis://localhost:65536")
    assert Config(secret_key=GOOD, rate_limit_url="rediss://a:6379/1").rate_limit_url


def test_settings_stay_as_they_are() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config(secret_key=GOOD).secret_key = "another"  # type: ignore[misc]


HASHES = {"a": "{ __typename }", "b": "{ viewer { id } }"}
MANIFEST = {
    "format": "apollo-persisted-query-manifest",
    "version": 1,
    "operations": [
        {"id": hash, "name": "Q", "type": "query", "body": body} for hash, body in HASHES.items()
    ],
}


@pytest.mark.parametrize("written", [HASHES, MANIFEST])
def test_a_list_of_documents_is_read_as_the_tools_of_clients_write_it(
    tmp_path: Path, written: object
) -> None:
    file = tmp_path / "documents.json"
    file.write_text(json.dumps(written))
    assert registered_documents(str(file)) == HASHES


@pytest.mark.parametrize(
    "written",
    [
        "",
        "{",
        "[]",
        "{}",
        "null",
        "1",
        '{"a": 1}',
        '{"a": ""}',
        '{"": "{ a }"}',
        '{"operations": []}',
        '{"operations": [1]}',
        '{"operations": [{"id": "a"}]}',
        '{"operations": [{"id": ["a"], "body": "{ a }"}]}',
        '{"operations": {"a": {}}}',
        "\ud800",
    ],
)
def test_a_list_of_documents_that_is_none_is_refused(tmp_path: Path, written: str) -> None:
    file = tmp_path / "documents.json"
    file.write_bytes(written.encode("utf-8", "surrogatepass"))
    with pytest.raises(ConfigurationError, match="PERSISTED_DOCUMENTS must name a JSON file"):
        registered_documents(str(file))


def test_without_a_list_every_document_is_accepted(tmp_path: Path) -> None:
    assert registered_documents("") is None
    with pytest.raises(ConfigurationError, match="PERSISTED_DOCUMENTS"):
        registered_documents(str(tmp_path / "nothing.json"))


def test_the_schema_is_shown_where_it_is_developed_with_or_where_that_is_wanted() -> None:
    shown = [
        Config(secret_key=GOOD, development=development, introspection=introspection).shows_schema
        for development in (False, True)
        for introspection in (False, True)
    ]
    assert shown == [False, True, True, True]
