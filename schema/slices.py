"""Long lists are completed in slices, between which others get their turn.

A list of a thousand rows is work of tens of milliseconds; done in one go, it is how long everybody
else waits for their next step.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from graphql.pyutils import gather_with_cancel
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

# So many items an operation completes without a rest: the usual pages are completed in one go, and
# what hangs on their rows is loaded in one batch.
SLICE = 50
# Shorter lists are not looked at.
FEW = 10


class InSlices(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, which rests after each fifty items of its lists."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._since_rest = 0.0
        self._resting = asyncio.Lock()

    def complete_iterable_value(
        self,
        item_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        items: Iterable[Any],
        position_context: Any,
    ) -> Any:
        """The items of a list, to be awaited where there were many since the last rest."""
        place = (item_type, field_details_list, info, path)
        if isinstance(items, Sequence) and len(items) > FEW and self._is_tired(len(items)):
            return self._in_slices(*place, items, position_context)
        return super().complete_iterable_value(*place, items, position_context)

    async def _in_slices(
        self,
        item_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        items: Sequence[Any],
        position_context: Any,
        first: int = 0,
    ) -> list[Any]:
        """The items, of which the first has the place `first` in its list."""
        completed: list[Any] = []
        place = (item_type, field_details_list, info)
        for begin in range(0, len(items), SLICE):
            part = items[begin : begin + SLICE]
            await self._rest(len(part))
            waiting = []
            try:
                for index, item in enumerate(part, begin):
                    at = path.add_key(first + index, None)
                    if self._begin(item, completed, place, at, position_context):
                        waiting.append(index)
            except Exception:
                later = [item for item in items[len(completed) + 1 :] if self.is_awaitable(item)]
                self.settle_in_background([*(completed[index] for index in waiting), *later])
                raise
            found = await gather_with_cancel(*(completed[index] for index in waiting))
            for index, value in zip(waiting, found, strict=True):
                completed[index] = value
        return completed

    def _begin(
        self, item: Any, completed: list[Any], place: Any, path: Any, position_context: Any
    ) -> bool:
        """Complete an item of a list; whether it has to be awaited."""
        item_type, field_details_list, info = place
        if not self.is_awaitable(item):
            return self.complete_list_item_value(
                item, completed, item_type, field_details_list, info, path, position_context
            )
        completed.append(
            self.complete_awaitable_list_item_value(
                item, item_type, field_details_list, info, path, position_context
            )
        )
        return True

    def _is_tired(self, count: float) -> bool:
        """Whether so many items more are too many without a rest."""
        self._since_rest += count
        return self._since_rest > SLICE

    async def _rest(self, count: float) -> None:
        """Let others go on; one list at a time comes back."""
        async with self._resting:
            await asyncio.sleep(0)
        self._since_rest = count
