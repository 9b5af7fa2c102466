"""What the process does that forecasts histories by themselves: as often as the time allows."""

import time
from collections.abc import Callable
from math import inf
from typing import Final

import numpy as np

from models.batch import SeriesRequest
from models.catalog import model_spec
from models.costs import predicted_s
from models.errors import RejectedInputError
from models.rolling import origins_of, rolled
from streams.accuracy.rolling import RolledHistory, RollingCall, RollingSeries

__all__ = ["roll"]

_FEWEST_FITS: Final = 4  # of a series, however long one takes
_CALL_S: Final = 2e-5  # of any model, beside what its points take
_NONE: Final = np.empty(0)


def roll(asked: RollingCall, report: Callable[[object], None]) -> list[RolledHistory]:  # noqa: ARG001 - as all entries
    """Answer for each series in order; those that there is no time left for are told so."""
    ends, answers = time.monotonic() + asked.budget_s, list[RolledHistory]()
    for place, series in enumerate(asked.series):
        left = ends - time.monotonic()
        if left <= 0:
            answers.append(_nothing("there was no time left for it: ask for fewer series at a time"))
        else:
            answers.append(_rolled(series, asked, left / (len(asked.series) - place)))
    return answers


def _rolled(series: RollingSeries, asked: RollingCall, share_s: float) -> RolledHistory:
    """As often fitted as is predicted to take no longer than its share."""
    steps = len(series.target)
    request = SeriesRequest(series.target, series.model_name, series.config, 1, refit=True, eval_metrics=())
    try:
        spec = model_spec(series.model_name)
        config = spec.resolve(series.config)
        fit_s = predicted_s(request)
        if fit_s == inf:
            return _nothing(
                f"{series.model_name} learns from many series at once: its histories are not forecast again"
            )
        fits = max(_FEWEST_FITS, int(share_s / (fit_s + _CALL_S)))
        first, every = origins_of(steps, max(1, series.season_length), most=asked.most, fits=fits)
        if first >= steps:
            return _nothing("its history is too short")
        found = rolled(
            series.target,
            spec,
            config,
            first=first,
            every=every,
            level=asked.level,
            season_length=series.season_length,
            freq=series.freq,
        )
    except RejectedInputError as error:
        return _nothing(error.message)
    except Exception as error:  # noqa: BLE001 - the edge of the models: one series must not take the others down
        return _nothing(f"{series.model_name} could not forecast its history ({type(error).__name__})")
    return RolledHistory(found.first, found.every, found.mean, found.low, found.high, found.own, "")


def _nothing(note: str) -> RolledHistory:
    return RolledHistory(0, 0, _NONE, _NONE, _NONE, own=False, note=note)
