"""Medians, spread and ratios, as tables."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.clinic import Making
from benchmarks.contestants import BARE, MERCURIUS, OURS, REST, STOCK, Contestant, Cores
from benchmarks.load import Outcome
from benchmarks.workloads import Workload

WIDTH = 136
NAMES = {
    OURS: "our server",
    BARE: "bare endpoint",
    STOCK: "stock Strawberry",
    REST: "FastAPI, REST",
    MERCURIUS: "Mercurius, JIT",
}


@dataclass(frozen=True)
class Turn:
    """What a contestant did in one round, and the processor time that it took."""

    outcome: Outcome
    cpu_seconds: float | None
    database_cpu_seconds: float | None

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.outcome.good / self.outcome.seconds

    @property
    def load_share(self) -> float:
        """How busy the load generator was; near 1 it was the bottleneck."""
        return self.outcome.own_cpu_seconds / self.outcome.seconds

    def per_answer(self, seconds: float | None) -> float | None:
        """Milliseconds for each answer."""
        return None if seconds is None else 1000 * seconds / max(self.outcome.answered, 1)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else 0.0


def console() -> Console:
    """The terminal; wide enough for the tables where it is none."""
    plain = Console()
    return plain if plain.is_terminal else Console(width=WIDTH)


def machine(cores: Cores, version: str) -> str:
    """What was measured on."""
    place = (
        "not pinned"
        if cores.servers is None
        else f"servers on core {cores.servers}, load on core {cores.load}, PostgreSQL on any"
    )
    busy = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores ({place}), Python {platform.python_version()}, "
        f"PostgreSQL {version}, {platform.system()}; load average at the start {busy:.1f}"
    )


def empty_table(title: str) -> Table:
    """A table in the style of all of them; its first column names the rows."""
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    table.add_column("", no_wrap=True)
    return table


def served(workload: Workload, clients: int, turns: dict[str, list[Turn]]) -> Table:
    """What the contestants did in one workload."""
    rounds = len(turns[OURS])
    table = empty_table(
        f"{workload.name.upper()}: {workload.title}; {clients} clients, {rounds} rounds"
    )
    for heading in (
        workload.unit,
        "(min-max)",
        "p50 ms",
        "p99 ms",
        "CPU ms",
        "DB ms",
        "KiB",
        "refused",
        "errors",
        "load",
        "x bare",
        "x stock",
        "x Merc.",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    rates = {name: statistics.median(t.rate for t in list_of) for name, list_of in turns.items()}
    for name, list_of in turns.items():
        table.add_row(NAMES[name], *_figures(list_of, rates[name], rates))
    return table


def _figures(turns: Sequence[Turn], rate: float, rates: dict[str, float]) -> list[str]:
    outcomes = [turn.outcome for turn in turns]
    spread = [turn.rate for turn in turns]
    return [
        f"{rate:,.0f}",
        f"({min(spread):,.0f}-{max(spread):,.0f})",
        *(
            f"{1000 * statistics.median(percentile(o.latencies, share) for o in outcomes):,.1f}"
            for share in (0.5, 0.99)
        ),
        _median([turn.per_answer(turn.cpu_seconds) for turn in turns]),
        _median([turn.per_answer(turn.database_cpu_seconds) for turn in turns]),
        f"{max(o.size for o in outcomes) / 1024:,.1f}",
        f"{sum(o.refused for o in outcomes):,}",
        f"{sum(o.errors for o in outcomes):,}",
        f"{100 * statistics.median(turn.load_share for turn in turns):.0f} %",
        *(_ratio(rate, rates.get(other)) for other in (BARE, STOCK, MERCURIUS)),
    ]


def _median(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.median(known):,.2f}" if known else "-"


def _ratio(rate: float, other: float | None) -> str:
    return f"{rate / other:,.2f}" if other else "-"


def errors(server: Contestant, turns: Sequence[Turn]) -> list[str]:
    """The first error of a contestant that had some, and the end of what it said about them."""
    texts = [turn.outcome.first_error for turn in turns if turn.outcome.first_error]
    if not texts:
        return []
    log = server.log.read_text(errors="replace")[-1000:]
    return [f"First error of {NAMES[server.name]}: {texts[0]}", f"The end of its log:\n{log}"]


def generation(made: Making, again: Making, copied: Making) -> Table:
    """How fast slots are made."""
    table = empty_table(
        f"W5: six months of slots for {len(made.seconds)} doctors, {made.slots:,} slots, "
        "one transaction for each doctor"
    )
    for heading in (
        "slots/s",
        "p50 ms a doctor",
        "p99 ms",
        "CPU µs a slot",
        "DB µs a slot",
        "x bare",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    bare = copied.slots / sum(copied.seconds)
    for name, making, slots in (
        ("generate_all", made, made.slots),
        ("again, nothing to change", again, made.slots),
        (f"bare COPY of {copied.slots:,} of them", copied, copied.slots),
    ):
        rate = slots / sum(making.seconds)
        table.add_row(
            name,
            f"{rate:,.0f}",
            *(f"{1000 * percentile(making.seconds, share):,.1f}" for share in (0.5, 0.99)),
            _each(making.cpu_seconds, slots),
            _each(making.database_cpu_seconds, slots),
            _ratio(rate, bare),
        )
    return table


def _each(seconds: float | None, slots: int) -> str:
    return f"{1e6 * seconds / slots:,.1f}" if seconds else "-"
