"""Checks of series configurations: what is stored, what is trained, and how a refusal reads."""

from dataclasses import replace
from typing import Any

import pytest

from models.catalog import CATALOG
from schemas.forecasting import CmdStatus, SeriesConfig
from schemas.series import Search
from schemas.values import HyperParam
from streams.errors import RejectedError
from streams.forecasting.submissions import ACCEPTED, Plan, Training, check_elements
from tests.unit.streams.forecasting.submissions_samples import (
    FIRST,
    JOB,
    LATEST_5,
    LIMITS,
    TRAIN,
    parameter,
    plan,
    refusal,
    wrong,
)

STORE = SeriesConfig(FIRST, "LinearFit", ())


class TestWholeSubmission:
    """What concerns all elements together."""

    def test_J093_series_come_first(self) -> None:
        """409 before the columns are chosen, also for an empty array."""
        for elements in ([TRAIN], []):
            error = refusal(*elements, job=replace(JOB, columns=None))

            assert (error.status, error.code) == (409, "no_series")
            assert error.message == "job 7 has no series yet: choose its columns first (PUT)"

    def test_J092_an_empty_array_is_refused(self) -> None:
        """400: nothing was asked for."""
        assert (refusal().status, refusal().code) == (400, "empty_array")

    def test_J161_the_number_of_elements_is_limited(self) -> None:
        """413; the limit itself is accepted."""
        assert len(check_elements(JOB, [TRAIN] * 4, LIMITS)[1]) == 4
        error = refusal(*[TRAIN] * 5)

        assert (error.status, error.code) == (413, "too_many_elements")
        assert error.message == "5 elements, at most 4 are accepted: split the request"

    def test_one_element_may_stand_for_several_series(self) -> None:
        """Each is trained as if it had been named, in its place; errors count what was sent."""
        every = replace(TRAIN, ts_id=0, series="all")
        _, trainings = check_elements(JOB, [TRAIN, every], LIMITS, {1: JOB.ts_ids})
        with pytest.raises(RejectedError) as refused:
            check_elements(JOB, [TRAIN, replace(every, next_k_prediction=0)], LIMITS, {1: JOB.ts_ids})

        assert [(one.number, one.ts_id) for one in trainings] == [(1, FIRST), *((2, ts_id) for ts_id in JOB.ts_ids)]
        assert trainings[1].settings == TRAIN
        assert refused.value.message.startswith(f"element 2 (ts_id {FIRST}), next_k_prediction: ")

    def test_J161_series_that_one_element_names_count(self) -> None:
        """But an element for all series of a job cannot be split, however many they are."""
        every, few = replace(TRAIN, ts_id=0, series="all"), replace(LIMITS, max_elements=2)
        assert len(check_elements(JOB, [every], few, {0: JOB.ts_ids})[1]) == 3
        with pytest.raises(RejectedError) as refused:
            check_elements(JOB, [every, every], few, {0: JOB.ts_ids, 1: JOB.ts_ids})

        assert (refused.value.status, refused.value.code) == (413, "too_many_elements")
        assert refused.value.message == "6 elements, at most 2 are accepted: split the request"

    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_J092_the_message_names_element_and_field(self, place: int) -> None:
        """Elements are counted from 1, and the series is named too."""
        elements = [replace(TRAIN, ts_id=FIRST + at) for at in range(3)]
        elements[place] = replace(elements[place], next_k_prediction=0)

        assert refusal(*elements).message == (
            f"element {place + 1} (ts_id {FIRST + place}), next_k_prediction: is 0, expected 1 to 30"
        )

    def test_J092_the_first_wrong_element_is_named(self) -> None:
        """One at a time."""
        bad = replace(TRAIN, next_k_prediction=0)

        assert refusal(TRAIN, bad, bad).message.startswith("element 2 ")

    @pytest.mark.parametrize("ts_id", [FIRST - 1, FIRST + 3, 0, -1])
    def test_J072_only_series_of_the_job(self, ts_id: int) -> None:
        """The ids are those that GET ts_details lists."""
        error = refusal(replace(TRAIN, ts_id=ts_id))

        assert (error.status, error.code) == (400, "unknown_series")
        assert error.message == f"element 1 (ts_id {ts_id}), ts_id: {ts_id} is not a series of job 7"

    def test_J089_repeats_are_kept_in_order(self) -> None:
        """The same series may be submitted several times."""
        elements = [replace(TRAIN, model_name=name) for name in ("LinearFit", "AdaptiveMaxN", "LinearFit")]
        _, trainings = check_elements(JOB, elements, LIMITS)

        assert [training.plan.model_name for training in trainings] == ["LinearFit", "AdaptiveMaxN", "LinearFit"]


