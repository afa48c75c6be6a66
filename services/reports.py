"""Reports: what happened, and what is planned, in numbers.

The database counts; nothing is kept, and nobody is named but doctors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, Select, and_, extract, func, select

from models import (
    Appointment,
    AppointmentStatus,
    Doctor,
    Role,
    Slot,
    SlotStatus,
)
from models.database import ReadSession
from services.access import Permission, act
from services.appointments.lists import own_appointments
from services.context import Context
from services.errors import InvalidInput
from services.timetable import day_bounds

LONGEST = timedelta(days=366)
# Of these time was kept, whether somebody came or not.
TAKEN = tuple(status for status in AppointmentStatus if status is not AppointmentStatus.CANCELLED)
# What is offered to be booked; a tombstone and closed time are not.
OFFERED = (SlotStatus.AVAILABLE, SlotStatus.HELD, SlotStatus.BOOKED)
ONE_DAY = timedelta(days=1)

# Of a day and a status: how many.
Counted = Row[date, AppointmentStatus, int]


@dataclass(frozen=True)
class StatusCount:
    """How many appointments stand so."""

    status: AppointmentStatus
    count: int


@dataclass(frozen=True)
class DayCount:
    """The appointments of a day: those still to come about, and how the others ended."""

    day: date
    booked: int
    completed: int
    cancelled: int
    no_show: int


@dataclass(frozen=True)
class DoctorUtilization:
    """How much of what a doctor offers is taken."""

    doctor: Doctor
    open_minutes: int
    booked_minutes: int

    @property
    def utilization(self) -> float:
        """The share that is taken: all where more is taken than offered, none where nothing is."""
        return min(1.0, self.booked_minutes / self.open_minutes) if self.open_minutes else 0.0


@dataclass(frozen=True)
class Statistics:
    """Some days in numbers."""

    appointments_by_status: Sequence[StatusCount]
    appointments_by_day: Sequence[DayCount]
    by_doctor: Sequence[DoctorUtilization]
    average_lead_hours: float | None

    @property
    def appointment_count(self) -> int:
        """All of them, cancelled ones too."""
        return sum(one.count for one in self.appointments_by_status)

    @property
    def no_show_rate(self) -> float:
        """Of the visits that are over, the share to which nobody came."""
        missed = self._count(AppointmentStatus.NO_SHOW)
        return _share(missed, missed + self._count(AppointmentStatus.COMPLETED))

    @property
    def cancellation_rate(self) -> float:
        """The share that was cancelled."""
        return _share(self._count(AppointmentStatus.CANCELLED), self.appointment_count)

    def _count(self, status: AppointmentStatus) -> int:
        return sum(one.count for one in self.appointments_by_status if one.status is status)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


@act(Permission.SEE_REPORTS)
async def statistics(
    context: Context,
    *,
    first_day: date,
    last_day: date,
    doctor_id: UUID | None = None,
    department_id: UUID | None = None,
) -> Statistics:
    """The viewer's appointments of some days, both included, in the organization's time zone, in
    numbers: of one doctor or of one department where they are named.
    """
    _check_days(first_day, last_day)
    zone = ZoneInfo(context.organization.time_zone)
    begin, _ = day_bounds(first_day, zone)
    _, end = day_bounds(last_day, zone)
    async with context.reading() as session:
        doctors = await session.rows(_doctors(context, doctor_id, department_id))
        whose = own_appointments(context)
        if doctor_id or department_id:
            whose = and_(whose, Appointment.doctor_id.in_([doctor.id for doctor in doctors]))
        these = and_(whose, Appointment.starts_at >= begin, Appointment.starts_at < end)
        counted = await _by_day_and_status(session, these, zone.key)
        lead = (await session.execute(_lead_hours(these))).scalar_one()
        offered = and_(Slot.starts_at >= begin, Slot.starts_at < end)
        by_doctor = await _by_doctor(session, doctors, offered, these)
    return Statistics(
        appointments_by_status=_statuses(counted),
        appointments_by_day=_days(counted, first_day, last_day),
        by_doctor=by_doctor,
        average_lead_hours=None if lead is None else float(lead),
    )


def _check_days(first_day: date, last_day: date) -> None:
    if last_day < first_day:
        raise InvalidInput("This must not be before the first day.", "until")
    if last_day - first_day >= LONGEST:
        raise InvalidInput(f"At most {LONGEST.days} days at once are allowed.", "until")


def _doctors(
    context: Context, doctor_id: UUID | None, department_id: UUID | None
) -> Select[Doctor]:
    """Whose time is counted: of doctors their own alone."""
    statement = select(Doctor).where(Doctor.archived_at.is_(None))
    if context.role is Role.DOCTOR and context.viewer is not None:
        statement = statement.where(Doctor.id == context.viewer.doctor_id)
    if doctor_id:
        statement = statement.where(Doctor.id == doctor_id)
    if department_id:
        statement = statement.where(Doctor.department_id == department_id)
    return statement.order_by(Doctor.name, Doctor.id)


async def _by_day_and_status(
    session: ReadSession, these: ColumnElement[bool], zone: str
) -> Sequence[Counted]:
    day = func.date(func.timezone(zone, Appointment.starts_at))
    statement = (
        select(day, Appointment.status, func.count()).where(these).group_by(day, Appointment.status)
    )
    return (await session.execute(statement)).all()


def _lead_hours(these: ColumnElement[bool]) -> Select[float | None]:
    """Mean hours from booking to beginning, of what was booked before it began."""
    seconds = extract("epoch", Appointment.starts_at - Appointment.created_at)
    return select(func.avg(seconds / 3600)).where(these, seconds > 0)


async def _by_doctor(
    session: ReadSession,
    doctors: Sequence[Doctor],
    offered: ColumnElement[bool],
    these: ColumnElement[bool],
) -> list[DoctorUtilization]:
    slot_minutes = extract("epoch", Slot.ends_at - Slot.starts_at) / 60
    opened = (
        select(Slot.calendar_id, func.sum(slot_minutes * Slot.capacity))
        .where(
            offered,
            Slot.status.in_(OFFERED),
            Slot.calendar_id.in_([doctor.calendar_id for doctor in doctors]),
        )
        .group_by(Slot.calendar_id)
    )
    visit_minutes = extract("epoch", Appointment.ends_at - Appointment.starts_at) / 60
    booked = (
        select(Appointment.doctor_id, func.sum(visit_minutes))
        .where(these, Appointment.status.in_(TAKEN))
        .group_by(Appointment.doctor_id)
    )
    minutes_open = {key: int(sum_) for key, sum_ in (await session.execute(opened)).all()}
    minutes_booked = {key: int(sum_) for key, sum_ in (await session.execute(booked)).all()}
    return [
        DoctorUtilization(
            doctor, minutes_open.get(doctor.calendar_id, 0), minutes_booked.get(doctor.id, 0)
        )
        for doctor in doctors
    ]


def _statuses(counted: Sequence[Counted]) -> list[StatusCount]:
    """Each status, also one in which nothing stands."""
    return [
        StatusCount(status, sum(count for _, one, count in counted if one is status))
        for status in AppointmentStatus
    ]


def _days(counted: Sequence[Counted], first_day: date, last_day: date) -> list[DayCount]:
    """Each day, also one without appointments."""
    found = {(day, status): count for day, status, count in counted}

    def of(day: date, *statuses: AppointmentStatus) -> int:
        return sum(found.get((day, status), 0) for status in statuses)

    days = [first_day + ONE_DAY * number for number in range((last_day - first_day).days + 1)]
    return [
        DayCount(
            day,
            booked=of(day, AppointmentStatus.BOOKED, AppointmentStatus.CHECKED_IN),
            completed=of(day, AppointmentStatus.COMPLETED),
            cancelled=of(day, AppointmentStatus.CANCELLED),
            no_show=of(day, AppointmentStatus.NO_SHOW),
        )
        for day in days
    ]
