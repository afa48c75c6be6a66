"""The difference between slots that are and slots that should be, and whole organizations."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from models import Calendar, Organization, Role, Weekday
from services.calendar.difference import Difference, difference
from services.calendar.horizon import generate_all
from services.context import Context, Server
from services.live.feeds import Live
from services.mailer import ConsoleMailer
from services.organizations import create_organization
from services.passwords import Passwords
from services.timetable import PlannedSlot
from tests.conftest import CONFIG
from tests.factories import Factory
from tests.rows import across

MIDNIGHT = datetime(2027, 6, 1, tzinfo=UTC)

# ------------------------------------------------------------ the difference, without a database


CLOSING = MIDNIGHT + timedelta(hours=8)


def minute(count: int) -> datetime:
    return MIDNIGHT + timedelta(minutes=count)


class Grid:
    """Slots as they are, by their start in minutes."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.ids: dict[int, UUID] = {}

    def has(
        self, start: int, end: int, *, capacity: int = 1, booked: int = 0, withdrawn: bool = False
    ) -> "Grid":
        self.ids[start] = uuid4()
        self.rows.append(
            (self.ids[start], minute(start), minute(end), capacity, booked, withdrawn, CLOSING)
        )
        return self

    def becomes(self, *planned: tuple[int, int], capacity: int = 1, begin: int = 0) -> Difference:
        plans = [
            PlannedSlot(minute(start), minute(end), capacity, CLOSING) for start, end in planned
        ]
        return difference(self.rows, plans, lambda starts_at, _: starts_at >= minute(begin))


def created(changes: Difference) -> list[tuple[datetime, datetime]]:
    return [(plan.starts_at, plan.ends_at) for plan in changes.create]


def test_where_nothing_is_everything_is_made() -> None:
    changes = Grid().becomes((0, 30), (30, 60))
    assert created(changes) == [(minute(0), minute(30)), (minute(30), minute(60))]
    assert (changes.keep, changes.remove, changes.withdraw) == (0, [], [])


def test_what_is_as_it_should_be_stays() -> None:
    grid = Grid().has(0, 30).has(30, 60, booked=1)
    assert grid.becomes((0, 30), (30, 60)) == Difference([], 2, [], {}, {}, [], [])


def test_what_nobody_plans_goes_unless_it_is_booked() -> None:
    grid = Grid().has(0, 30).has(30, 60, booked=1).has(60, 90, booked=1, withdrawn=True)
    changes = grid.becomes()
    assert changes == Difference([], 2, [], {}, {}, [grid.ids[30]], [grid.ids[0]])


def test_what_was_withdrawn_and_is_planned_again_opens() -> None:
    grid = Grid().has(0, 30, booked=1, withdrawn=True)
    assert grid.becomes((0, 30)) == Difference([], 1, [grid.ids[0]], {}, {}, [], [])


def test_another_capacity_is_set_on_the_same_slot() -> None:
    grid = Grid().has(0, 30, capacity=2).has(30, 60, booked=2, capacity=2)
    changes = grid.becomes((0, 30), (30, 60), capacity=1)
    assert changes == Difference([], 2, [], {1: [grid.ids[0], grid.ids[30]]}, {}, [], [])


def test_a_slot_of_another_length_is_another_slot() -> None:
    grid = Grid().has(0, 30)
    changes = grid.becomes((0, 45))
    assert created(changes) == [(minute(0), minute(45))]
    assert changes.remove == [grid.ids[0]]


def test_new_slots_go_around_what_stays() -> None:
    grid = Grid().has(30, 60, booked=1)
    changes = grid.becomes((0, 30), (15, 45), (40, 50), (45, 75), (60, 90))
    assert created(changes) == [(minute(0), minute(30)), (minute(60), minute(90))]


def test_what_has_begun_is_left_alone_and_in_the_way() -> None:
    grid = Grid().has(0, 30)
    changes = grid.becomes((20, 50), (30, 60), begin=10)
    assert created(changes) == [(minute(30), minute(60))]
    assert (changes.keep, changes.remove) == (0, [])


spans = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 8)), max_size=12, unique_by=lambda s: s[0]
)


