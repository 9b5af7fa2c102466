"""A batch of requests: the contract's known answers, independence of batch mates, and errors that stay alone."""

import json
import math
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import batch, catalog
from models.batch import SeriesAnswer, SeriesRequest, forecast_batch
from models.catalog import CATALOG
from models.forecasts import Forecasts, SeriesBatch
from models.model_spec import ModelSpec
from models.options import Options
from models.scores.names import METRICS

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

# J-140: 38 daily points, 2020-08-01 to 2020-09-07.
SAMPLE = [
    227, 246, 247, 249, 255, 249, 246, 228, 246, 246, 245, 249, 235, 233, 224, 230, 261, 238, 242,
    266, 258, 226, 233, 242, 236, 236, 233, 260, 219, 230, 235, 237, 226, 227, 226, 221, 222, 227,
]  # fmt: skip


def request(target: Any = SAMPLE, model_name: str = "AdaptiveMaxN", **changes: Any) -> SeriesRequest:
    """A request with the sample's settings unless told otherwise."""
    values: dict[str, Any] = {
        "config": {}, "prediction_length": 5, "refit": False, "eval_metrics": ("mse", "rmse"), **changes
    }  # fmt: skip
    return SeriesRequest(target=np.asarray(target, dtype=np.float64), model_name=model_name, **values)


def answer(**values: Any) -> SeriesAnswer:
    """The answer to a single request."""
    return forecast_batch([request(**values)])[0]


KNOWN = [
    ("J118-max", "AdaptiveMaxN", {"latest_n": 5}, [237.0] * 5, 160.4, 12.66491215919005),
    (
        "J122-line-half",
        "LinearFit",
        {"latest_n": 5, "add_std_factor": 0.5},
        [239.0, 241.0, 243.0, 245.0, 247.0],
        356.4,
        18.878559267062727,
    ),
    (
        "J122-line-zero",
        "LinearFit",
        {"latest_n": 5, "add_std_factor": 0},
        [236.0, 238.0, 240.0, 242.0, 244.0],
        255.0,
        15.968719422671311,
    ),
    (
        "line-tuned",
        "LinearFit",
        {"latest_n": 4, "add_std_factor": 0.09209359741793716},
        [230.0, 229.0, 228.0, 227.0, 226.0],
        18.6,
        4.312771730569565,
    ),
]


@pytest.mark.parametrize(
    ("model_name", "config", "predictions", "mse", "rmse"), [row[1:] for row in KNOWN], ids=[row[0] for row in KNOWN]
)
def test_J118_J120_J122_published_figures_to_the_last_digit(
    model_name: str, config: dict[str, float], predictions: list[float], mse: float, rmse: float
) -> None:
    """Without refit, every number of the sample and of its cross-checks comes out exactly."""
    assert answer(model_name=model_name, config=config) == SeriesAnswer(
        predictions=predictions, backtest=None, metrics={"mse": mse, "rmse": rmse}, error=None
    )


@pytest.mark.parametrize(
    ("model_name", "config", "predictions", "backtest", "mse"),
    [
        ("AdaptiveMaxN", {"latest_n": 5}, [227.0] * 5, [237.0] * 5, 160.4),
        (
            "LinearFit",
            {"latest_n": 5, "add_std_factor": 0.5},
            [225.0, 224.0, 224.0, 223.0, 223.0],
            [239.0, 241.0, 243.0, 245.0, 247.0],
            356.4,
        ),
    ],
)
def test_J121_J122_refit_figures(
    model_name: str, config: dict[str, float], predictions: list[float], backtest: list[float], mse: float
) -> None:
    """With refit the forecast starts at the true end; the metrics still belong to the hold-out, shown as backtest."""
    got = answer(model_name=model_name, config=config, refit=True, eval_metrics=("mse",))

    assert got == SeriesAnswer(predictions=predictions, backtest=backtest, metrics={"mse": mse}, error=None)


def test_J119_a_short_series_has_null_metrics_and_an_empty_backtest() -> None:
    """Six points: fitted on all of them, with the same predictions with and without refit."""
    short = SAMPLE[:6]

    assert answer(target=short) == SeriesAnswer([255.0] * 5, None, {"mse": None, "rmse": None}, None)
    assert answer(target=short, refit=True) == SeriesAnswer([255.0] * 5, [], {"mse": None, "rmse": None}, None)


