"""What the metrics share: errors, percentage errors, steps, and their sums, each computed once and only when needed."""

from functools import cached_property

import numpy as np

from models.arrays.columns import FloatArray, column_means, column_sums

__all__ = ["Comparison", "geometric_means", "middle_pair", "ratio", "sample_deviations"]


def ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divide; NaN wherever the denominator is exactly zero or overflowed (no epsilon: decision 2)."""
    defined = (denominator != 0) & np.isfinite(denominator)
    quotient: FloatArray = np.where(defined, numerator / denominator, np.nan)
    return quotient


def middle_pair(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the two middle values of each column of [k, N], twice the same if k is odd; NaN if any is NaN or k = 0."""
    points, series = values.shape
    if points == 0:
        return np.full(series, np.nan), np.full(series, np.nan)
    ordered = np.sort(np.ascontiguousarray(values.T), axis=1)  # the last axis is the fast one to sort along
    ordered[np.isnan(ordered[:, -1])] = np.nan  # NaN is sorted to the end
    return ordered[:, (points - 1) // 2], ordered[:, points // 2]


def geometric_means(sizes: FloatArray) -> FloatArray:
    """Take the geometric mean of each column of non-negative values; one zero makes it 0 (decision 2)."""
    means: FloatArray = np.exp(column_means(np.log(sizes)))
    return means


def sample_deviations(values: FloatArray) -> FloatArray:
    """Take the standard deviation of each column with divisor k - 1; NaN for fewer than two points."""
    points = values.shape[0]
    if points < 2:
        return np.full(values.shape[1], np.nan)
    offsets = values - column_means(values)
    deviations: FloatArray = np.sqrt(column_sums(offsets * offsets) / (points - 1))
    return deviations


class Comparison:
    """Actual and predicted values of N series at k points each, as [k, N] without gaps, k ≥ 1.

    Notation of the contract (J-114): a actual, p predicted, e = a - p; the naive forecast is the previous actual.
    Attributes are [k, N] per point, [k-1, N] from the second point on, or [N] per series. NaN means undefined.
    Use it inside `np.errstate(all="ignore")`.
    """

    def __init__(self, actual: FloatArray, predicted: FloatArray) -> None:
        """Keep both arrays; nothing is computed yet."""
        self.actual = actual
        self.predicted = predicted

    @cached_property
    def error(self) -> FloatArray:
        """Actual - predicted, so an over-forecast is negative (J-115)."""
        difference: FloatArray = self.actual - self.predicted
        return difference

    @cached_property
    def error_size(self) -> FloatArray:
        """|e|."""
        return np.abs(self.error)

    @cached_property
    def sum_of_squares(self) -> FloatArray:
        """Σe²."""
        return column_sums(self.error * self.error)

    @cached_property
    def mean_square(self) -> FloatArray:
        """Σe² / k."""
        mean: FloatArray = self.sum_of_squares / self.actual.shape[0]
        return mean

    @cached_property
    def mean_size(self) -> FloatArray:
        """Σ|e| / k."""
        return column_means(self.error_size)

    @cached_property
    def spread(self) -> FloatArray:
        """The largest a less the smallest a."""
        difference: FloatArray = self.actual.max(axis=0) - self.actual.min(axis=0)
        return difference

    @cached_property
    def deviation(self) -> FloatArray:
        """Actual less its mean: exactly zero for a constant series (whose rounded mean may differ from its value)."""
        return np.where(self.spread == 0, 0.0, self.actual - column_means(self.actual))

    @cached_property
    def total_squares(self) -> FloatArray:
        """Σ(a - ā)²."""
        return column_sums(self.deviation * self.deviation)

    @cached_property
    def step(self) -> FloatArray:
        """Actual less the previous actual, from the second point on: the naive forecast's error."""
        difference: FloatArray = self.actual[1:] - self.actual[:-1]
        return difference

    @cached_property
    def mean_step_size(self) -> FloatArray:
        """The naive forecast's mean absolute error."""
        return column_means(np.abs(self.step))

    @cached_property
    def share(self) -> FloatArray:
        """Error by actual, e / a, as a fraction and not times 100 (J-115)."""
        return ratio(self.error, self.actual)

    @cached_property
    def share_size(self) -> FloatArray:
        """|e / a|."""
        return np.abs(self.share)

    @cached_property
    def middle_share_sizes(self) -> tuple[FloatArray, FloatArray]:
        """The two middle values of |e / a|."""
        return middle_pair(self.share_size)

    @cached_property
    def symmetric_share(self) -> FloatArray:
        """2|e| / (|a| + |p|)."""
        return 2 * ratio(self.error_size, np.abs(self.actual) + np.abs(self.predicted))

    @cached_property
    def scaled_size(self) -> FloatArray:
        """|e| / the naive forecast's mean absolute error."""
        return ratio(self.error_size, self.mean_step_size)

    @cached_property
    def relative(self) -> FloatArray:
        """Error by step, r = e / step, from the second point on."""
        return ratio(self.error[1:], self.step)

    @cached_property
    def relative_size(self) -> FloatArray:
        """|r|."""
        return np.abs(self.relative)

    @cached_property
    def mean_bounded(self) -> FloatArray:
        """Mean of |e| / (|e| + |step|), from the second point on."""
        size = self.error_size[1:]
        return column_means(ratio(size, size + np.abs(self.step)))