def apart(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans from starts and lengths, those left out that overlap one before."""
    clear: list[tuple[int, int]] = []
    for start, length in sorted(found):
        if not clear or clear[-1][1] <= start:
            clear.append((start, start + length))
    return clear


@settings(max_examples=200, deadline=None)
@given(spans, spans, st.lists(st.booleans(), min_size=12, max_size=12), st.integers(0, 40))
def test_whatever_is_and_is_planned_the_outcome_never_overlaps(
    present: list[tuple[int, int]],
    planned: list[tuple[int, int]],
    is_booked: list[bool],
    begin: int,
) -> None:
    grid = Grid()
    for (start, end), booked in zip(apart(present), is_booked, strict=False):
        grid.has(start, end, booked=int(booked))
    plans = [span for span in apart(planned) if span[0] >= begin]
    changes = grid.becomes(*plans, begin=begin)
    left = [(row[1], row[2]) for row in grid.rows if row[0] not in changes.remove]
    outcome = sorted([*left, *created(changes)])
    assert all(one[1] <= other[0] for one, other in pairwise(outcome))
    # Nothing that is booked or has begun goes, and what is planned is there or something overlaps.
    stays = {row[0] for row in grid.rows if row[4] or row[1] < minute(begin)}
    assert not stays & set(changes.remove)
    for start, end in plans:
        assert any(one < minute(end) and minute(start) < other for one, other in outcome)


# ------------------------------------------------------------ a whole organization


class Clock:
    """A time that the test moves."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


MakeContext = Callable[[Organization], Context]


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2027, 6, 7, 10, 15, tzinfo=UTC))  # a Monday, 12:15 in Madrid


@pytest.fixture
async def context_of(factory: Factory, clock: Clock) -> AsyncIterator[MakeContext]:
    """Contexts with a clock that stands still, for acts of the command line."""
    live, passwords = Live(factory.database), Passwords()
    server = Server(CONFIG, factory.database, live, ConsoleMailer(), passwords, clock)
    await live.start()
    yield lambda organization: Context(server, organization)
    await live.stop()
    passwords.close()


async def starts(factory: Factory, calendar: Calendar | None = None) -> list[datetime]:
    """When the slots of the organization, or of one calendar, begin."""
    query = text(
        "SELECT starts_at FROM slots WHERE organization_id = :organization_id "
        "AND (CAST(:id AS uuid) IS NULL OR calendar_id = :id) AND status <> 'REMOVED' "
        "ORDER BY starts_at"
    )
    values = {"organization_id": factory.organization.id, "id": calendar and calendar.id}
    async with across(factory) as connection:
        return list((await connection.execute(query, values)).scalars())


async def a_calendar(factory: Factory, **hours: Any) -> Calendar:
    calendar = (await factory.person(Role.DOCTOR)).calendar
    assert calendar
    await factory.template(calendar, **hours)
    return calendar


async def generate(context: Context) -> tuple[int, list[tuple[int, int, int]]]:
    """How many slots were made, and what was told on the way."""
    told: list[tuple[int, int, int]] = []
    made = await generate_all(context, progress=lambda *numbers: told.append(numbers))
    return made, told


async def test_every_calendar_with_hours_gets_slots_up_to_the_horizon(
    factory: Factory, context_of: MakeContext
) -> None:
    await factory.policy(horizon_months=1)
    noon = {"weekdays": [Weekday.MONDAY], "start_time": time(12), "end_time": time(13)}
    first, second = [await a_calendar(factory, **noon) for _ in range(2)]
    await factory.person(Role.DOCTOR)  # without hours
    context = context_of(await current(factory))
    # The slot at 12:00 has begun; the horizon is the 7th of July.
    mondays = [datetime(2027, 6, day, 10, 0, tzinfo=UTC) for day in (14, 21, 28)]
    mondays.append(datetime(2027, 7, 5, 10, 0, tzinfo=UTC))
    half = timedelta(minutes=30)
    expected = [
        datetime(2027, 6, 7, 10, 30, tzinfo=UTC),
        *(start for monday in mondays for start in (monday, monday + half)),
    ]
    made, told = await generate(context)
    assert (made, told) == (18, [(0, 2, 0), (1, 2, 9), (2, 2, 18)])
    for calendar in (first, second):
        assert await starts(factory, calendar) == expected
    assert (await generate(context))[0] == 0


async def test_the_horizon_moves_with_time_and_the_past_stays(
    factory: Factory, context_of: MakeContext, clock: Clock
) -> None:
    await factory.policy(horizon_months=1)
    calendar = await a_calendar(
        factory, weekdays=[Weekday.MONDAY], start_time=time(12), end_time=time(13)
    )
    context = context_of(await current(factory))
    assert (await generate(context))[0] == 9
    before = await starts(factory, calendar)
    clock.now += timedelta(days=10)
    assert (await generate(context))[0] == 2
    late = datetime(2027, 7, 12, 10, 0, tzinfo=UTC)
    assert await starts(factory, calendar) == [*before, late, late + timedelta(minutes=30)]


async def test_other_organizations_are_left_alone(
    factory: Factory, context_of: MakeContext
) -> None:
    await a_calendar(factory)
    other = Factory(
        factory.database,
        CONFIG,
        await create_organization(
            factory.database,
            slug=f"other-{uuid4().hex}",
            name="Another",
            time_zone="Europe/Madrid",
            locale="en",
        ),
    )
    await a_calendar(other)
    made, _ = await generate(context_of(await current(other)))
    assert (made, await starts(factory)) == (len(await starts(other)), [])


async def current(factory: Factory) -> Organization:
    """The organization as it is by now: its policy may have changed."""
    async with factory.database.crossing_organizations() as session:
        return await session.get_one(Organization, factory.organization.id)
