"""The calendar in memory: one doctor's eight half hours, and what may be done with them.

It is written from the rules as people would say them, apart from the application's code: plain
lists, nothing clever, nothing fast. Times are minutes after nine.
"""

from dataclasses import dataclass, field, replace

SLOTS, SLOT = 8, 30
END = SLOTS * SLOT
# Minutes, and how long it is kept clear after it.
KINDS = {"plain": (30, 0), "short": (20, 0), "long": (60, 0), "careful": (30, 30), "odd": (45, 15)}
PATIENTS, DESK = ("ada", "ben"), "desk"
ELSEWHERE = 2000


@dataclass(frozen=True)
class Taken:
    """Time that somebody has in a lane: a visit, or a hold."""

    what: str
    who: str
    begin: int
    end: int
    clear: int
    lane: int
    number: int = 0
    kind: str = "plain"

    def overlaps(self, begin: int, end: int) -> bool:
        return self.begin < end and self.end > begin


class Refused(Exception):
    """An act that the rules refuse, and how."""


@dataclass
class Model:
    """What the calendar should be like."""

    capacity: int
    taken: list[Taken] = field(default_factory=list)
    closed: set[int] = field(default_factory=set)
    elsewhere: set[int] = field(default_factory=set)
    count: int = 0

    # ------------------------------------------------------------------ what is shown

    def status(self, slot: int) -> str:
        begin, end = slot * SLOT, slot * SLOT + SLOT
        there = [one for one in self.taken if one.overlaps(begin, end)]
        visits = [one for one in there if one.what == "visit"]
        if len(visits) >= self.capacity:
            return "BOOKED"
        if slot in self.closed | self.elsewhere:
            return "BLOCKED"
        return "HELD" if len(there) >= self.capacity else "AVAILABLE"

    def booked(self, slot: int) -> int:
        begin, end = slot * SLOT, slot * SLOT + SLOT
        return sum(one.what == "visit" and one.overlaps(begin, end) for one in self.taken)

    def is_kept_clear(self, slot: int) -> bool:
        """Whether a free slot is closed to patients, for the sake of the visits before it."""
        begin, end = slot * SLOT, slot * SLOT + SLOT
        lanes = {one.lane for one in self.taken if one.begin < end and one.clear > begin}
        return self.status(slot) == "AVAILABLE" and len(lanes) >= self.capacity

    def why_not(self, who: str, slot: int, kind: str) -> str | None:
        """Why somebody who holds nothing could not book; None where they could."""
        try:
            self._lane(who, slot, kind)
        except Refused as refused:
            return str(refused)
        return None

    # ------------------------------------------------------------------ what is done

    def book(self, who: str, patient: str, slot: int, kind: str) -> int:
        """Book a visit for a patient; its number."""
        begin, end, clear = self._time(slot, kind)
        before = list(self.taken)
        try:
            own = self._own(who, begin, end, clear)
            if own is None:
                self._end_holds(who, begin, end, clear)
            self._allow(who, slot, kind, own)
            if own is None and self.status(slot) != "AVAILABLE":
                raise Refused("SLOT_TAKEN")
            self._require_elsewhere_free(patient, begin, end)
            lane = own.lane if own else self._lane(who, slot, kind)
        except Refused:
            self.taken = before
            raise
        if own:
            self.taken.remove(own)
        return self._add(patient, begin, end, clear, lane, kind)

    def overbook(self, patient: str, slot: int, kind: str) -> int:
        """Book beside others, at the front desk."""
        begin, end, clear = self._time(slot, kind)
        before = list(self.taken)
        try:
            own = self._own(DESK, begin, end, clear)
            if own is None:
                self._end_holds(DESK, begin, end, clear)
            if any(cell in self.closed for cell in cells(begin, end)):
                raise Refused("SLOT_TAKEN")
            self._require_elsewhere_free(patient, begin, end)
        except Refused:
            self.taken = before
            raise
        lanes = {one.lane for one in self.taken if one.overlaps(begin, end)}
        lane = own.lane if own else next(n for n in range(100) if n not in lanes)
        if own:
            self.taken.remove(own)
        return self._add(patient, begin, end, clear, lane, kind)

    def move(self, who: str, number: int, slot: int) -> None:
        """Move a visit to where it would be booked, as if it were not there."""
        visit = self._visit(number)
        if visit.begin == slot * SLOT:
            raise Refused("INVALID_INPUT")
        before = list(self.taken)
        self._free(visit)
        count = self.count
        try:
            self.book(who, visit.who, slot, visit.kind)
        except Refused:
            self.taken = before
            raise
        self.count = count
        self.taken[-1] = replace(self.taken[-1], number=number)

    def cancel(self, number: int) -> None:
        self._free(self._visit(number))

    def hold(self, who: str, slot: int, kind: str) -> None:
        """Hold a time instead of the one that is held."""
        begin, end, clear = self._time(slot, kind)
        held = next((o for o in self.taken if o.what == "hold" and o.who == who), None)
        if held and (held.begin, held.end) == (begin, end):
            return
        before = list(self.taken)
        if held:
            self._free(held)
        try:
            self._allow(who, slot, kind)
            if self.status(slot) != "AVAILABLE":
                raise Refused("SLOT_TAKEN")
            lane = self._lane(who, slot, kind)
        except Refused:
            self.taken = before
            raise
        self.taken.append(Taken("hold", who, begin, end, clear, lane))

    def release(self, who: str, slot: int) -> None:
        begin, end = slot * SLOT, slot * SLOT + SLOT
        for one in list(self.taken):
            if one.what == "hold" and one.who == who and one.overlaps(begin, end):
                self._free(one)

    def close(self, first: int, last: int) -> None:
        """Close slots; whoever holds them has not booked them."""
        begin, end = first * SLOT, last * SLOT + SLOT
        if any(one.what == "visit" and one.overlaps(begin, end) for one in self.taken):
            raise Refused("TIME_TAKEN")
        for one in [one for one in self.taken if one.overlaps(begin, end)]:
            self._free(one)
        self.closed |= set(range(first, last + 1))

    def open(self, first: int, last: int) -> None:
        self.closed -= set(range(first, last + 1))

    def be_elsewhere(self, slots: set[int]) -> None:
        """Let the doctor be elsewhere at these times alone; visits stay, holds end."""
        self.elsewhere = set(slots)
        for one in [one for one in self.taken if one.what == "hold"]:
            if any(cell in slots for cell in cells(one.begin, one.end)):
                self._free(one)

    # ------------------------------------------------------------------ how it is decided

    def _time(self, slot: int, kind: str) -> tuple[int, int, int]:
        minutes, clear = KINDS[kind]
        begin = slot * SLOT
        return begin, begin + minutes, begin + minutes + clear

    def _allow(self, who: str, slot: int, kind: str, own: Taken | None = None) -> None:
        """The rules that bind patients."""
        _, end, _ = self._time(slot, kind)
        if who != DESK and (end > END or (self.is_kept_clear(slot) and not own)):
            raise Refused("NOT_BOOKABLE")

    def _lane(self, who: str, slot: int, kind: str) -> int:
        """The lane that a visit would have, as far as time is taken."""
        begin, end, clear = self._time(slot, kind)
        self._allow(who, slot, kind)
        if self.status(slot) != "AVAILABLE" and not self._holds(who, begin):
            raise Refused("SLOT_TAKEN")
        bodies = self._lanes(begin, end)
        near = bodies
        if who != DESK:
            near = self._lanes(begin, clear) | {
                one.lane for one in self.taken if one.begin < clear and one.clear > begin
            }
        free = [lane for lane in range(self.capacity) if lane not in near]
        if free and len(near) < self.capacity:
            return free[0]
        raise Refused("NOT_BOOKABLE" if len(bodies) < self.capacity else "SLOT_TAKEN")

    def _lanes(self, begin: int, end: int) -> set[int]:
        """The lanes that are in use in a time; all, where the doctor is elsewhere."""
        lanes = {one.lane for one in self.taken if one.overlaps(begin, end)}
        there = cells(begin, end)
        if any(cell in self.closed for cell in there):
            lanes |= set(range(self.capacity))
        if any(cell in self.elsewhere for cell in there):
            lanes |= set(range(ELSEWHERE))
        return lanes

    def _own(self, who: str, begin: int, end: int, clear: int) -> Taken | None:
        """What somebody holds, if it is just this."""
        for one in self.taken:
            time = one.begin, one.end, one.clear
            if one.what == "hold" and one.who == who and time == (begin, end, clear):
                return one
        return None

    def _holds(self, who: str, begin: int) -> bool:
        return any(o.what == "hold" and o.who == who and o.begin == begin for o in self.taken)

    def _end_holds(self, who: str, begin: int, end: int, clear: int) -> None:
        """Whoever books ends what they hold themselves where it would be in the way. Nobody looks
        where the slot is free, and the visit reaches no further.
        """
        slot_end = begin + SLOT
        holds = [o for o in self.taken if o.what == "hold" and o.overlaps(begin, slot_end)]
        if not (holds or self.is_kept_clear(begin // SLOT) or clear > slot_end):
            return
        for one in [one for one in self.taken if one.what == "hold" and one.who == who]:
            is_near = who != DESK and one.begin < clear and one.clear > begin
            if one.overlaps(begin, end) or is_near:
                self._free(one)

    def _require_elsewhere_free(self, patient: str, begin: int, end: int) -> None:
        visits = [one for one in self.taken if one.what == "visit" and one.who == patient]
        if any(one.overlaps(begin, end) for one in visits):
            raise Refused("PATIENT_BUSY")

    def _add(self, who: str, begin: int, end: int, clear: int, lane: int, kind: str) -> int:
        self.count += 1
        self.taken.append(Taken("visit", who, begin, end, clear, lane, self.count, kind))
        return self.count

    def _visit(self, number: int) -> Taken:
        return next(one for one in self.taken if one.number == number)

    def _free(self, gone: Taken) -> None:
        """Give time back; who was overbooked beside it has the lowest lane that is free now."""
        self.taken.remove(gone)
        above = [
            one
            for one in self.taken
            if one.what == "visit"
            and one.overlaps(gone.begin, gone.end)
            and one.lane >= self.capacity
        ]
        for one in sorted(above, key=lambda one: one.lane):
            lanes = self._lanes(one.begin, one.end) - {one.lane}
            lane = next(n for n in range(one.lane + 1) if n not in lanes)
            self.taken[self.taken.index(one)] = replace(one, lane=lane)


def cells(begin: int, end: int) -> range:
    """The slots that a time touches."""
    return range(begin // SLOT, -(-end // SLOT))
