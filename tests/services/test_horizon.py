"""The rolling horizon: a year of midnights, rivals, and calendars that stand in the way."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import DATEMULTIRANGE, Range

from models import Calendar, Organization, Role, Weekday
from models.database import Database
from services.calendar.holidays import import_public_holidays
from services.calendar.horizon import extend_horizons, generate_all
from services.context import Context, Server, Viewer
from services.live.feeds import Live
from services.mailer import ConsoleMailer
from services.passwords import Passwords
from tests.booking import calendar_of
from tests.conftest import CONFIG, Clinic
from tests.factories import Factory, id_of, wire
from tests.hours import at, clocks, generate, on, work
from tests.live.views import another_server
from tests.rivals import held, line_up
from tests.rows import across, kept

MADRID = ZoneInfo("Europe/Madrid")
# In which nothing is to be seen but days that come and go: servers run on every tenth day.
QUIET_MONTHS = {4, 5, 6, 7, 8, 9, 11, 12}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Clock:
    """A time that the test moves."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        # As clocks of servers go, whatever zone the test thinks in.
        return self.now.astimezone(UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2027, 1, 1, 0, 1, tzinfo=MADRID))


@asynccontextmanager
async def process(factory: Factory, clock: Clock) -> AsyncIterator[Server]:
    """What one server process has, with a clock of the test's."""
    live, passwords = Live(factory.database), Passwords()
    await live.start()
    yield Server(CONFIG, factory.database, live, ConsoleMailer(), passwords, clock)
    await live.stop()
    passwords.close()


@pytest.fixture
async def server(factory: Factory, clock: Clock) -> AsyncIterator[Server]:
    """The test's organization is the only one that is behind the clock: it was made yesterday."""
    async with across(factory) as connection:
        setting = "UPDATE organizations SET extended_on = CASE WHEN id = $1 THEN $2::date END"
        await connection.exec_driver_sql(
            setting.replace("END", "ELSE '9999-01-01' END"),
            (factory.organization.id, clock.now.date() - DAY),
        )
    async with process(factory, clock) as one:
        yield one


async def a_calendar(factory: Factory, **hours: Any) -> Calendar:
    """Of a doctor who works an hour from noon every day, unless said otherwise."""
    calendar = (await factory.person(Role.DOCTOR)).calendar
    assert calendar
    noon = {"start_time": time(12), "end_time": time(13), "slot_minutes": 60}
    await factory.template(calendar, weekdays=list(Weekday), **{**noon, **hours})
    return calendar


async def starts(factory: Factory, calendar: Calendar) -> list[datetime]:
    """When the slots of a calendar begin."""
    query = text(
        "SELECT starts_at FROM slots WHERE calendar_id = :id AND status <> 'REMOVED'"
        " ORDER BY starts_at"
    )
    async with across(factory) as connection:
        return list((await connection.execute(query, {"id": calendar.id})).scalars())


async def days(factory: Factory, calendar: Calendar) -> list[date]:
    """The days in Madrid on which the slots of a calendar begin."""
    return [start.astimezone(MADRID).date() for start in await starts(factory, calendar)]


async def marked(factory: Factory) -> date | None:
    """When the organization's horizon was last extended."""
    async with factory.database.crossing_organizations() as session:
        return (await session.get_one(Organization, factory.organization.id)).extended_on


def until(first: date, last: date) -> list[date]:
    """Days, both included."""
    return [first + DAY * n for n in range((last - first).days + 1)]


# ------------------------------------------------------------ a year


# Of Germany, where Easter is on the 28th of March; the first of January is over.
HOLIDAYS = {
    *(date(2027, 3, 26), date(2027, 3, 29), date(2027, 5, 1), date(2027, 5, 6), date(2027, 5, 17)),
    *(date(2027, 10, 3), date(2027, 12, 25), date(2027, 12, 26)),
}


