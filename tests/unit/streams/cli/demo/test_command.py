"""The demo ends with status 0 only if every forecast is there."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from streams.cli.console.failure import CommandError
from streams.cli.demo.command import check_outcome
from streams.cli.forecasting.outcome import JobOutcome
from streams.cli.forecasting.planning import ForecastPlan
from tests.unit.streams.cli.results import made, outcome_of

PLAN = ForecastPlan(
    file=Path("flights.csv"),
    timestamp=0,
    target=1,
    group_by=(2,),
    models=("LinearFit", "AdaptiveMaxN"),
    parameters=(),
    metrics=("mae",),
    horizon=2,
    refit=True,
)


def _outcome(**last: Any) -> JobOutcome:
    """35 series of two models; the last forecast is changed so."""
    forecasts = [made(ts_id, model) for ts_id in range(35) for model in PLAN.models]
    return outcome_of(*forecasts[:-1], replace(forecasts[-1], **last))


def test_a_complete_outcome_passes() -> None:
    """35 series, each forecast by each model; a metric may be null."""
    check_outcome(_outcome(metrics={"mae": None}), PLAN)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ts_id": 3}, "AdaptiveMaxN: 35 forecasts, expected one for each of 35 series"),
        ({"model_name": "LinearFit"}, "LinearFit: 36 forecasts"),
        ({"predictions": (1.0,)}, "g34, AdaptiveMaxN: the forecast is not complete"),
        ({"predictions": (1.0, None)}, "the forecast is not complete"),
        ({"metrics": {}}, "g34, AdaptiveMaxN: metrics"),
        ({"metrics": {"mae": 1.0, "rmse": 1.0}}, "g34, AdaptiveMaxN: metrics"),
    ],
)
def test_an_incomplete_outcome_is_refused(change: dict[str, Any], words: str) -> None:
    """Which series and what is wrong."""
    with pytest.raises(CommandError, match=words):
        check_outcome(_outcome(**change), PLAN)


def test_a_missing_forecast_is_refused() -> None:
    """34 of 35."""
    whole = _outcome()
    with pytest.raises(CommandError, match="AdaptiveMaxN: 34 forecasts, expected one for each of 35 series"):
        check_outcome(outcome_of(*whole.forecasts[:-1]), PLAN)
