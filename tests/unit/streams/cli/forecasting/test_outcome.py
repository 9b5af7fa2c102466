"""The service's answers as values."""

from typing import Any

import pytest

from streams.cli.forecasting.outcome import history_of, job_outcome
from tests.unit.streams.cli.results import made, outcome_of, series_answer

RESULT = {
    "ts_id": 1,
    "model_name": "LinearFit",
    "timestamps": ["2020-09-08 00:00:00"],
    "predictions": [234.0],
    "metrics": {"mse": 110.2, "rmse": None},
    "config": {},
}


def _answer(*entries: tuple[int, list[dict[str, Any]]], **more: Any) -> dict[str, Any]:
    return {"status": 3, "results": [{"ts_id": ts_id, "results": results} for ts_id, results in entries], **more}


def test_J131_results_are_read_series_by_series() -> None:
    """With their group; a series that was not trained has none."""
    series = series_answer({1: "('EWR', 'UA')", 2: "('JFK', 'B6')"}, ["Origin", "Carrier"])
    outcome = job_outcome(7, series, _answer((1, [RESULT, RESULT]), (2, [])))

    assert outcome.group_key == ("Origin", "Carrier")
    assert [(item.ts_id, item.group, item.predictions) for item in outcome.forecasts] == 2 * [
        (1, ("EWR", "UA"), [234.0])
    ]
    assert outcome.forecasts[0].backtest == ()


def test_J121_a_refitted_result_has_its_backtest() -> None:
    """The forecast of the hold-out, which the metrics belong to."""
    backtest = {"timestamps": ["2020-09-03 00:00:00"], "predictions": [230.0]}
    (found,) = job_outcome(7, [], _answer((1, [RESULT | {"backtest": backtest}]))).forecasts

    assert (found.backtest_timestamps, found.backtest) == (["2020-09-03 00:00:00"], [230.0])


def test_quantiles_are_read_where_there_are_any() -> None:
    """The levels of all results, the lowest first."""
    outcome = job_outcome(7, [], _answer((1, [RESULT | {"quantiles": {"0.9": [240.0], "0.1": [230.0]}}, RESULT])))

    assert [item.quantiles for item in outcome.forecasts] == [{"0.9": [240.0], "0.1": [230.0]}, {}]
    assert outcome.levels == ["0.1", "0.9"]


def test_J144_a_failure_is_told_with_its_error() -> None:
    """Among the good results."""
    failed = {"ts_id": 1, "model_name": "Lstm", "error": "too short"}
    outcome = job_outcome(7, [], _answer((1, [RESULT, failed]), message="1 failed"))

    assert [item.error for item in outcome.failed] == ["too short"]
    assert outcome.message == "1 failed"


def test_the_exit_status_tells_whether_all_a_part_or_nothing_came() -> None:
    """As scripts ask for it."""
    failed = made(2, error="too short")

    assert [outcome_of(*them).exit_status for them in ((made(),), (made(), failed), (failed, failed))] == [0, 3, 1]


def test_metric_names_are_those_of_all_results() -> None:
    """In order of appearance."""
    outcome = outcome_of(made(metrics={"b": 1.0}), made(2, error="x"), made(3, metrics={"a": 1.0, "b": None}))

    assert outcome.metric_names == ["b", "a"]


def test_the_largest_series_come_first() -> None:
    """By the size of their first good forecast; failed ones not at all."""
    outcome = outcome_of(
        made(1, predictions=(1.0,)), made(2, predictions=(-9.0, None)), made(3, predictions=(5.0,)), made(4, error="x")
    )

    assert outcome.largest(2) == [2, 3]
    assert outcome.largest(9) == [2, 3, 1]


@pytest.mark.parametrize("first", ["target", "timestamp"])
def test_J139_the_history_is_found_whatever_comes_first(first: str) -> None:
    """The two keys are the file's labels; the texts are the timestamps."""
    columns = {"target": ("sum", [1, None, 3]), "timestamp": ("When", ["8/1/2020", "8/2/2020", "8/3/2020"])}
    ordered = [columns.pop(first), *columns.values()]
    history = history_of(_answer((1, []), (2, [{**RESULT, "ts_history": dict(ordered)}])))

    assert history is not None
    assert (history.target_label, history.values) == ("sum", [1, None, 3])
    assert history.timestamps == ["8/1/2020", "8/2/2020", "8/3/2020"]


def test_without_results_there_is_no_history() -> None:
    """A series that was not trained, or failed."""
    assert history_of(_answer((1, []), (2, [{"ts_id": 2, "model_name": "m", "error": "x"}]))) is None


def test_J064_a_series_without_group_is_named_by_its_number() -> None:
    """There is nothing else to tell it by."""
    assert made(5, group=()).title == "series 5"
    assert made(5, group=("a", "b")).title == "a · b"
