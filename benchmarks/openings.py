"""What looking for openings costs the database in a large clinic.

    python -m benchmarks.openings --doctors 500 --days 125 --plans

A database of its own is filled with doctors, their slots (sixteen a day; of the next thirty days
nine in ten are taken, later three in ten) and what is taken of them. Printed is for each search how
many statements its first page takes, and what planning and executing them costs, the median of
seven times, as EXPLAIN ANALYZE says; with --plans its plans as well.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import event, text

from models import Weekday
from models.database import Database
from models.embedded import EmbeddedPostgres
from models.migration import migrate
from services.calendar.openings import OpeningSearch, list_openings
from services.config import Config
from services.context import Context, Server
from services.live.feeds import Live
from services.mailer import NullMailer
from services.organizations import create_organization
from services.pages import PageRequest
from services.passwords import Passwords

TIMES = 7
DOCTORS = """
    WITH named AS (SELECT n FROM generate_series(1, $2::int) AS n),
    departments AS (
        INSERT INTO departments (organization_id, id, name)
        SELECT $1, gen_random_uuid(), 'Department ' || n FROM generate_series(1, 20) AS n
        RETURNING id),
    users AS (
        INSERT INTO users (organization_id, id, username, email, name, role, locale, time_zone)
        SELECT $1, gen_random_uuid(), 'doctor' || n, 'doctor' || n || '@clinic.example',
               'Doctor ' || n, 'DOCTOR', 'en', 'Europe/Madrid' FROM named
        RETURNING id, name),
    calendars AS (
        INSERT INTO calendars (organization_id, id, time_zone)
        SELECT $1, gen_random_uuid(), 'Europe/Madrid' FROM named RETURNING id)
    INSERT INTO doctors (organization_id, id, user_id, calendar_id, department_id, name, specialty,
                         languages)
    SELECT $1, gen_random_uuid(), u.id, c.id, d.id, u.name, 'Specialty ' || u.n % 20,
           ARRAY[CASE WHEN u.n % 3 = 0 THEN 'es' ELSE 'en' END]
    FROM (SELECT *, row_number() OVER () AS n FROM users) AS u
    JOIN (SELECT *, row_number() OVER () AS n FROM calendars) AS c USING (n)
    JOIN (SELECT *, row_number() OVER () AS n FROM departments) AS d ON d.n = 1 + u.n % 20
"""
SLOTS = """
    INSERT INTO slots (organization_id, id, calendar_id, starts_at, ends_at, hours_end_at, status,
                       capacity, booked_count, revision)
    SELECT $1, gen_random_uuid(), calendar_id, begin, begin + interval '30 min',
           date_trunc('day', begin) + interval '17 hours',
           (CASE WHEN random() < CASE WHEN day <= 30 THEN 0.9 ELSE 0.3 END
            THEN 'BLOCKED' ELSE 'AVAILABLE' END)::slot_status, 1, 0, 1
    FROM doctors, generate_series(1, $2::int) AS day, generate_series(0, 15) AS half,
         LATERAL (SELECT date_trunc('day', now())
                      + make_interval(days => day, mins => 540 + 30 * half) AS begin) AS times
"""
TAKEN = """
    INSERT INTO claims (organization_id, id, calendar_id, kind, lane, during)
    SELECT organization_id, gen_random_uuid(), calendar_id, 'BLOCK', 0,
           tstzrange(starts_at, ends_at, '[)')
    FROM slots WHERE status = 'BLOCKED'
"""


def searches(now: datetime, department: Any, doctor: Any) -> dict[str, OpeningSearch]:
    """What people look for."""
    soon: OpeningSearch = {"starts_from": now}
    return {
        "everybody": soon,
        "one department": {**soon, "department_id": department},
        "one doctor": {**soon, "doctor_ids": [doctor]},
        "a specialty": {**soon, "specialty": "Specialty 3"},
        "a language": {**soon, "language": "es"},
        "an hour": {**soon, "minimum_minutes": 60},
        "Mondays from nine to ten": {
            **soon,
            "weekdays": [Weekday.MONDAY],
            "earliest_time": time(9),
            "latest_time": time(10),
        },
        "an hour in Spanish on a Tuesday": {
            **soon,
            "minimum_minutes": 60,
            "language": "es",
            "weekdays": [Weekday.TUESDAY],
        },
    }


async def filled(database: Database, organization_id: Any, doctors: int, days: int) -> None:
    """Fill the database, past the application, which would take hours."""
    connection = await asyncpg.connect(database.dsn, server_settings={"statement_timeout": "0"})
    await connection.execute(DOCTORS, organization_id, doctors)
    await connection.execute(SLOTS, organization_id, days)
    await connection.execute(TAKEN)
    await connection.execute("VACUUM ANALYZE")
    count = await connection.fetchval("SELECT count(*) FROM slots")
    sys.stdout.write(f"{doctors:,} doctors, {count:,} slots\n")
    await connection.close()


async def measured(context: Context, search: OpeningSearch) -> list[tuple[float, list[str]]]:
    """What planning and executing each statement of the first page takes, in milliseconds."""
    engine = context.server.database.engine.sync_engine
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        sent.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    await list_openings(context, search=search, page=PageRequest(20))
    event.remove(engine, "before_cursor_execute", note)
    async with context.reading() as session:
        raw: Any = await (await session.connection()).get_raw_connection()
        return [await _explained(raw.driver_connection, *one) for one in sent]


async def _explained(connection: Any, statement: str, values: Any) -> tuple[float, list[str]]:
    """What a statement costs, in milliseconds, and its plan."""
    times = []
    lines: list[str] = []
    for _ in range(TIMES):
        rows = await connection.fetch(f"EXPLAIN (ANALYZE, TIMING OFF) {statement}", *values)
        lines = [row[0] for row in rows]
        times.append(sum(float(line.split()[2]) for line in lines if " Time: " in line))
    return statistics.median(times), lines


async def measure(url: str, doctors: int, days: int, *, with_plans: bool) -> None:
    """Fill a database, and look for openings in it."""
    database = Database(url)
    organization = await create_organization(
        database, slug="large", name="Large", time_zone="Europe/Madrid", locale="en"
    )
    await filled(database, organization.id, doctors, days)
    config, passwords = Config(secret_key="x" * 20 + "0123456789abcdef"), Passwords()
    server = Server(config, database, Live(database, url="memory://"), NullMailer(), passwords)
    context = Context(server, organization)
    async with context.reading() as session:
        department = (
            await session.execute(text("SELECT min(id::text)::uuid FROM departments"))
        ).scalar_one()
        doctor = (
            await session.execute(text("SELECT min(id::text)::uuid FROM doctors"))
        ).scalar_one()
    for name, search in searches(datetime.now(UTC), department, doctor).items():
        costs = await measured(context, search)
        milliseconds = sum(time for time, _ in costs)
        sys.stdout.write(f"{name:34} {len(costs)} statements {milliseconds:8.2f} ms\n")
        for _, plan in costs if with_plans else ():
            sys.stdout.write("".join(f"    {line}\n" for line in plan))
    passwords.close()
    await database.close()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--doctors", type=int, default=500)
    parser.add_argument("--days", type=int, default=125, help="with sixteen slots each")
    parser.add_argument("--plans", action="store_true", help="print how it is searched as well")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres", durable=False)
        postgres.start()
        try:
            postgres.create_database("openings")
            migrate(postgres.url("openings"))
            work = measure(
                postgres.url("openings"), given.doctors, given.days, with_plans=given.plans
            )
            asyncio.run(work)
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