class TestKind:
    """Store or train (J-088)."""

    @pytest.mark.parametrize(
        "field", [{"max_eval": 100}, {"next_k_prediction": 5}, {"auto_tune": 0}, {"eval_metrics": ("mse",)}]
    )
    def test_J088_any_of_four_fields_asks_for_training(self, field: dict[str, Any]) -> None:
        """One is enough."""
        to_store, to_train = check_elements(JOB, [replace(STORE, **field)], LIMITS)

        assert (to_store, [training.ts_id for training in to_train]) == ([], [FIRST])

    @pytest.mark.parametrize(
        "field", [{}, {"feature_indexs": (4,)}, {"refit": 1}, {"auto_tune_metric": "mae"}, {"allow_negative": 1}]
    )
    def test_J088_the_others_are_stored(self, field: dict[str, Any]) -> None:
        """The short form of the seed."""
        element = replace(STORE, **field)

        assert check_elements(JOB, [element], LIMITS) == ([element], [])

    def test_J088_both_may_come_together(self) -> None:
        """What one element stores, a later one trains with."""
        stored = replace(STORE, model_name="AdaptiveMaxN", hyper_params=parameter(val=3))
        to_store, to_train = check_elements(JOB, [stored, SeriesConfig(FIRST, auto_tune=0)], LIMITS)

        assert to_store == [stored]
        assert (to_train[0].plan.model_name, to_train[0].plan.config) == ("AdaptiveMaxN", {"latest_n": 3})

    def test_an_element_stores_for_its_own_series_only(self) -> None:
        """Another series has no model yet."""
        error = refusal(STORE, SeriesConfig(FIRST + 1, auto_tune=0))

        assert error.message.startswith("element 2 (ts_id 1701), model_name: is missing")

    def test_nothing_to_store_is_a_mistake(self) -> None:
        """The message lists what could be."""
        error = refusal(SeriesConfig(FIRST))

        assert error.message.endswith(
            "nothing to store: send one of model_name, hyper_params, feature_indexs, auto_tune_metric, refit, "
            "allow_negative, backtest_windows, levels, lower, upper, fill, holidays"
        )


