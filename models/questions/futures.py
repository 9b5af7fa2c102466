"""Forecasts of one series with several futures of its features: the same model, fitted to the same history."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from models import auto
from models.answers import INFINITE, NOTHING_OBSERVED
from models.arrays.columns import FloatArray
from models.arrays.filling import with_zeros
from models.batch import SeriesRequest
from models.catalog import model_spec
from models.errors import RejectedInputError
from models.forecasts import Forecasts, SeriesBatch
from models.holdout import without_gaps

__all__ = ["Futures", "fit_s"]

_AUTO: Final = "Auto"
_AUTO_FOLDS: Final = 3
_SERIES_S: Final = 1e-3  # a fit of any model, and
_POINT_S: Final = 2e-6  # each of its points: what takes longer says so in its candidate, or here
_SLOWER_S: Final = {"CES": 1e-4, "Theta": 3e-5}  # as measured at 400 points


def fit_s(model_name: str, points: int, chosen: str | None, futures: int) -> float:
    """Seconds of a core that a series takes with so many futures, to within a small factor."""
    by_label = {one.label: one for one in (*auto.WITH_FEATURES, *auto.CANDIDATES)}
    names = (chosen or "").split(" + ") if model_name == _AUTO else [model_name]
    fits = futures + (_AUTO_FOLDS if model_name == _AUTO else 0)
    slow = [by_label[name] for name in names if name in by_label]
    each = sum(one.fit_ms * 1e-3 + max(one.point_us * 1e-6, _SLOWER_S.get(one.label, 0.0)) * points for one in slow)
    return fits * (each + _SERIES_S + _POINT_S * points)


class Futures:
    """A series with features, to be forecast behind its end, whatever its request says of refit.

    `chosen` says for Auto which models it had chosen for the series, so that it need not look for them anew.
    RejectedInputError where a series cannot be forecast.
    """

    def __init__(self, request: SeriesRequest, chosen: str | None = None) -> None:
        assert request.covariates is not None  # who asks has features
        spec = model_spec(request.model_name)
        history = with_zeros(np.asarray(request.target, dtype=np.float64)[np.newaxis], request.options.fill)
        _check(history)
        self._again = chosen if spec.name == _AUTO else None
        self.model = spec.load()
        self.batch = SeriesBatch(
            history=history,
            horizon=request.prediction_length,
            config=spec.resolve(request.config),
            season_length=request.season_length,
            seeds=np.array([request.seed], dtype=np.uint64),
            covariates=request.covariates[np.newaxis],
            step_ms=request.step_ms,
            allow_negative=request.allow_negative,
            freq=request.freq,
            options=request.options,
        )
        self.past = request.covariates[: -request.prediction_length].T
        """The features [F, T] in the history."""
        self.features = request.covariates[-request.prediction_length :].T
        """The features [F, steps] as they are known of the steps to come."""

    def forecasts(self, futures: Sequence[FloatArray]) -> list[Forecasts]:
        """One for each future, features [F, steps]."""
        others = [np.concatenate([self.past, future], axis=1).T[np.newaxis] for future in futures]
        seen = without_gaps(self.batch)
        if self._again is not None:
            return auto.forecast_again(seen, [self._again], others)[1:]
        return [self.model(replace(seen, covariates=other)) for other in others]


def _check(history: FloatArray) -> None:
    if np.isnan(history).all():
        raise RejectedInputError("target", NOTHING_OBSERVED)
    if np.isinf(history).any():
        raise RejectedInputError("target", INFINITE)
