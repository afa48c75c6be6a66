"""Where external calendars may be read: the rules for addresses, and how an address is kept.

An address is given by somebody who may do more in their own network than the server may in its: so
the server goes only where anybody on the internet could go. How one is read is in `fetching`.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from yarl import URL

from services.config import Config

LONGEST = 2000
Address = IPv4Address | IPv6Address
# Addresses that are given to everybody: of version 6 one block, of which parts lead elsewhere.
GIVEN_OUT = IPv6Network("2000::/3")
LEADING_ELSEWHERE = (
    IPv6Network("2001::/23"),
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),
    IPv6Network("3fff::/20"),
    IPv4Network("192.88.99.0/24"),
)


def is_public(address: Address) -> bool:
    """Whether an address is one of the internet, that anybody can reach."""
    if any(address in network for network in LEADING_ELSEWHERE):
        return False
    if isinstance(address, IPv6Address):
        # Addresses of version 4 in other clothes lie outside of it.
        return address in GIVEN_OUT and address.is_global and not address.is_multicast
    return address.is_global and not (address.is_multicast or address.is_reserved)


def is_public_or_own(address: Address) -> bool:
    """Whether an address is one of the internet, or of this very machine."""
    return is_public(address) or address.is_loopback


@dataclass(frozen=True)
class Rules:
    """Where the server goes to read a calendar.

    Attributes:
        ports: None for all of them.
        admits: whether it goes to an address of a machine.

    """

    schemes: frozenset[str]
    ports: frozenset[int] | None
    admits: Callable[[Address], bool]

    def why_refused(self, url: URL) -> str | None:
        """Why the server does not go to an address, as far as it shows; None where it may.

        Which machine a name means, shows only when it is looked up.
        """
        if url.scheme not in self.schemes or not url.host:
            return "This must be an address that begins with https://."
        if url.user is not None or url.password is not None:
            return "An address must not carry a name or a password."
        if self.ports is not None and url.port not in self.ports:
            return "The port must be 443 or 8443."
        try:
            address = ip_address(url.host)
        except ValueError:
            return None
        return None if self.admits(address) else "This address is not one of the internet."


STRICT = Rules(frozenset({"https"}), frozenset({443, 8443}), is_public)
WHILE_DEVELOPING = Rules(frozenset({"https", "http"}), None, is_public_or_own)


def rules_for(config: Config) -> Rules:
    """The rules of a server: while developing, it also reads from its own machine."""
    return WHILE_DEVELOPING if config.development else STRICT


def parsed(text: str) -> URL:
    """An address as it is written; `webcal` is how calendars call https.

    Raises:
        ValueError: it is none.

    """
    if len(text) > LONGEST or not text.isprintable():
        raise ValueError("No address.")
    scheme, separator, rest = text.strip().partition("://")
    is_of_calendars = scheme.lower() in {"webcal", "webcals"}
    return URL(f"{'https' if is_of_calendars else scheme}{separator}{rest}").with_fragment(None)


def seal(config: Config, url: URL) -> str:
    """An address as it is kept: who reads the database alone does not have it."""
    return _box(config).encrypt(str(url).encode()).decode()


def unsealed(config: Config, sealed: str) -> URL | None:
    """The address that was sealed; None where SECRET_KEY is another one by now."""
    try:
        return URL(_box(config).decrypt(sealed.encode()).decode())
    except InvalidToken:
        return None


def _box(config: Config) -> Fernet:
    # A key of its own: a token signed with one is no address, and the other way round.
    derived = HKDF(SHA256(), 32, salt=None, info=b"external calendars")
    return Fernet(urlsafe_b64encode(derived.derive(config.secret_key.encode())))