def test_the_first_steps_are_published_and_the_whole_hold_out_is_scored() -> None:
    """prediction_length 2: two predictions, but five rows of hold-out."""
    got = answer(model_name="LinearFit", config={"add_std_factor": 0.5}, prediction_length=2)

    assert got.predictions == [239.0, 241.0]
    assert got.metrics["mse"] == 356.4


def test_J112_J117_undefined_metrics_are_none_and_keys_are_those_asked_for() -> None:
    """A constant series: r2 has no meaning, mae has; the alias is answered under the contract's name."""
    got = answer(target=[4.0] * 12, eval_metrics=("mae", "r2_score"))

    assert got.metrics == {"mae": 0.0, "r2": None}


def test_no_metrics_asked_for() -> None:
    """An empty list is a request like any other."""
    assert answer(eval_metrics=()) == SeriesAnswer([237.0] * 5, None, {}, None)


def test_order_is_kept_across_models_lengths_and_settings() -> None:
    """Answers stand at the places of their requests, however these are grouped."""
    requests = [
        request(
            SAMPLE[: 10 + 3 * i], ("AdaptiveMaxN", "LinearFit")[i % 2], prediction_length=1 + i % 3, refit=i % 5 == 0
        )
        for i in range(40)
    ]

    assert forecast_batch(requests) == [forecast_batch([single])[0] for single in requests]


def test_nothing_asked_nothing_answered() -> None:
    """An empty batch is an empty list."""
    assert forecast_batch([]) == []


@pytest.mark.parametrize("target", [[], [math.nan], [math.nan] * 40])
def test_a_series_without_observations_is_an_error_in_plain_words(target: list[float]) -> None:
    """Empty or all missing."""
    got = answer(target=target)

    assert got.error is not None
    assert "no observed values" in got.error
    assert (got.predictions, got.backtest, got.metrics) == ([], None, {})


@pytest.mark.parametrize("place", [0, 20, 37])
@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_an_infinite_value_is_an_error_in_plain_words(place: int, value: float) -> None:
    """Wherever it stands, even where the model would not look."""
    target = [float(v) for v in SAMPLE]
    target[place] = value

    assert "infinite value" in str(answer(target=target).error)


def test_a_forecast_that_overflows_is_an_error_in_plain_words() -> None:
    """Finite values so large that the line through them is not finite."""
    error = answer(target=[-1.5e308, 1.5e308] * 10, model_name="LinearFit").error

    assert error is not None
    assert error.startswith("LinearFit gives no finite forecast")


