"""Whether one of two forecasters is better: a test of Diebold and Mariano on the values that both were judged by.

F. X. Diebold, R. S. Mariano, "Comparing Predictive Accuracy", Journal of Business & Economic Statistics 13 (1995), with
the correction for few values of D. Harvey, S. Leybourne, P. Newbold, "Testing the equality of prediction mean squared
errors", International Journal of Forecasting 13 (1997), and Bartlett's weights for the variance, which keep it from
being negative (W. K. Newey, K. D. West, Econometrica 55 (1987)). One step ahead it is the t-test of pairs.
"""

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import Final, NamedTuple

import numpy as np

__all__ = ["FEWEST_TIMES", "SIGNIFICANT", "TEST", "Comparison", "Difference", "compare", "compared"]

TEST: Final = "Diebold-Mariano, of scaled absolute errors, two-sided, as Harvey, Leybourne and Newbold correct it"
FEWEST_TIMES: Final = 10
"""Times with fewer of which nothing is said; with forecasts of many steps it takes twice as many as these."""
SIGNIFICANT: Final = 0.05
"""Chance below which one is said to be better."""


class Difference(NamedTuple):
    """Of a value of a series: its time, how many steps ahead, and by how much the second's scaled error is larger."""

    ts_id: int
    time: int
    step: int
    more: float


class Comparison(NamedTuple):
    """How the second compares with the first at so many times: by how much its error is larger, and whether by chance.

    `statistic` and `p_value` are None where the times are fewer than `needed`.
    """

    times: int
    needed: int
    more: float | None
    statistic: float | None
    p_value: float | None

    @property
    def better(self) -> str | None:
        """The side with the smaller mean error, first or second; None where neither is."""
        return None if not self.more else "second" if self.more < 0 else "first"


def compared(differences: Iterable[Difference]) -> Comparison:
    """Compare all of them, series by series or together.

    Each value counts once, by the forecast of the fewest steps ahead. What several series say of one time is one mean:
    a storm that takes all of them is one event.
    """
    nearest: dict[tuple[int, int], Difference] = {}
    for one in differences:
        if one.more - one.more == 0:  # without a scale it cannot be compared
            known = nearest.get((one.ts_id, one.time))
            if known is None or one.step < known.step:
                nearest[one.ts_id, one.time] = one
    by_time: dict[int, list[float]] = {}
    for one in nearest.values():
        by_time.setdefault(one.time, []).append(one.more)
    steps = max((one.step for one in nearest.values()), default=1)
    return compare([sum(by_time[time]) / len(by_time[time]) for time in sorted(by_time)], steps)


def compare(differences: Sequence[float], steps: int) -> Comparison:
    """Compare by differences in the order of time, of forecasts that are so many steps ahead at most."""
    times, needed = len(differences), max(FEWEST_TIMES, 2 * steps)
    values = np.asarray(differences, dtype=np.float64)
    more = float(values.mean()) if times else None
    if more is None or times < needed:
        return Comparison(times, needed, more, None, None)
    centred = values - more
    variance = float(centred @ centred) / times
    for lag in range(1, steps):
        variance += 2 * (1 - lag / steps) * float(centred[lag:] @ centred[:-lag]) / times
    correction = (times + 1 - 2 * steps + steps * (steps - 1) / times) / times
    if variance <= 0 or correction <= 0:  # all alike
        return Comparison(times, needed, more, None, 0.0 if more else 1.0)
    statistic = sqrt(correction) * more / sqrt(variance / times)
    return Comparison(times, needed, more, statistic, _two_sided(statistic, times - 1))


def _two_sided(statistic: float, degrees: int) -> float:
    from scipy.special import stdtr  # noqa: PLC0415 - few ask, and it takes its time to load

    return float(2 * stdtr(degrees, -abs(statistic)))
