"""The difference between the slots that there are and those that working hours ask for.

Pure: nothing here reads or writes a row; `making` does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.timetable import PlannedSlot


@dataclass(frozen=True)
class Difference:
    """The slots to make, and the ids of those to leave, change, withdraw and remove.

    `hours_end` says of slots when the working hours around them end now.
    """

    create: Sequence[PlannedSlot]
    keep: int
    reopen: Sequence[UUID]
    resize: dict[int, list[UUID]]
    hours_end: dict[UUID, datetime]
    withdraw: Sequence[UUID]
    remove: Sequence[UUID]

    def __bool__(self) -> bool:
        """Whether anything changes."""
        gone = self.withdraw or self.remove
        return bool(self.create or self.reopen or self.resize or self.hours_end or gone)


# id, starts_at, ends_at, capacity, booked_count, is_withdrawn, hours_end_at
Present = tuple[UUID, datetime, datetime, int, int, bool, datetime]


def difference(
    present: Sequence[Present],
    planned: Sequence[PlannedSlot],
    is_asked: Callable[[datetime, datetime], bool],
) -> Difference:
    """What makes the slots that are `present` the ones that are `planned`.

    Both come in order of start. Only slots about which is asked, by their start and end, come and
    go. The others stay where they are, and learn when the working hours around them end now.
    """
    wanted = {(plan.starts_at, plan.ends_at): plan for plan in planned}
    reopen: list[UUID] = []
    resize: dict[int, list[UUID]] = {}
    hours_end: dict[UUID, datetime] = {}
    withdraw: list[UUID] = []
    remove: list[UUID] = []
    in_the_way: list[tuple[datetime, datetime]] = []
    keep = 0
    for slot_id, starts_at, ends_at, capacity, booked_count, is_withdrawn, hours_end_at in present:
        plan = wanted.pop((starts_at, ends_at), None)
        if not is_asked(starts_at, ends_at):
            in_the_way.append((starts_at, ends_at))
            if plan is not None and plan.hours_end_at != hours_end_at:
                hours_end[slot_id] = plan.hours_end_at
            continue
        if plan is None and booked_count:
            keep += 1
            in_the_way.append((starts_at, ends_at))
            if not is_withdrawn:
                withdraw.append(slot_id)
        elif plan is None:
            remove.append(slot_id)
        else:
            keep += 1
            if is_withdrawn:
                reopen.append(slot_id)
            if plan.capacity != capacity:
                resize.setdefault(plan.capacity, []).append(slot_id)
            if plan.hours_end_at != hours_end_at:
                hours_end[slot_id] = plan.hours_end_at
    new = (plan for plan in wanted.values() if is_asked(plan.starts_at, plan.ends_at))
    create = clear_of(sorted(new, key=lambda plan: plan.starts_at), in_the_way)
    return Difference(create, keep, reopen, resize, hours_end, withdraw, remove)


def clear_of(
    plans: Sequence[PlannedSlot], taken: Sequence[tuple[datetime, datetime]]
) -> list[PlannedSlot]:
    """The plans that overlap none of the times; both in order of start."""
    clear = []
    first = 0
    for plan in plans:
        while first < len(taken) and taken[first][1] <= plan.starts_at:
            first += 1
        if first == len(taken) or taken[first][0] >= plan.ends_at:
            clear.append(plan)
    return clear