BROKEN: dict[str, dict[str, Any]] = {
    "unknown model": {"model_name": "Oracle"},
    "model is no text": {"model_name": ["LinearFit"]},
    "unknown parameter": {"config": {"n": 1}},
    "bool for a number": {"config": {"latest_n": True}},
    "config is nothing": {"config": None},
    "config value is a list": {"config": {"latest_n": [5]}},
    "unknown metric": {"eval_metrics": ("mse", "luck")},
    "metrics are nothing": {"eval_metrics": None},
    "no steps": {"prediction_length": 0},
    "half a step": {"prediction_length": 2.5},
    "steps as text": {"prediction_length": "5"},
    "more steps than memory": {"prediction_length": 10**15},
    "two dimensions": {"target": np.ones((3, 4))},
    "no dimension": {"target": np.float64(3)},
    "text": {"target": np.array(["a", "b"])},
    "objects": {"target": np.array([1.0, None], dtype=object)},
    "no target": {"target": None},
    "nothing observed": {"target": np.full(38, np.nan)},
    "infinite": {"target": np.full(38, np.inf)},
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_broken_request_fails_alone_and_with_a_text(change: dict[str, Any], place: int) -> None:
    """Before, between or after good ones of the same kind; twice in one batch; the good answers are untouched."""
    good = replace(request(), config={"latest_n": 1})
    bad = replace(good, **change)
    requests = [good, good]
    requests.insert(place, bad)
    answers = forecast_batch([*requests, bad])

    broken = [answers.pop(), answers.pop(place)]
    assert answers == [forecast_batch([good])[0]] * 2
    assert answers[0].error is None
    for got in broken:
        assert got.error
        assert "Traceback" not in got.error
        assert (got.predictions, got.backtest, got.metrics) == ([], None, {})


def test_metrics_as_a_list_are_answered_too() -> None:
    """Not hashable, so it cannot be grouped; it is still a valid request."""
    assert forecast_batch([replace(request(), eval_metrics=["mse"])])[0].metrics == {"mse": 160.4}


def stumble(batch: SeriesBatch) -> Forecasts:
    """A model with a defect: it fails on a series that contains 13."""
    if (batch.history == 13).any():
        raise RuntimeError("secret detail")
    return Forecasts(np.ones((len(batch.history), batch.horizon)))


def talk(batch: SeriesBatch) -> Forecasts:
    """A model that says all it can: its seeds, seasons and covariates show in what it returns."""
    rows = len(batch.history)
    assert batch.seeds is not None
    assert batch.covariates is not None
    mean = np.repeat(batch.seeds[:, np.newaxis].astype(np.float64), batch.horizon, axis=1)
    return Forecasts(
        mean=mean,
        quantiles={"0.1": mean - 1, "0.9": mean + batch.covariates[:, -batch.horizon :, 0]},
        answered_by=[f"by {seed}" for seed in batch.seeds],
        saved=[b"%d" % batch.season_length] * rows,
        notes=["noted"] * rows,
    )


@pytest.mark.parametrize("refit", [False, True])
def test_what_a_model_adds_reaches_the_answer_of_its_series(monkeypatch: pytest.MonkeyPatch, *, refit: bool) -> None:
    """Each series has its own seed and covariates, whatever its length and that of the others."""
    spec = ModelSpec(name="Talk", intro="", hyper_parameters=(), entry=f"{__name__}:talk")
    monkeypatch.setattr(catalog, "CATALOG", MappingProxyType({**CATALOG, "Talk": spec}))
    asked = [
        request(
            [0.5] * length, "Talk", prediction_length=2, refit=refit, seed=seed, season_length=7,
            covariates=np.full((length + 2, 1), seed / 4),
        )
        for seed, length in ((4, 9), (8, 20), (12, 3))
    ]  # fmt: skip
    answers = forecast_batch(asked)

    for seed, got in zip((4.0, 8.0, 12.0), answers, strict=True):
        assert got.predictions == [seed, seed]
        assert got.quantiles == {"0.1": [seed - 1] * 2, "0.9": [seed * 1.25] * 2}
        assert (got.answered_by, got.saved, got.note) == (f"by {int(seed)}", b"7", "noted")


def test_a_model_that_fails_on_one_series_spares_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The group falls back to one by one; the text names the model, not the inside of the exception."""
    spec = ModelSpec(name="Stumble", intro="", hyper_parameters=(), entry=f"{__name__}:stumble")
    monkeypatch.setattr(catalog, "CATALOG", MappingProxyType({**CATALOG, "Stumble": spec}))
    answers = forecast_batch(
        [request([1.0] * 9, "Stumble"), request([13.0] * 9, "Stumble"), request([2.0] * 9, "Stumble")]
    )

    assert [got.error is None for got in answers] == [True, False, True]
    assert "Stumble could not forecast this series" in str(answers[1].error)
    assert "secret detail" not in str(answers[1].error)


def test_padding_never_doubles_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """One series of 100,000 points among 200 short ones: less than twice the real points are built."""
    built = []
    original = batch.right_aligned
    monkeypatch.setattr(batch, "right_aligned", lambda targets: built.append(original(targets)) or built[-1])
    lengths = [*range(64, 264), 100_000]
    forecast_batch([request(np.ones(length)) for length in lengths])

    assert sum(matrix.size for matrix in built) < 2 * sum(lengths)


numbers = st.one_of(
    st.integers(0, 9).map(float),
    st.floats(-1e4, 1e4),
    st.sampled_from([math.nan, math.nan, 1e308, -1e308, math.inf, 5e-324, -0.0, 2.5]),
)
targets = st.one_of(
    st.lists(st.integers(0, 300).map(float), max_size=80),
    st.lists(st.one_of(st.integers(-300, 300).map(float), st.just(math.nan)), max_size=80),
    st.lists(numbers, max_size=20),
    st.lists(st.floats(-1e3, 1e3), min_size=8, max_size=30),
)
configs = st.sampled_from(
    [{}, {"latest_n": 1}, {"latest_n": 5}, {"latest_n": 12}, {"latest_n": 5.0}, {"latest_n": True}, {"latest_n": 100}]
)
requests_of_all_kinds = st.builds(
    request,
    target=targets,
    # Those that are trained together take seconds; tests/unit/models/deepar/jobs/test_alone.py has them.
    model_name=st.sampled_from([name for name, spec in CATALOG.items() if not spec.together]),
    config=configs,
    prediction_length=st.sampled_from([1, 5, 9]),
    refit=st.booleans(),
    eval_metrics=st.sampled_from([METRICS, ("mse", "rmse"), ()]),
)


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(st.lists(requests_of_all_kinds, max_size=12))
def test_every_answer_is_the_same_alone_and_in_any_batch(asked: list[SeriesRequest]) -> None:
    """To the last bit (repr tells -0.0 from 0.0), for any gaps, lengths and values, without a warning."""
    together = forecast_batch(asked)

    assert [repr(got) for got in together] == [repr(forecast_batch([single])[0]) for single in asked]
    assert [repr(got) for got in forecast_batch(asked[::-1])] == [repr(got) for got in together[::-1]]


@settings(deadline=None, max_examples=150)
@given(requests_of_all_kinds)
def test_an_answer_is_complete_or_an_error_and_always_json(asked: SeriesRequest) -> None:
    """Exact lengths and keys, finite numbers only, plain Python types."""
    got = forecast_batch([asked])[0]

    json.dumps([got.predictions, got.backtest, got.metrics, got.error], allow_nan=False)
    if got.error is None:
        assert len(got.predictions) == asked.prediction_length
        assert set(got.metrics) == set(asked.eval_metrics)
        assert (got.backtest is not None) == asked.refit
        assert not got.backtest or len(got.backtest) == max(5, asked.prediction_length)
    else:
        assert (got.predictions, got.backtest, got.metrics) == ([], None, {})


@settings(deadline=None)
@given(st.lists(st.integers(0, 300), min_size=3, max_size=40), st.integers(0, 30))
def test_leading_missing_values_change_nothing(values: list[int], padding: int) -> None:
    """Missing rows before the first observation are like padding: only the end of a series counts."""
    padded = [math.nan] * padding + [float(v) for v in values]
    asked = {"model_name": "LinearFit", "refit": True, "eval_metrics": METRICS}

    assert repr(answer(target=padded, **asked)) == repr(answer(target=values, **asked))


def fill_request(target: list[float], fill: str, **more: Any) -> SeriesRequest:
    given = {"model_name": "AdaptiveAverageN", "config": {"latest_n": 1}, **more}
    return SeriesRequest(
        np.array(target), prediction_length=5, refit=True, eval_metrics=("mse",), options=Options(fill=fill), **given
    )


@pytest.mark.parametrize("fill", ["none", "previous", "interpolate"])
def test_no_forecast_is_judged_by_values_that_were_filled_in(fill: str) -> None:
    """Nothing was observed in the hold-out, and the forecast was found perfect."""
    known = [10.0, 12, 9, 14, 11, 13, 10, 12, 15, 11, 12, 14]
    (nothing, some) = forecast_batch(
        [fill_request([*known, *[np.nan] * 5], fill), fill_request([*known, *[np.nan] * 4, 20], fill)]
    )

    assert (nothing.metrics, nothing.mase_insample) == ({"mse": None}, None)
    assert some.metrics == {"mse": 36.0}


def test_zeros_that_are_filled_in_are_values() -> None:
    """No row means that nothing happened."""
    (answer,) = forecast_batch([fill_request([3.0] * 10 + [np.nan] * 5 + [5], "zero")])

    assert answer.metrics == {"mse": 5.0}


def test_a_backtest_sees_nothing_of_later_values_in_what_is_filled_in() -> None:
    """The line to them led from the past into the hold-out."""
    target = [10.0] * 12 + [np.nan] * 6 + [90.0, 90.0]
    (answer,) = forecast_batch(
        [fill_request(target, "interpolate", model_name="LinearFit", config={"latest_n": 3, "add_std_factor": 0.0})]
    )

    assert list(answer.backtest) == [10.0] * 5


def test_whole_numbers_stay_whole_where_gaps_are_filled_in() -> None:
    """J-108: all that was observed is whole; the line between two of them is not."""
    target = [240.0, np.nan, 247, 251, 250, 249, np.nan, 252, 251, 255, 254]
    (answer,) = forecast_batch(
        [fill_request(target, "interpolate", model_name="LinearFit", config={"latest_n": 11, "add_std_factor": 0.0})]
    )

    assert all(value == round(value) for value in [*answer.predictions, *answer.backtest])
