"""What a soak counts, and its report. Nothing is judged here: `truth` and the viewers blame."""

from collections import Counter
from dataclasses import dataclass, field
from io import StringIO

from rich.console import Console
from rich.table import Table

SAMPLES = 5
LONGEST_EXAMPLE = 2000
# A process settles for so long before its memory is looked at, and the growth is judged once it has
# been looked at for so long, all processes together.
WARM_UP = 120.0
JUDGED_AFTER = 600.0
MOST_GROWTH = 100.0


@dataclass(frozen=True)
class Sample:
    """The memory of one process at a quiet point."""

    process: int
    age: float
    megabytes: float


class Memory(list[Sample]):
    """The memory of all processes over time. Each begins at a level of its own; what counts is how
    it goes on.
    """

    def _lives(self) -> list[list[Sample]]:
        """The samples of each process, without those from its beginning."""
        warm = [sample for sample in self if sample.age >= WARM_UP]
        processes = dict.fromkeys(sample.process for sample in warm)
        return [[sample for sample in warm if sample.process == one] for one in processes]

    @property
    def seconds(self) -> float:
        """For how long it has been looked at."""
        return sum(life[-1].age - life[0].age for life in self._lives())

    @property
    def growth(self) -> float | None:
        """MB an hour, by one regression over all processes; None where nothing is known."""
        above = below = 0.0
        for life in self._lives():
            age = sum(sample.age for sample in life) / len(life)
            level = sum(sample.megabytes for sample in life) / len(life)
            above += sum((sample.age - age) * (sample.megabytes - level) for sample in life)
            below += sum((sample.age - age) ** 2 for sample in life)
        return above / below * 3600 if below else None

    @property
    def leaks(self) -> bool:
        """Whether it grows without an end, as far as can be told."""
        return self.seconds >= JUDGED_AFTER and (self.growth or 0) > MOST_GROWTH


@dataclass
class Tally:
    """All that was done and seen.

    Attributes:
        changes: acknowledged, by act.
        refusals: by code; a part of a life with rivals.
        returns: how views came back, by what had ended them.
        resets: views that came back with a cursor and were told to forget.
        wrong: what must not be, by kind, with some examples in `examples`.
        convergence: how long after its faults each quiet point was quiet.

    """

    changes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    updates: int = 0
    returns: Counter[str] = field(default_factory=Counter)
    resets: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    convergence: list[tuple[float, tuple[str, ...]]] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)

    def blame(self, kind: str, example: str) -> None:
        """Count something that must not be."""
        self.wrong[kind] += 1
        if self.wrong[kind] <= SAMPLES:
            self.examples.append(f"{kind}: {example[:LONGEST_EXAMPLE]}")

    def last_words(self) -> str:
        """The last quiet point in a line."""
        seconds, faults = self.convergence[-1]
        wrong = sum(self.wrong.values())
        changes = sum(self.changes.values())
        return (
            f"quiet after {seconds:.1f} s: {', '.join(faults)} ({changes:,} changes, {wrong} wrong)"
        )

    def report(self) -> str:
        """All of it as a table."""
        table = Table("What", "How often")
        for title, counts in (
            ("Changes", self.changes),
            ("Refused", self.refusals),
            ("Asked again after", self.unanswered),
            ("Faults", self.faults),
            ("Views came back after", self.returns),
        ):
            table.add_row(f"[bold]{title}", f"[bold]{sum(counts.values()):,}")
            for name, count in counts.most_common():
                table.add_row(f"  {name}", f"{count:,}")
        table.add_section()
        table.add_row("Updates delivered", f"{self.updates:,}")
        table.add_row("Resets of views with a cursor", f"{self.resets:,}")
        table.add_row("Quiet points", f"{len(self.convergence):,}")
        seconds, faults = max(self.convergence, default=(0.0, ()))
        table.add_row("Longest until all was equal", f"{seconds:.1f} s ({', '.join(faults)})")
        self._memory_rows(table)
        table.add_section()
        for kind in dict.fromkeys(("differences", "repeats", "order faults", *self.wrong)):
            table.add_row(f"[bold]{kind}", f"[bold]{self.wrong[kind]:,}")
        console = Console(file=StringIO(), width=100)
        console.print(table)
        for example in self.examples:
            console.print(example, highlight=False, markup=False, soft_wrap=True)
        assert isinstance(console.file, StringIO)
        return console.file.getvalue()

    def _memory_rows(self, table: Table) -> None:
        if self.memory:
            largest = max(sample.megabytes for sample in self.memory)
            table.add_row("Largest server process", f"{largest:.0f} MB")
        growth = self.memory.growth
        known = "not known" if growth is None else f"{growth:+.1f} MB an hour"
        table.add_row(f"Growth of memory, seen for {self.memory.seconds:.0f} s", known)
