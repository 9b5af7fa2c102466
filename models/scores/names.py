"""The names of the 32 scores. Imports nothing heavy: they are checked in every process."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from models.errors import RejectedInputError

__all__ = ["ALIASES", "METRICS", "UnknownMetricError", "metric_names"]

METRICS: Final = (
    "mse", "rmse", "nrmse", "me", "mae", "mad", "gmae", "mdae", "mpe", "mape", "mdape", "smape", "smdape", "maape",
    "mase", "std_ae", "std_ape", "rmspe", "rmdspe", "rmsse", "inrse", "rrse", "mre", "rae", "mrae", "mdrae", "gmrae",
    "mbrae", "umbrae", "mda", "bias", "r2",
)  # fmt: skip
"""The 32 names in the contract's order (J-110)."""

ALIASES: Mapping[str, str] = MappingProxyType({"r2_score": "r2"})
"""Names accepted on input only (J-111)."""


class UnknownMetricError(RejectedInputError):
    """A metric's name is not among `METRICS` or `ALIASES`."""


def metric_names(asked: Iterable[str]) -> tuple[str, ...]:
    """Return the contract's names for those asked for: aliases replaced, repeats dropped, order kept."""
    names = dict.fromkeys(ALIASES.get(name, name) for name in asked)
    for name in names:
        if name not in METRICS:
            raise UnknownMetricError("eval_metrics", f"there is no metric {name!r}; choose from: {', '.join(METRICS)}")
    return tuple(names)
