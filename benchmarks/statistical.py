"""The statistical models: time and accuracy, against statsforecast forecasting the same series with the same model.

Both make the forecast and its 80 % and 95 % intervals in one thread. statsforecast is called in its fastest way, one
numpy array at a time; the flights have their gaps filled for it, since it takes no missing values. The models of more
than a millisecond are run once, the others three times; flights whose scale is 0 are left out of the means.
"""

import datetime as dt
import warnings
from collections.abc import Callable
from csv import DictReader
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from statsforecast import models as peers
from threadpoolctl import threadpool_limits

from benchmarks.m1_yearly import HORIZON, fitted_matrix, in_sample_scores, m1_yearly
from benchmarks.report import measure, show
from models.catalog import model_spec
from models.forecasts import SeriesBatch

__all__ = ["flights", "run"]

_FLIGHTS = Path(__file__).parent.parent / "examples" / "nyc_flights_2013_daily.csv"
_LAST_FLIGHT_DAY = 320  # of the year; later comes Christmas, which no model can know from one year
_RUNS = 3

_Peer = Callable[[int], object]


@dataclass(frozen=True, slots=True, eq=False)
class _Set:
    name: str
    series: list[NDArray[np.float64]]
    horizon: int
    season: int


# Ours, what is configured, theirs by season, and what theirs is.
_PAIRS: tuple[tuple[str, dict[str, str], _Peer, str], ...] = (
    ("SeasonalNaive", {}, lambda m: peers.SeasonalNaive(season_length=m), "SeasonalNaive"),
    ("Drift", {}, lambda _: peers.RandomWalkWithDrift(), "RandomWalkWithDrift"),
    ("SES", {}, lambda _: peers.AutoETS(model="ANN"), "AutoETS ANN"),
    (
        "HoltWinters",
        {},
        lambda m: peers.AutoETS(model="AAA" if m > 1 else "AAN", season_length=m, damped=True),
        "AutoETS AA(A), damped",
    ),
    ("ETS", {}, lambda m: peers.AutoETS(season_length=m), "AutoETS ZZZ"),
    ("ETS", {"components": "all"}, lambda m: peers.AutoETS(season_length=m), "AutoETS ZZZ"),
    ("Theta", {}, lambda m: peers.OptimizedTheta(season_length=m), "OptimizedTheta"),
    ("ARIMA", {}, lambda m: peers.AutoARIMA(season_length=m), "AutoARIMA"),
)


def run() -> None:
    """Measure and print."""
    with threadpool_limits(limits=1):
        _compare()


def _compare() -> None:
    for data in (_Set("M1 yearly", m1_yearly(), HORIZON, 1), _Set("NYC flights", flights(), 14, 7)):
        columns = ("model", "ms a series", "MASE", "sMAPE", "statsforecast", "ms a series", "MASE", "sMAPE", "failed")
        show(
            f"{data.name}: {len(data.series)} series, horizon {data.horizon}, season {data.season}",
            columns,
            [_row(data, *pair) for pair in _PAIRS],
        )


def _row(data: _Set, name: str, config: dict[str, str], peer: _Peer, peer_name: str) -> tuple[str, ...]:
    spec = model_spec(name)
    history = fitted_matrix(data.series, data.horizon)
    batch = SeriesBatch(history, data.horizon, spec.resolve(config), season_length=data.season)
    forecast = spec.load()
    runs = 1 if spec.heavy else _RUNS
    mean = forecast(batch).mean
    ours = measure(lambda: forecast(batch), count=len(history), runs=runs)
    filled = [_filled(values[: -data.horizon]) for values in data.series]
    theirs, failed = _peer_forecasts(filled, data, peer)
    time = measure(lambda: _peer_forecasts(filled, data, peer), count=len(history), runs=runs)
    label = " ".join([name, *config.values()])
    return (
        label,
        f"{1000 / ours.rate:.3f}",
        *_means(data, mean),
        peer_name,
        f"{1000 / time.rate:.3f}",
        *_means(data, theirs),
        str(failed),
    )


def _means(data: _Set, forecasts: NDArray[np.float64]) -> tuple[str, str]:
    scores = in_sample_scores(data.series, forecasts, data.season)
    mase, smape = scores[np.isfinite(scores).all(axis=1)].mean(axis=0)
    return f"{mase:.3f}", f"{smape:.2f}"


def _peer_forecasts(filled: list[NDArray[np.float64]], data: _Set, peer: _Peer) -> tuple[NDArray[np.float64], int]:
    """One series at a time; the last value where it raises."""
    means, failed = np.empty((len(filled), data.horizon)), 0
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for row, values in enumerate(filled):
            try:
                means[row] = peer(data.season).forecast(values, data.horizon, level=[80, 95])["mean"]  # type: ignore[attr-defined]
            except Exception:  # noqa: BLE001 - it raises all kinds
                means[row], failed = values[-1], failed + 1
    return means, failed


def _filled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.flatnonzero(~np.isnan(values))
    return np.interp(np.arange(known[0], len(values)), known, values[known])


def flights(days: int = _LAST_FLIGHT_DAY) -> list[NDArray[np.float64]]:
    """Daily flights of each airport and carrier, missing days as NaN, of those with flights in the days to be known."""
    first = dt.date(2013, 1, 1)
    series: dict[tuple[str, str], NDArray[np.float64]] = {}
    with _FLIGHTS.open(encoding="utf-8", newline="") as lines:
        for line in DictReader(lines):
            day = (dt.date.fromisoformat(line["Date"]) - first).days
            values = series.setdefault((line["Origin"], line["Carrier"]), np.full(365, np.nan))
            values[day] = float(line["Flights"])
    cut = [values[:days] for values in series.values()]
    return [values for values in cut if np.isfinite(values[-14:]).any() and np.isfinite(values[:-14]).sum() > 14]
