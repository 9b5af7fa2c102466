"""Submissions that are refused, in words that name the element and the field (contract J-092)."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.catalog import CATALOG
from models.scores.names import METRICS
from schemas.forecasting import SeriesConfig
from schemas.values import HyperParam
from streams.errors import RejectedError
from streams.forecasting.submissions import check_elements
from tests.unit.streams.forecasting.submissions_samples import (
    FIRST,
    JOB,
    LATEST_5,
    LIMITS,
    elements,
    parameter,
    refusal,
    wrong,
)


class TestRefusals:
    """Every field, and the sentence about it."""

    def test_J073_a_model_is_needed(self) -> None:
        """The message says where to find one."""
        assert wrong(model_name=None) == (
            "model_name: is missing and none is stored for the series: GET /model/ lists the models"
        )

    def test_J075_parameters_are_needed(self) -> None:
        """[] or {} is enough."""
        assert wrong(hyper_params=None) == (
            "hyper_params: is missing and none is stored for the series: send [] for the defaults"
        )

    def test_J073_unknown_models_are_refused(self) -> None:
        """The message lists the known ones; long names are cut."""
        assert wrong(model_name="x" * 500) == (f"model_name: '{'x' * 40}…' is unknown; known are {', '.join(CATALOG)}")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"next_k_prediction": 0}, "next_k_prediction: is 0, expected 1 to 30"),
            ({"next_k_prediction": 31}, "next_k_prediction: is 31, expected 1 to 30"),
            ({"max_eval": 0}, "max_eval: is 0, expected 1 to 200"),
            ({"max_eval": 201}, "max_eval: is 201, expected 1 to 200"),
            ({"auto_tune": 2}, "auto_tune: is 2, expected 0 or 1"),
            ({"auto_tune": -1}, "auto_tune: is -1, expected 0 or 1"),
            ({"refit": 2}, "refit: is 2, expected 0 or 1"),
            ({"allow_negative": 2}, "allow_negative: is 2, expected 0 or 1"),
            ({"feature_indexs": (0,)}, "feature_indexs: column 0 is the job's timestamp, target or group-by column"),
            ({"feature_indexs": (2,)}, "feature_indexs: column 2 is the job's timestamp, target or group-by column"),
            ({"feature_indexs": (3,)}, "feature_indexs: column 3 is the job's timestamp, target or group-by column"),
            (
                {"feature_indexs": (4, 6)},
                "feature_indexs: column 6 does not exist; the data set has columns 0 to 5",
            ),
            (
                {"feature_indexs": (-1,)},
                "feature_indexs: column -1 does not exist; the data set has columns 0 to 5",
            ),
        ],
    )
    def test_J074_J079_values_out_of_range(self, change: dict[str, Any], message: str) -> None:
        """Value and range."""
        assert wrong(**change) == message

    @pytest.mark.parametrize("name", ["MSE", "accuracy", "", "rmse "])
    def test_J110_unknown_metrics_are_refused(self, name: str) -> None:
        """The message lists all 32."""
        assert wrong(eval_metrics=("mse", name)) == (
            f"eval_metrics: {name!r} is unknown; known are {', '.join(METRICS)}"
        )

    def test_J087_the_objective_is_a_metric(self) -> None:
        """Also where no tuning is asked for."""
        assert wrong(auto_tune_metric="best").startswith("auto_tune_metric: 'best' is unknown; known are mse, ")

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"type": "text", "val": 1}, "type is 'text', expected int, float or list"),
            ({"val": "5"}, "val is the text '5', expected a number"),
            ({"type": "float", "val": "x" * 50}, f"val is the text '{'x' * 40}…', expected a number"),
            ({"val": 2.5}, "val is 2.5, expected a whole number"),
            ({"val": float("nan")}, "val is not a finite number"),
            ({"val": float("inf")}, "val is not a finite number"),
            ({"low": float("-inf"), "high": 3}, "low is not a finite number"),
            ({"low": 1.5, "high": 3}, "low is 1.5, expected a whole number"),
            ({"low": 1}, "low and high go together"),
            ({"high": 1}, "low and high go together"),
            ({"low": 5, "high": 1}, "low 5 is above high 1"),
            ({"low": 1, "high": 5}, "has no val: a range or choice needs auto_tune 1"),
            ({"type": "list", "choice": (1, 2)}, "has no val: a range or choice needs auto_tune 1"),
            ({}, "has no val: a range or choice needs auto_tune 1"),
        ],
    )
    def test_J080_J086_parameters_of_a_wrong_form(self, fields: dict[str, Any], message: str) -> None:
        """Name of the parameter, what is wrong, what is expected."""
        assert wrong(hyper_params=parameter(**fields)) == f"hyper_params 'latest_n': {message}"

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"val": 0}, "val must be a whole number from 1 to 9007199254740991, not 0"),
            ({"val": 10**30}, "val must be a whole number from 1 to 9007199254740991, not so large a number"),
            ({"type": "list", "val": "5"}, "val must be a whole number from 1 to 9007199254740991, not '5'"),
            ({"low": 0, "high": 5}, "low must be a whole number from 1 to 9007199254740991, not 0"),
            ({"low": 1, "high": 2**53}, "high must be a whole number from 1 to 9007199254740991"),
            ({"val": 1, "choice": (1, 0)}, "choice must be a whole number from 1 to 9007199254740991, not 0"),
            ({"name": "add_std_factor", "type": "list", "val": "a"}, "val must be a finite number, not 'a'"),
        ],
    )
    def test_J092_values_that_a_model_refuses_read_as_one_sentence(self, fields: dict[str, Any], message: str) -> None:
        """The parameter is named once, and which of its values is wrong."""
        name = fields.get("name", "latest_n")
        shown = wrong(hyper_params=parameter(**fields))

        assert shown.startswith(f"hyper_params {name!r}: {message}")
        assert shown.count(name) == 1

    def test_J092_unknown_parameters_are_refused(self) -> None:
        """The message lists the model's own."""
        assert wrong(hyper_params=(HyperParam("depth", "int", 3),)) == (
            "hyper_params 'depth': is unknown; LinearFit has latest_n, add_std_factor"
        )

    def test_a_parameter_given_twice_is_refused(self) -> None:
        """Neither of the two would be right."""
        assert wrong(hyper_params=(LATEST_5, LATEST_5)) == "hyper_params 'latest_n': is given twice"


