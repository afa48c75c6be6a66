"""How much may be asked: of one socket, of an account, an address or an organization in a time, and
of this process at once.

What an operation costs is decided in `schema/`; how many connections there may be, in
`services/live/limits`.
"""


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
