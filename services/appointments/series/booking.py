"""Booking a series: every time of it is asked first, as booking one visit asks; then all of them
are taken, or none, or those that can be, in one transaction and with one change of the calendar.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple, TypedDict
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import select

from models import (
    OPEN_STATUSES,
    Appointment,
    AppointmentSeries,
    Calendar,
    OnConflict,
    SeriesOccurrence,
    Slot,
    SlotStatus,
    VisitType,
)
from models.database import WriteSession
from services import checks, trail
from services.access import Permission, act
from services.appointments.agendas import note_all_in_agendas
from services.appointments.booking import (
    Wish,
    appointments_left,
    new_appointment,
    own_patient_id,
)
from services.appointments.changes import flush, note_event
from services.appointments.series.lists import Occurrence
from services.appointments.series.recurrence import (
    PlannedTime,
    Recurrence,
    as_text,
    planned_times,
)
from services.calendar.claims import Span
from services.calendar.explanations import Obstacle
from services.calendar.places import (
    Length,
    Place,
    claim,
    free_place,
    has_room,
    lock_place,
    offered,
)
from services.calendar.refreshing import refresh_spans
from services.calendar.rules import horizon_ends, is_patient_busy
from services.calendar.slots import alternatives_near
from services.context import Context
from services.directory.patients import lock_patient, visible_patients
from services.errors import NotBookable, PatientBusy, SeriesNotBookable, SlotTaken
from services.idempotency import Request, once, row_of

# Another time of the same doctor does not help.
BEYOND_OTHER_TIMES = {
    Obstacle.BEYOND_HORIZON,
    Obstacle.NOT_ACCEPTING,
    Obstacle.NOT_OFFERED,
    Obstacle.BOOKING_LIMIT_REACHED,
}


class RecurrenceWish(TypedDict, total=False):
    """How often somebody wants to come."""

    every_weeks: int
    count: int | None
    until: date | None


class BookedSeries(NamedTuple):
    """A series, and each of its times as it was planned."""

    series: AppointmentSeries
    occurrences: Sequence[Occurrence]


@dataclass
class _Asked:
    """A time of a series, and what was found there: a place, or what stands in the way."""

    time: PlannedTime
    slot: Slot | None
    place: Place | None = None
    obstacle: Obstacle | None = None

    @property
    def starts_at(self) -> datetime | None:
        """When it would begin; None where there is no such time."""
        return self.time.at if self.time.exists else None

    @property
    def answer(self) -> Occurrence:
        """What is said of it where nothing is booked."""
        return Occurrence(self.time.number, self.time.day, self.starts_at, obstacle=self.obstacle)


@act(Permission.BOOK, SeriesNotBookable, SlotTaken, NotBookable, PatientBusy)
async def book_series(
    context: Context,
    *,
    slot_id: UUID,
    recurrence: RecurrenceWish,
    on_conflict: OnConflict = OnConflict.FAIL_ALL,
    patient_id: UUID | None = None,
    visit_type_id: UUID | None = None,
    reason: str | None = None,
    idempotency_key: str | None = None,
) -> BookedSeries:
    """Book a visit that begins with a slot, and again at the same time of later weeks, on the
    clock on the wall.

    Raises:
        SeriesNotBookable: something of it cannot be booked; with SKIP, nothing of it can.
        SlotTaken, NotBookable, PatientBusy: it could be booked, and somebody was quicker all the
            same.

    """
    reason = checks.optional_text(reason, "reason")
    wish = Wish(slot_id, patient_id or own_patient_id(context), visit_type_id, reason)
    booking = _Booking(context, wish, Recurrence(**recurrence), on_conflict)
    values = (astuple(wish), astuple(booking.recurrence), on_conflict)
    request = Request("book_series", idempotency_key, values)
    try:
        series = await once(context, request, booking.work, row_of(AppointmentSeries))
    except SeriesNotBookable as refusal:
        if on_conflict is OnConflict.SUGGEST:
            refusal.occurrences = await booking.with_alternatives()
        raise
    return BookedSeries(series, await _occurrences(context, series.id))


@dataclass
class _Booking:
    """The booking of one series."""

    context: Context
    wish: Wish
    recurrence: Recurrence
    on_conflict: OnConflict
    visit_type: VisitType | None = None
    asked: Sequence[_Asked] = ()

    async def work(self, session: WriteSession) -> AppointmentSeries:
        """Book it, in the transaction of the act."""
        wish = self.wish
        self.visit_type = await offered(session, wish.visit_type_id)
        calendar_id = await lock_place(self.context, session, wish.slot_id, wish.visit_type_id)
        zones = select(Calendar.time_zone).where(Calendar.id == calendar_id)
        zone = ZoneInfo((await session.execute(zones)).scalar_one())
        await lock_patient(session, self.wish.patient_id, visible_patients(self.context))
        slot = (
            await session.execute(select(Slot).where(Slot.id == self.wish.slot_id))
        ).scalar_one()
        self.asked = await self._planned(session, slot, zone)
        await self._ask(session)
        free = [one for one in self.asked if one.obstacle is None]
        is_whole = len(free) == len(self.asked)
        if not free or not (is_whole or self.on_conflict is OnConflict.SKIP):
            raise SeriesNotBookable([one.answer for one in self.asked])
        series = AppointmentSeries(
            organization_id=session.organization_id,
            id=uuid4(),
            recurrence=as_text(slot.starts_at, zone, self.recurrence),
            every_weeks=self.recurrence.every_weeks,
            time_zone=zone.key,
        )
        await self._take(session, series, free)
        return series

    async def _planned(
        self, session: WriteSession, first: Slot, zone: ZoneInfo
    ) -> Sequence[_Asked]:
        """The times of the series, with the slots of the calendar that begin then."""
        times = planned_times(first.starts_at, zone, self.recurrence)
        there = select(Slot).where(
            Slot.calendar_id == first.calendar_id,
            Slot.starts_at.in_([time.at for time in times if time.exists]),
            Slot.status != SlotStatus.REMOVED,
        )
        slots = {slot.starts_at: slot for slot in await session.rows(there)}
        slots[first.starts_at] = first
        return [_Asked(time, slots.get(time.at)) for time in times]

    async def _ask(self, session: WriteSession) -> None:
        """Find the places, and what stands in the way: nothing is taken yet."""
        for one in self.asked:
            await self._find_place(session, one)
        await self._ask_for_room(session)
        await self._ask_patient(session)

    async def _find_place(self, session: WriteSession, one: _Asked) -> None:
        if one.slot is None:
            one.obstacle = self._why_no_slot(one.time)
            return
        try:
            one.place = await free_place(self.context, session, one.slot.id, self.visit_type)
        except NotBookable as refusal:
            one.obstacle = Obstacle[refusal.reason.name]
        except SlotTaken:
            is_free = one.slot.status is SlotStatus.AVAILABLE
            one.obstacle = Obstacle.PARTLY_TAKEN if is_free else Obstacle[one.slot.status.name]

    def _why_no_slot(self, time: PlannedTime) -> Obstacle:
        if not time.exists:
            return Obstacle.NO_SUCH_TIME
        is_far = time.at >= horizon_ends(self.context.organization.booking_policy, self.context.now)
        return Obstacle.BEYOND_HORIZON if is_far else Obstacle.NO_SLOT

    async def _ask_for_room(self, session: WriteSession) -> None:
        """Whether the rest of each visit has room, where it is longer than its slot."""
        if self.visit_type is None:
            return
        free = [one.place.slot.id for one in self.asked if one.place]
        room = has_room(self.context, Length.of(self.visit_type))
        roomy = set(await session.rows(select(Slot.id).where(Slot.id.in_(free), room)))
        for one in self.asked:
            if one.place and one.place.slot.id not in roomy:
                one.obstacle = Obstacle.PARTLY_TAKEN

    async def _ask_patient(self, session: WriteSession) -> None:
        """Whether the patient is elsewhere, and may have so many appointments."""
        open_ones = select(Appointment.starts_at, Appointment.ends_at).where(
            Appointment.patient_id == self.wish.patient_id,
            Appointment.status.in_(OPEN_STATUSES),
            Appointment.ends_at > self.asked[0].time.at,
        )
        busy = (await session.execute(open_ones)).all()
        left = await appointments_left(self.context, session, self.wish.patient_id)
        count = 0
        for one in self.asked:
            if one.place is None or one.obstacle is not None:
                continue
            span = one.place.span
            if any(begin < span.ends_at and end > span.starts_at for begin, end in busy):
                one.obstacle = Obstacle.PATIENT_BUSY
            elif left is not None and count >= left.more:
                one.obstacle = Obstacle.BOOKING_LIMIT_REACHED
            else:
                count += 1

    async def _take(
        self, session: WriteSession, series: AppointmentSeries, free: Sequence[_Asked]
    ) -> None:
        """Take every free time; the rest is kept in mind."""
        context = self.context
        session.add(series)
        await session.flush()
        trail.note_act(context, session, series)
        places = {one.time.number: one.place for one in free if one.place}
        appointments = {
            number: new_appointment(context, self.wish, place) for number, place in places.items()
        }
        session.add_all(appointments.values())
        await flush(session)
        session.add_all(self._rows(series, appointments))
        for appointment in appointments.values():
            note_event(context, session, appointment)
        taken: list[Span] = []
        for number, place in places.items():
            taken += await claim(context, session, place, appointments[number].id)
        await refresh_spans(session, taken)
        await note_all_in_agendas(context, session, [*appointments.values()])

    def _rows(
        self, series: AppointmentSeries, appointments: Mapping[int, Appointment]
    ) -> Iterator[SeriesOccurrence]:
        for one in self.asked:
            booked = appointments.get(one.time.number)
            yield SeriesOccurrence(
                organization_id=series.organization_id,
                series_id=series.id,
                number=one.time.number,
                day=one.time.day,
                starts_at=one.starts_at,
                appointment_id=booked.id if booked else None,
                obstacle=one.obstacle.name if one.obstacle else None,
            )

    async def with_alternatives(self) -> Sequence[Occurrence]:
        """What is said of the times of a refused series, with others for those that cannot be
        booked. Looked up after the rollback, when no lock is held.
        """
        moments = [
            one.time.at
            for one in self.asked
            if one.obstacle is not None and one.obstacle not in BEYOND_OTHER_TIMES
        ]
        kind = self.visit_type
        ends_at = Slot.starts_at + timedelta(minutes=kind.minutes) if kind else Slot.ends_at
        near = await alternatives_near(
            self.context,
            next(one.slot.calendar_id for one in self.asked if one.slot),
            moments,
            Slot.starts_at.not_in([one.starts_at for one in self.asked if one.starts_at]),
            ~is_patient_busy(self.wish.patient_id, ends_at),
            visit_type_id=self.wish.visit_type_id,
        )
        return [replace(one.answer, alternatives=near.get(one.time.at, ())) for one in self.asked]


async def _occurrences(context: Context, series_id: UUID) -> Sequence[Occurrence]:
    """The times of a series as they were planned, each with what became of it then."""
    statement = (
        select(SeriesOccurrence)
        .where(SeriesOccurrence.series_id == series_id)
        .order_by(SeriesOccurrence.number)
    )
    async with context.reading() as session:
        rows = await session.rows(statement)
    return [
        Occurrence(
            row.number,
            row.day,
            row.starts_at,
            row.appointment_id,
            Obstacle[row.obstacle] if row.obstacle else None,
        )
        for row in rows
    ]
