"""From what a model computes to what is published: whole numbers stay whole, and nothing falls below zero unasked.

Every forecast, quantile and backtest of a forecasting job passes here, so the models need not know of it.
"""

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from models.arrays.columns import FloatArray, Rows

__all__ = ["ValueKinds", "publishable", "value_kinds", "whole_numbers"]

_ALWAYS_WHOLE = 2.0**52  # from here on every double is whole, and scaling it by 10⁹ could overflow


@dataclass(frozen=True, slots=True, eq=False)
class ValueKinds:
    """Of N series: which are to be published as whole numbers, and which not below zero; two arrays [N].

    Between `lower` and `upper` all of them lie.
    """

    whole: NDArray[np.bool_]
    floored: NDArray[np.bool_]
    lower: float = -inf
    upper: float = inf

    def rows(self, rows: Rows | NDArray[np.bool_]) -> "ValueKinds":
        """Those of some series."""
        return ValueKinds(self.whole[rows], self.floored[rows], self.lower, self.upper)


def value_kinds(
    history: FloatArray, *, allow_negative: bool = False, lower: float = -inf, upper: float = inf
) -> ValueKinds:
    """The kinds of series [N, L], NaN where missing, judged by all observed values.

    Whole: those with whole, non-negative numbers alone (J-108). Floored: those without a negative one (decision 22),
    unless negative forecasts are allowed. `lower` and `upper` bound all values that are published.
    """
    with np.errstate(invalid="ignore"):
        whole_or_missing = (np.floor(history) == history) | np.isnan(history)
        non_negative: NDArray[np.bool_] = np.fmin.reduce(history, axis=1) >= 0
        whole: NDArray[np.bool_] = whole_or_missing.all(axis=1) & non_negative
    floored = np.zeros_like(non_negative) if allow_negative else non_negative
    return ValueKinds(whole, floored, lower, upper)


def publishable(forecast: FloatArray, kinds: ValueKinds) -> FloatArray:
    """The forecasts [N, horizon] rounded and lifted to zero where their series are of these kinds; NaN stays NaN.

    Last they are brought between the bounds, where there are any.
    """
    if kinds.whole.any():
        forecast = np.where(kinds.whole[:, np.newaxis], whole_numbers(forecast), forecast)
    if kinds.floored.any():
        # The conjunction is seldom needed: most forecasts are positive, and looking costs less than copying.
        below = (forecast <= 0) & kinds.floored[:, np.newaxis]
        if below.any():
            forecast = np.where(below, 0.0, forecast)
    if kinds.lower > -inf or kinds.upper < inf:
        forecast = np.clip(forecast, kinds.lower, kinds.upper)
    return forecast


def whole_numbers(values: FloatArray) -> FloatArray:
    """Round to whole numbers, halves to even.

    Nine decimals first (decision 3), so that 2.4999999999999996 counts as the 2.5 it was meant to be.
    """
    with np.errstate(all="ignore"):
        nine_decimals = np.where(np.abs(values) < _ALWAYS_WHOLE, np.round(values, 9), values)
        return np.add(np.round(nine_decimals), 0.0, dtype=np.float64)  # turns -0.0 into 0.0
