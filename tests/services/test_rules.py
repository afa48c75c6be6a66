"""What may be booked, by whom and when: the pure rule, at its bounds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from models import BookingPolicy, Role, Slot, SlotStatus
from services.calendar.rules import Terms, horizon_ends, open_to_patients, why_not_bookable
from tests.factories import Factory

NOW = datetime(2027, 1, 31, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
STAFF = [Role.ADMIN, Role.RECEPTIONIST, Role.DOCTOR]
POLICY = BookingPolicy(horizon_months=1, minimum_notice_minutes=60)
# The same day of the next month does not exist, so it is that month's last.
HORIZON = datetime(2027, 2, 28, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def why(
    starts_at: datetime,
    role: Role | None,
    *,
    accepting: bool = True,
    policy: BookingPolicy = POLICY,
    status: SlotStatus = SlotStatus.AVAILABLE,
    in_buffer: bool = False,
    visit_minutes: int | None = None,
) -> str | None:
    """Why a slot of half an hour, an hour before the working hours end, is closed, by name."""
    slot = Slot(
        id=uuid4(),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=30),
        hours_end_at=starts_at + HOUR,
        status=status,
        in_buffer=in_buffer,
    )
    reason = why_not_bookable(
        slot,
        Terms(policy, role, NOW),
        is_accepting_patients=accepting,
        visit_minutes=visit_minutes,
    )
    return reason and reason.name


@pytest.mark.parametrize("role", [None, Role.PATIENT])
@pytest.mark.parametrize(
    ("starts_at", "expected"),
    [
        (NOW - HOUR, "PAST"),
        (NOW, "PAST"),
        (NOW + SECOND, "TOO_SOON"),
        (NOW + HOUR - SECOND, "TOO_SOON"),
        (NOW + HOUR, None),
        (HORIZON - SECOND, None),
        (HORIZON, "BEYOND_HORIZON"),
        (HORIZON + HOUR, "BEYOND_HORIZON"),
    ],
)
def test_patients_and_the_public_keep_to_notice_and_horizon(
    role: Role | None, starts_at: datetime, expected: str | None
) -> None:
    assert why(starts_at, role) == expected


@pytest.mark.parametrize("notice", [0, 60])
async def test_what_is_looked_for_in_the_database_is_what_may_be_booked(
    factory: Factory, notice: int
) -> None:
    """As alternatives and next free slots are: at each bound the statement says the same."""
    doctor, policy = (
        await factory.person(Role.DOCTOR),
        replace(POLICY, minimum_notice_minutes=notice),
    )
    assert doctor.calendar is not None
    bounds = (NOW, NOW + HOUR, HORIZON)
    times = [bound + step for bound in bounds for step in (-SECOND, 0 * SECOND, SECOND)]
    for time in times:
        await factory.slot(doctor.calendar, time)
    statement = select(Slot.starts_at).where(
        Slot.calendar_id == doctor.calendar.id, open_to_patients(policy, NOW)
    )
    async with factory.database.reading(factory.organization.id) as session:
        found = await session.rows(statement.order_by(Slot.starts_at))
    assert found == [time for time in times if why(time, None, policy=policy) is None]
    assert len(found) == (3 if notice else 5)


@pytest.mark.parametrize("role", STAFF)
@pytest.mark.parametrize(
    ("starts_at", "expected"),
    [
        (NOW - timedelta(minutes=30), "PAST"),
        (NOW - timedelta(minutes=30) + SECOND, None),
        (NOW, None),
        (NOW + SECOND, None),
        (HORIZON + timedelta(days=400), None),
    ],
)
def test_staff_may_book_whatever_is_not_over(
    role: Role, starts_at: datetime, expected: str | None
) -> None:
    assert why(starts_at, role) == expected


@pytest.mark.parametrize("role", [None, *Role])
def test_who_takes_no_patients_is_closed_to_patients_and_the_public(role: Role | None) -> None:
    expected = None if role in STAFF else "NOT_ACCEPTING"
    assert why(NOW + 2 * HOUR, role, accepting=False) == expected
    # A time that has passed says so first.
    assert why(NOW - HOUR, role, accepting=False) == "PAST"


def test_without_notice_the_next_second_can_be_booked() -> None:
    policy = BookingPolicy(minimum_notice_minutes=0)
    assert why(NOW + SECOND, Role.PATIENT, policy=policy) is None
    assert why(NOW, Role.PATIENT, policy=policy) == "PAST"


@pytest.mark.parametrize("status", SlotStatus)
def test_the_rule_asks_for_the_time_and_not_for_the_status(status: SlotStatus) -> None:
    assert why(NOW + 2 * HOUR, Role.PATIENT, status=status) is None


@pytest.mark.parametrize(
    ("now", "months", "expected"),
    [
        ("2027-01-31T12:00", 1, "2027-02-28T12:00"),
        ("2027-08-31T00:00", 6, "2028-02-29T00:00"),
        ("2027-11-21T09:30", 2, "2028-01-21T09:30"),
        ("2028-02-29T23:59", 12, "2029-02-28T23:59"),
        ("2027-03-15T00:00", 24, "2029-03-15T00:00"),
    ],
)
def test_the_horizon_is_the_same_day_of_a_later_month(now: str, months: int, expected: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    ends = horizon_ends(BookingPolicy(horizon_months=months), at)
    assert ends == datetime.fromisoformat(expected).replace(tzinfo=UTC)
