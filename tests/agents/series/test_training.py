"""The trainer: TrainSeries commands in; forecasts, metrics and exactly one result each out."""

import math
from dataclasses import replace
from typing import Any

import pytest

from models.fitted.covariates import FUTURE_UNKNOWN
from schemas.series import Asked, Backtest, Beside, Forecast, Search, SeriesResult, TrainSeries
from schemas.values import HyperParam
from schemas.workloads import MetricPoint
from tests.agents.bench import AT, of
from tests.agents.series.training_samples import DAY, HISTORY, HOUR, SAMPLE, START, TOPICS, Stub, answer, results

LAST = START + 37 * DAY


def only_error(command: TrainSeries) -> str:
    """The text of the command's one answer, which is an error and nothing else."""
    records = answer(command)
    (result,) = results(records)

    assert [record.topic for record in records] == [TOPICS.job_results]
    assert (result.predictions, result.metrics, result.timestamps, result.backtest) == ([], {}, [], None)
    assert result.error
    return result.error


def test_J103_J118_J120_the_sample_yields_the_sample() -> None:
    """Seed-exact by default: 237 five times, dated after the history's end, scored on the last five points."""
    records = answer(SAMPLE)

    assert [record.topic for record in records] == ["forecasts", "metrics", "metrics", "job-results"]
    assert results(records) == [
        SeriesResult(
            job_id=7,
            ts_id=8797,
            n=3,
            attempt=1,
            model_name="AdaptiveMaxN",
            config={"latest_n": 5},
            timestamps=[LAST + DAY * step for step in range(1, 6)],
            predictions=[237.0] * 5,
            metrics={"mse": pytest.approx(160.4), "rmse": pytest.approx(12.66491215919005)},
            mase_insample=pytest.approx(1.3489539748953976),
        )
    ]


def test_in_the_shadow_the_result_alone_is_told() -> None:
    """And its scores. Who answers publishes, and says by how many switches."""
    quiet = answer(replace(SAMPLE, side=2, shadow=True, switches=3))
    loud = answer(replace(SAMPLE, side=2, switches=3))

    assert [record.topic for record in quiet] == ["metrics", "metrics", "job-results"]
    assert [(one.side, one.shadow) for records in (quiet, loud) for one in results(records)] == [(2, True), (2, False)]
    assert [one.switches for one in of(loud, "forecasts")] == [3]
    assert results(quiet) == [replace(one, shadow=True) for one in results(loud)]


def test_a_forecast_event_says_what_the_result_says() -> None:
    """The public forecast is keyed by series and knows where its history ended."""
    records = answer(SAMPLE)

    assert of(records, "forecasts") == [
        Forecast(
            job_id=7,
            ts_id=8797,
            n=3,
            item_id="('asiasoutheast', 'FS')",
            model_name="AdaptiveMaxN",
            cutoff=LAST,
            timestamps=[LAST + DAY * step for step in range(1, 6)],
            mean=[237.0] * 5,
        )
    ]


def test_J112_metric_points_carry_the_metrics_asked_for() -> None:
    """One point per metric, under the uid of this submission, dated with the command's time in the log."""
    records = answer(replace(SAMPLE, eval_metrics=("mae", "r2_score", "mae")))

    assert of(records, "metrics") == [
        MetricPoint("fj-7-8797-3", "mae", pytest.approx(12.4), int(AT * 1000), 0, "log"),
        MetricPoint("fj-7-8797-3", "r2", pytest.approx(-23.15662651), int(AT * 1000), 0, "log"),
    ]
    assert list(results(records)[0].metrics) == ["mae", "r2"]


def test_J117_an_undefined_metric_is_null() -> None:
    """A flat series has no r2; the point and the result say null, and the job does not fail."""
    records = answer(replace(SAMPLE, target=[5] * 20, eval_metrics=("mse", "r2")))

    assert [(point.metric_name, point.value) for point in of(records, "metrics")] == [("mse", 0.0), ("r2", None)]
    assert results(records)[0].metrics == {"mse": 0.0, "r2": None}


