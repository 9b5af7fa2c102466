"""How the benchmarks speak: medians of several runs, with their range."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

__all__ = ["Figure", "console", "measure", "show"]

console = Console(width=110)  # the same table in a file as on a screen


@dataclass(frozen=True, slots=True)
class Figure:
    """Seconds of several runs of one thing that did `count` pieces of work each."""

    seconds: tuple[float, ...]
    count: int

    @property
    def rate(self) -> float:
        """Pieces per second, by the median run."""
        return self.count / statistics.median(self.seconds)

    def __str__(self) -> str:
        low, high = self.count / max(self.seconds), self.count / min(self.seconds)
        return f"{self.rate:,.0f}/s [{low:,.0f} … {high:,.0f}]"


def measure(work: Callable[[], object], *, count: int, runs: int) -> Figure:
    """Time `work`, which does `count` pieces."""
    seconds = []
    for _ in range(runs):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return Figure(tuple(seconds), count)


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    console.print(table)
