"""Seconds from `tidecast up` to the first answer, broker included: on a new folder, and on one that has been used."""

import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.report import console, show
from streams.settings import Settings
from streams.workers.stack import Stack

__all__ = ["run"]

_RUNS = 5
_GOAL_S = 8.0


def run() -> None:
    """Measure and print; Kafka's jars are in the cache, as after the first start ever."""
    with tempfile.TemporaryDirectory() as warm_up:
        _seconds(Path(warm_up))
    first, again = [], []
    for _ in range(_RUNS):
        with tempfile.TemporaryDirectory() as home:
            first.append(_seconds(Path(home)))
            again.append(_seconds(Path(home)))
    show(
        "From start to ready: broker, topics, state worker and trainer",
        ("folder", "median", "range"),
        [
            (name, f"{statistics.median(taken):.1f} s", f"{min(taken):.1f} … {max(taken):.1f} s")
            for name, taken in (("new", first), ("used", again))
        ],
    )
    console.print(f"goal: below {_GOAL_S:.0f} s")


def _seconds(home: Path) -> float:
    begun = time.perf_counter()
    with Stack(Settings(home=home, http_port=0, kafka_port=0), progress=lambda _: None):
        return time.perf_counter() - begun
