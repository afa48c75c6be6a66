"""Peers: how it is seen that one takes nothing of what is written for it, and how long it is waited
for. What follows from that is the business of `lines` and `sockets`.
"""

import asyncio
import socket

# Each connection is looked at this often.
BEAT = 5.0
# For so many beats a peer may take nothing at all of what waits for it.
BLOCKED = 2
# So long what was said at the end may take to get out; then the connection is cut.
FAREWELL = 3.0
# What was sent and is not even acknowledged after so long goes to nobody.
UNACKNOWLEDGED_MILLISECONDS = 30_000
# Of its own accord it would take four megabytes for each peer that does not read.
KEPT_BY_THE_SYSTEM = 256 * 1024


class Outlet:
    """Sees whether a peer takes what is written for it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._waiting = 0
        self._stuck = 0

    def is_blocked(self, *, is_full: bool) -> bool:
        """Whether it was full for too long and nothing at all got out; to be asked in each beat."""
        waiting = self._transport.get_write_buffer_size() if is_full else 0
        self._stuck = self._stuck + 1 if waiting >= self._waiting > 0 else 0
        self._waiting = waiting
        return self._stuck >= BLOCKED


def bound(transport: asyncio.Transport) -> None:
    """Let the system keep only so much for a slow peer, and end a connection whose other end is
    gone without a word.
    """
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family in {socket.AF_INET, socket.AF_INET6}:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KEPT_BY_THE_SYSTEM)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MILLISECONDS)
