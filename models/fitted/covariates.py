"""Features beside a series: gaps closed, and the steps that nobody has told filled in by one rule."""

from collections.abc import Sequence

import numpy as np

from models.arrays.columns import FloatArray
from models.errors import RejectedInputError

__all__ = ["with_future"]


def with_future(
    features: Sequence[Sequence[float]], *, length: int, prediction_length: int, season_length: int
) -> FloatArray:
    """Arrange features for a series of `length` values: [length + prediction_length, F].

    Each has a value per value of the series, and may have up to `prediction_length` more, which are the future. Future
    steps that are missing repeat the value of one season before; without a season, the last one. A missing value in
    between is the one before it, at the beginning the first there is; a feature without any value is 0.
    """
    columns = np.empty((length + prediction_length, len(features)))
    for place, given in enumerate(features):
        values = np.asarray(given, dtype=np.float64)
        if not length <= len(values) <= length + prediction_length:
            raise RejectedInputError(
                "feat_dynamic_real",
                f"feature {place + 1} has {len(values)} values, expected {length} (one per value of the series) to "
                f"{length + prediction_length} (with the future)",
            )
        columns[:, place] = _extended(_without_gaps(values), length + prediction_length, season_length)
    return columns


def _without_gaps(values: FloatArray) -> FloatArray:
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return np.zeros(len(values))
    latest = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), known[0]))
    return values[latest]


def _extended(values: FloatArray, total: int, season_length: int) -> FloatArray:
    missing = total - len(values)
    season = values[-season_length:]  # shorter histories repeat what they have
    if not missing:
        return values
    return np.concatenate([values, np.resize(season, missing)])
