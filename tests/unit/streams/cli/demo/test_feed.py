"""The feed of the demo: its values, and what it takes for a result."""

import pytest

from streams.cli.console.failure import CommandError
from streams.cli.demo.feed import check_accuracy, solar_rows


def test_the_values_come_from_the_package() -> None:
    """A week of half-hours in order, without a gap."""
    rows = solar_rows()

    assert len(rows) == 289
    assert rows[0]["datetime_gmt"] == "2021-05-01 00:00:00+00:00"
    assert [row["datetime_gmt"] for row in rows] == sorted({row["datetime_gmt"] for row in rows})
    assert max(float(row["solar_gen"]) for row in rows) < 1


def test_a_model_that_was_not_judged_is_a_failure() -> None:
    """The demo says which were."""
    models = [{"model_name": name} for name in ("SeasonalNaive", "MSTL")]
    check_accuracy({"models": models})
    with pytest.raises(CommandError, match=r"\['MSTL'\] only"):
        check_accuracy({"models": models[1:]})