class TestPlan:
    """What is absent, filled in."""

    def test_defaults(self) -> None:
        """J-077: 5 steps; J-079: mse and rmse; J-120: no refit; the model's own parameters."""
        assert plan(SeriesConfig(FIRST, "LinearFit", (), auto_tune=0)) == Plan(
            "LinearFit", {"latest_n": 5, "add_std_factor": 0.1}, 5, ("mse", "rmse"), refit=False
        )

    def test_J080_fixed_values_are_used(self) -> None:
        """The sample without tuning."""
        element = replace(
            TRAIN, hyper_params=(HyperParam("latest_n", "int", 4), HyperParam("add_std_factor", "float", 0.5))
        )

        assert plan(element).config == {"latest_n": 4, "add_std_factor": 0.5}

    @pytest.mark.parametrize("val", [5, 5.0])
    def test_J141_whole_parameters_are_whole(self, val: float) -> None:
        """5.0 for an int is 5."""
        config = plan(replace(TRAIN, hyper_params=parameter(val=val))).config

        assert (config["latest_n"], type(config["latest_n"])) == (5, int)

    @pytest.mark.parametrize("fields", [{"val": 5.0}, {"low": 1.0, "high": 5}, {"low": 1, "high": 5.0}])
    def test_a_float_for_a_whole_number_is_refused(self, fields: dict[str, Any]) -> None:
        """What is bent into a whole number today is refused as 5.3 tomorrow."""
        said = wrong(hyper_params=parameter(type="float", **fields), auto_tune=1)

        assert said.startswith("hyper_params 'latest_n': ")
        assert "whole number" in said
        if "val" in fields:
            assert refusal(replace(STORE, hyper_params=parameter(type="float", **fields))).status == 400

    @pytest.mark.parametrize("auto_tune", [None, 0])
    def test_J086_a_value_and_a_range_without_tuning_are_refused(self, auto_tune: int | None) -> None:
        """The range would be left aside without a word; when tuning, the value stays fixed."""
        both = parameter(val=5, low=1, high=9)

        assert wrong(hyper_params=both, auto_tune=auto_tune) == (
            "hyper_params 'latest_n': has val and a range, which means nothing without auto_tune 1: send val alone"
        )
        assert plan(replace(TRAIN, hyper_params=both, auto_tune=1)).config["latest_n"] == 5
        check_elements(JOB, [replace(STORE, hyper_params=both)], LIMITS)

    def test_doubled_features_are_refused(self) -> None:
        """With the column."""
        assert wrong(feature_indexs=(4, 5, 4)) == "feature_indexs: column 4 is given twice"

    def test_D19_a_refusal_says_where_for_programs(self) -> None:
        """Decision 19: the element from 0 and the field, of a parameter too; the words count from 1."""
        for change, field in (
            ({"model_name": "x"}, "model_name"),
            ({"hyper_params": parameter(val=0)}, "hyper_params"),
        ):
            error = refusal(TRAIN, replace(TRAIN, **change))
            assert error.place == {"element": 1, "field": field}
            assert error.message.startswith("element 2 ")

    def test_what_was_accepted_before_is_not_refused_afterwards(self) -> None:
        """A release that is stricter takes up the submissions of an earlier one."""
        old = replace(TRAIN, hyper_params=parameter(type="float", val=5.0), eval_metrics=(), feature_indexs=(4, 4))
        _, (training,) = check_elements(JOB, [old], ACCEPTED)

        assert training.plan.config["latest_n"] == 5

    def test_J111_J112_metrics_are_named_once_and_as_in_the_contract(self) -> None:
        """An alias becomes its name, repeats go, the order stays."""
        asked = ("r2_score", "mse", "r2", "mse", "mda")

        assert plan(replace(TRAIN, eval_metrics=asked)).eval_metrics == ("r2", "mse", "mda")

    def test_an_empty_list_of_metrics_is_refused(self) -> None:
        """It is not an absent one, and scores are what nobody leaves out on purpose."""
        assert wrong(eval_metrics=()) == (
            "eval_metrics: is empty: name at least one metric, or leave it out for mse and rmse"
        )

    @pytest.mark.parametrize(("refit", "asked"), [(None, False), (0, False), (1, True)])
    def test_J121_refit(self, refit: int | None, asked: bool) -> None:
        """Only 1 asks for it."""
        assert plan(replace(TRAIN, refit=refit)).refit is asked

    @pytest.mark.parametrize(("allow_negative", "asked"), [(None, False), (0, False), (1, True)])
    def test_D32_allow_negative(self, allow_negative: int | None, asked: bool) -> None:
        """Only 1 asks for it."""
        assert plan(replace(TRAIN, allow_negative=allow_negative)).allow_negative is asked

    @pytest.mark.parametrize("model_name", CATALOG)
    def test_J100_every_model_of_the_catalogue_can_be_asked_for(self, model_name: str) -> None:
        """With its defaults."""
        assert plan(replace(TRAIN, model_name=model_name)).config == CATALOG[model_name].resolve({})

    def test_equal_settings_share_a_plan(self) -> None:
        """A submission of a hundred thousand elements mostly has one."""
        _, trainings = check_elements(JOB, [TRAIN, replace(TRAIN, ts_id=FIRST + 1)], LIMITS)

        assert trainings[0].plan is trainings[1].plan

    def test_other_settings_do_not(self) -> None:
        """Whatever field differs."""
        others: list[dict[str, Any]] = [
            {"next_k_prediction": 6},
            {"hyper_params": (LATEST_5, HyperParam("add_std_factor", "float", 0.3))},
            {"refit": 1},
            {"allow_negative": 1},
        ]
        _, trainings = check_elements(
            JOB, [TRAIN, *(replace(TRAIN, **other) for other in others)], replace(LIMITS, max_elements=9)
        )

        assert len({id(training.plan) for training in trainings}) == len(others) + 1
        assert trainings[0] == Training(FIRST, plan(TRAIN))

    @pytest.mark.parametrize(
        ("field", "value"), [("next_k_prediction", 1), ("next_k_prediction", 30), ("max_eval", 1), ("max_eval", 200)]
    )
    def test_J161_the_limits_are_accepted(self, field: str, value: int) -> None:
        """Both ends."""
        assert plan(replace(TRAIN, **{field: value})).next_k_prediction in (5, value)


