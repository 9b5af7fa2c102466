"""The names of the 32 scores. Imports nothing heavy: they are checked in every process."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from models.errors import RejectedInputError

__all__ = [
    "ALIASES",
    "BEST_AT_ZERO",
    "IN_SAMPLE",
    "LARGER_IS_BETTER",
    "METRICS",
    "UnknownMetricError",
    "loss_of",
    "metric_names",
]

METRICS: Final = (
    "mse", "rmse", "nrmse", "me", "mae", "mad", "gmae", "mdae", "mpe", "mape", "mdape", "smape", "smdape", "maape",
    "mase", "std_ae", "std_ape", "rmspe", "rmdspe", "rmsse", "inrse", "rrse", "mre", "rae", "mrae", "mdrae", "gmrae",
    "mbrae", "umbrae", "mda", "bias", "r2",
)  # fmt: skip
"""The 32 names in the contract's order (J-110)."""

IN_SAMPLE: Final = "mase_insample"
"""Beside the contract's `mase`, which divides by the steps within the hold-out: this one by those before it."""

LARGER_IS_BETTER: Final = ("r2", "mda")
BEST_AT_ZERO: Final = ("me", "mpe", "bias", "mre")

ALIASES: Mapping[str, str] = MappingProxyType({"r2_score": "r2"})
"""Names accepted on input only (J-111)."""


class UnknownMetricError(RejectedInputError):
    """A metric's name is not among `METRICS` or `ALIASES`."""


def loss_of(metric: str, score: float) -> float:
    """What is the smaller the better a score is (J-087)."""
    if metric in LARGER_IS_BETTER:
        return -score
    return abs(score) if metric in BEST_AT_ZERO else score


def metric_names(asked: Iterable[str]) -> tuple[str, ...]:
    """Return the contract's names for those asked for: aliases replaced, repeats dropped, order kept."""
    names = dict.fromkeys(ALIASES.get(name, name) for name in asked)
    for name in names:
        if name not in METRICS:
            raise UnknownMetricError("eval_metrics", f"there is no metric {name!r}; choose from: {', '.join(METRICS)}")
    return tuple(names)
