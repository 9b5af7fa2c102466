"""Changes as they are written on a command line or in a table."""

from pathlib import Path
from typing import Any

import pytest

from streams.cli.console.failure import CommandError
from streams.cli.what_if.changes import change_of, changes_in


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("price*0.9", {"feature": "price", "multiply": [0.9]}),
        ("price/4", {"feature": "price", "multiply": [0.25]}),
        ("price-10%", {"feature": "price", "multiply": [0.9]}),
        ("price + 5 %", {"feature": "price", "multiply": [1.05]}),
        ("price+5", {"feature": "price", "add": [5.0]}),
        ("price-5", {"feature": "price", "add": [-5.0]}),
        ("price=-5", {"feature": "price", "set": [-5.0]}),
        ("price=20, 20,0", {"feature": "price", "set": [20.0, 20.0, 0.0]}),
        ("mean-price*2", {"feature": "mean-price", "multiply": [2.0]}),
        ("3=1e2", {"feature": "3", "set": [100.0]}),
        ("price-10%@3..7", {"feature": "price", "multiply": [0.9], "from": "3", "to": "7"}),
        ("price=1@2024-03-01..", {"feature": "price", "set": [1.0], "from": "2024-03-01"}),
        ("price=1@..7", {"feature": "price", "set": [1.0], "to": "7"}),
    ],
)
def test_what_a_text_says(text: str, change: dict[str, Any]) -> None:
    """Short, and without a word for the shell."""
    assert change_of(text) == {
        **change,
        **({"multiply": pytest.approx(change["multiply"])} if "multiply" in change else {}),
    }


def test_ends_for_all_are_of_those_without() -> None:
    """A change that has its own keeps it."""
    assert change_of("price=1", "2", "3") == {"feature": "price", "set": [1.0], "from": "2", "to": "3"}
    assert change_of("price=1@4..", "2", "3") == {"feature": "price", "set": [1.0], "from": "4"}


@pytest.mark.parametrize("text", ["price", "price*", "*2", "price*two", "price/0", "price=10%", "price=1@3"])
def test_what_is_no_change_is_refused(text: str) -> None:
    """With an example, as a wrong command line."""
    with pytest.raises(CommandError, match=r"--change .*price") as refused:
        change_of(text)

    assert refused.value.status == 2


def _table(folder: Path, *lines: str) -> list[dict[str, Any]]:
    path = folder / "planned.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return changes_in(path, ["price", "rain"], ["shop"])


def test_a_table_by_time_and_group(tmp_path: Path) -> None:
    """A change for each run of values; empty cells, and a column without any, say nothing."""
    found = _table(
        tmp_path,
        "shop,day,sold,price,rain",
        "a,2024-03-01,,5,",
        "a,2024-03-02,,6,",
        "b,2024-03-01,,7,1",
        "b,2024-03-02,,,0",
    )

    assert found == [
        {"feature": "price", "set": [5.0, 6.0], "from": "2024-03-01", "to": "2024-03-02", "groups": {"shop": "a"}},
        {"feature": "price", "set": [7.0], "from": "2024-03-01", "to": "2024-03-01", "groups": {"shop": "b"}},
        {"feature": "rain", "set": [1.0, 0.0], "from": "2024-03-01", "to": "2024-03-02", "groups": {"shop": "b"}},
    ]


def test_a_table_in_order(tmp_path: Path) -> None:
    """Without times a row is a step."""
    assert _table(tmp_path, "price,rain", "5,", "6,1") == [
        {"feature": "price", "set": [5.0, 6.0], "from": 1, "to": 2},
        {"feature": "rain", "set": [1.0], "from": 2, "to": 2},
    ]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (("price",), "has no rows"),
        (("day", "2024-03-01"), "no column of a feature; there are price, rain"),
        (("price,town", "1,x"), "town is neither a feature nor a group"),
        (("price", "x"), "price has 'x', which is no number"),
    ],
)
def test_what_is_no_such_table_is_refused(tmp_path: Path, lines: tuple[str, ...], says: str) -> None:
    """With the column."""
    with pytest.raises(CommandError, match=says):
        _table(tmp_path, *lines)
