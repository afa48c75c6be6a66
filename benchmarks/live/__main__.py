"""The measurements of live viewers, from an empty database to the tables."""

import argparse
import asyncio
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks import clinic as clinics
from benchmarks.clinic import CONFIG, Clinic
from benchmarks.contestants import (
    BARE,
    OURS,
    READY_SECONDS,
    STOCK,
    Contestant,
    Cores,
    running,
)
from benchmarks.live import report
from benchmarks.live.changes import KEEP_COMMIT_TIMES
from benchmarks.live.scenes import SCENES, Scene, subscriptions
from benchmarks.live.turns import Job, Outcome, Samples, play
from benchmarks.load import Generator
from benchmarks.report import console as wide_console
from benchmarks.report import machine
from models.embedded import EmbeddedPostgres
from models.migration import migrate

COMMANDS = {
    OURS: (sys.executable, "main.py", "serve"),
    BARE: (sys.executable, "-m", "benchmarks.live.bare"),
    STOCK: (sys.executable, "-m", "benchmarks.live.stock"),
}
# What a server needs to be told to let one address open all these views.
SETTINGS: dict[str, str] = {"CONNECTIONS_PER_ADDRESS": "20000"}
FILES_BESIDE_VIEWERS = 500
SCENE_NAMES = {scene.name for scene in SCENES}


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.live",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="""\
Measure what live viewers cost: the time from a commit to the first, median, 99th and last of all
viewers, deliveries a second, processor time for each, memory of each, and how fast they come.

  one     all watch the same week of one calendar, which another process changes; then the same
          with bookings through the API of their own server
  mixed   the same calendar in 10 ways: 5 windows, 2 documents
  spread  100 calendars with as many viewers each: all change in one commit; then one of them
  bare    a yardstick: the same bytes broadcast by the same server software, and nothing else
  stock   a yardstick: Strawberry's and broadcaster's way; up to 1,000 viewers

Each turn has a server process of its own, on one core; the viewers are on another.
""",
        epilog="Read ratios of one run; single figures vary with whatever else the machine does. "
        "Nothing is asserted about them. benchmarks/README.md says how to read the tables.",
    )
    parser.add_argument(
        "--viewers",
        type=lambda text: [int(word.replace("_", "")) for word in text.split(",")],
        default=[1000, 5000, 10_000],
        metavar="N,N",
        help="sizes of the crowd (default 1000,5000,10000)",
    )
    parser.add_argument("--rounds", type=int, default=3, help="turns of each scene (default 3)")
    parser.add_argument("--changes", type=int, default=20, help="of each act (default 20)")
    parser.add_argument(
        "--only",
        type=lambda text: set(text.lower().split(",")),
        default=SCENE_NAMES,
        metavar="ONE,BARE",
        help="some of the scenes (default all)",
    )
    found = parser.parse_args()
    if unknown := found.only - SCENE_NAMES:
        parser.error(f"unknown scene: {', '.join(sorted(unknown))}")
    if min(found.rounds, found.changes) < 1 or min(found.viewers) < 2:
        parser.error("rounds and changes must be positive, and viewers two at least")
    return found


def allow_files(viewers: int) -> None:
    """Let this process and those it starts have a socket for each viewer.

    Raises:
        SystemExit: the system does not allow that many.

    """
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    needed = viewers + FILES_BESIDE_VIEWERS
    if most != resource.RLIM_INFINITY and most < needed:
        raise SystemExit(f"{viewers:,} viewers need {needed:,} open files: see `ulimit -Hn`.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed if most < 0 else most, most))


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """A PostgreSQL that remembers when each transaction was committed."""
    postgres = EmbeddedPostgres(folder)
    with postgres:
        postgres.create_database("appointments")
        asyncio.run(clinics.execute(postgres.url("appointments"), KEEP_COMMIT_TIMES))
    # Only a new start lets it.
    with postgres:
        url = postgres.url("appointments")
        migrate(url)
        yield url


@dataclass
class Bench:
    """What all turns have in common."""

    clinic: Clinic
    generator: Generator
    cores: Cores
    folder: Path
    changes: int
    _samples: Samples | None = None

    def turn(self, scene: Scene, *, viewers: int, number: int) -> Outcome:
        """Let a crowd come to a new server."""
        if scene.server == OURS:
            outcome = self._turn(scene, viewers, number, self.changes, None)
            self._samples = self._samples or outcome.samples
            return outcome
        if self._samples is None:
            self._samples = self._turn(SCENES[0], 2, 0, 1, None).samples
        return self._turn(scene, viewers, number, self.changes, self._samples)

    def _turn(
        self, scene: Scene, viewers: int, number: int, changes: int, samples: Samples | None
    ) -> Outcome:
        ids = self.clinic.calendar_ids
        begin = number % len(ids)
        watched = (*ids[begin:], *ids[:begin])[: scene.calendar_count(viewers)]
        with self._serving(scene.server) as server:
            job = Job(
                port=server.port,
                process_id=server.process.pid,
                viewers=viewers,
                subscriptions=subscriptions(scene, watched),
                calendar_ids=watched,
                acts=scene.acts,
                changes=changes,
                database_url=self.clinic.database_url,
                token=self.clinic.token,
                samples=samples,
            )
            try:
                return self.generator.run(play, job)
            except Exception as error:
                log = server.log.read_text(errors="replace")[-1000:]
                raise RuntimeError(f"{scene.name}: {error!r}. The server said:\n{log}") from error

    @contextmanager
    def _serving(self, name: str) -> Iterator[Contestant]:
        """A server process of its own."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        environment = {
            "DATABASE_URL": self.clinic.database_url,
            "SECRET_KEY": CONFIG.secret_key,
            **SETTINGS,
        }
        place = running(name, COMMANDS[name], port, environment, self.cores.servers, self.folder)
        with place as server:
            _wait_until_listening(server)
            yield server
            # Its viewers are gone, and nobody waits for it to notice that of each.
            server.process.kill()


