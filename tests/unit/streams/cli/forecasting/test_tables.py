"""Results as a table in the terminal."""

import pytest
from rich.text import Text

from streams.cli.forecasting.tables import forecast_table, number, short_time
from tests.unit.streams.cli.results import made, outcome_of, shown


def test_a_row_shows_group_model_start_values_and_metrics() -> None:
    """Midnight is left out, numbers are short."""
    lines = shown(forecast_table(outcome_of(made(metrics={"mae": 0.123456, "r2": None})))).splitlines()

    assert lines[1].split() == ["shop", "model", "from", "next", "2", "values", "mae", "r2"]
    assert lines[3].split() == ["g1", "LinearFit", "2020-01-06", "1.50", "2", "0.1235", "-"]


def test_quantiles_that_were_chosen_stand_beside() -> None:
    """Those of the first step; those that nobody chose are left to file and picture."""
    chosen = outcome_of(made(quantiles={"0.95": (3.0, 4.0), "0.05": (1.0, 1.5)}), made(2, error="too short"))
    lines = shown(forecast_table(chosen)).splitlines()
    plain = shown(forecast_table(outcome_of(made(quantiles={"0.1": (1.0, 1.5), "0.9": (3.0, 4.0)}))))

    assert lines[1].split() == ["shop", "model", "from", "next", "2", "values", "first:", "0.05", "0.95", "mae"]
    assert lines[3].split() == ["g1", "LinearFit", "2020-01-06", "1.50", "2", "1", "3", "0.5000"]
    assert "first" not in plain


def test_the_group_is_written_once_per_series() -> None:
    """In the row of its first model."""
    lines = shown(forecast_table(outcome_of(made(), made(1, "Lstm"), made(2)))).splitlines()

    assert [line.split()[0] for line in lines[3:6]] == ["g1", "Lstm", "g2"]


def test_without_groups_the_series_number_stands_there() -> None:
    """Under the heading series."""
    lines = shown(forecast_table(outcome_of(made(5, group=()), group_key=()))).splitlines()

    assert lines[1].split()[0] == "series"
    assert lines[3].split()[0] == "5"


def test_a_failed_forecast_shows_its_error() -> None:
    """In one line, whatever the text holds."""
    lines = shown(forecast_table(outcome_of(made(error="too\nshort \x1b[2J")))).splitlines()

    assert lines[1].split() == ["shop", "model", "from", "next", "values"]
    assert lines[3].split() == ["g1", "LinearFit", "failed", "too\\nshort", "\\x1b[2J"]


def test_a_long_forecast_shows_a_week() -> None:
    """And says how long it is."""
    lines = shown(forecast_table(outcome_of(made(timestamps=9 * ("2020-01-06 00:00:00",), predictions=9 * (1.0,)))))

    assert "next 7 values of 9" in lines
    assert "1 1 1 1 1 1 1 …" in lines


def test_only_whole_series_are_shown() -> None:
    """As many as fit; the caption says how many rows there are and how to see them."""
    forecasts = [made(ts_id, model) for ts_id in (1, 2, 3) for model in ("A", "B")]
    text = shown(forecast_table(outcome_of(*forecasts), rows=5))

    assert "g2" in text
    assert "g3" not in text
    assert "4 of 6 rows shown: --all shows every one" in text


def test_one_series_is_shown_however_many_rows_it_has() -> None:
    """A table without rows would say nothing."""
    text = shown(forecast_table(outcome_of(made(1, "A"), made(1, "B"), made(2, "A")), rows=1))

    assert [name in text for name in ("A", "B", "g2")] == [True, True, False]


@pytest.mark.parametrize(
    ("metric", "scores", "best"),
    [
        ("mae", (2.0, 1.0), "two"),
        ("me", (-2.0, 1.0), "two"),
        ("r2", (0.5, 0.9), "two"),
        ("mae", (1.0, 1.0), None),
        ("mae", (None, 1.0), None),
    ],
)
def test_the_best_model_of_a_series_is_bold(metric: str, scores: tuple[float, float], best: str | None) -> None:
    """By the size of its first metric, for r2 and mda the largest; none where there is no difference."""
    table = forecast_table(
        outcome_of(*(made(1, m, metrics={metric: s}) for m, s in zip(("one", "two"), scores, strict=True)))
    )
    cells = [cell for cell in table.columns[1].cells if isinstance(cell, Text)]
    bold = [cell.plain for cell in cells if any("bold" in str(span.style) for span in cell.spans)]

    assert bold == ([best] if best else [])


def test_group_values_cannot_write_markup_or_escapes() -> None:
    """They come from a file."""
    text = shown(forecast_table(outcome_of(made(group=("[red]\x1b[31m",)), group_key=["[b]"])))

    assert "[red]\\x1b[31m" in text
    assert "[b]" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"), (0.0, "0"), (-3.0, "-3"), (234.0, "234"), (0.5, "0.5000"), (12.345, "12.35"), (123.456, "123.5"),
        (0.00012, "0.00012"), (1.5e12, "1.5e+12"), (1e12, "1e+12"),
    ],
)  # fmt: skip
def test_numbers_are_short(value: float | None, text: str) -> None:
    """About four digits."""
    assert number(value) == text


def test_a_time_of_day_is_kept() -> None:
    """Midnight is not."""
    assert short_time("2020-01-06 00:00:00") == "2020-01-06"
    assert short_time("2020-01-06 10:00:00") == "2020-01-06 10:00:00"
