"""What the network reads at each step besides the lags and the embeddings, and the scale of a series."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.deepar.frequency import Frequency
from models.deepar.series import Series

__all__ = ["SMALLEST_SCALE", "embedding_dimensions", "input_size", "known_inputs", "scale_of"]

SMALLEST_SCALE: Final = 1e-10
"""As in GluonTS: a history of zeros must not be divided by. A mean absolute value must be larger to be a scale."""


def known_inputs(frequency: Frequency, series: Series, first: int, count: int) -> NDArray[np.float32]:
    """Calendar features, age and dynamic features of `count` steps from step `first` of the series: [count, features].

    Steps before the series begins (`first` may be negative) have the age 0 and features of 0.
    """
    begin = int(frequency.count(series.start)) + first * frequency.step
    calendar = _calendar(frequency, begin, count)
    steps = np.arange(first, first + count, dtype=np.float32)
    age = np.log10(2.0 + np.maximum(steps, 0.0), dtype=np.float32)[:, np.newaxis]
    parts = [calendar, age]
    if series.feat is not None and len(series.feat):
        features = np.zeros((count, len(series.feat)), np.float32)
        inside = min(max(-first, 0), count)
        features[inside:] = series.feat[:, first + inside : first + count].T
        parts.append(features)
    return np.concatenate(parts, axis=1)


@lru_cache(maxsize=1024)
def _calendar(frequency: Frequency, begin: int, count: int) -> NDArray[np.float32]:
    """Remembered, because most series of a request end at the same time; it takes as long as all the rest."""
    features = frequency.calendar(frequency.at(begin + np.arange(count) * frequency.step))
    features.setflags(write=False)
    return features


def scale_of(context: NDArray[np.float32], history: NDArray[np.float32], *, default: float, scaled: bool) -> float:
    """What a window's values are divided by: the mean absolute value of those observed in its context.

    Where the context has none but zeros, that of the whole `history` before the forecast; then `default`. Without
    `scaled` (values between 0 and 1) it is 1. DeepAR, section 3.3; the 1 that is added there matters for counts only.
    """
    if not scaled:
        return 1.0
    for values in (context, history):
        observed = np.abs(values[~np.isnan(values)], dtype=np.float64)
        mean = float(observed.mean()) if observed.size else 0.0
        if mean > SMALLEST_SCALE:
            return mean
    return default


def embedding_dimensions(cardinality: Sequence[int], most: int) -> tuple[int, ...]:
    """Length of the vector that stands for each category: half its values, at most `most`."""
    return tuple(min(most, (values + 1) // 2) for values in cardinality)


def input_size(frequency: Frequency, *, num_dynamic_feat: int, embeddings: Sequence[int]) -> int:
    """How many numbers the network reads at a step."""
    return len(frequency.lags()) + frequency.num_calendar + 1 + num_dynamic_feat + sum(embeddings) + 1
