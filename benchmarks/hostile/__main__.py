"""The measurement, from an empty database to the tables."""

import argparse
import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks import clinic as clinics
from benchmarks import report
from benchmarks.clinic import CONFIG, Clinic
from benchmarks.contestants import COMMANDS, OURS, Contestant, Cores, running
from benchmarks.hostile.corpus import corpus
from benchmarks.hostile.traffic import KINDS, Pace, Phase, Traffic
from benchmarks.report import percentile
from benchmarks.workloads import months
from models.embedded import EmbeddedPostgres
from models.migration import migrate

PORT = 18100
DOCTORS = 20
# As long as a window may be.
LONGEST_DAYS = 92
WARM_UP_SECONDS = 3.0
MOST_VISITS = 10_000
# The limits of production, but for those of a user: one account of the front desk books for all.
LIMITS = ("executions_waiting", "points_per_address", "points_per_organization")
SETTINGS = {name.upper(): str(getattr(CONFIG, name)) for name in LIMITS}
WITHOUT, WITH = "without", "with"


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hostile",
        description="""\
What hostile requests cost others: normal people ask one server process (months, bookings, live
views), without and with somebody who sends the nastiest requests there are, from one address and
with the limits of production. The two take turns.""",
    )
    parser.add_argument("--rounds", type=int, default=6, help="turns of each (default 6)")
    parser.add_argument("--seconds", type=float, default=10, help="length of a turn (default 10)")
    parser.add_argument(
        "--rate", type=float, default=20, help="hostile requests a second (default 20)"
    )
    found = parser.parse_args()
    if min(found.rounds, found.seconds, found.rate) <= 0:
        parser.error("rounds, seconds and rate must be positive")
    return found


def percentiles(phases: Sequence[Phase], kind: str) -> tuple[float, float, float]:
    """p50, p99 and the longest, in milliseconds, of all turns together."""
    seconds = [second for phase in phases for second in phase.seconds[kind]]
    return (
        1000 * percentile(seconds, 0.5),
        1000 * percentile(seconds, 0.99),
        1000 * max(seconds, default=0.0),
    )


def times(without: Sequence[Phase], with_it: Sequence[Phase]) -> Table:
    """How long normal people waited."""
    table = report.empty_table("How long normal requests took, in milliseconds")
    for heading in (
        "count",
        "p50",
        "p99",
        "longest",
        "with: p50",
        "p99",
        "longest",
        "x p50",
        "x p99",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for kind in KINDS:
        usual, hostile = percentiles(without, kind), percentiles(with_it, kind)
        count = sum(len(phase.seconds[kind]) for phase in (*without, *with_it))
        ratios = [hostile[n] / usual[n] if usual[n] else 0.0 for n in (0, 1)]
        table.add_row(
            kind,
            f"{count:,}",
            *(f"{value:,.1f}" for value in (*usual, *hostile)),
            *(f"{ratio:,.2f}" for ratio in ratios),
        )
    return table


def busy(phases: Sequence[Phase]) -> str:
    """How busy the server and the load generator were."""
    of_server, own = (
        100 * sum(getattr(p, name) for p in phases) / sum(p.lasted for p in phases)
        for name in ("cpu_seconds", "own_cpu_seconds")
    )
    return f"{of_server:.0f} % ({own:.0f} %)"


def answers(phases: Sequence[Phase]) -> Table:
    """What the hostile requests were answered."""
    codes = sum((phase.codes for phase in phases), Counter[tuple[str, str]]())
    table = report.empty_table(f"What {codes.total():,} hostile requests were answered")
    table.add_column("", no_wrap=True)
    for name in dict.fromkeys(name for name, _ in codes):
        said = [f"{count:,} {code}" for (of, code), count in codes.items() if of == name]
        table.add_row(name, ", ".join(said))
    return table


async def measured(
    console: Console, clinic: Clinic, server: Contestant, wanted: argparse.Namespace
) -> dict[str, list[Phase]]:
    """All turns."""
    visits = await clinics.free_slots(clinic, MOST_VISITS)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    window = {
        "from": today.isoformat(),
        "to": (today + timedelta(days=LONGEST_DAYS)).isoformat(),
    }
    phases: dict[str, list[Phase]] = {WITHOUT: [], WITH: []}
    async with Traffic(
        f"http://127.0.0.1:{server.port}",
        clinic.token,
        months(clinic.calendar_ids),
        visits,
        corpus(clinic.calendar_ids),
        Pace(hostile=wanted.rate),
    ) as traffic:
        for calendar_id in clinic.calendar_ids:
            await traffic.watch(calendar_id, window)
        await traffic.go_on(WARM_UP_SECONDS, is_hostile=True)
        for number in range(wanted.rounds):
            console.print(f"Round {number + 1} of {wanted.rounds} ...")
            for name in (WITHOUT, WITH) if number % 2 else (WITH, WITHOUT):
                turn = asyncio.create_task(traffic.go_on(wanted.seconds, is_hostile=name == WITH))
                cpu, own_cpu = server.cpu_seconds or 0.0, time.process_time()
                # Until the last is asked: what waits in its lane is answered long after that.
                await asyncio.sleep(wanted.seconds)
                cpu, own_cpu = (server.cpu_seconds or 0.0) - cpu, time.process_time() - own_cpu
                phase = await turn
                phase.lasted, phase.cpu_seconds, phase.own_cpu_seconds = (
                    wanted.seconds,
                    cpu,
                    own_cpu,
                )
                phases[name].append(phase)
    return phases


def show(console: Console, clinic: Clinic, phases: dict[str, list[Phase]]) -> None:
    """The tables, and what must be 0."""
    console.print(times(phases[WITHOUT], phases[WITH]))
    console.print(answers(phases[WITH]))
    console.print(
        f"The server took {busy(phases[WITHOUT])} of a core without, "
        f"{busy(phases[WITH])} with; in brackets the load generator."
    )
    both = [*phases[WITHOUT], *phases[WITH]]
    doubled, wrong, count = asyncio.run(clinics.double_bookings(clinic))
    console.print(
        f"{sum(p.wrong for p in both)} normal requests were not answered with what was asked, "
        f"{sum(p.missed for p in both)} bookings did not show in a live view; of {count:,} "
        f"appointments {doubled} are double bookings, {wrong} slots say something else than their "
        "appointments do. All four must be 0."
    )
    for text in {p.first_wrong for p in both if p.first_wrong}:
        console.print(text, markup=False)


def main() -> None:
    """Measure, print, and leave nothing behind."""
    wanted = options()
    console = report.console()
    cores = Cores.of_this_machine()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-")))
        data = folder / "postgres"
        postgres = stack.enter_context(EmbeddedPostgres(data))
        postgres.create_database("appointments")
        url = postgres.url("appointments")
        console.print(report.machine(cores, (data / "PG_VERSION").read_text().strip()))
        migrate(url)
        clinic = asyncio.run(clinics.make_clinic(url, DOCTORS))
        asyncio.run(clinics.make_slots(clinic, data))
        asyncio.run(clinics.book_near_slots(clinic))
        settings = {"DATABASE_URL": url, "SECRET_KEY": CONFIG.secret_key, **SETTINGS}
        server = stack.enter_context(
            running(OURS, COMMANDS[OURS], PORT, settings, cores.servers, folder)
        )
        server.wait_until_ready({"query": "{ viewer { id } }"})
        if cores.load is not None:
            os.sched_setaffinity(0, {cores.load})
        show(console, clinic, uvloop.run(measured(console, clinic, server, wanted)))


if __name__ == "__main__":
    main()
