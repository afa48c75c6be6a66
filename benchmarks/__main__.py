"""The measurements, from an empty database to the tables."""

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from benchmarks import clinic as clinics
from benchmarks import report
from benchmarks.clinic import CONFIG, Clinic
from benchmarks.contestants import OURS, Contestant, Cores, contestants, database_cpu_seconds
from benchmarks.load import Generator, Job
from benchmarks.report import Turn
from benchmarks.workloads import (
    DOCTORS,
    Workload,
    bookings_workload,
    months_workload,
    pages_workload,
    query,
)
from models.embedded import EmbeddedPostgres
from models.migration import migrate

REFUSED = b'"code":"SLOT_TAKEN"'
BAD = b'"message":'
WARM_UP_SECONDS = 1.0
# More than any contestant books in a second, so that no turn ends for want of slots.
MOST_BOOKINGS = 5000
MOST_FREE_SLOTS = 400_000


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="""\
Measure the server on real volumes, beside what this machine allows.

A PostgreSQL of its own (durable, in a temporary folder) is filled with doctors, working hours, six
months of slots (W5, timed) and appointments. Then five servers are asked for the same from it, in
turns: ours; a bare asyncpg + orjson endpoint, the ceiling; stock Strawberry with our resolvers, the
floor; a REST server with FastAPI; and Mercurius, where Node.js is there. Answers are compared
before anything is measured.

  w1  one doctor's month: about 350 slots with id, startsAt, endsAt, status
  w2  a page of 20 doctors with department and next free slot
  w3  bookings of random free slots by the front desk, with all rules; every twentieth is sent
      twice, and afterwards the database is asked for double bookings
  w5  making the slots, making them again when nothing is to change, and a bare COPY
""",
        epilog="Read ratios of one run; single figures vary with whatever else the machine does. "
        "Nothing is asserted about them. benchmarks/README.md says how to read the tables.",
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns of each server (default 5)")
    parser.add_argument("--seconds", type=float, default=3, help="length of a turn (default 3)")
    parser.add_argument("--doctors", type=int, default=500, help="how many (default 500)")
    parser.add_argument("--clients", type=int, default=32, help="connections (default 32)")
    parser.add_argument(
        "--only",
        type=lambda text: set(text.lower().split(",")),
        default={"w1", "w2", "w3", "w5"},
        metavar="W1,W2",
        help="some of the workloads (default all); the slots are made in any case",
    )
    found = parser.parse_args()
    if unknown := found.only - {"w1", "w2", "w3", "w5"}:
        parser.error(f"unknown workload: {', '.join(sorted(unknown))}")
    if min(found.rounds, found.seconds, found.doctors, found.clients) <= 0:
        parser.error("rounds, seconds, doctors and clients must be positive")
    return found


@dataclass
class Bench:
    """Who takes part, and what they did so far."""

    servers: dict[str, Contestant]
    generator: Generator
    data: Path
    clients: int
    turns: dict[str, dict[str, list[Turn]]] = field(default_factory=dict)

    def compare_answers(self, workload: Workload) -> None:
        """Go on only if all servers give the same answer.

        Raises:
            RuntimeError: they do not.

        """
        if workload.sample is None:
            return
        answers = {name: server.ask(workload.sample) for name, server in self.servers.items()}
        if any(answer != answers[OURS] or "errors" in answer for answer in answers.values()):
            raise RuntimeError(f"The answers differ: {answers}")

    def turn(self, workload: Workload, server: Contestant, seconds: float) -> Turn:
        """Let one server work for a while."""
        job = Job(
            port=server.port,
            requests=workload.source.turn(int(MOST_BOOKINGS * seconds), server.dialect),
            is_repeated=workload.source.is_endless,
            good=workload.good,
            refused=REFUSED,
            bad=BAD,
            clients=self.clients,
            seconds=seconds,
        )
        cpu, database_cpu = server.cpu_seconds, database_cpu_seconds(self.data)
        outcome = self.generator.carry_out(job)
        workload.source.used(outcome.sent)
        return Turn(
            outcome,
            _difference(server.cpu_seconds, cpu),
            _difference(database_cpu_seconds(self.data), database_cpu),
        )

    def warm_up(self, workload: Workload) -> None:
        """Let each server compile and fill what it keeps."""
        for server in self.servers.values():
            self.turn(workload, server, WARM_UP_SECONDS)

    def round(self, workload: Workload, number: int, seconds: float) -> None:
        """Let each server work once, another first in each round."""
        names = list(self.servers)
        begin = number % len(names)
        for name in names[begin:] + names[:begin]:
            turns = self.turns.setdefault(workload.name, {name: [] for name in names})
            turns[name].append(self.turn(workload, self.servers[name], seconds))


def _difference(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else after - before


def cursors(server: Contestant) -> list[str | None]:
    """The places at which full pages of doctors begin."""
    found: list[str | None] = []
    after: str | None = None
    while True:
        page = server.ask(query(DOCTORS, after=after))["data"]["doctors"]
        if found and len(page["edges"]) < 20:
            return found
        found.append(after)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


def workloads(clinic: Clinic, server: Contestant, only: set[str]) -> Iterator[Workload]:
    """The workloads that are wanted."""
    if "w1" in only:
        yield months_workload(clinic.calendar_ids)
    if "w2" in only:
        yield pages_workload(cursors(server))
    if "w3" in only:
        free = asyncio.run(clinics.free_slots(clinic, MOST_FREE_SLOTS))
        yield bookings_workload(free, clinic.token)


def fill(console: Console, url: str, data: Path, wanted: argparse.Namespace) -> Clinic:
    """The clinic, with its slots (W5) and appointments."""
    migrate(url)
    console.print(f"Making slots for {wanted.doctors} doctors ...")
    clinic = asyncio.run(clinics.make_clinic(url, wanted.doctors))
    made = asyncio.run(clinics.make_slots(clinic, data))
    if "w5" in wanted.only:
        again = asyncio.run(clinics.make_slots(clinic, data))
        copied = asyncio.run(clinics.copy_slots(clinic))
        console.print(report.generation(made, again, copied))
    asyncio.run(clinics.book_near_slots(clinic))
    return clinic


def measure(console: Console, clinic: Clinic, bench: Bench, wanted: argparse.Namespace) -> None:
    """All rounds, and the tables."""
    for server in bench.servers.values():
        server.wait_until_ready(query(DOCTORS, after=None))
    played = list(workloads(clinic, bench.servers[OURS], wanted.only))
    for workload in played:
        bench.compare_answers(workload)
        bench.warm_up(workload)
    for number in range(wanted.rounds):
        console.print(f"Round {number + 1} of {wanted.rounds} ...")
        for workload in played:
            bench.round(workload, number, wanted.seconds)
    for workload in played:
        turns = bench.turns[workload.name]
        console.print(report.served(workload, wanted.clients, turns))
        for name, server in bench.servers.items():
            for text in report.errors(server, turns[name]):
                console.print(text, markup=False)
    if "w3" in wanted.only:
        doubled, wrong, count = asyncio.run(clinics.double_bookings(clinic))
        console.print(
            f"Of {count:,} appointments {doubled} are double bookings; {wrong} slots say something "
            "else than their appointments do. Both must be 0."
        )


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
        clinic = fill(console, url, data, wanted)
        if wanted.only == {"w5"}:
            return
        generator = stack.enter_context(Generator(cores.load))
        servers = stack.enter_context(contestants(url, CONFIG.secret_key, cores.servers))
        measure(console, clinic, Bench(servers, generator, data, wanted.clients), wanted)


if __name__ == "__main__":
    main()
