"""Comparing what a job's records say: identical, different and by how much, or not to be told."""

import io
import json
import math
from dataclasses import replace
from typing import Any

import orjson
import pytest
from fastavro import schemaless_writer

from connectors.kafka.publisher import Record
from schemas.catalogue import locked_schemas, parse
from schemas.coding.codec import Codec
from schemas.coding.wire import frame
from schemas.forecasting import JobRecord, Submission
from schemas.series import Backtest, Forecast, SeriesResult, TrainSeries, TrainTogether
from schemas.workloads import MetricPoint
from streams.cli.replay.command import _verdict
from streams.cli.replay.comparison import Comparison, Difference, Output, output_of
from streams.cli.replay.log_reader import JobCommands, LoggedMessage
from streams.cli.replay.report import MetricComparison

CODEC = Codec()
RESULT = SeriesResult(
    7,
    17,
    3,
    1,
    "LinearFit",
    {"latest_n": 5},
    [1, 2],
    [10.0, 20.0],
    {"mse": 4.0, "r2": None},
    Backtest([0], [9.0]),
    quantiles={"0.1": [8.0, 16.0]},
)
FORECAST = Forecast(7, 17, 3, "a", "LinearFit", 0, [1, 2], [10.0, 20.0])
POINT = MetricPoint("fj-7-17-3", "mse", 4.0, 99, 0, "log")


def compared(computed: list[Any], logged: list[Any], codec: Codec = CODEC) -> Comparison:
    """What was computed against what is in the log; bytes as they stand."""
    comparison = Comparison(codec)
    for event in computed:
        comparison.add_computed(event, codec.encode(event))
    for event in logged:
        value = event if isinstance(event, bytes) else codec.encode(event)
        comparison.add_logged(codec.decode(value), value)
    return comparison


def verdicts(comparison: Comparison) -> dict[str, str]:
    """By kind and detail."""
    return {" ".join(one.output).strip(): one.verdict for one in comparison.outputs()}


def differences(new: SeriesResult, old: SeriesResult = RESULT) -> list[Difference]:
    """What differs."""
    (one,) = compared([new], [old]).outputs()
    assert one.verdict == "different"
    return list(one.differences)


def commands(submitted: int, *present: int) -> JobCommands:
    """A job's commands that are still there."""
    record = JobRecord(7, 2, None, 1, 1, submissions=(Submission("s", 0, (0,) * submitted),), first_ts_id=17)
    message = LoggedMessage("series-commands", 0, 0, 1.0, b"17", b"")
    found = [(message, TrainSeries(7, 17, n, "LinearFit", 0, 1, [1.0])) for n in present]
    return JobCommands(7, record, found)


def test_equal_records_are_identical() -> None:
    """In any order, and however often they are there."""
    comparison = compared([RESULT, FORECAST, POINT], [POINT, RESULT, RESULT, FORECAST])

    assert verdicts(comparison) == {
        "Forecast 17:3": "identical",
        "MetricPoint 17:3 mse": "identical",
        "SeriesResult 17:3": "identical",
    }
    assert comparison.hashes()[0] == comparison.hashes()[1]
    assert _verdict(comparison, commands(4, 0, 1, 2, 3)) == 0


def test_one_of_several_repeats_that_differs_is_a_difference() -> None:
    """First or last."""
    other = replace(RESULT, predictions=[10.0, 21.0])
    for logged in ([RESULT, other], [other, RESULT]):
        assert verdicts(compared([RESULT], logged)) == {"SeriesResult 17:3": "different"}


def test_outputs_of_repeated_commands_may_be_those_of_either() -> None:
    """Points have the time of their command."""
    later = replace(POINT, timestamp=100)
    comparison = compared([POINT, later], [later, POINT])

    assert verdicts(comparison) == {"MetricPoint 17:3 mse": "identical"}
    assert verdicts(compared([POINT, later], [POINT, replace(POINT, timestamp=101)])) == {
        "MetricPoint 17:3 mse": "different"
    }


@pytest.mark.parametrize(
    ("changed", "field", "old", "new", "relative"),
    [
        ({"predictions": [10.0, 25.0]}, "predictions[1]", "20.0", "25.0", 0.2),
        ({"predictions": [11.0, 40.0]}, "predictions[1]", "20.0", "40.0", 0.5),
        ({"predictions": [10.0, math.nan]}, "predictions[1]", "20.0", "nan", None),
        ({"predictions": [10.0]}, "predictions", "2 values", "1 values", None),
        ({"predictions": []}, "predictions", "2 values", "0 values", None),
        ({"metrics": {"mse": 5.0, "r2": None}}, "metrics.mse", "4.0", "5.0", 0.2),
        ({"metrics": {"mse": 4.0, "r2": 0.5}}, "metrics.r2", "none", "0.5", None),
        ({"metrics": {"mse": 4.0}}, "metrics.r2", "none", "none", None),
        ({"config": {"latest_n": 5.0}}, "config.latest_n", "5", "5.0", 0.0),
        ({"backtest": Backtest([0], [12.0])}, "backtest.predictions[0]", "9.0", "12.0", 0.25),
        ({"backtest": None}, "backtest", str(RESULT.backtest), "none", None),
        ({"quantiles": {"0.1": [8.0, 20.0]}}, "quantiles.0.1[1]", "16.0", "20.0", 0.2),
        ({"error": "too short"}, "error", "none", "too short", None),
    ],
)
def test_a_difference_names_the_field_and_its_size(
    changed: dict[str, Any], field: str, old: str, new: str, relative: float | None
) -> None:
    """The largest one of a sequence, relative to the larger value."""
    found = differences(replace(RESULT, **changed))
    if changed == {"metrics": {"mse": 4.0}}:  # nothing but the absent entry, which reads as none
        assert found == []
    else:
        assert found == [Difference(field, old, new, relative)]