def test_records_are_keyed_as_their_topics_are() -> None:
    """Forecasts by series, metrics by workload, results by job: each reader finds its partition."""
    keys = {(record.topic, record.key) for record in answer(SAMPLE)}

    assert keys == {("forecasts", b"8797"), ("metrics", b"fj-7-8797-3"), ("job-results", b"7")}


def test_J121_refit_forecasts_from_the_end_and_keeps_the_backtest() -> None:
    """The metrics stay those of the hold-out, whose forecast and dates are in `backtest`."""
    records = answer(replace(SAMPLE, refit=True))
    (result,) = results(records)

    assert result.predictions == [227.0] * 5
    assert result.metrics["mse"] == pytest.approx(160.4)
    assert result.backtest == Backtest([LAST - DAY * back for back in (4, 3, 2, 1, 0)], [237.0] * 5)


def test_J121_a_backtest_of_irregular_timestamps_has_their_dates() -> None:
    """Where the command carries timestamps, the hold-out's are the last of them."""
    times = [START + DAY * day for day in [*range(34), 40, 41, 43, 50]]
    (result,) = results(answer(replace(SAMPLE, refit=True, timestamps=times)))

    assert result.backtest is not None
    assert result.backtest.timestamps == times[-5:]
    assert result.timestamps[0] == times[-1] + DAY


def test_J119_a_short_series_is_fitted_whole_and_not_scored() -> None:
    """At most h + 1 points: metrics null; with refit an empty backtest."""
    (result,) = results(answer(replace(SAMPLE, target=[1, 2, 3, 4, 5, 6], refit=True)))

    assert result.predictions == [6.0] * 5
    assert result.metrics == {"mse": None, "rmse": None}
    assert result.backtest == Backtest([], [])


def test_J136_the_config_is_complete_and_proper() -> None:
    """Defaults filled in, whole numbers whole (J-141), in the model's order."""
    (result,) = results(answer(replace(SAMPLE, model_name="LinearFit", config={"latest_n": 5.0})))

    assert result.config == {"latest_n": 5, "add_std_factor": 0.1}
    assert isinstance(result.config["latest_n"], int)


def test_missing_observations_are_missing() -> None:
    """NaN in a history is no value: the forecast is that of the observed points."""
    (result,) = results(answer(replace(SAMPLE, target=[1.0, math.nan, 3.0], config={"latest_n": 2})))

    assert result.error is None
    assert result.predictions == [3.0] * 5


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"model_name": "Prophet"}, "there is no model 'Prophet'; choose one of: LinearFit, AdaptiveMaxN"),
        ({"config": {"latest_n": 0}}, "latest_n of AdaptiveMaxN must be a whole number from 1 to"),
        ({"config": {"depth": 3}}, "AdaptiveMaxN has no hyper-parameter 'depth'; it has: latest_n"),
        ({"eval_metrics": ("mse", "accuracy")}, "there is no metric 'accuracy'"),
        ({"next_k_prediction": 0}, "next_k_prediction is 0, expected 1 to 50"),
        ({"next_k_prediction": 51}, "next_k_prediction is 51, expected 1 to 50"),
        ({"step": 0}, "step is 0 ms, expected a positive number"),
        ({"step": -DAY}, "expected a positive number"),
        ({"target": []}, "the series has no observed values"),
        ({"target": [math.nan] * 9}, "the series has no observed values"),
        ({"target": [1.0, math.inf]}, "the series has an infinite value"),
        ({"timestamps": [START]}, "1 timestamps for 38 values"),
        (
            {"target": [1, 2], "timestamps": [START, START]},
            "timestamp 2020-08-01 00:00:00 occurs more than once in the series",
        ),
        ({"target": [1, 2], "timestamps": [START, START - DAY]}, "timestamps do not ascend at 2020-07-31 00:00:00"),
        ({"start": 253_402_300_799_999}, "leaves the years 1 to 9999"),
        ({"start": -62_135_596_800_001}, "leaves the years 1 to 9999"),
        ({"start": 253_402_300_799_999 - 39 * DAY}, "leaves the years 1 to 9999"),
        ({"target": [1, 2], "timestamps": [-(2**63), 2**63 - 1]}, "leaves the years 1 to 9999"),
        ({"target": [1, 2], "timestamps": [2**63 - 1, -(2**63)]}, "leaves the years 1 to 9999"),
        ({"target": [1, 2, 3], "timestamps": [START, 2**62, START + DAY]}, "leaves the years 1 to 9999"),
    ],
)
def test_what_cannot_be_trained_is_answered_with_an_error(change: dict[str, Any], text: str) -> None:
    """One result that says in words what to correct, and no forecast or metric."""
    assert text in only_error(replace(SAMPLE, **change))


