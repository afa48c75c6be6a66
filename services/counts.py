"""Counts of what was asked, in this process: the storage of `limits`, for many keys.

The library's own looks through all its keys at each hit; here a whole window is forgotten at once.
"""

import time
from collections import Counter
from math import floor

from limits.aio.storage import MemoryStorage


class Window:
    """What was counted in the window of time that runs now, and in the one before."""

    def __init__(self) -> None:
        self.number = 0
        self.now: Counter[str] = Counter()
        self.before: Counter[str] = Counter()

    def begin(self, number: int) -> None:
        """Go on to another window, unless it is the one that runs."""
        if number == self.number:
            return
        self.before = self.now if number == self.number + 1 else Counter()
        self.now = Counter()
        self.number = number


class Counts(MemoryStorage):
    """Counts by key, each of the last two windows."""

    STORAGE_SCHEME = ("async+counts",)  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self._windows: dict[int, Window] = {}

    async def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """Count, unless it would be more than the limit."""
        window, left = self._window(expiry)
        if floor(window.before[key] * left) + window.now[key] + amount > limit:
            return False
        window.now[key] += amount
        return True

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """What was counted in the window before and how long it still matters, and the same of
        the one that runs.
        """
        window, left = self._window(expiry)
        until = left * expiry
        return window.before[key], until, window.now[key], until + expiry

    def _window(self, expiry: int) -> tuple[Window, float]:
        """The window that runs, and how much of it is left."""
        number, gone = divmod(time.time(), expiry)
        window = self._windows.setdefault(expiry, Window())
        window.begin(int(number))
        return window, 1 - gone / expiry
