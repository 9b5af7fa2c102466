"""Features beside a series: gaps closed, and the steps that nobody has told filled in by one rule."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.arrays.columns import FloatArray
from models.errors import RejectedInputError

__all__ = ["FUTURE_UNKNOWN", "has_unknown_future", "with_future"]

FUTURE_UNKNOWN: Final = (
    "nothing is known of the next steps of its features, so these repeat their last season: give them in rows after "
    "the last value, or as future_features"
)
"""What a user should know where a feature's future was filled in."""


def with_future(
    features: Sequence[Sequence[float]], *, length: int, prediction_length: int, season_length: int
) -> FloatArray:
    """Arrange features for a series of `length` values: [length + prediction_length, F].

    Each has a value per value of the series, and may have `prediction_length` more, which are the future. Where there
    are none it repeats its last season; without a season, the last value. A missing value of the past is the one before
    it, at the beginning the first there is; a feature without any value is 0. RejectedInputError where a part of the
    future is missing: that would be a guess in the place of what somebody knows.
    """
    columns = np.empty((length + prediction_length, len(features)))
    for place, given in enumerate(features):
        values = np.asarray(given, dtype=np.float64)
        if len(values) not in (length, length + prediction_length):
            raise RejectedInputError(
                "feat_dynamic_real",
                f"feature {place + 1} has {len(values)} values, expected {length} (one per value of the series) or "
                f"{length + prediction_length} (with those of all steps to be forecast)",
            )
        future = values[length:]
        if not np.isfinite(future).all():
            step = int(np.argmin(np.isfinite(future))) + 1
            raise RejectedInputError(
                "feat_dynamic_real",
                f"feature {place + 1} has no finite value for step {step} of the {prediction_length} to be forecast",
            )
        columns[:, place] = _extended(_without_gaps(values), length + prediction_length, season_length)
    return columns


def has_unknown_future(features: Sequence[Sequence[float]], length: int) -> bool:
    """Whether `with_future` fills in the future of any of them."""
    return any(len(values) == length for values in features)


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
