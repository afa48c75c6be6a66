"""How much may be asked: of one socket, of an account, an address or an organization in a time, and
of this process at once.

What an operation costs is decided in `schema/`; how many connections there may be, in
`services/live/limits`.
"""

from functools import lru_cache
from ipaddress import ip_address, ip_network

# Whoever has one IPv6 address has all of its network.
ONE_HOUSEHOLD = 64


@lru_cache(maxsize=4096)
def household(address: str | None) -> str:
    """What is counted as one address; "" for all that are none, such as a proxy may tell."""
    try:
        ip = ip_address(address or "")
    except ValueError:
        return ""
    if ip.version == 4:
        return str(ip)
    return str(ip.ipv4_mapped or ip_network((ip, ONE_HOUSEHOLD), strict=False))


class Allowance:
    """So many things at once, and after that so many per second."""

    def __init__(self, most: float, per_second: float) -> None:
        self._most = most
        self._per_second = per_second
        self._left = most
        self._taken_at = 0.0

    def take(self, count: int, now: float) -> bool:
        """Take some; False where there are not so many left.

        Args:
            count: how many.
            now: the time, of a clock that never goes back.

        """
        earned = (now - self._taken_at) * self._per_second if self._taken_at else 0.0
        self._left = min(self._most, self._left + earned) - count
        self._taken_at = now
        if self._left >= 0:
            return True
        self._left += count
        return False