class TestStored:
    """What earlier calls stored (J-071)."""

    stored = SeriesConfig(FIRST, "AdaptiveMaxN", (HyperParam("latest_n", "int", 3),), (4,), refit=1, allow_negative=1)
    job = replace(JOB, status=CmdStatus.UNCOMITTED, settings=(stored,))

    def test_training_takes_what_is_stored(self) -> None:
        """Model, parameters and refit."""
        assert plan(SeriesConfig(FIRST, auto_tune=0), self.job) == Plan(
            "AdaptiveMaxN", {"latest_n": 3}, 5, ("mse", "rmse"), refit=True, allow_negative=True
        )

    def test_what_is_sent_wins(self) -> None:
        """Field by field."""
        element = SeriesConfig(FIRST, hyper_params=(), auto_tune=0, refit=0, allow_negative=0)

        assert plan(element, self.job) == Plan("AdaptiveMaxN", {"latest_n": 5}, 5, ("mse", "rmse"), refit=False)

    def test_another_model_leaves_the_parameters_behind(self) -> None:
        """They belong to the model that was stored with them."""
        error = refusal(SeriesConfig(FIRST, "LinearFit", auto_tune=0), job=self.job)

        assert error.message.endswith(
            "hyper_params: is missing and none is stored for the series: send [] for the defaults"
        )

    def test_the_same_model_keeps_them(self) -> None:
        """Naming it again is no change."""
        assert plan(SeriesConfig(FIRST, "AdaptiveMaxN", auto_tune=0), self.job).config == {"latest_n": 3}

    def test_J071_features_and_model_may_come_in_two_calls(self) -> None:
        """Later settings are laid over earlier ones, and what is stored is complete."""
        (first,), _ = check_elements(JOB, [SeriesConfig(FIRST, feature_indexs=(4, 5))], LIMITS)
        (second,), _ = check_elements(replace(JOB, settings=(first,)), [STORE], LIMITS)

        assert second == SeriesConfig(FIRST, "LinearFit", (), (4, 5))

    def test_training_stores_nothing(self) -> None:
        """Its settings are its own."""
        assert check_elements(self.job, [TRAIN], LIMITS)[0] == []

    def test_parameters_may_be_stored_before_the_model(self) -> None:
        """Their form is checked then, their names with the model."""
        element = SeriesConfig(FIRST, hyper_params=(HyperParam("depth", "int", 3),))
        (first,), _ = check_elements(JOB, [element], LIMITS)
        error = refusal(SeriesConfig(FIRST, "LinearFit"), job=replace(JOB, settings=(first,)))

        assert error.message.endswith("hyper_params 'depth': is unknown; LinearFit has latest_n, add_std_factor")

    def test_ranges_may_be_stored(self) -> None:
        """They are for tuning, which another call asks for."""
        element = replace(STORE, hyper_params=parameter(low=1, high=5))

        assert check_elements(JOB, [element], LIMITS)[0] == [element]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"model_name": "Prophet"}, "model_name: 'Prophet' is unknown"),
            ({"hyper_params": (HyperParam("latest_n", "int", 0),)}, "hyper_params 'latest_n': val must be"),
            ({"hyper_params": (HyperParam("latest_n", "text", 1),)}, "type is 'text', expected int, float or list"),
            ({"feature_indexs": (2,)}, "feature_indexs: column 2 is the job's timestamp"),
            ({"refit": 2}, "refit: is 2, expected 0 or 1"),
            ({"allow_negative": 2}, "allow_negative: is 2, expected 0 or 1"),
            ({"auto_tune_metric": "best"}, "auto_tune_metric: 'best' is unknown"),
        ],
    )
    def test_J092_settings_are_checked_when_they_are_stored(self, change: dict[str, Any], message: str) -> None:
        """Not only when they are used."""
        assert message in refusal(replace(STORE, **change)).message


LATEST_RANGE = HyperParam("latest_n", "int", low=1, high=5)
FACTOR_RANGE = HyperParam("add_std_factor", "float", low=0, high=0.5)