good = st.builds(
    SeriesConfig,
    ts_id=st.sampled_from(JOB.ts_ids),
    model_name=st.sampled_from(["LinearFit", "AdaptiveMaxN", "AdaptiveAverageN"]),
    hyper_params=st.sampled_from([(), (LATEST_5,), (HyperParam("latest_n", "float", 3),)]),
    feature_indexs=st.none() | st.just((4,)),
    max_eval=st.none() | st.integers(1, 200),
    next_k_prediction=st.none() | st.integers(1, 30),
    eval_metrics=st.none() | st.lists(st.sampled_from(["mse", "r2_score"]), min_size=1, max_size=2).map(tuple),
    refit=st.none() | st.integers(0, 1),
    allow_negative=st.none() | st.integers(0, 1),
)


@given(submission=st.lists(elements, max_size=5))
def test_J092_whatever_comes_is_refused_in_words_or_accepted(submission: list[SeriesConfig]) -> None:
    """Nothing but a refusal is raised."""
    refused = None
    try:
        check_elements(JOB, submission, LIMITS)
    except RejectedError as error:
        refused = error

    assert refused is None or (refused.status in (400, 413) and refused.message)


@given(submission=st.lists(good, min_size=1, max_size=4))
def test_J088_every_element_is_stored_or_trained(submission: list[SeriesConfig]) -> None:
    """In their order, each exactly once, and the models accept every plan."""
    to_store, to_train = check_elements(JOB, submission, LIMITS)

    assert [item.ts_id for item in to_train] == [item.ts_id for item in submission if item.trains]
    assert [item.ts_id for item in to_store] == [item.ts_id for item in submission if not item.trains]
    for training in to_train:
        assert CATALOG[training.plan.model_name].resolve(training.plan.config) == training.plan.config
        assert 1 <= training.plan.next_k_prediction <= 30
        assert set(training.plan.eval_metrics) <= set(METRICS)


@given(before=st.lists(good, max_size=2), bad=elements, after=st.lists(good, max_size=1))
def test_J092_one_wrong_element_refuses_all(
    before: list[SeriesConfig], bad: SeriesConfig, after: list[SeriesConfig]
) -> None:
    """An element that is refused alone and takes nothing from others is refused among them, under its number."""
    bad = replace(bad, ts_id=FIRST + 3)
    error = refusal(*before, bad, *after)

    assert error.message.startswith(f"element {len(before) + 1} (ts_id {FIRST + 3}), ts_id: ")
