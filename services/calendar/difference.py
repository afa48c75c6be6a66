"""The difference between the slots that there are and those that working hours ask for.

Pure: nothing here reads or writes a row; `generation` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row

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


# id, starts_at, ends_at, capacity, booked_count, is_withdrawn, hours_end_at
Present = Row[UUID, datetime, datetime, int, int, bool, datetime]


def difference(
    present: Sequence[Present], planned: Sequence[PlannedSlot], begin: datetime
) -> Difference:
    """What makes the slots that are `present` from `begin` on the ones that are `planned`.

    Both come in order of start. A slot that has begun already stays as it is.
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
        if starts_at < begin:
            in_the_way.append((starts_at, ends_at))
            continue
        plan = wanted.pop((starts_at, ends_at), None)
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
    create = _clear_of(sorted(wanted.values(), key=lambda plan: plan.starts_at), in_the_way)
    return Difference(create, keep, reopen, resize, hours_end, withdraw, remove)


def _clear_of(
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