def _wait_until_listening(server: Contestant) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        with suppress(ConnectionError), socket.create_connection(("127.0.0.1", server.port)):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{server.name} does not listen:\n{server.log.read_text()[-2000:]}")


def measure(console: Console, bench: Bench, wanted: argparse.Namespace, viewers: int) -> None:
    """All rounds with crowds of one size, each begun by another scene, and the tables."""
    scenes = [s for s in SCENES if s.name in wanted.only and viewers <= s.most]
    turns: dict[str, list[Outcome]] = {scene.name: [] for scene in scenes}
    for number in range(wanted.rounds):
        console.print(f"{viewers:,} viewers, round {number + 1} of {wanted.rounds} ...")
        begin = number % max(len(scenes), 1)
        for scene in scenes[begin:] + scenes[:begin]:
            turns[scene.name].append(bench.turn(scene, viewers=viewers, number=number))
    if not scenes:
        return
    console.print(report.delivered(viewers, wanted.changes, turns))
    console.print(report.connected(viewers, turns))
    console.print(report.reserve(turns))
    for scene in SCENES:
        if scene.name in wanted.only and scene not in scenes:
            console.print(f"{scene.acts[0].title}: not asked for more than {scene.most:,} viewers.")


def calendars_for(wanted: argparse.Namespace) -> int:
    """How many calendars the largest crowd wants to see; a round begins with the next of them."""
    largest = max(wanted.viewers)
    counts = [scene.calendar_count(largest) for scene in SCENES if scene.name in wanted.only]
    return max(wanted.rounds, *counts)


def main() -> None:
    """Measure, print, and leave nothing behind."""
    wanted = options()
    allow_files(max(wanted.viewers))
    console = wide_console()
    cores = Cores.of_this_machine()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-")))
        data = folder / "postgres"
        url = stack.enter_context(database(data))
        console.print(machine(cores, (data / "PG_VERSION").read_text().strip()))
        clinic = asyncio.run(clinics.make_clinic(url, calendars_for(wanted)))
        asyncio.run(clinics.make_slots(clinic, data))
        asyncio.run(clinics.book_near_slots(clinic))
        generator = stack.enter_context(Generator(cores.load))
        bench = Bench(clinic, generator, cores, folder, wanted.changes)
        for viewers in wanted.viewers:
            measure(console, bench, wanted, viewers)


if __name__ == "__main__":
    main()
