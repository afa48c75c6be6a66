"""Reports: exact numbers of days that are given, of those whom the viewer may see."""

from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any
from uuid import uuid4

import pytest

from models import Appointment, AppointmentStatus, Department, Role, Slot, SlotStatus
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import Person, id_of

STATISTICS = """
query ($from: Date!, $until: Date!, $doctor: ID, $department: ID) {
  statistics(from: $from, until: $until, doctorId: $doctor, departmentId: $department) {
    appointmentCount noShowRate cancellationRate averageLeadHours
    appointmentsByStatus { status count }
    appointmentsByDay { date booked completed cancelled noShow }
    byDoctor { doctor { id } openMinutes bookedMinutes utilization }
  }
}
"""
# The clocks of Madrid are put forward on the second of these days.
DAYS = {"from": "2027-03-27", "until": "2027-03-29"}
NINE = datetime(2027, 3, 27, 8, tzinfo=UTC)


async def numbers(api: Api, days: dict[str, str] = DAYS, **values: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await api.ask(STATISTICS, **days, **values))["statistics"]
    return found


def statuses(found: dict[str, Any]) -> dict[str, int]:
    return {one["status"]: one["count"] for one in found["appointmentsByStatus"]}


async def visit(
    clinic: Clinic,
    person: Person,
    starts_at: datetime,
    status: AppointmentStatus = AppointmentStatus.BOOKED,
    *,
    slot: Slot | None = None,
    lead: timedelta = timedelta(hours=24),
) -> None:
    """A visit of half an hour, as if it had come about."""
    assert person.calendar is not None
    assert person.doctor is not None
    patient = await clinic.factory.patient()
    slot = slot or await clinic.factory.slot(person.calendar, starts_at)
    visit = Appointment(
        organization_id=clinic.factory.organization.id,
        id=uuid4(),
        reference=token_hex(4),
        calendar_id=person.calendar.id,
        slot_id=slot.id,
        doctor_id=person.doctor.id,
        patient_id=patient.id,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=30),
        status=status,
        version=1,
        created_at=starts_at - lead,
        cancelled_at=NINE if status is AppointmentStatus.CANCELLED else None,
    )
    await clinic.factory.add(visit)


async def test_days_are_told_in_numbers(clinic: Clinic) -> None:
    """Each day of the clinic's own zone, also the one that is short, and one without visits."""
    doctor = clinic.person(Role.DOCTOR)
    late = datetime(2027, 3, 28, 22, 30, tzinfo=UTC)  # Half past midnight of the 29th.
    await visit(clinic, doctor, NINE, AppointmentStatus.COMPLETED, lead=timedelta(hours=10))
    # Written down only when it had begun: nobody booked it ahead.
    hour, before = timedelta(hours=1), timedelta(hours=-1)
    await visit(clinic, doctor, NINE + hour, AppointmentStatus.NO_SHOW, lead=before)
    await visit(clinic, doctor, NINE + timedelta(hours=2), AppointmentStatus.COMPLETED)
    await visit(clinic, doctor, late, AppointmentStatus.CHECKED_IN)
    await visit(clinic, doctor, late - timedelta(hours=23), AppointmentStatus.CANCELLED)
    # Half past eleven in the evening before, and the day after: neither is asked for.
    await visit(clinic, doctor, datetime(2027, 3, 26, 22, 30, tzinfo=UTC))
    await visit(clinic, doctor, datetime(2027, 3, 29, 22, tzinfo=UTC))
    found = await numbers(clinic.reception)
    assert found["appointmentCount"] == 5
    assert statuses(found) == {
        "BOOKED": 0, "CHECKED_IN": 1, "COMPLETED": 2, "CANCELLED": 1, "NO_SHOW": 1,
    }  # fmt: skip
    none = {"booked": 0, "completed": 0, "cancelled": 0, "noShow": 0}
    assert found["appointmentsByDay"] == [
        {"date": "2027-03-27", **none, "completed": 2, "noShow": 1},
        {"date": "2027-03-28", **none, "cancelled": 1},
        {"date": "2027-03-29", **none, "booked": 1},
    ]
    assert found["noShowRate"] == pytest.approx(1 / 3)
    assert found["cancellationRate"] == pytest.approx(1 / 5)
    assert found["averageLeadHours"] == pytest.approx((10 + 3 * 24) / 4)


