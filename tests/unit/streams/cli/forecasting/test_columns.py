"""What the options of `tidecast forecast` make of the columns of a file."""

from typing import Any

import pytest

from streams.cli.console.failure import CommandError
from streams.cli.forecasting.columns import ChosenColumns, chosen_columns
from streams.cli.forecasting.wording import in_options

HEADER = ("price", "day", "gdp", "region", "jobs")


def chosen(**given: Any) -> ChosenColumns:
    """The columns of HEADER by these options."""
    options = {"timestamp": "day", "targets": (), "group_by": (), "features": (), "wide": False}
    return chosen_columns(HEADER, **{**options, **given})


def test_one_target_is_a_column_of_the_file() -> None:
    """Nothing of it is turned."""
    found = chosen(targets=["gdp"], group_by=["region"], features=["price"])

    assert found == ChosenColumns(HEADER, 1, 2, (3,), (0,), None)


def test_several_targets_are_series_by_the_names_of_their_columns() -> None:
    """For each group; what is not named stays where it is."""
    found = chosen(targets=["jobs", "gdp"], group_by=["region"], features=["price"])

    assert found == ChosenColumns(("price", "day", "region", "series", "value"), 1, 4, (2, 3), (0,), (2, 4))


def test_of_a_wide_file_all_other_columns_are_series() -> None:
    """Those that are neither time nor group nor feature; a column may be named by its number."""
    assert chosen(wide=True, group_by=["3"]).series_columns == (0, 2, 4)
    assert chosen(wide=True, group_by=["region"], features=["price"]) == ChosenColumns(
        ("price", "day", "region", "series", "value"), 1, 4, (2, 3), (0,), (2, 4)
    )


@pytest.mark.parametrize(
    ("given", "says", "status"),
    [
        ({}, "--target is missing: name the column to forecast; several make a series of each, --wide of every", 2),
        ({"wide": True, "targets": ["gdp"]}, "--wide takes every other column for a series: leave --target out", 2),
        ({"targets": ["gdp", "gdp"]}, "--target gdp is given twice: once is enough", 1),
        ({"targets": ["gdp", "day"]}, "--target day: the column is the --timestamp already", 1),
        ({"targets": ["gdp", "price"], "features": ["price"]}, "--target price: the column is the --feature", 1),
        ({"targets": ["gdp", "gpd"]}, "--target gpd: the file has no such column", 1),
        ({"wide": True, "group_by": ["region", "gdp"], "features": ["price", "jobs"]}, "--wide: every column of", 1),
    ],
)
def test_what_cannot_be_is_told(given: dict[str, Any], says: str, status: int) -> None:
    """Before anything is sent."""
    with pytest.raises(CommandError) as refused:
        chosen(**given)

    assert str(refused.value).startswith(says)
    assert refused.value.status == status


def test_what_the_service_refuses_is_told_in_options() -> None:
    """It names the form's field, which nobody has typed."""
    refusal = 'series_columns: column "a", line 3: "x" is not a number; write digits; or leave the column out of '

    assert in_options(f"{refusal}series_columns") == (
        'column "a", line 3: "x" is not a number; write digits; or name the columns that are: --target'
    )
