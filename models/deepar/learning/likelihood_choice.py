"""Which distribution suits the values of some series, where nobody says."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.deepar.series import Series

__all__ = ["likelihood_of"]

# A negative-binomial number varies at least as much as Poisson's, whose variance is its mean. Of Poisson series of a
# month one in twenty seems to vary by half of that, so that the median of several tells steadier ones for sure.
_STEADY: Final = 0.5
_TELLING: Final = 8  # differences; of fewer the variance is a guess


def likelihood_of(series: Sequence[Series], season_length: int) -> str:
    """Negative-binomial for counts, beta for values between 0 and 1, student-t for all else.

    Also for counts that are steadier than chance allows, such as departures by timetable: negative-binomial intervals
    would be far too wide for them.
    """
    observed = [one.target[~np.isnan(one.target)] for one in series]
    if all((values >= 0).all() and (values == np.rint(values)).all() for values in observed):
        return "student-t" if _are_steady(series, season_length) else "negative-binomial"
    if all(((values > 0) & (values < 1)).all() for values in observed):
        return "beta"
    return "student-t"


def _are_steady(series: Sequence[Series], season_length: int) -> bool:
    """Whether at least half of the counts that can be judged vary clearly less than Poisson's do."""
    ratios = [ratio for one in series if (ratio := _dispersion(one, season_length)) is not None]
    return bool(ratios) and float(np.median(ratios)) < _STEADY


def _dispersion(series: Series, season_length: int) -> float | None:
    """The variance around the last value, or around that of a season ago if it is less, divided by the mean.

    Half of the mean square of differences is the variance of what cannot be told from the value before.
    """
    target = series.target.astype(np.float64)
    mean = float(np.nanmean(target)) if not np.isnan(target).all() else 0.0
    variances = []
    for lag in {1, season_length}:
        squares = (target[lag:] - target[:-lag]) ** 2
        squares = squares[~np.isnan(squares)]
        if len(squares) >= _TELLING:
            variances.append(float(squares.mean()) / 2)
    return min(variances) / mean if variances and mean > 0 else None
