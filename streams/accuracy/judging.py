"""One forecast and the values that came for its times: errors, and which intervals the values lay in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.series import SeriesResult
from streams.accuracy.observed import Values

__all__ = ["Judged", "first_time", "intervals", "judged"]

_CLOSE: Final = 1e-6  # of levels, which are decimal texts
_MINUTE: Final = 60_000_000  # microseconds

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What came of the steps of one forecast, of those that a value came for; `steps` count from 1.

    `times` are milliseconds on the clock, as the forecast has them. `scale` is that of `scales`, NaN where there is
    none. `inside` has by level in percent whether the value lay in that interval, `edges` the intervals themselves.
    `offsets` are those of the observations in their log. `origin` is the first time of the whole forecast in
    microseconds; `side` and `shadow` are the result's.
    """

    ts_id: int
    n: int
    model_name: str
    backtest: float | None
    scale: float
    steps: NDArray[np.int64]
    times: NDArray[np.int64]
    actual: Floats
    predicted: Floats
    inside: Mapping[str, NDArray[np.bool_]]
    edges: Mapping[str, tuple[Floats, Floats]]
    offsets: Sequence[int]
    origin: int = 0
    side: int = 0
    shadow: bool = False

    @property
    def errors(self) -> Floats:
        """Actual less predicted."""
        return self.actual - self.predicted


def first_time(result: SeriesResult) -> int:
    """The first time of a forecast, in microseconds on the clock."""
    return result.timestamps[0] * 1000 + (result.micros[0] if result.micros else 0)


def judged(result: SeriesResult, values: Values, *, by_instant: bool, scale: float) -> Judged | None:
    """None where no value has come for any of its times.

    `by_instant`: steps are shorter than a day, so that an hour which the clock shows twice is two times.
    """
    wall = np.asarray(result.timestamps, dtype=np.int64) * 1000
    if result.micros:
        wall = wall + np.asarray(result.micros, dtype=np.int64)
    known = values.on_clock
    if by_instant and result.utc_offsets and values.in_utc:
        known, keys = values.in_utc, wall - np.asarray(result.utc_offsets, dtype=np.int64) * _MINUTE
    else:
        keys = wall
    came = [(step, *known[key]) for step, key in enumerate(keys.tolist()) if key in known]
    if not came:
        return None
    at = np.array([step for step, _, _ in came], dtype=np.int64)
    actual = np.array([value for _, value, _ in came])
    edges = {
        level: (np.asarray(result.quantiles[low])[at], np.asarray(result.quantiles[high])[at])
        for level, (low, high) in intervals(result.quantiles).items()
    }
    return Judged(
        ts_id=result.ts_id,
        n=result.n,
        model_name=result.model_name,
        backtest=result.mase_insample,
        scale=scale,
        steps=at + 1,
        times=wall[at] // 1000,
        actual=actual,
        predicted=np.asarray(result.predictions)[at],
        inside={level: (low <= actual) & (actual <= high) for level, (low, high) in edges.items()},
        edges=edges,
        offsets=tuple(offset for _, _, offset in came),
        origin=int(wall[0]),
        side=result.side,
        shadow=result.shadow,
    )


def intervals(quantiles: Mapping[str, Sequence[float]]) -> dict[str, tuple[str, str]]:
    """The intervals among quantiles: how many percent should lie between which two of them, the widest last."""
    found: dict[str, tuple[str, str]] = {}
    by_level = sorted((float(name), name) for name in quantiles)
    for low, name in by_level:
        if low >= 0.5:
            break
        other = next((high for level, high in by_level if abs(level - (1 - low)) < _CLOSE), None)
        if other is not None:
            found[f"{100 * (1 - 2 * low):.6g}"] = (name, other)
    return dict(reversed(found.items()))
