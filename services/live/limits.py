"""How many live connections there may be: in this process, from one address, of one user.

A connection is a socket or an event stream, whatever goes over it. Requests that are answered at
once are not counted here.
"""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from uuid import UUID

from prometheus_client import Gauge

from services.errors import TooManyConnections
from services.limits import household


class Connections:
    """The live connections of this process, counted."""

    def __init__(self, gauge: Gauge, *, process: int, address: int, user: int) -> None:
        gauge.set_function(lambda: self._count[None])
        self._process = process
        self._address = address
        self._user = user
        self._count: Counter[Hashable] = Counter()

    @contextmanager
    def opened(self, address: str | None) -> Iterator[None]:
        """Count a connection from an address for as long as the block lasts.

        Raises:
            TooManyConnections: there are as many as there may be.

        """
        with self._counted(None, self._process), self._counted(household(address), self._address):
            yield

    @contextmanager
    def used_by(self, user_id: UUID | None) -> Iterator[None]:
        """Count a connection as a user's; those of the public are nobody's.

        Raises:
            TooManyConnections: the user has as many as they may have.

        """
        if user_id is None:
            yield
            return
        with self._counted(user_id, self._user):
            yield

    @contextmanager
    def _counted(self, of: Hashable, most: int) -> Iterator[None]:
        if self._count[of] >= most:
            raise TooManyConnections
        self._count[of] += 1
        try:
            yield
        finally:
            self._count[of] -= 1
            if not self._count[of]:
                del self._count[of]