def test_J143_a_repeated_time_names_the_time() -> None:
    """The user finds the row by it."""
    error = only_error(replace(SAMPLE, target=[1, 2, 3], timestamps=[START, START + DAY, START + DAY]))

    assert error == (
        "timestamp 2020-08-02 00:00:00 occurs more than once in the series: choose the columns that tell series "
        "apart (groupby_indexs, or --group-by), put rows of one time together (aggregate, or "
        "--aggregate D=mean), or keep one row per time (what is finer than a microsecond is cut off)"
    )


@pytest.mark.parametrize(
    ("hour", "freq", "is_told"), [(2, "h", True), (0, "h", False), (14, "h", False), (2, "h @Europe/Berlin", False)]
)
def test_17_an_hour_that_comes_twice_at_night_names_the_time_zone(hour: int, freq: str, *, is_told: bool) -> None:
    """Clocks are set back then; where the zone is known, it was something else."""
    twice = [START + (hour - 1) * HOUR, START + hour * HOUR, START + hour * HOUR]
    error = only_error(replace(SAMPLE, target=[1, 2, 3], timestamps=twice, step=HOUR, freq=freq))

    assert error.endswith("where the clock was set back, name its time_zone (--time-zone)") is is_told


def test_J143_a_time_is_named_with_its_milliseconds() -> None:
    """Where it has any: by the second alone, the user would find many rows or none."""
    again = only_error(replace(SAMPLE, target=[1, 2, 3], timestamps=[START, START + 7, START + 7]))
    back = only_error(replace(SAMPLE, target=[1, 2], timestamps=[START, START - 250]))

    assert "timestamp 2020-08-01 00:00:00.007 occurs more than once" in again
    assert "timestamps do not ascend at 2020-07-31 23:59:59.750" in back


def test_an_error_repeats_what_was_asked() -> None:
    """Numbers, model and settings as in the command, so that the answer finds its question."""
    (result,) = results(answer(replace(SAMPLE, config={"depth": 3}, attempt=2)))

    assert (result.job_id, result.ts_id, result.n, result.attempt) == (7, 8797, 3, 2)
    assert (result.model_name, result.config) == ("AdaptiveMaxN", {"depth": 3})


def test_a_bad_series_fails_alone() -> None:
    """The others of its batch are answered as if they had come without it, in their order."""
    good = [replace(SAMPLE, ts_id=ts_id, n=ts_id) for ts_id in (1, 3, 5)]
    bad = [replace(SAMPLE, ts_id=2, n=2, target=[]), replace(SAMPLE, ts_id=4, n=4, model_name="Prophet")]
    answered = results(answer(good[0], bad[0], good[1], bad[1], good[2]))
    alone = [result for command in good for result in results(answer(command))]

    assert [(result.ts_id, result.error is None) for result in answered] == [
        (1, True), (2, False), (3, True), (4, False), (5, True)
    ]  # fmt: skip
    assert [result for result in answered if result.error is None] == alone


