"""Openings: the times that can be booked first, over any number of doctors, in order of start."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Select,
    Time,
    and_,
    any_,
    cast,
    extract,
    func,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import aliased

from models import Calendar, Doctor, Slot, SlotStatus, VisitTypeDoctor, Weekday
from models.database import ReadSession
from services import checks
from services.access import STAFF, Permission, act
from services.calendar.places import Length, has_room
from services.calendar.rules import open_to_patients
from services.context import Context
from services.errors import InvalidInput
from services.pages import Page, PageRequest, checked_first, page_from_rows
from services.timetable import day_bounds, instant
from services.visit_types import LONGEST_VISIT, offered_by_id

ORDER = (Slot.starts_at, Slot.id)
MOST_DOCTORS = 500
# Of so few calendars the first free slots of each are read, and merged. Of more, the free slots of
# all calendars are read in order of start: some of those that are meant are soon among them.
FEW_CALENDARS = 64
# Of so many days to come that are meant, each is looked at by itself; the next fortnight has them.
NEXT_DAYS, DAYS_AHEAD = 3, 16


class OpeningSearch(TypedDict, total=False):
    """What somebody looks for; what is left out, or None, does not matter."""

    starts_from: datetime
    starts_before: datetime | None
    department_id: UUID | None
    office_id: UUID | None
    doctor_ids: Sequence[UUID] | None
    specialty: str | None
    language: str | None
    visit_type_id: UUID | None
    weekdays: Sequence[Weekday] | None
    earliest_time: time | None
    latest_time: time | None
    minimum_minutes: int | None


@dataclass(frozen=True)
class Opening:
    """A time that can be booked, and the slot that it begins with."""

    slot: Slot
    starts_at: datetime
    ends_at: datetime

    @property
    def calendar_id(self) -> UUID:
        """Whose time it is."""
        return self.slot.calendar_id


@act(Permission.SEE_CALENDAR)
async def list_openings(
    context: Context, *, search: OpeningSearch, page: PageRequest
) -> Page[Opening]:
    """What the viewer could book first: a page of it in order of start.

    Raises:
        InvalidInput: a value of the search cannot be.
        NotFound: there is no such visit type.

    """
    first = checked_first(page.first)
    length = await _length(context, search)
    doctors, is_free = _doctors(context, search), _is_free(context, search, length)
    after = tuple_(*ORDER) > page.after if page.after is not None else true()
    slots: list[Slot] = []
    async with context.reading() as session:
        few = await session.rows(select(Doctor.calendar_id).where(doctors).limit(FEW_CALENDARS + 1))
        for window in await _windows(context, session, search, page):
            wanted, missing = is_free & after & window, first + 1 - len(slots)
            statement = _of_all(doctors, wanted).order_by(*ORDER).limit(missing)
            if len(few) <= FEW_CALENDARS:
                statement = _of_few(few, wanted, missing)
            slots += await session.rows(statement)
            if len(slots) > first:
                break

    async def count() -> int:
        counting = select(func.count()).select_from(_of_all(doctors, is_free).subquery())
        async with context.reading() as session:
            return (await session.execute(counting)).scalar_one()

    found = page_from_rows(slots, ORDER, page, count)
    openings = [_opening(slot, length) for slot in found.rows]
    return Page(openings, found.keys, found.has_next, found.has_previous, count)


def _of_all(doctors: ColumnElement[bool], is_free: ColumnElement[bool]) -> Select[Slot]:
    """The free slots of some doctors, of however many."""
    return (
        select(Slot)
        .join(Doctor, Doctor.calendar_id == Slot.calendar_id)
        .join(Calendar, Calendar.id == Slot.calendar_id)
        .where(doctors, is_free)
    )


def _of_few(calendar_ids: Sequence[UUID], is_free: ColumnElement[bool], count: int) -> Select[Slot]:
    """The first free slots of some calendars."""
    of_each = (
        select(Slot)
        .where(Slot.calendar_id == Calendar.id, is_free)
        .order_by(*ORDER)
        .limit(count)
        .correlate(Calendar)
        .lateral()
    )
    free = aliased(Slot, of_each)
    return (
        select(free)
        .select_from(Calendar)
        .join(of_each, true())
        .where(Calendar.id.in_(calendar_ids))
        .order_by(free.starts_at, free.id)
        .limit(count)
    )


async def _windows(
    context: Context, session: ReadSession, search: OpeningSearch, page: PageRequest
) -> list[ColumnElement[bool]]:
    """The times to look at one after the other: where only certain hours of certain days are meant,
    first those of the next such days, so that what lies between them is not even read; then all.
    """
    if not any(search.get(key) is not None for key in ("weekdays", "earliest_time", "latest_time")):
        return [true()]
    zones = [ZoneInfo(name) for name in await session.rows(select(Calendar.time_zone).distinct())]
    begin = max(search["starts_from"], context.now, *(page.after[:1] if page.after else ()))
    weekdays = search.get("weekdays")
    numbers = {day.value for day in Weekday if weekdays is None or day in weekdays}
    today = (begin - timedelta(days=1)).date()
    windows: list[ColumnElement[bool]] = []
    for day in (today + timedelta(days=n) for n in range(DAYS_AHEAD)):
        if day.isoweekday() in numbers and len(windows) < NEXT_DAYS:
            opens = min(instant(day, search.get("earliest_time") or time(), z) for z in zones)
            closes = max(day_bounds(day, zone)[1] for zone in zones)
            if latest := search.get("latest_time"):
                closes = max(instant(day, latest, zone) for zone in zones) + timedelta(seconds=1)
            if max(opens, begin) < closes:
                windows.append((Slot.starts_at >= max(opens, begin)) & (Slot.starts_at < closes))
                begin = closes
    return [*windows, Slot.starts_at >= begin]


def _opening(slot: Slot, length: Length | None) -> Opening:
    ends_at = slot.starts_at + timedelta(minutes=length.minutes) if length else slot.ends_at
    return Opening(slot, slot.starts_at, ends_at)


async def _length(context: Context, search: OpeningSearch) -> Length | None:
    """How long the visit is that is looked for; None: as long as the slot."""
    least = search.get("minimum_minutes")
    if least is not None:
        checks.between(least, 1, LONGEST_VISIT, "search", "minimum_minutes")
    visit_type_id = search.get("visit_type_id")
    if visit_type_id is None:
        return Length(least) if least else None
    visit_type = await offered_by_id(context, visit_type_id, "search", "visit_type_id")
    length = Length.of(visit_type)
    return replace(length, minutes=max(length.minutes, least or 0))


def _doctors(context: Context, search: OpeningSearch) -> ColumnElement[bool]:
    """Which doctors are meant."""
    conditions: list[ColumnElement[bool]] = [Doctor.archived_at.is_(None)]
    if context.role not in STAFF:
        conditions.append(Doctor.is_accepting_patients.is_(True))
    if (doctor_ids := search.get("doctor_ids")) is not None:
        if len(doctor_ids) > MOST_DOCTORS:
            raise InvalidInput(f"At most {MOST_DOCTORS} are allowed.", "search", "doctor_ids")
        conditions.append(Doctor.id.in_(doctor_ids))
    if department_id := search.get("department_id"):
        conditions.append(Doctor.department_id == department_id)
    if office_id := search.get("office_id"):
        conditions.append(Doctor.office_id == office_id)
    if specialty := search.get("specialty"):
        conditions.append(func.lower(Doctor.specialty) == specialty.lower())
    if language := search.get("language"):
        conditions.append(any_(Doctor.languages) == language)
    if visit_type_id := search.get("visit_type_id"):
        offers = select(VisitTypeDoctor.doctor_id).where(
            VisitTypeDoctor.visit_type_id == visit_type_id
        )
        conditions.append(Doctor.id.in_(offers))
    return and_(*conditions)


def _is_free(context: Context, search: OpeningSearch, length: Length | None) -> ColumnElement[bool]:
    """Which slots of their calendars are meant, free, and open to the viewer."""
    policy = context.organization.booking_policy
    conditions: list[ColumnElement[bool]] = [
        Slot.status == SlotStatus.AVAILABLE,
        has_room(context, length),
        Slot.starts_at >= search["starts_from"],
    ]
    if (starts_before := search.get("starts_before")) is not None:
        conditions.append(Slot.starts_at < starts_before)
    if context.role in STAFF:
        conditions.append(Slot.ends_at > context.now)
    else:
        conditions.append(open_to_patients(policy, context.now))
    local = func.timezone(Calendar.time_zone, Slot.starts_at)
    if (weekdays := search.get("weekdays")) is not None:
        conditions.append(extract("isodow", local).in_([day.value for day in weekdays]))
    if (earliest_time := search.get("earliest_time")) is not None:
        conditions.append(cast(local, Time) >= earliest_time)
    if (latest_time := search.get("latest_time")) is not None:
        conditions.append(cast(local, Time) <= latest_time)
    return and_(*conditions)
