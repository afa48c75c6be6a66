"""Coroutines that are begun at once: what need not wait is done when it is asked for, as it is
where fields are completed one by one, and costs no turn of the loop.
"""

import asyncio
from collections.abc import Coroutine, Generator, Sequence
from typing import Any


class Begun:
    """A coroutine that waits for something, to be awaited once."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, Any]:
        """Wait for what it waits for, and go on."""
        while True:
            error: BaseException | None = None
            try:
                yield self._waits_for
            except BaseException as thrown:  # noqa: BLE001 - whatever it is, it is handed on
                error = thrown
            try:
                if error is None:
                    self._waits_for = self._coroutine.send(None)
                else:
                    self._waits_for = self._coroutine.throw(error)
            except StopIteration as end:
                return end.value


def begun(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What comes of a coroutine, or the coroutine as `Begun` where it has to wait."""
    try:
        return Begun(coroutine, coroutine.send(None))
    except StopIteration as end:
        return end.value


async def ended(values: Sequence[Any]) -> list[tuple[int, Any]]:
    """Of those among some values that wait, their places and what comes of them.

    All are waited for to their ends, whatever becomes of one: others may wait for the same loads,
    which would be cancelled with it.
    """
    places = [place for place, value in enumerate(values) if type(value) is Begun]
    if len(places) < 2:
        return [(place, await values[place]) for place in places]
    found = await asyncio.gather(*(values[place] for place in places), return_exceptions=True)
    for value in found:
        if isinstance(value, BaseException):
            raise value
    return list(zip(places, found, strict=True))
