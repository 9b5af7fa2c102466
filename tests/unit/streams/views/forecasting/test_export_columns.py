"""Columns of an export: those of groups have names of their own, whatever the file calls them."""

from types import SimpleNamespace
from typing import Any

import pytest

from streams.views.forecasting.export import _columns


@pytest.mark.parametrize(
    ("groups", "names"),
    [
        (["Origin", "Carrier"], ["Origin", "Carrier"]),
        (["value"], ["value_group"]),
        (["value", "value_group"], ["value_group_group", "value_group"]),
        (["value_group", "value", "n"], ["value_group", "value_group_group", "n_group"]),
    ],
)
def test_a_group_that_is_called_as_a_column_gets_another_name(groups: list[str], names: list[str]) -> None:
    """Of two groups with one name the second was lost."""
    source: Any = SimpleNamespace(job=SimpleNamespace(ts_ids=()), split=SimpleNamespace(groupby_key=groups))
    labels, columns = _columns(source)

    assert labels == names
    assert list(columns)[: len(names)] == names
    assert {"ts_id", "n", "value", "error"} <= columns.keys()
