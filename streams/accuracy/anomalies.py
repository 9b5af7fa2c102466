"""Values that no interval had: of a history, and of what came since. Pure functions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from connectors.datasets.splits import SeriesData
from connectors.timestamps.parsing import event_times, shown_times
from models.arrays.season import season_length
from models.calendars.calendar import calendar_of
from schemas.series import SeriesResult
from streams.accuracy.judging import Judged
from streams.accuracy.rolling import RolledHistory, RollingSeries
from streams.forecasting.series_grids import OnGrid, on_grid, step_ms

__all__ = ["Anomaly", "best_of", "edges_at", "in_history", "observed_ones", "to_roll"]

_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A value outside its interval, which was forecast so many steps ahead."""

    timestamp: str
    actual: float
    predicted: float
    low: float
    high: float
    source: str
    step: int


def best_of(results: Sequence[SeriesResult], model_name: str | None) -> SeriesResult | None:
    """The latest forecast of the model that is asked for, or of the one whose backtest is best."""
    latest: dict[str, SeriesResult] = {}
    for result in results:
        if result.error is None and model_name in (None, result.model_name):
            latest[result.model_name] = result
    scored = [one for one in latest.values() if one.mase_insample is not None]
    if scored:
        return min(scored, key=lambda one: (one.mase_insample or 0.0, one.n))
    return next(reversed(latest.values()), None)


def to_roll(series: SeriesData, result: SeriesResult, known_models: Mapping[str, Any]) -> tuple[OnGrid, RollingSeries]:
    """The history on its calendar, and how it is forecast: as its result was, or by the best of the models it chose."""
    grid, name, config = on_grid(series), result.model_name, result.config
    best = (result.answered_by or "").partition(" + ")[0]
    if best in known_models and best != name:
        name, config = best, {}
    season = season_length(series.calendar, step_ms(series.calendar))
    return grid, RollingSeries(grid.target, name, config, season, series.calendar)


def in_history(series: SeriesData, grid: OnGrid, found: RolledHistory) -> Iterator[Anomaly]:
    """The values of a history that lay outside the interval of a forecast that had not seen them."""
    actual = grid.target[found.first :]
    with np.errstate(invalid="ignore"):
        outside = np.flatnonzero((actual < found.low) | (actual > found.high))
    if not len(outside):
        return
    times = shown_times(_times(series, grid))
    for place in outside.tolist():
        yield Anomaly(
            timestamp=times[found.first + place],
            actual=float(actual[place]),
            predicted=float(found.mean[place]),
            low=float(found.low[place]),
            high=float(found.high[place]),
            source="history",
            step=place % found.every + 1,
        )


def _times(series: SeriesData, grid: OnGrid) -> NDArray[np.int64]:
    """What the clock shows at each step of the grid."""
    calendar = calendar_of(series.calendar)
    if series.complete or grid.timestamps:
        return calendar.shown(series.times)
    return calendar.shown(calendar.times(int(series.times[0]), len(grid.target)))


def observed_ones(found: Iterable[Judged], level: float) -> dict[int, dict[str, Anomaly | None]]:
    """By series and time what a value was to the forecast of the fewest steps ahead; None where it lay inside."""
    nearest: dict[int, dict[str, tuple[int, int, Anomaly | None]]] = {}
    for one in found:
        edges = edges_at(one, level)
        if edges is None:
            continue
        of_series, (low, high) = nearest.setdefault(one.ts_id, {}), edges
        for place, text in enumerate(event_times(one.times.tolist())):
            rank = int(one.steps[place]), -one.n
            if text in of_series and of_series[text][:2] <= rank:
                continue
            told = Anomaly(
                timestamp=text,
                actual=float(one.actual[place]),
                predicted=float(one.predicted[place]),
                low=float(low[place]),
                high=float(high[place]),
                source="observation",
                step=rank[0],
            )
            of_series[text] = *rank, None if told.low <= told.actual <= told.high else told
    return {ts_id: {text: told for text, (_, _, told) in of_series.items()} for ts_id, of_series in nearest.items()}


def edges_at(one: Judged, level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """The interval of this level in percent; from the nearest one that there is, as normal errors would have it."""
    if not one.edges:
        return None
    name = min(one.edges, key=lambda known: abs(float(known) - level))
    low, high = one.edges[name]
    known = float(name)
    if known == level:
        return low, high
    ratio = _NORMAL.inv_cdf(0.5 + level / 200) / _NORMAL.inv_cdf(0.5 + known / 200)
    return one.predicted + (low - one.predicted) * ratio, one.predicted + (high - one.predicted) * ratio