@cache
def night(day: date) -> list[datetime]:
    """The hours from 01:30 to 03:30: two, but for the nights when clocks change."""
    begin, end = (datetime.combine(day, time(hour, 30), MADRID).astimezone(UTC) for hour in (1, 3))
    return [begin + HOUR * n for n in range((end - begin) // HOUR)]


async def test_through_a_year_each_day_is_made_once_when_it_comes_into_the_horizon(
    factory: Factory, server: Server, clock: Clock
) -> None:
    await factory.policy(horizon_months=1)
    calendar = await a_calendar(factory, start_time=time(1, 30), end_time=time(3, 30))
    viewer = Viewer((await factory.person(Role.ADMIN)).user, uuid4(), clock.now, None, None)
    first, holidays = date(2027, 1, 1), set[date]()
    made: list[datetime] = []
    rounds = 0
    for day in until(first, date(2027, 12, 31)):
        if day.month in QUIET_MONTHS and day.day % 10:
            continue
        clock.now = datetime.combine(day, time(0, 1), MADRID).astimezone(UTC)
        if day == date(2027, 3, 1):
            # Some of them are days that have been made.
            context = Context(server, factory.organization, viewer)
            await import_public_holidays(context, country="DE", year=2027)
            holidays = HOLIDAYS
            made = [start for start in made if start.astimezone(MADRID).date() not in holidays]
        horizon = (clock.now + relativedelta(months=1)).astimezone(MADRID).date()
        reached = until(first, horizon)
        expected = [start for one in reached if one not in holidays for start in night(one)]
        assert await extend_horizons(server) == len(expected) - len(made), day
        rounds += len(expected) > len(made)
        made = expected
        if day.day in {1, 20, 28, 31}:
            assert await starts(factory, calendar) == expected
            # Later on the same day there is nothing to do, nor is it looked for.
            clock.now += 22 * HOUR
            assert await extend_horizons(server) == 0
    assert await starts(factory, calendar) == made
    assert {len(night(date(2027, 3, 28))), len(night(date(2027, 10, 31)))} == {1, 3}
    (row,) = await kept(factory, Calendar)
    # Days that are over are forgotten, and who watches hears of days on which something was made.
    assert row["made_days"] == "{[2027-12-29,2028-01-31)}"
    assert row["revision"] == rounds + 1, "and of the import"


# ------------------------------------------------------------ when


async def test_a_day_begins_at_the_midnight_of_each_organization(
    factory: Factory, server: Server, clock: Clock
) -> None:
    await factory.policy(horizon_months=1)
    calendar = await a_calendar(factory)
    assert await extend_horizons(server) == 32
    assert await marked(factory) == date(2027, 1, 1)
    clock.now = datetime(2027, 1, 1, 23, 59, tzinfo=MADRID)
    assert await extend_horizons(server) == 0
    clock.now += timedelta(minutes=1)
    assert await extend_horizons(server) == 1
    assert await days(factory, calendar) == until(date(2027, 1, 1), date(2027, 2, 2))


async def test_what_was_missed_while_no_server_ran_is_made_at_once(
    factory: Factory, server: Server, clock: Clock
) -> None:
    await factory.policy(horizon_months=1)
    calendar = await a_calendar(factory)
    await extend_horizons(server)
    clock.now += 50 * DAY
    assert await extend_horizons(server) == 29  # from the 20th of February to the 20th of March
    today = date(2027, 2, 20)
    # Nothing is made of days that are over by now.
    expected = [*until(date(2027, 1, 1), date(2027, 2, 1)), *until(today, date(2027, 3, 20))]
    assert await days(factory, calendar) == expected


async def test_a_wider_horizon_is_filled_on_the_next_day(
    factory: Factory, server: Server, clock: Clock
) -> None:
    await factory.policy(horizon_months=1)
    calendar = await a_calendar(factory)
    await extend_horizons(server)
    await factory.policy(horizon_months=3)
    assert await extend_horizons(server) == 0
    clock.now += DAY
    assert await extend_horizons(server) == 60
    assert await days(factory, calendar) == until(date(2027, 1, 1), date(2027, 4, 2))
    # A narrower one takes nothing away.
    await factory.policy(horizon_months=1)
    clock.now += DAY
    assert await extend_horizons(server) == 0
    assert len(await starts(factory, calendar)) == 92


async def test_only_days_are_made_that_were_not_made_by_hand(clinic: Clinic) -> None:
    """What was made is left alone, though the hours have changed and a slot is missing since."""
    await clinic.factory.policy(horizon_months=1)
    await work(clinic)
    await generate(clinic, on(2), on(3))
    visit = await clinic.factory.slot(calendar_of(clinic), at(on(4), "09:15"), minutes=30)
    await work(clinic, end_time=time(10))
    clock = Clock(datetime.now(UTC))
    async with process(clinic.factory, clock) as server:
        organization = await current(clinic.factory)
        made = await generate_all(Context(server, organization), progress=lambda *_: None)
        assert made > 0
        assert await generate_all(Context(server, organization), progress=lambda *_: None) == 0
    assert len(await clocks(clinic, on(2))) == len(await clocks(clinic, on(3))) == 4
    # Around what stands there.
    assert await clocks(clinic, on(4)) == ["09:15-09:45 AVAILABLE"]
    assert visit.capacity == 1
    assert len(await clocks(clinic, on(5))) == 2


async def current(factory: Factory) -> Organization:
    async with factory.database.crossing_organizations() as session:
        return await session.get_one(Organization, factory.organization.id)


# ------------------------------------------------------------ rivals and trouble


async def test_two_processes_at_once_make_each_slot_once(
    factory: Factory, server: Server, clock: Clock
) -> None:
    await factory.policy(horizon_months=1)
    calendars = [await a_calendar(factory) for _ in range(4)]
    async with process(factory, clock) as other:
        made = await asyncio.gather(*(extend_horizons(one) for one in (server, other)))
        # What one of them was at, the other has left alone.
        made += [await extend_horizons(one) for one in (server, other)]
    assert sum(made) == 4 * 32
    for calendar in calendars:
        assert await days(factory, calendar) == until(date(2027, 1, 1), date(2027, 2, 1))
    assert await marked(factory) == date(2027, 1, 1)


async def test_who_comes_second_to_a_calendar_finds_its_days_made(
    factory: Factory, clock: Clock
) -> None:
    """Both have seen that days are missing before either makes them."""
    await factory.policy(horizon_months=1)
    await a_calendar(factory)
    organization = await current(factory)
    async with AsyncExitStack() as stack:
        contexts = [
            Context(await stack.enter_async_context(process(factory, clock)), organization)
            for _ in range(2)
        ]
        async with held(factory, organization):
            tasks = await line_up(
                factory, *(generate_all(one, progress=lambda *_: None) for one in contexts)
            )
        assert sorted(await asyncio.gather(*tasks)) == [0, 32]
    (row,) = await kept(factory, Calendar)
    assert row["revision"] == 1


async def test_days_that_were_made_without_any_slots_meanwhile_are_left_alone(
    factory: Factory, clock: Clock
) -> None:
    await factory.policy(horizon_months=1)
    calendar = await a_calendar(factory)
    organization = await current(factory)
    async with process(factory, clock) as server:
        async with held(factory, organization):
            making = generate_all(Context(server, organization), progress=lambda *_: None)
            (task,) = await line_up(factory, making)
            async with across(factory) as connection:
                statement = text("UPDATE calendars SET made_days = :days WHERE id = :id")
                whole = {"days": [Range(date(2026, 12, 1), date(2027, 3, 1))], "id": calendar.id}
                days = bindparam("days", type_=DATEMULTIRANGE())
                await connection.execute(statement.bindparams(days), whole)
        assert await task == 0
    assert await starts(factory, calendar) == []


async def test_a_calendar_that_somebody_holds_is_left_for_the_next_round(
    factory: Factory, server: Server
) -> None:
    await factory.policy(horizon_months=1)
    busy, free = [await a_calendar(factory) for _ in range(2)]
    async with held(factory, busy):
        async with asyncio.timeout(5):
            assert await extend_horizons(server) == 32
        assert (await starts(factory, busy), len(await starts(factory, free))) == ([], 32)
    assert await marked(factory) == date(2026, 12, 31)
    assert await extend_horizons(server) == 32
    assert await marked(factory) == date(2027, 1, 1)


async def test_a_calendar_that_cannot_be_made_does_not_stop_the_others(
    factory: Factory, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    await factory.policy(horizon_months=1)
    calendars: Sequence[Calendar] = [await a_calendar(factory) for _ in range(3)]
    broken = sorted(calendars, key=lambda calendar: calendar.id)[1]
    await move(factory, broken, "Mars/Olympus")
    assert await extend_horizons(server) == 64
    (said,) = [record for record in caplog.records if record.name == "horizon" and record.exc_info]
    assert said.getMessage() == f"The slots of calendar {broken.id} could not be made"
    assert await marked(factory) == date(2026, 12, 31)
    await move(factory, broken, "Europe/Madrid")
    assert await extend_horizons(server) == 32


async def move(factory: Factory, calendar: Calendar, zone: str) -> None:
    async with across(factory) as connection:
        statement = text("UPDATE calendars SET time_zone = :zone WHERE id = :id")
        await connection.execute(statement, {"zone": zone, "id": calendar.id})


async def test_a_server_that_is_behind_catches_up_and_tells_live_views(
    clinic: Clinic, database: Database, database_url: str
) -> None:
    await clinic.factory.policy(horizon_months=1)
    await work(clinic, end_time=time(9, 30))
    window = wire(at(on(5), "00:00")), wire(at(on(6), "00:00"))
    async with clinic.public.watching(id_of(calendar_of(clinic)), *window) as view:
        assert (await view.next())["slots"] == []
        async with across(clinic.factory) as connection:
            behind = text("UPDATE organizations SET extended_on = :day WHERE id = :id")
            values = {"day": on(-1), "id": clinic.factory.organization.id}
            await connection.execute(behind, values)
        async with another_server(clinic.public, database_url):
            (slot,) = (await view.next(20))["slots"]
    assert (slot["startsAt"], slot["status"]) == (wire(at(on(5), "09:00")), "AVAILABLE")
    async with database.crossing_organizations() as session:
        organization = await session.get_one(Organization, clinic.factory.organization.id)
        assert organization.extended_on == on(0)