async def test_what_is_offered_is_compared_with_what_is_taken(clinic: Clinic) -> None:
    """What was cancelled took nothing; what is closed or gone offers nothing."""
    doctor = clinic.person(Role.DOCTOR)
    assert doctor.calendar is not None
    for hour, status in enumerate((SlotStatus.BLOCKED, SlotStatus.REMOVED), start=5):
        at = NINE + timedelta(hours=hour)
        await clinic.factory.slot(doctor.calendar, at, status=status)
    group = await clinic.factory.slot(doctor.calendar, NINE, capacity=3)
    await visit(clinic, doctor, NINE, slot=group)
    await visit(clinic, doctor, NINE, AppointmentStatus.NO_SHOW, slot=group)
    await visit(clinic, doctor, NINE, AppointmentStatus.CANCELLED, slot=group)
    (one,) = (await numbers(clinic.admin))["byDoctor"]
    assert one["doctor"]["id"] == id_of(doctor.doctor)
    assert (one["openMinutes"], one["bookedMinutes"]) == (90, 60)
    assert one["utilization"] == pytest.approx(2 / 3)


async def test_more_than_is_offered_is_all_of_it_and_nothing_of_nothing_is_nothing(
    clinic: Clinic,
) -> None:
    doctor = clinic.person(Role.DOCTOR)
    assert doctor.calendar is not None
    (one,) = (await numbers(clinic.admin))["byDoctor"]
    assert (one["openMinutes"], one["utilization"]) == (0, 0)
    slot = await clinic.factory.slot(doctor.calendar, NINE)
    await visit(clinic, doctor, NINE, slot=slot)
    await visit(clinic, doctor, NINE, slot=slot)
    (one,) = (await numbers(clinic.admin))["byDoctor"]
    assert (one["bookedMinutes"], one["utilization"]) == (60, 1)


async def test_doctors_see_their_own_numbers_and_nobody_elses(clinic: Clinic) -> None:
    """Also where they name somebody else."""
    doctor, other = clinic.person(Role.DOCTOR), await clinic.factory.person(Role.DOCTOR, "Zoe")
    assert other.doctor is not None
    department = Department(
        organization_id=clinic.factory.organization.id, id=uuid4(), name="Surgery"
    )
    await clinic.factory.add(department)
    await clinic.admin.done(
        "updateDoctor",
        "doctor { id }",
        doctorId=id_of(other.doctor),
        departmentId=id_of(department),
    )
    await visit(clinic, doctor, NINE)
    await visit(clinic, other, NINE)
    await visit(clinic, other, NINE + timedelta(hours=1))
    for values, whole, own in (
        ({}, 3, 1),
        ({"doctor": id_of(other.doctor)}, 2, 0),
        ({"doctor": id_of(doctor.doctor)}, 1, 1),
        ({"department": id_of(department)}, 2, 0),
    ):
        found = await numbers(clinic.reception, **values)
        assert (found["appointmentCount"], sum(statuses(found).values())) == (whole, whole)
        found = await numbers(clinic.doctor, **values)
        assert found["appointmentCount"] == own, values
        assert [one["doctor"]["id"] for one in found["byDoctor"]] == [id_of(doctor.doctor)] * own
        assert found["averageLeadHours"] == (24 if own else None)


@pytest.mark.parametrize(
    ("days", "message"),
    [
        ({"from": "2027-03-28", "until": "2027-03-27"}, "until: This must not be before the first"),
        ({"from": "2026-01-01", "until": "2027-01-02"}, "until: At most 366 days at once"),
    ],
)
async def test_too_many_days_and_none_are_refused(
    clinic: Clinic, days: dict[str, str], message: str
) -> None:
    (error,) = (await clinic.admin.send(STATISTICS, **days))["errors"]
    assert error["message"].startswith(message)
    assert error["extensions"]["code"] == "BAD_INPUT"


async def test_a_whole_leap_year_is_told(clinic: Clinic) -> None:
    found = await numbers(clinic.admin, {"from": "2028-01-01", "until": "2028-12-31"})
    assert len(found["appointmentsByDay"]) == 366
