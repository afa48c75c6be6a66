"""What the turns showed, as tables: medians of the rounds, and ratios to the yardsticks."""

import statistics
from collections.abc import Sequence

from rich.table import Table

from benchmarks.live.scenes import SCENES, Scene
from benchmarks.live.turns import Deliveries, Outcome
from benchmarks.report import empty_table, percentile

BARE, STOCK = "bare", "stock"
DELIVERED = (
    "first ms",
    "median",
    "p99",
    "last",
    "worst",
    "deliv./s",
    "CPU µs",
    "load",
    "wrong",
    "x bare",
    "x stock",
)
CONNECTED = ("connects/s", "(min-max)", "CPU µs a connect", "KiB a viewer", "x bare", "x stock")
Turns = dict[str, list[Outcome]]


def played(turns: Turns) -> list[Scene]:
    """The scenes of which there are turns."""
    return [scene for scene in SCENES if scene.name in turns]


def delivered(viewers: int, changes: int, turns: Turns) -> Table:
    """How changes arrived."""
    rounds = max(len(outcomes) for outcomes in turns.values())
    made = empty_table(f"{viewers:,} viewers; {rounds} rounds of {changes} changes, one at a time")
    for heading in DELIVERED:
        made.add_column(heading, justify="right", no_wrap=True)
    rates = {
        scene.name: _rate([o.deliveries[scene.acts[0].title] for o in turns[scene.name]])
        for scene in played(turns)
    }
    for scene in played(turns):
        outcomes = turns[scene.name]
        wrong = sum(outcome.wrong for outcome in outcomes)
        for act in scene.acts:
            found = [outcome.deliveries[act.title] for outcome in outcomes]
            made.add_row(act.title, *_figures(found), str(wrong), *_ratios(_rate(found), rates))
    return made


def _figures(found: Sequence[Deliveries]) -> list[str]:
    columns = (
        [seconds for d in found for seconds in d.first],
        [seconds for d in found for seconds in d.median],
        [seconds for d in found for seconds in d.late],
        [seconds for d in found for seconds in d.last],
    )
    return [
        *(f"{1000 * percentile(column, 0.5):,.1f}" for column in columns),
        f"{1000 * max(columns[-1], default=0.0):,.0f}",
        f"{_rate(found):,.0f}",
        f"{statistics.median(1e6 * d.cpu_seconds / max(d.count, 1) for d in found):,.1f}",
        f"{100 * load_share(found):.0f} %",
    ]


def _rate(found: Sequence[Deliveries]) -> float:
    """Deliveries in a second during which some were under way: the median of the rounds."""
    return statistics.median(d.count / d.busy_seconds if d.count else 0.0 for d in found)


def load_share(found: Sequence[Deliveries]) -> float:
    """How busy the load generator was while deliveries were under way."""
    return statistics.median(d.own_cpu_seconds / d.busy_seconds if d.count else 0.0 for d in found)


def _ratios(figure: float, yardsticks: dict[str, float]) -> list[str]:
    return [
        f"{figure / yardsticks[name]:,.2f}" if yardsticks.get(name) else "-"
        for name in (BARE, STOCK)
    ]


def connected(viewers: int, turns: Turns) -> Table:
    """How viewers came, and what they keep."""
    made = empty_table(f"{viewers:,} viewers coming, each until its first picture")
    for heading in CONNECTED:
        made.add_column(heading, justify="right", no_wrap=True)
    rates = {
        name: statistics.median(outcome.connects_per_second for outcome in outcomes)
        for name, outcomes in turns.items()
    }
    for scene in played(turns):
        outcomes = turns[scene.name]
        spread = [outcome.connects_per_second for outcome in outcomes]
        cpu = statistics.median(outcome.connect_cpu_seconds for outcome in outcomes)
        memory = statistics.median(outcome.bytes_per_viewer for outcome in outcomes)
        made.add_row(
            scene.acts[0].title,
            f"{rates[scene.name]:,.0f}",
            f"({min(spread):,.0f}-{max(spread):,.0f})",
            f"{1e6 * cpu:,.0f}",
            f"{memory / 1024:,.1f}",
            *_ratios(rates[scene.name], rates),
        )
    return made


def reserve(turns: Turns) -> str:
    """What the load generator can take, for judging whether it was the bottleneck."""
    scene = next((scene for scene in played(turns) if scene.name == BARE), None)
    if scene is None:
        return "Without the bare yardstick nothing shows what the load generator can take."
    found = [outcome.deliveries[scene.acts[0].title] for outcome in turns[BARE]]
    share = load_share(found)
    return (
        f"The load generator took {_rate(found):,.0f} deliveries/s from the bare broadcast while "
        f"it was busy for {100 * share:.0f} %: it could take about {_rate(found) / share:,.0f}."
    )
