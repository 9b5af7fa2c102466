"""Scores over one or several hold-outs, and MASE by the scale of the history before them."""

import numpy as np
from numpy.typing import NDArray

from models.arrays.columns import FloatArray, Rows, column_sums
from models.scores.metrics import evaluate
from models.scores.names import IN_SAMPLE

__all__ = ["Windows", "in_sample_scale"]


class Windows:
    """Takes forecasts of hold-outs, and gives the mean score of each series over those that it had."""

    def __init__(self, series: int, held_out: int, names: tuple[str, ...]) -> None:
        self._names = names
        self._sums: dict[str, FloatArray] = {}
        self._held_out = held_out
        self._errors: list[FloatArray] = []
        self.counts = np.zeros(series, dtype=np.int64)

    def take(
        self, rows: Rows | NDArray[np.bool_], actual: FloatArray, predicted: FloatArray, scale: FloatArray
    ) -> None:
        """The forecast [n, h] of these rows, and what came; `scale` [n] is what MASE divides by."""
        contract = tuple(name for name in self._names if name != IN_SAMPLE)
        errors = actual - predicted
        found = evaluate(actual, predicted, contract)
        if IN_SAMPLE in self._names:
            with np.errstate(all="ignore"):
                found[IN_SAMPLE] = _mean_size(errors) / scale
        for name, values in found.items():
            sums = self._sums.setdefault(name, np.zeros(len(self.counts)))
            sums[rows] += values
        self.counts[rows] += 1
        whole = np.full((len(self.counts), self._held_out), np.nan)
        whole[rows] = errors
        self._errors.append(whole)

    @property
    def errors(self) -> FloatArray:
        """Actual less forecast of every window, side by side: [N, windows x h], NaN where there is none."""
        return np.concatenate([np.empty((len(self.counts), 0)), *self._errors], axis=1)

    def scores(self) -> dict[str, FloatArray]:
        """Each score [N]; NaN where a series had no window, or the score was undefined in one, or is too large."""
        nothing = np.zeros(len(self.counts))
        with np.errstate(all="ignore"):
            means = {name: self._sums.get(name, nothing) / self.counts for name in self._names}
        return {name: np.where(np.isfinite(mean), mean, np.nan) for name, mean in means.items()}


def in_sample_scale(history: FloatArray, season: int) -> FloatArray:
    """The mean absolute difference [N] of values one season apart in [N, L]; of neighbours where it is not that long.

    NaN where there is none, or where it is zero.
    """
    if history.shape[1] <= season:
        season = 1
    with np.errstate(all="ignore"):
        sizes = _mean_size(history[:, season:] - history[:, :-season])
        return np.where(sizes > 0, sizes, np.nan)


def _mean_size(differences: FloatArray) -> FloatArray:
    """Mean absolute value [N] of the observed ones of [N, n]; NaN where there is none."""
    sizes = np.abs(differences)
    if not sizes.shape[1]:
        return np.full(len(sizes), np.nan)
    sums = column_sums(sizes.T)
    if not np.isnan(sums).any():  # mostly: looking at each value for gaps would take as long again
        mean: FloatArray = sums / sizes.shape[1]
        return mean
    seen = ~np.isnan(sizes)
    with np.errstate(all="ignore"):
        means: FloatArray = column_sums(np.where(seen, sizes, 0.0).T) / np.count_nonzero(seen, axis=1)
        return means
