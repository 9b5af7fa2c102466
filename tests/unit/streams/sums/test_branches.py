"""Which series a sum has, and which of their results counts."""

from collections.abc import Sequence

import pytest

from streams.errors import InvalidError
from streams.sums.branches import branches_of
from streams.sums.results import counting
from tests.unit.streams.sums.samples import DAY, result, split_of

_SPLIT = split_of(*[(1.0, 2.0)] * 4)
_EACH = {"Region=N/Shop=a": [0], "Region=S/Shop=b": [1], "Region=N/Shop=c": [2], "Region=S/Shop=d": [3]}


@pytest.mark.parametrize(
    ("by", "tree", "expected"),
    [
        ((), False, {"all": [0, 1, 2, 3]}),
        (("Region",), False, {"Region=N": [0, 2], "Region=S": [1, 3]}),
        (("Shop", "Region"), False, _EACH),
        (
            ("Shop",),
            True,
            {"all": [0, 1, 2, 3], "Shop=a": [0], "Shop=b": [1], "Shop=c": [2], "Shop=d": [3]} | _EACH,
        ),
    ],
)
def test_series_are_put_together(by: Sequence[str], tree: bool, expected: dict[str, list[int]]) -> None:
    """By the columns that are asked for, or level by level down to the series."""
    assert {branch.key: list(branch.places) for branch in branches_of(_SPLIT, by, tree=tree)} == expected


@pytest.mark.parametrize(("by", "told"), [(("Town",), "grouped by Region, Shop"), (("Shop", "Shop"), "twice")])
def test_columns_that_there_are_not(by: Sequence[str], told: str) -> None:
    """With those that there are."""
    with pytest.raises(InvalidError, match=told):
        branches_of(_SPLIT, by, tree=False)


def test_the_best_of_the_newest_results_counts() -> None:
    """A model that was left behind when the series grew says nothing of what is to come."""
    old = result(0, 5, 1, model_name="Theta", mase_insample=0.1)
    worse, better = (result(0, 6, 1, model_name=name, mase_insample=score) for name, score in (("SES", 2), ("ETS", 1)))

    assert counting([old, worse, better], None) is better
    assert counting([old, worse, better], "Theta") is old
    assert counting([worse, result(0, 6, 1, model_name="ETS", error="no")], None) is worse


def test_why_a_series_has_no_result() -> None:
    """The latest answer of a model counts, also where it is an error."""
    failed = result(0, 6, model_name="SES", error="too long", timestamps=[DAY])

    assert counting([], None) == "it has no forecast"
    assert counting([result(0, 6, 1)], "ETS") == "it has no forecast by ETS"
    assert counting([result(0, 6, 1), failed], "SES") == "it failed: too long"
