"""What can be asked of any model's forecast: how it is scored, which quantiles it has, and where its values may lie."""

from dataclasses import dataclass
from math import inf, isfinite
from typing import Final

from models.errors import RejectedInputError

__all__ = ["FILLS", "MOST_LEVELS", "MOST_WINDOWS", "PLAIN", "Options", "checked_options"]

FILLS: Final = ("none", "zero", "previous", "interpolate")
"""What stands in for an observation that is missing: nothing, zero, the value before, or the line between two."""

MOST_WINDOWS: Final = 20
MOST_LEVELS: Final = 25


@dataclass(frozen=True, slots=True)
class Options:
    """`windows`: in how many stretches at the end of a history a forecast is scored, where it is long enough.

    `levels`: the quantiles that are wanted, ascending; empty: those that the model has. `lower` and `upper`: between
    them every published value lies. `fill`: one of FILLS.
    """

    windows: int = 1
    levels: tuple[float, ...] = ()
    lower: float = -inf
    upper: float = inf
    fill: str = "none"


PLAIN: Final = Options()
"""Nothing is asked for."""


def checked_options(
    windows: int | None,
    levels: tuple[float, ...] | None,
    lower: float | None,
    upper: float | None,
    fill: str | None,
) -> Options:
    """The options of these; None is the default. RejectedInputError names what is wrong and what to send."""
    if windows is not None and not 1 <= windows <= MOST_WINDOWS:
        raise RejectedInputError("backtest_windows", f"is {windows}, expected 1 to {MOST_WINDOWS}")
    for name, bound in (("lower", lower), ("upper", upper)):
        if bound is not None and not isfinite(bound):
            raise RejectedInputError(name, "is not a finite number: leave it out where there is no bound")
    if lower is not None and upper is not None and lower > upper:
        raise RejectedInputError("lower", f"{lower:g} is above upper, {upper:g}")
    if fill is not None and fill not in FILLS:
        raise RejectedInputError("fill", f"{fill[:40]!r} is unknown; known are {', '.join(FILLS)}")
    return Options(
        windows=1 if windows is None else windows,
        levels=_checked_levels(levels or ()),
        lower=-inf if lower is None else lower,
        upper=inf if upper is None else upper,
        fill=fill or FILLS[0],
    )


def _checked_levels(levels: tuple[float, ...]) -> tuple[float, ...]:
    if len(levels) > MOST_LEVELS:
        raise RejectedInputError("levels", f"has {len(levels)} quantiles, at most {MOST_LEVELS} are computed")
    for level in levels:
        if 1 <= level < 100:
            edge = round((1 - level / 100) / 2, 6)
            raise RejectedInputError(
                "levels",
                f"{level:g} is no quantile, which lies between 0 and 1: for an interval of {level:g} % send "
                f"{edge:g} and {1 - edge:g}",
            )
        if not 0 < level < 1:
            raise RejectedInputError("levels", f"{level:g} is no quantile: send numbers between 0 and 1, such as 0.1")
    return tuple(sorted(set(levels)))