class TestTuning:
    """What a search may choose from (J-080 … J-087)."""

    def test_J081_ranges_are_searched(self) -> None:
        """The seed's own example: both parameters, a hundred trials, judged by mse unless said otherwise."""
        got = plan(replace(TRAIN, auto_tune=1, hyper_params=(LATEST_RANGE, FACTOR_RANGE)))

        assert got.search == Search((LATEST_RANGE, FACTOR_RANGE), 100, "mse")
        assert got.config == {"latest_n": 5, "add_std_factor": 0.1}

    def test_J076_J087_trials_and_metric_are_taken_over(self) -> None:
        """Aliases of metrics become their names."""
        got = plan(replace(TRAIN, auto_tune=1, hyper_params=(LATEST_RANGE,), max_eval=7, auto_tune_metric="r2_score"))

        assert got.search == Search((LATEST_RANGE,), 7, "r2")

    def test_J086_a_fixed_parameter_stays_fixed(self) -> None:
        """Beside one that is searched."""
        fixed = HyperParam("add_std_factor", "float", 0.5)
        got = plan(replace(TRAIN, auto_tune=1, hyper_params=(LATEST_RANGE, fixed)))

        assert got.search == Search((LATEST_RANGE, fixed), 100, "mse")
        assert got.config == {"latest_n": 5, "add_std_factor": 0.5}

    def test_without_parameters_the_whole_recommended_space_is_searched(self) -> None:
        """As GET /model/{name} shows it: ranges and options."""
        got = plan(replace(TRAIN, auto_tune=1))

        assert got.search is not None
        assert got.search.space == (LATEST_RANGE, FACTOR_RANGE)
        options = plan(replace(TRAIN, auto_tune=1, model_name="LstmLong"))
        assert options.search is not None
        assert (
            HyperParam("loss_used", "list", choice=("mean_squared_error", "mean_absolute_error", "huber"))
            in options.search.space
        )

    @pytest.mark.parametrize("hyper_params", [(), (HyperParam("epochs", "int", low=10, high=20),)])
    def test_a_model_for_all_series_together_is_not_tuned(self, hyper_params: tuple[HyperParam, ...]) -> None:
        """One model, one configuration; fixed values are no search."""
        change = {"model_name": "DeepAR", "auto_tune": 1}
        fixed = (HyperParam("epochs", "int", 20),)

        assert wrong(**change, hyper_params=hyper_params) == (
            "auto_tune: is 1, but DeepAR is not tuned: send auto_tune 0, and hyper_params with val or none"
        )
        assert plan(replace(TRAIN, **change, hyper_params=fixed)).config["epochs"] == 20

    def test_where_all_is_fixed_nothing_is_searched(self) -> None:
        """It trains as without tuning."""
        got = plan(replace(TRAIN, auto_tune=1, hyper_params=(LATEST_5,)))

        assert got.search is None
        assert got.config["latest_n"] == 5

    @pytest.mark.parametrize(
        ("parameter", "message"),
        [
            (HyperParam("latest_n", "int"), "hyper_params 'latest_n': needs val, or low and high, or choice"),
            (
                HyperParam("latest_n", "list", choice=()),
                "hyper_params 'latest_n': choice is empty: name at least one option, or send val",
            ),
            (
                HyperParam("latest_n", "list", low=1, high=2),
                "hyper_params 'latest_n': a list has no low and high: send its options as choice",
            ),
            (HyperParam("latest_n", "int", low=5, high=1), "hyper_params 'latest_n': low 5 is above high 1"),
            (HyperParam("latest_n", "int", low=5), "hyper_params 'latest_n': low and high go together"),
            (
                HyperParam("latest_n", "float", low=1, high=5),
                "hyper_params 'latest_n': takes whole numbers: send its range with type int",
            ),
            (
                HyperParam("latest_n", "int", low=1, high=5, choice=(2,)),
                "hyper_params 'latest_n': has a range and a choice: send one of them",
            ),
        ],
    )
    def test_J085_what_cannot_be_searched_is_refused(self, parameter: HyperParam, message: str) -> None:
        """In words that name the parameter and the remedy."""
        assert wrong(auto_tune=1, hyper_params=(parameter,)) == message

    def test_a_range_of_options_is_refused(self) -> None:
        """The model's parameter has a list of options."""
        strange = (HyperParam("loss_used", "int", low=0, high=1),)
        assert wrong(auto_tune=1, model_name="LstmLong", hyper_params=strange) == (
            "hyper_params 'loss_used': has options, not a range: send type list and choice"
        )

    def test_J090_features_go_to_models_that_use_them(self) -> None:
        """Other models train without; the setting is kept all the same."""
        users = [name for name, spec in CATALOG.items() if spec.covariates]
        assert users
        for name in CATALOG:
            got = plan(replace(TRAIN, model_name=name, feature_indexs=(4, 5)))
            assert got.features == ((4, 5) if name in users else ())