def test_values_that_are_not_numbers_are_equal_to_themselves() -> None:
    """NaN is written as any other number."""
    both = replace(RESULT, predictions=[math.nan, 20.0])

    assert verdicts(compared([both], [both])) == {"SeriesResult 17:3": "identical"}
    assert differences(replace(both, predictions=[math.nan, 25.0]), both)[0].field == "predictions[1]"


def test_what_is_lacking_on_either_side_is_told_apart() -> None:
    """Missing in the log, gone with its command, or replaced by a later forecast of the series."""
    later = replace(FORECAST, n=4)
    comparison = compared([RESULT, FORECAST, later, replace(FORECAST, n=5)], [POINT, later])

    assert verdicts(comparison) == {
        "Forecast 17:3": "compacted",
        "Forecast 17:4": "identical",
        "Forecast 17:5": "missing",
        "MetricPoint 17:3 mse": "no command",
        "SeriesResult 17:3": "missing",
    }


@pytest.mark.parametrize(
    ("computed", "logged", "left", "status"),
    [
        ([RESULT], [RESULT], (0, 1, 2, 3), 0),
        ([FORECAST, replace(FORECAST, n=4)], [replace(FORECAST, n=4)], (0, 1, 2, 3), 0),
        ([RESULT], [RESULT], (0, 1, 3), 2),
        ([RESULT], [], (0, 1, 2, 3), 2),
        ([RESULT], [RESULT, POINT], (0, 1, 2, 3), 2),
        ([RESULT], [replace(RESULT, note="x"), POINT], (3,), 1),
    ],
)
def test_the_verdict_needs_all_of_the_job(
    computed: list[Any], logged: list[Any], left: tuple[int, ...], status: int
) -> None:
    """A difference is one whatever is missing; else nothing may be."""
    assert _verdict(compared(computed, logged), commands(4, *left)) == status


def test_an_older_schema_is_compared_by_what_it_says() -> None:
    """A result from before a field was added."""
    old = next(entry for entry in locked_schemas() if (entry.name, entry.version) == ("SeriesResult", 2))
    written = io.BytesIO()
    schemaless_writer(written, parse(old.schema, plain_times=True), json.loads(orjson.dumps(RESULT)))
    before = frame(old.schema_id, written.getvalue())
    assert CODEC.decode(before) == CODEC.decode(CODEC.encode(RESULT))
    comparison = compared([RESULT], [before])

    assert verdicts(comparison) == {"SeriesResult 17:3": "identical"}
    assert comparison.older == 1
    assert comparison.hashes()[0] == comparison.hashes()[1]


def test_losses_of_a_model_for_many_series_are_outputs_of_their_own() -> None:
    """By epoch; trials of a tuned model likewise."""
    assert output_of(MetricPoint("fj-7-together-2", "loss", 1.0, 9, 3, "log")) == Output(
        "MetricPoint", "together:2", "loss 3"
    )
    assert output_of(replace(POINT, metric_name="tuning_mse", iteration=2)) == Output(
        "MetricPoint", "17:3", "tuning_mse 2"
    )


def test_the_hash_over_all_leaves_out_what_is_on_one_side() -> None:
    """So that it is equal where all that can be compared is."""
    whole = compared([RESULT, POINT], [RESULT, POINT]).hashes()
    part = compared([RESULT, POINT, FORECAST], [RESULT, POINT]).hashes()
    other = compared([RESULT, replace(POINT, value=5.0)], [RESULT, POINT]).hashes()

    assert whole == part
    assert other[0] == whole[0]
    assert other[1] != whole[1]


def test_the_same_series_are_asked_of_another_model() -> None:
    """With its defaults; those of one command for all go along only where it learns from all too."""
    message = LoggedMessage("training-runs", 0, 0, 1.0, b"7", b"")
    found = commands(4, 0, 1)
    found.together = [(message, TrainTogether(7, "s", 17, "DeepAR", {"epochs": 3}, ns=[2, 3], ts_ids=[17, 17]))]
    alone = found.asking("ETS", CODEC, learns_together=False)
    all_of_them = found.asking("DeepAR", CODEC, learns_together=True)

    assert (found.gone, alone.numbers, all_of_them.numbers) == (0, {0, 1}, {0, 1, 2, 3})
    assert [CODEC.decode(message.value).model_name for message, _ in alone.series] == ["ETS", "ETS"]
    assert [command.config for _, command in all_of_them.together] == [{}]


def test_metrics_are_paired_by_submission_and_averaged_where_both_are() -> None:
    """A failure has no scores; what is on one side alone is left out."""
    logged = [(replace(RESULT, n=n), b"") for n in range(3)]
    now = [
        replace(RESULT, n=0, metrics={"mse": 8.0, "r2": 0.5}),
        replace(RESULT, n=1, metrics={}, error="too short"),
        replace(RESULT, n=9),
    ]
    metrics = MetricComparison.of(CODEC, logged, [Record("job-results", b"7", CODEC.encode(one)) for one in now])

    assert [(row.n, row.error) for row in metrics.rows] == [(0, None), (1, "too short")]
    assert metrics.means() == {"mse": (4.0, 8.0, 1)}
