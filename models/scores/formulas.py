"""The 32 formulas of contract 000 (J-110, J-114) with decision 2: nothing is added to a denominator.

Each function takes a `Comparison` of N series and returns [N]; NaN means that the metric is undefined there. Symbols:
a actual, p predicted, e = a - p, n points, ā the mean of a, dₜ = aₜ - aₜ₋₁, rₜ = eₜ / dₜ for t ≥ 2. All formulas are
those of J-114 unless the line says otherwise.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from models.arrays.columns import FloatArray, column_means, column_sums
from models.scores.comparison import Comparison, geometric_means, middle_pair, ratio, sample_deviations

__all__ = ["FORMULAS"]


def _mse(c: Comparison) -> FloatArray:
    """Mean e²."""
    return c.mean_square


def _rmse(c: Comparison) -> FloatArray:
    """√mse, in full double precision (J-113)."""
    return np.sqrt(c.mean_square)


def _nrmse(c: Comparison) -> FloatArray:
    """Scaled rmse: rmse / (max a - min a)."""
    return ratio(_rmse(c), c.spread)


def _me(c: Comparison) -> FloatArray:
    """Mean e; also called bias (decision 2)."""
    return column_means(c.error)


def _mae(c: Comparison) -> FloatArray:
    """Mean |e|; also called mad (decision 2)."""
    return c.mean_size


def _gmae(c: Comparison) -> FloatArray:
    """Geometric mean of |e|; 0 where one error is 0 (decision 2)."""
    return geometric_means(c.error_size)


def _mdae(c: Comparison) -> FloatArray:
    """Median |e|."""
    return _middle(middle_pair(c.error_size))


def _mpe(c: Comparison) -> FloatArray:
    """Mean e/a."""
    return column_means(c.share)


def _mape(c: Comparison) -> FloatArray:
    """Mean |e/a|."""
    return column_means(c.share_size)


def _mdape(c: Comparison) -> FloatArray:
    """Median |e/a|."""
    return _middle(c.middle_share_sizes)


def _smape(c: Comparison) -> FloatArray:
    """Mean 2|e| / (|a| + |p|)."""
    return column_means(c.symmetric_share)


def _smdape(c: Comparison) -> FloatArray:
    """Median 2|e| / (|a| + |p|)."""
    return _middle(middle_pair(c.symmetric_share))


def _maape(c: Comparison) -> FloatArray:
    """Mean arctan|e/a|; undefined where an actual is 0, like every share (decision 2)."""
    return column_means(np.arctan(c.share_size))


def _mase(c: Comparison) -> FloatArray:
    """Scaled mae: mae / mean |d|."""
    return ratio(c.mean_size, c.mean_step_size)


def _std_ae(c: Comparison) -> FloatArray:
    """Take the standard deviation of |e|, divisor n - 1 (J-116, by name)."""
    return sample_deviations(c.error_size)


def _std_ape(c: Comparison) -> FloatArray:
    """Take the standard deviation of |e/a|, divisor n - 1 (J-116, by name)."""
    return sample_deviations(c.share_size)


def _rmspe(c: Comparison) -> FloatArray:
    """√mean (e/a)²."""
    return np.sqrt(column_means(c.share * c.share))


def _rmdspe(c: Comparison) -> FloatArray:
    """√median (e/a)²."""
    lower, upper = c.middle_share_sizes
    return np.sqrt(_middle((lower * lower, upper * upper)))


def _rmsse(c: Comparison) -> FloatArray:
    """√mean (|e| / mean |d|)²; scaled by an absolute error, so not the RMSSE of the M5 competition."""
    return np.sqrt(column_means(c.scaled_size * c.scaled_size))


def _rrse(c: Comparison) -> FloatArray:
    """√(Σe² / Σ(a - ā)²); also called inrse."""
    return np.sqrt(ratio(c.sum_of_squares, c.total_squares))


def _mre(c: Comparison) -> FloatArray:
    """Mean r."""
    return column_means(c.relative)


def _rae(c: Comparison) -> FloatArray:
    """Σ|e| / Σ|a - ā|."""
    return ratio(column_sums(c.error_size), column_sums(np.abs(c.deviation)))


def _mrae(c: Comparison) -> FloatArray:
    """Mean |r|."""
    return column_means(c.relative_size)


def _mdrae(c: Comparison) -> FloatArray:
    """Median |r|."""
    return _middle(middle_pair(c.relative_size))


def _gmrae(c: Comparison) -> FloatArray:
    """Geometric mean of |r|; 0 where one error is 0 (decision 2)."""
    return geometric_means(c.relative_size)


def _mbrae(c: Comparison) -> FloatArray:
    """Mean of |e| / (|e| + |d|), t ≥ 2."""
    return c.mean_bounded


def _umbrae(c: Comparison) -> FloatArray:
    """Unscaled mbrae: mbrae / (1 - mbrae)."""
    return ratio(c.mean_bounded, 1 - c.mean_bounded)


def _mda(c: Comparison) -> FloatArray:
    """Share of t ≥ 2 where a and p move the same way: sign(aₜ - aₜ₋₁) = sign(pₜ - pₜ₋₁)."""
    moves = np.sign(c.predicted[1:] - c.predicted[:-1])
    return column_means((np.sign(c.step) == moves).astype(np.float64))


def _r2(c: Comparison) -> FloatArray:
    """1 - Σe² / Σ(a - ā)²."""
    return 1 - ratio(c.sum_of_squares, c.total_squares)


def _middle(pair: tuple[FloatArray, FloatArray]) -> FloatArray:
    """Take the median from the two middle values."""
    lower, upper = pair
    return (lower + upper) / 2


FORMULAS: Mapping[str, Callable[[Comparison], FloatArray]] = MappingProxyType(
    {
        "mse": _mse,
        "rmse": _rmse,
        "nrmse": _nrmse,
        "me": _me,
        "mae": _mae,
        "mad": _mae,
        "gmae": _gmae,
        "mdae": _mdae,
        "mpe": _mpe,
        "mape": _mape,
        "mdape": _mdape,
        "smape": _smape,
        "smdape": _smdape,
        "maape": _maape,
        "mase": _mase,
        "std_ae": _std_ae,
        "std_ape": _std_ape,
        "rmspe": _rmspe,
        "rmdspe": _rmdspe,
        "rmsse": _rmsse,
        "inrse": _rrse,
        "rrse": _rrse,
        "mre": _mre,
        "rae": _rae,
        "mrae": _mrae,
        "mdrae": _mdrae,
        "gmrae": _gmrae,
        "mbrae": _mbrae,
        "umbrae": _umbrae,
        "mda": _mda,
        "bias": _me,
        "r2": _r2,
    }
)
"""Formula by metric name, in the contract's order (J-110)."""
