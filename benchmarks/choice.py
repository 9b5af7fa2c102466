"""Auto against the single models that it chooses from, and against statsforecast's automatic models, set by set.

statsforecast is our own dependency, so its models run in the same process; it takes no missing values, which are
interpolated for it. AutoARIMA with a season takes seconds to minutes for a series of a thousand values.
"""

import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from statsforecast import models as peers
from threadpoolctl import threadpool_limits

from benchmarks.m1_yearly import fitted_matrix, in_sample_scores
from benchmarks.report import show
from benchmarks.series_sets import SeriesSet, series_sets
from models.auto import CANDIDATES
from models.catalog import model_spec
from models.forecasts import Forecasts, SeriesBatch

__all__ = ["run"]

_PEERS: Mapping[str, Callable[[int], Any]] = {
    "AutoETS": lambda season: peers.AutoETS(season_length=season),
    "AutoCES": lambda season: peers.AutoCES(season_length=season),
    "AutoTheta": lambda season: peers.AutoTheta(season_length=season),
    "MSTL": lambda season: peers.MSTL(season_length=[24, 168] if season == 24 else season),
    "AutoARIMA": lambda season: peers.AutoARIMA(season_length=season),
}
_LONGEST_SEASON = 12  # of AutoARIMA; with 24 a single series took minutes


def run() -> None:
    """Measure and print; `python -m benchmarks choice` has all sets."""
    rows, shares = [], []
    with threadpool_limits(limits=1), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for data in series_sets():
            auto = _forecast(data, "Auto", {})
            single = min((_mase(data, _forecast(data, one.model, one.settings).mean), one.label) for one in CANDIDATES)
            peer = min(_peers(data))
            shares.append(_covered(data, auto))
            cells = (f"{_mase(data, auto.mean):.3f}", f"{single[0]:.3f} {single[1]}", f"{peer[0]:.3f} {peer[1]}")
            rows.append((data.name, str(len(data.series)), *cells, f"{shares[-1]:.0%}"))
            print(*rows[-1], file=sys.stderr)
    rows.append(("mean of the sets", "", "", "", "", f"{np.mean(shares):.0%}"))
    show(
        "Mean MASE, and how much lies in Auto's 80 % interval",
        ("set", "windows", "Auto", "best single model", "statsforecast's best", "covered"),
        rows,
    )


def _forecast(data: SeriesSet, model: str, settings: Mapping[str, Any]) -> Forecasts:
    spec, history = model_spec(model), fitted_matrix(data.series, data.horizon)
    config = spec.resolve(settings)
    return spec.load()(SeriesBatch(history, data.horizon, config, season_length=data.season, freq=data.freq))


def _mase(data: SeriesSet, forecasts: NDArray[np.float64]) -> float:
    scores = in_sample_scores(data.series, forecasts, data.season)[:, 0]
    return float(scores[np.isfinite(scores)].mean())


def _covered(data: SeriesSet, forecasts: Forecasts) -> float:
    actual = np.array([values[-data.horizon :] for values in data.series])
    low, high = forecasts.quantiles["0.1"], forecasts.quantiles["0.9"]
    known = ~np.isnan(actual) & ~np.isnan(low)
    return float(((actual >= low) & (actual <= high))[known].mean())


def _peers(data: SeriesSet) -> list[tuple[float, str]]:
    """The score of each; the last value stands in where it raises."""
    found = []
    for name, made in _PEERS.items():
        if (name == "MSTL" and data.season == 1) or (name == "AutoARIMA" and data.season > _LONGEST_SEASON):
            continue
        means = np.empty((len(data.series), data.horizon))
        for row, values in enumerate(data.series):
            past = values[: -data.horizon]
            known = np.flatnonzero(~np.isnan(past))
            filled = np.interp(np.arange(known[0], len(past)), known, past[known])
            try:
                means[row] = made(data.season).forecast(filled, data.horizon)["mean"]
            except Exception:  # noqa: BLE001 - it raises all kinds
                means[row] = filled[-1]
        found.append((_mase(data, means), name))
    return found
