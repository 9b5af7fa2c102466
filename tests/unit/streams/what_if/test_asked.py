"""Changes as they are asked for, and the steps of a series that they are about."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest

from connectors.datasets.splits import Column
from models.errors import RejectedInputError
from streams.errors import InvalidError
from streams.what_if.asked import HOLIDAYS, AskedChange, FeatureChange, checked_changes, on_steps
from tests.unit.streams.sums.samples import split_of

_SPLIT: Final = replace(split_of([1.0, 2.0]), features=(Column(3, "price"), Column(4, "2024"), Column(7, "rain")))
_PRICE: Final = _SPLIT.features[0]
_DAYS: Final = np.arange("2024-03-01", "2024-03-06", dtype="M8[D]").astype("M8[us]").astype(np.int64)
_HOURS: Final = np.arange("2024-03-01T22", "2024-03-02T04", dtype="M8[h]").astype("M8[us]").astype(np.int64)


def _steps(shown: Any = _DAYS, **fields: Any) -> tuple[int, int]:
    """First and last step of a change."""
    [found] = on_steps([AskedChange("price", "add", (1.0,), **fields)], [_PRICE], [3], {}, shown)
    return found.first, found.last


@pytest.mark.parametrize(
    ("feature", "found"), [("price", 3), (3, 3), ("3", 3), ("2024", 4), ("rain", 7), (HOLIDAYS, HOLIDAYS)]
)
def test_a_feature_is_named_by_label_or_index(feature: Any, found: Any) -> None:
    """A label of digits is a label first."""
    [about] = checked_changes(_SPLIT, [AskedChange(feature, "add", (1.0,))])

    assert (about if isinstance(about, str) else about.index) == found


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            AskedChange("prise", "add", (1.0,)),
            r"changes, 1, feature: .*did you mean 'price'\?.*3 price, 4 2024, 7 rain",
        ),
        (AskedChange(5, "add", (1.0,)), "'5' is no column"),
        (AskedChange("price", "add", (1.0,), begin="soon"), "changes, 1, from: is 'soon'"),
        (AskedChange("price", "add", (1.0,), end="2024-03-01T00:00+01:00"), "changes, 1, to: .*without an offset"),
        (AskedChange("price", "add", (1.0,), groups={"town": "x"}), "changes, 1, groups: 'town' is no group column"),
    ],
)
def test_what_no_series_can_have_is_refused(change: AskedChange, says: str) -> None:
    """With what there is."""
    with pytest.raises(InvalidError, match=says):
        checked_changes(_SPLIT, [change])


@pytest.mark.parametrize(
    ("fields", "steps"),
    [
        ({}, (1, 5)),
        ({"begin": 2, "end": 2}, (2, 2)),
        ({"begin": "2024-03-02"}, (2, 5)),
        ({"end": "2024-03-02"}, (1, 2)),
        ({"begin": "2023-01-01", "end": "2025-01-01"}, (1, 5)),
        ({"begin": "2024-03-02 00:00:01"}, (3, 5)),
        ({"shown": _HOURS, "end": "2024-03-01"}, (1, 2)),
        ({"shown": _HOURS, "begin": "2024-03-02", "end": "2024-03-02 01:30"}, (3, 4)),
    ],
)
def test_moments_are_steps_or_times(fields: dict[str, Any], steps: tuple[int, int]) -> None:
    """Both ends count; a date is its whole day."""
    assert _steps(**fields) == steps


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"begin": 6}, "changes, 1, from: is step 6, and the forecast has 5"),
        ({"begin": 3, "end": 2}, "there is no step: the forecast has 5, from 2024-03-01 00:00:00 to 2024-03-05"),
        ({"begin": "2024-04-01"}, "there is no step"),
        ({"end": "2024-02-01"}, "there is no step"),
    ],
)
def test_moments_beyond_the_forecast_are_refused(fields: dict[str, Any], says: str) -> None:
    """With the steps that there are."""
    with pytest.raises(RejectedInputError) as refused:
        _steps(**fields)

    assert says in f"{refused.value.field}: {refused.value.message}"


def test_values_fit_their_steps() -> None:
    """One for all, or one for each."""
    each = AskedChange("price", "set", (1.0, 2.0), begin=4)
    assert on_steps([each], [_PRICE], [7, 3], {}, _DAYS) == [FeatureChange(1, "set", (1.0, 2.0), 4, 5)]
    with pytest.raises(RejectedInputError, match=r"has 2 values for 3 steps \(3 to 5\)"):
        on_steps([each._replace(begin=3)], [_PRICE], [3], {}, _DAYS)


def test_what_a_series_was_not_forecast_with_is_refused() -> None:
    """With the remedy."""
    with pytest.raises(RejectedInputError, match=r"column 3 \(price\) is not among .*\(7\).*feature_indexs"):
        on_steps([AskedChange("price", "add", (1.0,))], [_PRICE], [7], {}, _DAYS)
    with pytest.raises(RejectedInputError, match="train it with holidays"):
        on_steps([AskedChange(HOLIDAYS, "add", (1.0,))], [HOLIDAYS], [7], {}, _DAYS)


def test_a_change_of_groups_is_of_their_series_alone() -> None:
    """Others are not asked whether it fits them."""
    change = AskedChange("price", "set", (1.0,), groups={"shop": "a"})

    assert len(on_steps([change], [_PRICE], [3], {"shop": "a", "town": "x"}, _DAYS)) == 1
    assert on_steps([change], [_PRICE], [7], {"shop": "b"}, _DAYS) == []
