"""Errors of many judged values summed up by any division of them: one pass, however many groups there are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.accuracy.judging import Judged

__all__ = ["Errors"]

Codes = NDArray[np.int64]


class Errors:
    """All values that came of some forecasts, side by side, forecast after forecast."""

    def __init__(self, found: Sequence[Judged]) -> None:
        counts = [len(one.steps) for one in found]
        self.of = np.repeat(np.arange(len(found)), counts)
        """The forecast of each value."""
        self.steps = _joined([one.steps for one in found], np.int64)
        self._errors = _joined([one.errors for one in found], np.float64)
        scales = np.array([one.scale for one in found], dtype=np.float64)
        self._scaled = np.abs(self._errors) / scales[self.of]
        levels = sorted({level for one in found for level in one.inside}, key=float)
        self._inside = {level: _joined([_flags(one, level) for one in found], np.int8) for level in levels}

    def summed(self, codes: Codes, groups: int) -> list[dict[str, Any]]:
        """Of each group, in order: how many values, mean errors, and which share lay in each interval."""
        counts = np.bincount(codes, minlength=groups)
        has_scale = ~np.isnan(self._scaled)
        columns = {
            "mae": self._mean(codes, np.abs(self._errors), counts),
            "rmse": self._mean(codes, self._errors * self._errors, counts),
            "bias": self._mean(codes, self._errors, counts),
            "mase": self._mean(
                codes[has_scale], self._scaled[has_scale], np.bincount(codes[has_scale], minlength=groups)
            ),
        }
        columns["rmse"] = [None if mean is None else mean**0.5 for mean in columns["rmse"]]
        made: list[dict[str, Any]] = [{"judged": count} for count in counts.tolist()]
        for name, values in columns.items():
            for one, value in zip(made, values, strict=True):
                one[name] = value
        for one in made:
            one["coverage"] = {}
        for level, flags in self._inside.items():
            known = flags >= 0
            of_level = np.bincount(codes[known], minlength=groups)
            shares = self._mean(codes[known], flags[known].astype(np.float64), of_level)
            for one, count, share in zip(made, of_level.tolist(), shares, strict=True):
                if count:
                    one["coverage"][level] = {"judged": count, "inside": share}
        return made

    def _mean(self, codes: Codes, values: NDArray[np.float64], counts: Codes) -> list[float | None]:
        sums = np.bincount(codes, weights=values, minlength=len(counts)).tolist()
        return [total / count if count else None for total, count in zip(sums, counts.tolist(), strict=True)]


def _joined(parts: Sequence[NDArray[Any]], kind: Any) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.empty(0, kind)


def _flags(one: Judged, level: str) -> NDArray[np.int8]:
    """1 inside, 0 outside, -1 where the forecast has no such interval."""
    inside = one.inside.get(level)
    return np.full(len(one.steps), -1, np.int8) if inside is None else inside.astype(np.int8)