def test_J109_an_answer_does_not_depend_on_its_batch() -> None:
    """A replay cuts the log into other batches; the bytes stay the same."""
    asked = [
        replace(SAMPLE, ts_id=ts_id, target=HISTORY[: 20 + ts_id], model_name=model, refit=refit)
        for ts_id in range(6)
        for model in ("LinearFit", "AdaptiveMaxN")
        for refit in (False, True)
    ]
    together = [(record.topic, record.key, record.value) for record in answer(*asked)]
    apart = [(record.topic, record.key, record.value) for command in asked for record in answer(command)]

    assert together == apart


LSTM = replace(
    SAMPLE,
    model_name="Lstm",
    config={"lstm_cells_per_layer_used": 4, "epochs_used": 5},
)


def test_J109_a_network_is_seeded_by_job_series_and_submission() -> None:
    """The same submission gives the same bytes, the next one another forecast."""
    once, again, other = (answer(command) for command in (LSTM, LSTM, replace(LSTM, n=4)))

    assert [record.value for record in once] == [record.value for record in again]
    assert results(once)[0].predictions != results(other)[0].predictions


def test_J106_a_trained_model_is_saved_and_its_path_reported() -> None:
    """In the object store, under job, series and submission; the other models save nothing."""
    (saved,) = results(answer(LSTM))
    (plain,) = results(answer(SAMPLE))

    assert saved.model_path == "models/7/8797/3.h5"
    assert Stub.store.files[saved.model_path].startswith(b"\x89HDF")
    assert plain.model_path is None


def test_J087_trials_become_metric_points() -> None:
    """Numbered from 1, under a name of their own; the result has the configuration that was found."""
    space = (HyperParam("latest_n", "int", low=1, high=3), HyperParam("add_std_factor", "float", val=0.0))
    tuned = replace(SAMPLE, model_name="LinearFit", config={}, search=Search(space, 10, "mae"))
    records = answer(tuned)
    trials = [point for point in of(records, "metrics") if point.metric_name == "tuning_mae"]

    assert [point.iteration for point in trials] == [*range(1, len(trials) + 1)]
    assert min(point.value for point in trials) == pytest.approx(2.2)
    assert results(records)[0].config == {"latest_n": 1, "add_std_factor": 0.0}


def test_features_reach_models_that_use_them_and_only_those() -> None:
    """A feature of a wrong length fails the series of such a model, with the length that is expected."""
    feature = tuple(float(value) for value in range(38))
    wrong = replace(SAMPLE, model_name="ARIMA", config={}, feat_dynamic_real=(feature[:-1],))

    assert only_error(wrong).startswith("feature 1 has 37 values, expected 38 (one per value of the series) or 43")
    told = Beside((4,), (), "DE")
    unknown = results(answer(replace(wrong, feat_dynamic_real=(feature,), refit=True, beside=told)))[0]
    known = results(answer(replace(wrong, feat_dynamic_real=((*feature, *feature[:5]),), refit=True)))[0]
    assert (unknown.error, known.error) == (None, None)
    assert FUTURE_UNKNOWN in (unknown.note or "")
    assert FUTURE_UNKNOWN not in (known.note or "")
    assert results(answer(replace(SAMPLE, feat_dynamic_real=(feature[:-1],), beside=told)))[0].error is None
    assert (unknown.asked, known.asked) == (Asked(told, refit=True), None)
    assert results(answer(replace(SAMPLE, feat_dynamic_real=(feature,), beside=told)))[0].asked is None


def test_quantiles_and_notes_are_told() -> None:
    """In the result, the quantiles in the public forecast too; who answered only where it is another model."""
    records = answer(
        replace(SAMPLE, model_name="Theta", config={}), replace(SAMPLE, model_name="Theta", config={}, target=[5, 6])
    )
    told, short = results(records)
    forecast, fallback = of(records, "forecasts")

    assert set(told.quantiles) == {"0.025", "0.1", "0.9", "0.975"}
    assert forecast.quantiles == told.quantiles
    assert (told.answered_by, told.note) == (None, None)
    assert fallback.answered_by == short.answered_by == "SeasonalNaive"
    assert short.note
