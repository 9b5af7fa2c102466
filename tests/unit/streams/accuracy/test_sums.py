"""Errors summed up."""

import numpy as np
import pytest

from streams.accuracy.judging import Judged
from streams.accuracy.sums import Errors


def _one(actual: list[float], scale: float, inside: dict[str, list[bool]]) -> Judged:
    values = np.array(actual)
    steps = np.arange(1, len(actual) + 1)
    flags = {level: np.array(those) for level, those in inside.items()}
    return Judged(1, 0, "M", 0.5, scale, steps, steps, values, np.zeros(len(actual)), flags, {}, (1,) * len(actual))


def test_groups_are_summed_by_themselves() -> None:
    """Known answers; a forecast without a scale counts in all but mase, one without a level in all but that."""
    errors = Errors([_one([3.0, -4.0], 2.0, {"80": [True, False]}), _one([1.0], float("nan"), {})])

    whole, empty = errors.summed(np.zeros(3, dtype=np.int64), 2)
    assert whole["judged"] == 3
    assert whole["mae"] == pytest.approx(8 / 3)
    assert whole["rmse"] == pytest.approx((26 / 3) ** 0.5)
    assert whole["bias"] == pytest.approx(0)
    assert whole["mase"] == pytest.approx(7 / 4)
    assert whole["coverage"] == {"80": {"judged": 2, "inside": 0.5}}
    assert empty == {"judged": 0, "mae": None, "rmse": None, "bias": None, "mase": None, "coverage": {}}
    first, second = errors.summed(errors.steps - 1, 2)
    assert (first["judged"], first["mae"], second["mae"]) == (2, 2.0, 4.0)


def test_nothing_is_no_error() -> None:
    """Of no forecast at all."""
    assert Errors([]).summed(np.empty(0, dtype=np.int64), 0) == []
