"""What each feature adds to a forecast in the steps to come, so that all of them add up to it.

A feature that counts has the values that are known of it; one that does not has its mean over the history in every
step. What is left where none counts is what the series itself says: its level, trend and season.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays.columns import FloatArray
from models.batch import SeriesRequest
from models.errors import RejectedInputError
from models.questions.futures import Futures, fit_s
from models.questions.shapley import asked_at_most, shapley

__all__ = ["Explained", "explain", "explaining_s"]

_NOT_ADDITIVE = ("LightGBM",)  # what a feature adds depends on the others, in trees


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """`rest` [steps] and what each feature adds, `added` [F, steps], are together the forecast.

    It is what the model says, before that is rounded or bounded. `features` [F, steps] are the values that count,
    `usual` [F] their means over the history.
    """

    rest: FloatArray
    added: FloatArray
    features: FloatArray
    usual: FloatArray
    answered_by: str | None
    note: str


def explaining_s(model_name: str, points: int, chosen: str | None, features: int) -> float:
    """Seconds of a core that a series takes, to within a small factor."""
    trees = any(name in (model_name, *(chosen or "").split(" + ")) for name in _NOT_ADDITIVE)
    return fit_s(model_name, points, chosen, asked_at_most(features) if trees else features + 2)


def explain(request: SeriesRequest, chosen: str | None = None) -> Explained:
    """What the features add to the forecast behind the series' end, by their Shapley values (`shapley`).

    `chosen` is as `Futures` has it. RejectedInputError where a series cannot be forecast.
    """
    futures = Futures(request, chosen)
    usual = _means(futures.past)[:, np.newaxis]
    answered_by, note = None, ""

    def outcomes(groups: Sequence[NDArray[np.bool_]]) -> list[FloatArray]:
        nonlocal answered_by, note
        made = futures.forecasts([np.where(group[:, np.newaxis], futures.features, usual) for group in groups])
        for group, forecast in zip(groups, made, strict=True):
            if not np.isfinite(forecast.mean).all():
                raise RejectedInputError("features", f"{request.model_name} gives no finite forecast without them")
            if group.all():
                answered_by = forecast.answered_by[0] if forecast.answered_by else None
                note = forecast.notes[0] if forecast.notes else ""
        return [forecast.mean[0] for forecast in made]

    rest, added = shapley(outcomes, len(futures.features))
    return Explained(rest, added, futures.features, usual[:, 0], answered_by, note)


def _means(past: FloatArray) -> FloatArray:
    """Of each feature's known values; zero where there is none."""
    known = np.isfinite(past)
    means: FloatArray = np.where(known, past, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return means
