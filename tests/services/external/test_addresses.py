"""Where external calendars may be read, and how an address is kept."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from yarl import URL

from services.config import Config
from services.external.addresses import (
    STRICT,
    WHILE_DEVELOPING,
    is_public,
    parsed,
    rules_for,
    seal,
    unsealed,
)

CONFIG = Config(secret_key="a secret of thirty-two different bytes")

PUBLIC = ["8.8.8.8", "1.1.1.1", "2001:4860:4860::8888", "2606:4700::1111", "193.0.0.1"]
NOT_PUBLIC = [
    # This machine and this network.
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",
    "0.1.2.3",
    "::1",
    "::",
    # Private networks, of providers too, and of machines that were given no address.
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    # Kept for tests, papers, and later.
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "198.18.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "2001:db8::1",
    "3fff::1",
    "100::1",
    # Many at once.
    "224.0.0.1",
    "ff02::1",
    "ff0e::1",
    # Others in other clothes: mapped, compatible, translated, 6to4, Teredo, and the way to 6to4.
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:808:808::",
    "2001:0:53aa:64c::1",
    "192.88.99.1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_others_are_not(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not STRICT.admits(ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_while_developing_only_the_own_machine_is_one_more(address: str) -> None:
    is_own = address in {"127.0.0.1", "127.8.9.1", "::1"}
    is_own |= address == "::ffff:127.0.0.1" and ip_address(address).is_loopback
    assert WHILE_DEVELOPING.admits(ip_address(address)) == is_own


@pytest.mark.parametrize(
    "text",
    [
        "https://calendar.example/secret/basic.ics?key=1",
        "https://calendar.example:443/a.ics",
        "https://calendar.example:8443/a.ics",
        "webcal://calendar.example/a.ics",
        "WEBCALS://calendar.example/a.ics",
        "HTTPS://Calendar.Example/a.ics",
        "https://8.8.8.8/a.ics",
        "https://xn--mnchen-3ya.example/a.ics",
        "https://münchen.example/a.ics",
    ],
)
def test_addresses_of_calendars_are_taken(text: str) -> None:
    url = parsed(text)
    assert STRICT.why_refused(url) is None
    assert url.scheme == "https"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "calendar.example/a.ics",
        "/a.ics",
        "//calendar.example/a.ics",
        "http://calendar.example/a.ics",
        "ftp://calendar.example/a.ics",
        "file:///etc/passwd",
        "gopher://calendar.example/",
        "javascript:alert(1)",
        "https://",
        "https:///a.ics",
        "https://user@calendar.example/a.ics",
        "https://user:password@calendar.example/a.ics",
        "https://:@calendar.example/a.ics",
        "https://calendar.example@127.0.0.1/a.ics",
        "https://calendar.example:22/a.ics",
        "https://calendar.example:80/a.ics",
        "https://calendar.example:99999/a.ics",
        "https://127.0.0.1/a.ics",
        "https://[::1]/a.ics",
        "https://[::ffff:127.0.0.1]/a.ics",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/a.ics",
        "https://[fe80::1%25eth0]/a.ics",
        "https://calendar.example/a\r\nHost: b",
        "https://calendar.example/" + "x" * 2000,
    ],
)
def test_other_addresses_are_refused(text: str) -> None:
    try:
        url = parsed(text)
    except ValueError:
        return
    assert STRICT.why_refused(url) is not None


def test_while_developing_the_own_machine_is_read_without_tls() -> None:
    assert rules_for(CONFIG) is STRICT
    assert (rules := rules_for(replace(CONFIG, development=True))) is WHILE_DEVELOPING
    assert rules.why_refused(parsed("http://127.0.0.1:8080/a.ics")) is None
    assert rules.why_refused(parsed("http://10.0.0.1:8080/a.ics")) is not None


def test_an_address_is_kept_so_that_only_the_server_can_read_it() -> None:
    url = URL("https://calendar.example/secret/basic.ics")
    sealed = seal(CONFIG, url)
    assert "secret" not in sealed
    assert sealed != seal(CONFIG, url)
    assert unsealed(CONFIG, sealed) == url
    other = Config(secret_key="another secret of thirty-two bytes!")
    assert unsealed(other, sealed) is None
    assert unsealed(CONFIG, "nothing that was sealed") is None
