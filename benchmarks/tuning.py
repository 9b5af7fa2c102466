"""LinearFit tuned: the exhaustive search of many series at once, against hyperopt's fmin for one series at a time."""

import hyperopt
import numpy as np
from numpy.typing import NDArray

from benchmarks.report import console, measure, show
from models.batch import SeriesRequest, forecast_batch
from models.tuning.search import Dimension, Search

__all__ = ["run"]

_SERIES, _POINTS, _HOLD_OUT, _SEARCHED = 10_000, 38, 5, 20
_MAX_EVAL = 100
_WINDOWS, _FACTORS = (1, 5), (0.0, 0.5)
_SEARCH = Search((Dimension("latest_n", "int", *_WINDOWS), Dimension("add_std_factor", "float", *_FACTORS)), _MAX_EVAL)
_ROUNDING = 1e-12  # relative; two orders of adding up differ by this


def run() -> None:
    """Measure and print, for series of whole numbers, whose forecasts are rounded, and for others."""
    rng = np.random.default_rng(1)
    walk = 230 + rng.normal(0, 3, (_SERIES, _POINTS)).cumsum(axis=1) + rng.normal(0, 8, (_SERIES, _POINTS))
    for kind, series in (("whole numbers", np.maximum(np.round(walk), 0)), ("real numbers", walk)):
        _compare(kind, series)


def _compare(kind: str, series: NDArray[np.float64]) -> None:
    requests = [SeriesRequest(target, "LinearFit", {}, _HOLD_OUT, False, ("mse",), search=_SEARCH) for target in series]
    best = [answer.metrics["mse"] for answer in forecast_batch(requests)[:_SEARCHED]]
    searched: list[float] = []

    def search() -> None:
        searched[:] = [_fmin(target, whole=kind == "whole numbers") for target in series[:_SEARCHED]]

    apart = measure(search, count=_SEARCHED, runs=3)
    together = measure(lambda: forecast_batch(requests), count=_SERIES, runs=7)
    ratio = together.rate / apart.rate
    show(
        f"LinearFit tuned, {kind}: {_SERIES:,} series of {_POINTS}, latest_n 1 to 5, add_std_factor 0 to 0.5",
        ("how", "series", "ratio"),
        [
            (f"fmin({_MAX_EVAL}), TPE, one series at a time ({_SEARCHED} timed)", str(apart), "1"),
            ("every combination, all series at once, forecast and metrics included", str(together), f"{ratio:,.0f}x"),
        ],
    )
    pairs = [(mine, theirs) for mine, theirs in zip(best, searched, strict=True) if mine is not None]
    worse = sum(mine > theirs * (1 + _ROUNDING) for mine, theirs in pairs)
    better = sum(mine < theirs * (1 - _ROUNDING) for mine, theirs in pairs)
    console.print(
        f"loss worse than fmin's on {worse} of {len(pairs)} series, better on {better};"
        f" goals: ≥ 5,000x ({ratio:,.0f}), never worse ({worse})"
    )


def _fmin(target: NDArray[np.float64], *, whole: bool) -> float:
    """The usual way: an objective for one series, its arithmetic in as few numpy calls as possible."""
    fitted, actual = target[:-_HOLD_OUT], target[-_HOLD_OUT:]
    ahead = np.arange(_HOLD_OUT)

    def mse(sample: dict[str, float]) -> float:
        values = fitted[-int(sample["latest_n"]) :]
        x = np.arange(len(values)) - (len(values) - 1) / 2
        slope = x @ values / (x @ x) if len(values) > 1 else 0.0
        level = values.mean()
        line = level + slope * (ahead + (len(values) + 1) / 2)
        predicted = line + sample["add_std_factor"] * (values - level - slope * x).std()
        if whole:
            predicted = np.maximum(np.round(np.round(predicted, 9)), 0)
        error = actual - predicted
        return float(error @ error / _HOLD_OUT)

    trials = hyperopt.Trials()
    hyperopt.fmin(
        mse,
        {
            "latest_n": hyperopt.hp.uniformint("latest_n", *_WINDOWS),
            "add_std_factor": hyperopt.hp.uniform("add_std_factor", *_FACTORS),
        },
        algo=hyperopt.tpe.suggest,
        max_evals=_MAX_EVAL,
        trials=trials,
        rstate=np.random.default_rng(1),
        show_progressbar=False,
    )
    return float(min(trials.losses()))
