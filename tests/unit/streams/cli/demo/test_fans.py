"""The demo's DeepAR part: what the model is shown, and what its forecast is compared with."""

from dataclasses import replace

import numpy as np
import pytest

from models.deepar.frequency import Frequency
from streams.cli.console.failure import CommandError
from streams.cli.deepar.fan_charts import LEVELS
from streams.cli.deepar.predictions import Prediction
from streams.cli.deepar.series import SeriesLine
from streams.cli.demo.fans import Past, check_predictions, inside, past_of

SERIES = SeriesLine(("EWR", "UA"), {"start": "2020-01-01 00:00:00", "target": [1.0, 2.0, None, 4.0], "cat": [0, 1]})
PREDICTION = Prediction(
    SERIES,
    Frequency.parse("D"),
    ["2020-01-05 00:00:00"] * 28,
    [1.0] * 28,
    {level: [float(level)] * 28 for level in LEVELS},
)


def test_the_model_sees_nothing_of_what_comes() -> None:
    """The values from the day on are what its forecast is compared with; a series that has not begun is left out."""
    (known,) = past_of([SERIES], "2020-01-03", 5)

    assert known.series.fields == {"start": "2020-01-01 00:00:00", "target": [1.0, 2.0], "cat": [0, 1]}
    assert np.array_equal(known.actual, [np.nan, 4.0], equal_nan=True)
    assert past_of([SERIES], "2020-01-01", 5) == []


def test_a_series_that_has_ended_is_compared_with_nothing() -> None:
    """It is forecast from its own end on."""
    (ended,) = past_of([SERIES], "2020-02-01", 5)

    assert len(ended.series.fields["target"]) == 4
    assert list(ended.actual) == []


def test_values_inside_the_interval_are_counted() -> None:
    """Missing ones are not."""
    assert inside([PREDICTION], [Past(SERIES, [0.5, 0.1, 7.0, float("nan")])]) == (2 / 3, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mean": [1.0] * 27},
        {"mean": [float("nan")] * 28},
        {"quantiles": {level: [0.5] * 28 for level in LEVELS[1:]}},
    ],
)  # fmt: skip
def test_an_incomplete_forecast_is_refused(wrong: dict[str, object]) -> None:
    """The demo ends with status 0 only if all is there."""
    check_predictions([PREDICTION])
    with pytest.raises(CommandError, match="EWR · UA, DeepAR: the forecast is not complete"):
        check_predictions([replace(PREDICTION, **wrong)])  # type: ignore[arg-type]
