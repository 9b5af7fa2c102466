"""Tuning: what a search may try, which hold-out it looks at, which trial wins, and what the answer says of it."""

import logging
import os
import subprocess
import sys
from dataclasses import replace
from itertools import product
from types import MappingProxyType
from typing import Any

import hyperopt
import numpy as np
import pytest

from models import batch, catalog
from models.arrays.published_values import ValueKinds
from models.batch import SeriesAnswer, SeriesRequest, forecast_batch
from models.catalog import CATALOG
from models.errors import RejectedInputError
from models.forecasts import Forecasts, SeriesBatch
from models.hyper_parameters import HyperParameter
from models.model_spec import ModelSpec
from models.quick.lines import raised_lines
from models.scores.names import METRICS
from models.tuning.factor_search import best_factors
from models.tuning.search import MOST_CELLS, Dimension, Search, loss
from models.tuning.search_space import search_space

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

# J-140: 38 daily points, 2020-08-01 to 2020-09-07.
SAMPLE = np.array([
    227, 246, 247, 249, 255, 249, 246, 228, 246, 246, 245, 249, 235, 233, 224, 230, 261, 238, 242,
    266, 258, 226, 233, 242, 236, 236, 233, 260, 219, 230, 235, 237, 226, 227, 226, 221, 222, 227,
], dtype=np.float64)  # fmt: skip

N = Dimension("latest_n", "int", 1, 5)
FACTOR = Dimension("add_std_factor", "float", 0, 0.5)


def request(
    target: Any = SAMPLE, model_name: str = "LinearFit", search: Search | None = None, **changes: Any
) -> SeriesRequest:
    """The sample's settings, tuned as in the contract's example (J-081) unless told otherwise."""
    values: dict[str, Any] = {
        "config": {}, "prediction_length": 5, "refit": False, "eval_metrics": ("mse", "rmse"), **changes
    }  # fmt: skip
    return SeriesRequest(np.asarray(target, np.float64), model_name, search=search or Search((N, FACTOR)), **values)


def tuned(target: Any = SAMPLE, model_name: str = "LinearFit", *space: Dimension, **changes: Any) -> SeriesAnswer:
    """The answer to a single request with this space."""
    options = {name: changes.pop(name) for name in ("max_eval", "metric") if name in changes}
    return forecast_batch([request(target, model_name, Search(space, **options), **changes)])[0]


def losses_of(answer: SeriesAnswer) -> list[float]:
    """The defined losses."""
    return [value for value in answer.trials if value is not None]


# A model that shows what it was given: it forecasts level + share, fails on some options and at times says NaN.
def show(given: SeriesBatch) -> Forecasts:
    calls.append(dict(given.config))
    level, share, mood = int(given.config["level"]), float(given.config["share"]), given.config["mood"]
    if mood == "fails" or (mood == "fails above 3" and level > 3):
        raise RuntimeError("secret detail")
    if mood == "fails on 13" and (given.history == 13).any():
        raise RuntimeError("secret detail")
    value = np.nan if mood == "says nothing" else level + share
    return Forecasts(np.full((len(given.history), given.horizon), value))


calls: list[dict[str, Any]] = []
MOODS = ("well", "fails", "fails above 3", "fails on 13", "says nothing")
LEVEL, SHARE = Dimension("level", "int", 0, 50), Dimension("share", "float", -0.5, 0.25)


@pytest.fixture(autouse=True)
def _show(monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = (
        HyperParameter("level", "int", 7, 0, 50, minimum=0),
        HyperParameter("share", "float", 0.125),
        HyperParameter("mood", "list", "well", choice=MOODS),
    )
    spec = ModelSpec(name="Show", intro="", hyper_parameters=parameters, entry=f"{__name__}:show")
    monkeypatch.setattr(catalog, "CATALOG", MappingProxyType({**CATALOG, "Show": spec}))
    calls.clear()


TENS = [10.5] * 30  # not whole numbers, so nothing is rounded


# What a search may try


@pytest.mark.parametrize(
    ("space", "config", "tried"),
    [
        ((Dimension("level", "int", val=5.0),), {}, {"level": {5}, "share": {0.125}, "mood": {"well"}}),
        ((Dimension("level", "int", 2, 4),), {"share": 1}, {"level": {2, 3, 4}, "share": {1.0}, "mood": {"well"}}),
        ((Dimension("level", "int", 3, 3),), {}, {"level": {3}, "share": {0.125}, "mood": {"well"}}),
        ((Dimension("share", "float", 2, 2),), {}, {"level": {7}, "share": {2.0}, "mood": {"well"}}),
        ((Dimension("share", "int", -1, 1),), {}, {"level": {7}, "share": {-1.0, 0.0, 1.0}, "mood": {"well"}}),
        ((Dimension("level", "list", choice=(9, 2.0, 9)),), {}, {"level": {9, 2}, "share": {0.125}, "mood": {"well"}}),
        (
            (Dimension("mood", "list", choice=("says nothing", "well")), Dimension("level", "int", 1, 2)),
            {"level": 40},
            {"level": {1, 2}, "share": {0.125}, "mood": {"says nothing", "well"}},
        ),
    ],
)
def test_J080_J081_J082_J086_every_combination_of_a_finite_space_is_tried(
    space: tuple[Dimension, ...], config: dict[str, Any], tried: dict[str, set[Any]]
) -> None:
    """Fixed, range, options and mixtures, both bounds included; the rest as the request or the catalogue has it."""
    answer = forecast_batch([request(TENS, "Show", Search(space), config=config)])[0]

    assert answer.error is None
    assert {name: {call[name] for call in calls} for name in tried} == tried
    combinations = np.prod([len(values) for values in tried.values()])
    assert len(answer.trials) == combinations


@pytest.mark.parametrize("seed", range(3))
def test_J084_a_real_range_is_searched_within_its_bounds_and_beside_the_other_forms(seed: int) -> None:
    """Each trial is one of TPE's; ints are whole, options are values, and the fixed one stays."""
    space = (SHARE, Dimension("level", "int", 9, 11), Dimension("mood", "list", choice=("well", "says nothing")))
    answer = forecast_batch([request(TENS, "Show", Search(space, 60), seed=seed)])[0]
    tried = [call for call in calls[:-1] if call != answer.config]

    assert {call["level"] for call in tried} == {9, 10, 11}
    assert {call["mood"] for call in tried} == {"well", "says nothing"}
    assert all(-0.5 <= call["share"] <= 0.25 for call in tried)
    assert len({call["share"] for call in tried}) > 40
    assert len(answer.trials) == 60


def test_J136_J141_the_config_is_complete_and_of_the_parameters_own_types() -> None:
    """Whole numbers as int, options as their value and not their position, in the catalogue's order."""
    space = (Dimension("mood", "list", choice=("says nothing", "well")), SHARE, Dimension("level", "int", 9, 11))
    config = tuned(TENS, "Show", *space, max_eval=30).config

    assert config is not None
    assert [(name, type(value)) for name, value in config.items()] == [("level", int), ("share", float), ("mood", str)]
    assert config["mood"] == "well"


def test_J136_without_a_search_the_config_is_complete_too() -> None:
    """Defaults filled in, 5.0 as 5, no trials; None in a failure."""
    plain = replace(request(), search=None, config={"latest_n": 3.0})
    good, bad = forecast_batch([plain, replace(plain, target=np.array([np.nan]))])

    assert repr(good.config) == "{'latest_n': 3, 'add_std_factor': 0.1}"
    assert good.trials == ()
    assert bad.config is None


NONSENSE = [
    ((Dimension("latest_m", "int", 1, 5),), {}, "no hyper-parameter 'latest_m'"),
    ((N, N), {}, "given twice"),
    ((Dimension("latest_n", "int"),), {}, "exactly one of"),
    ((Dimension("latest_n", "list", choice=()),), {}, "exactly one of"),
    ((Dimension("latest_n", "int", 1, 5, val=3),), {}, "exactly one of"),
    ((Dimension("latest_n", "int", 1, 5, choice=(3,)),), {}, "exactly one of"),
    ((Dimension("latest_n", "int", low=1),), {}, "both low and high"),
    ((Dimension("latest_n", "int", 5, 1),), {}, "swap them"),
    ((Dimension("latest_n", "int", 0, 5),), {}, "whole number from 1"),
    ((Dimension("latest_n", "int", 1, 2.5),), {}, "whole number from 1"),
    ((Dimension("latest_n", "float", 1, 5),), {}, "type int"),
    ((Dimension("latest_n", "list", 1, 5),), {}, "send a choice"),
    ((Dimension("latest_n", "int", True, 5),), {}, "whole number from 1"),
    ((Dimension("latest_n", "text", 1, 5),), {}, "must be int, float or list"),
    ((Dimension("latest_n", "list", choice=(1, "two")),), {}, "whole number from 1"),
    ((Dimension("add_std_factor", "int", 0, 0.5),), {}, "must be whole numbers"),
    ((Dimension("add_std_factor", "float", 0, np.inf),), {}, "finite number"),
    ((Dimension("add_std_factor", "float", 0, np.nan),), {}, "finite number"),
    ((Dimension("add_std_factor", "float", "0", "1"),), {}, "finite number"),
    ((N,), {"max_eval": 0}, "max_eval must be"),
    ((N,), {"max_eval": 2.5}, "max_eval must be"),
    ((N,), {"max_eval": True}, "max_eval must be"),
    ((N,), {"metric": "mes"}, "no metric 'mes'"),
    (("latest_n",), {}, "must consist of Dimensions"),
    ([N], {}, "must be a Search"),
]


@pytest.mark.parametrize(("space", "options", "text"), NONSENSE)
def test_nonsense_is_refused_in_plain_words(space: Any, options: dict[str, Any], text: str) -> None:
    """As RejectedInputError by the search itself, and as the error of the answer; good requests do not notice."""
    search = Search(space, **options)
    bad, good = forecast_batch([request(search=search), request()])

    with pytest.raises(RejectedInputError, match=text):
        search_space(CATALOG["LinearFit"], search, {})
    assert text in str(bad.error)
    assert good.error is None


def test_a_search_of_another_kind_fails_alone() -> None:
    """Whatever stands in `search` becomes an error and not an exception."""
    bad, good = forecast_batch([replace(request(), search={"latest_n": [1, 2]}), request()])  # type: ignore[arg-type]

    assert "must be a Search" in str(bad.error)
    assert good.error is None


def test_a_bool_is_not_taken_for_an_equal_number() -> None:
    """Dimension(val=1) == Dimension(val=True), but only one of them is a whole number."""
    one, true = (request(search=Search((Dimension("latest_n", "int", val=value),))) for value in (1, True))

    assert [answer.error is None for answer in forecast_batch([one, true, one])] == [True, False, True]


# Which trial wins


def test_J140_the_best_cell_of_the_sample() -> None:
    """latest_n 1 … 5, factor 0 … 0.5: n = 1 has mse 8.6, and its factor, which changes nothing, is the lowest."""
    assert tuned(SAMPLE, "LinearFit", N, FACTOR) == SeriesAnswer(
        [226.0] * 5, None, {"mse": 8.6, "rmse": 2.932575659723036}, None, trials=(8.6, 1229.6, 110.8, 15.8, 255.0)
    )
    assert tuned(SAMPLE, "LinearFit", N, FACTOR).config == {"latest_n": 1, "add_std_factor": 0.0}


@pytest.mark.parametrize(
    ("model_name", "space", "config", "trials"),
    [
        ("AdaptiveMaxN", (Dimension("latest_n", "int", 2, 7),), {"latest_n": 2}, (160.4,) * 4 + (1259.8,) * 2),
        ("AdaptiveMaxN", (Dimension("latest_n", "list", choice=(4, 1)),), {"latest_n": 1}, (160.4, 8.6)),
        (
            "LinearFit",
            (Dimension("latest_n", "int", val=5), Dimension("add_std_factor", "list", choice=(0.5, 0))),
            {"latest_n": 5, "add_std_factor": 0.0},
            (356.4, 255.0),
        ),
        ("LinearFit", (Dimension("latest_n", "int", val=1),), {"latest_n": 1, "add_std_factor": 0.1}, (8.6,)),
    ],
)
def test_J118_J122_known_losses_of_the_sample(
    model_name: str, space: tuple[Dimension, ...], config: dict[str, Any], trials: tuple[float, ...]
) -> None:
    """Without refit a trial's loss is the published figure of its configuration; of equal ones the lowest wins."""
    answer = tuned(SAMPLE, model_name, *space)

    assert (answer.config, answer.trials) == (config, trials)
    assert answer.metrics["mse"] == min(trials)


def test_ties_go_to_the_lowest_window_and_factor() -> None:
    """A constant series is met exactly by every configuration."""
    assert tuned([4.0] * 20, "LinearFit", Dimension("latest_n", "int", 2, 5), FACTOR).config == {
        "latest_n": 2, "add_std_factor": 0.0,
    }  # fmt: skip
    assert tuned([4.5] * 20, "LinearFit", Dimension("latest_n", "int", 3, 5), FACTOR).config == {
        "latest_n": 3, "add_std_factor": 0.0,
    }  # fmt: skip
    assert tuned([4.5] * 20, "AdaptiveAverageN", N).config == {"latest_n": 1}


def test_of_equally_good_factors_the_lowest_that_was_tried_wins() -> None:
    """A loss of 0 above 40 and 1 below: the factor chosen is the lowest of those tried above 40."""
    tried: list[np.ndarray] = []

    def losses(_: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        tried.append(predicted[:, 0])
        return np.where(predicted[:, 0] > 40, 0.0, 1.0)

    none = np.array([False])
    kinds = ValueKinds(none, none)
    history, actual = np.array([[7.25, 30.5, 12.0, 33.0]]), np.array([[61.0, 55.0, 36.0, 41.0, 38.0]])
    found, factors = best_factors(history, actual, kinds, 4, span=(-1.0, 9.0), metric="mse", losses=losses)
    chosen = raised_lines(history, 1, [4], factors)[0, 0]

    assert found.tolist() == [0.0]
    assert chosen == min(value for value in np.concatenate(tried) if value > 40)


@pytest.mark.parametrize("metric", [*METRICS, "r2_score"])
def test_J087_the_metric_is_made_small_or_large_or_near_zero(metric: str) -> None:
    """For each metric the window is chosen whose plain forecast has the best value: brute force, six series."""
    targets = 50 + np.random.default_rng(5).normal(0, 6, (6, 30)).round(2)
    windows = Dimension("latest_n", "int", 1, 8)
    answers = forecast_batch([request(target, search=Search((windows,), 100, metric)) for target in targets])
    for target, answer in zip(targets, answers, strict=True):
        badness = []
        for n in range(1, 9):
            plain = replace(request(target, config={"latest_n": n}, eval_metrics=(metric,)), search=None)
            value = next(iter(forecast_batch([plain])[0].metrics.values()))
            assert value is not None
            larger_is_better, best_at_zero = metric in ("r2", "r2_score", "mda"), metric in ("me", "mpe", "bias", "mre")
            badness.append(-value if larger_is_better else abs(value) if best_at_zero else value)

        assert answer.config == {"latest_n": 1 + int(np.argmin(badness)), "add_std_factor": 0.1}
        assert answer.trials == tuple(badness)


def test_an_undefined_loss_loses_against_everything() -> None:
    """Not a number never wins, also where larger is better; a trial without a loss is None."""
    moods = Dimension("mood", "list", choice=("says nothing", "well", "fails"))
    for metric in ("mse", "r2", "me"):
        answer = tuned([*TENS, 11.5], "Show", moods, metric=metric)

        assert answer.config == {"level": 7, "share": 0.125, "mood": "well"}
        assert [value is None for value in answer.trials] == [True, False, True]


@pytest.mark.parametrize(("model_name", "space"), [("LinearFit", (N, FACTOR)), ("Show", (LEVEL, SHARE))])
def test_if_every_loss_is_undefined_the_defaults_are_used_and_the_answer_says_so(
    model_name: str, space: tuple[Dimension, ...]
) -> None:
    """A zero in the hold-out leaves mape undefined, whatever is forecast."""
    answer = tuned([*TENS, 0.0], model_name, *space, metric="mape", max_eval=6)

    assert answer.error is None
    assert "not tuned" in answer.note
    assert "mape is undefined" in answer.note
    assert set(answer.trials) == {None}
    assert answer.config is not None
    assert list(answer.config.values())[:2] in ([5, 0.1], [7, 0.125])


@pytest.mark.parametrize("extra", [(), (SHARE,)], ids=["finite", "tpe"])
def test_a_failing_trial_counts_as_a_bad_one(extra: tuple[Dimension, ...]) -> None:
    """The model fails on levels above 3; the best of the others is chosen."""
    space = (Dimension("level", "int", 0, 9), Dimension("mood", "list", val="fails above 3"), *extra)
    answer = tuned(TENS, "Show", *space, max_eval=50)

    assert answer.error is None
    assert answer.config is not None
    assert answer.config["level"] == 3
    assert None in answer.trials


@pytest.mark.parametrize("extra", [(), (SHARE,)], ids=["finite", "tpe"])
def test_only_if_all_trials_fail_the_series_fails(extra: tuple[Dimension, ...]) -> None:
    """And only that series; the text names the model, not the inside of the exception."""
    search = Search((Dimension("level", "int", 0, 3), Dimension("mood", "list", val="fails on 13"), *extra), 8)
    asked = [request(target, "Show", search) for target in (TENS, [13.0] * 30, TENS)]
    answers = forecast_batch(asked)

    assert [answer.error is None for answer in answers] == [True, False, True]
    assert "Show could not forecast this series" in str(answers[1].error)
    assert "secret detail" not in str(answers[1].error)
    assert extra or len(calls) == 4 * (1 + 3) + 1  # each level together and then apart, and one forecast of the others
    assert answers[0] == answers[2] == forecast_batch(asked[:1])[0]


# How many trials


@pytest.mark.parametrize("max_eval", [1, 7, 25])
def test_J076_max_eval_bounds_the_trials_of_a_search(max_eval: int) -> None:
    """So many trials, not more, and no combination is computed twice; the last call is the forecast itself."""
    answer = tuned(TENS, "Show", LEVEL, SHARE, max_eval=max_eval)

    assert len(answer.trials) == max_eval
    assert len(calls) == max_eval + 1
    assert answer.config == calls[-1]


def test_J076_a_space_with_more_combinations_than_trials_is_searched() -> None:
    """31 levels, 30 trials: repeated suggestions count as trials, but nothing is computed twice."""
    answer = tuned(TENS, "Show", Dimension("level", "int", 0, 30), max_eval=30)
    levels = [call["level"] for call in calls[:-1]]

    assert len(answer.trials) == 30
    assert len(levels) < 30
    assert len(levels) == len(set(levels))


def test_J076_a_space_with_no_more_combinations_than_trials_is_tried_whole_and_in_order() -> None:
    """51 levels, 51 trials: each once, all series at a time."""
    search = Search((LEVEL,), 51)
    answers = forecast_batch([request(TENS, "Show", search), request([30.5] * 30, "Show", search)])

    assert [call["level"] for call in calls[:51]] == list(range(51))
    assert [answer.config["level"] for answer in answers if answer.config] == [10, 30]
    assert len(answers[0].trials) == 51


def test_cheap_models_try_all_combinations_and_list_the_best_of_equal_shares() -> None:
    """latest_n 1 … 38 with max_eval 4: the loss of the best of each quarter or so, and the best of all is chosen."""
    every = tuned(SAMPLE, "AdaptiveAverageN", Dimension("latest_n", "int", 1, 38))
    listed = tuned(SAMPLE, "AdaptiveAverageN", Dimension("latest_n", "int", 1, 38), max_eval=4)
    shares = np.arange(38) * 4 // 38

    assert len(every.trials) == 38
    assert listed.trials == tuple(min(np.array(losses_of(every))[shares == share]) for share in range(4))
    assert listed.config == every.config


def test_a_cheap_model_with_too_many_combinations_is_searched() -> None:
    """One more than MOST_CELLS: TPE takes over, so there are max_eval trials and the figures still fit together."""
    wide = Dimension("latest_n", "int", 1, MOST_CELLS + 1)
    for space in ((wide,), (wide, FACTOR)):
        answer = tuned(SAMPLE, "LinearFit", *space, max_eval=2)

        assert len(answer.trials) == 2
        assert answer.metrics["mse"] == min(losses_of(answer))
        assert min(losses_of(answer)) > 8.6  # two random trials do not find what the whole grid would


# Which hold-out


def test_without_refit_the_reported_hold_out_is_tuned_on() -> None:
    """J-118: other values there, another choice."""
    answer = tuned(SAMPLE, "LinearFit", N, FACTOR)
    other = tuned([*SAMPLE[:-5], 236, 238, 240, 242, 244], "LinearFit", N, FACTOR)

    assert answer.config == {"latest_n": 1, "add_std_factor": 0.0}
    assert other.config == {"latest_n": 5, "add_std_factor": 0.0}
    assert min(losses_of(other)) == 0.0


@pytest.mark.parametrize(
    ("model_name", "space"),
    [("LinearFit", (N, FACTOR)), ("AdaptiveMaxN", (N,)), ("Show", (Dimension("level", "int", 200, 260), SHARE))],
)
@pytest.mark.parametrize("prediction_length", [2, 7])
def test_with_refit_the_reported_hold_out_is_not_looked_at(
    model_name: str, space: tuple[Dimension, ...], prediction_length: int
) -> None:
    """Whatever stands in the last h rows, fractions and gaps too: same configuration, same trials."""
    h = max(5, prediction_length)
    rng = np.random.default_rng(8)
    ends = [SAMPLE[-h:], rng.normal(0, 1e6, h), np.arange(h) + 0.5, np.full(h, np.nan), np.zeros(h)]
    search = Search(space, 20)
    asked = [
        request([*SAMPLE[:-h], *end], model_name, search, refit=True, prediction_length=prediction_length)
        for end in ends
    ]
    answers = forecast_batch(asked)

    assert {(repr(answer.config), answer.trials) for answer in answers} == {
        (repr(answers[0].config), answers[0].trials)
    }
    assert len({repr(answer.metrics) for answer in answers}) > 1


def test_with_refit_the_inner_hold_out_decides() -> None:
    """The trials' figures are those of the series without its last h rows, tuned without refit."""
    inner = tuned(SAMPLE[:-5], "LinearFit", N, FACTOR)
    answer = tuned(SAMPLE, "LinearFit", N, FACTOR, refit=True)
    plain = replace(request(refit=True), search=None, config=dict(answer.config or {}))

    assert (answer.config, answer.trials) == (inner.config, inner.trials)
    assert replace(answer, trials=()) == forecast_batch([plain])[0]


@pytest.mark.parametrize(
    ("points", "refit", "is_tuned"), [(6, False, False), (7, False, True), (11, True, False), (12, True, True)]
)
def test_J119_a_series_too_short_to_tune_gets_the_defaults_and_a_note(
    points: int, *, refit: bool, is_tuned: bool
) -> None:
    """Two observed values must lie before the last h rows, or before the last 2h with refit."""
    answer = tuned(SAMPLE[:points], "LinearFit", N, FACTOR, refit=refit)

    assert answer.error is None
    assert bool(answer.trials) == is_tuned
    assert (f"before the last {10 if refit else 5} rows" in answer.note) != is_tuned
    assert is_tuned or answer.config == {"latest_n": 5, "add_std_factor": 0.1}


@pytest.mark.parametrize(
    ("dimension", "value"),
    [
        (Dimension("latest_n", "int", 1, 3), 3),
        (Dimension("latest_n", "int", 8, 12), 8),
        (Dimension("latest_n", "int", 2, 30), 5),
        (Dimension("latest_n", "int", val=2), 2),
        (Dimension("latest_n", "list", choice=(1, 7, 20)), 7),
        (Dimension("latest_n", "list", choice=(9, 5)), 5),
        (Dimension("add_std_factor", "float", 0.2, 0.5), 0.2),
        (Dimension("add_std_factor", "float", -1, 0), 0.0),
        (Dimension("add_std_factor", "float", 0, 1), 0.1),
        (Dimension("mood", "list", choice=("fails on 13", "fails")), "fails on 13"),
        (Dimension("mood", "list", choice=("fails", "well")), "well"),
    ],
)
def test_untuned_defaults_stay_within_the_space(dimension: Dimension, value: float | str) -> None:
    """The model's default, else the nearest that is allowed, for texts the first."""
    model_name = "Show" if dimension.name == "mood" else "LinearFit"
    config = tuned(SAMPLE[:6], model_name, dimension).config

    assert config is not None
    assert repr(config[dimension.name]) == repr(value)


# What the answer is worth


def series_of_all_kinds(count: int, seed: int) -> list[np.ndarray]:
    """Whole, real, signed, small, large, with gaps; of several lengths, some too short to be tuned or scored."""
    rng = np.random.default_rng(seed)
    targets = []
    for number in range(count):
        steps = (38, 6, 25, 13, 60)[number % 5]
        target = 230 + rng.normal(0, 4, steps).cumsum() + rng.normal(0, 8, steps)
        kind = number % 6
        if kind in (0, 3, 4):
            target = np.maximum(np.round(target * (1, 0, 0, 0.03, 4000)[kind]), 0)
        elif kind == 2:
            target -= 230
        elif kind == 5:
            target[rng.random(steps) < 0.15] = np.nan
        targets.append(target)
    return targets


@pytest.mark.parametrize("refit", [False, True])
@pytest.mark.parametrize(
    ("model_name", "space"),
    [
        ("LinearFit", (N, FACTOR)),
        ("LinearFit", (Dimension("latest_n", "int", 1, 9), Dimension("add_std_factor", "float", -2, 2))),
        ("AdaptiveMaxN", (N,)),
        ("AdaptiveAverageN", (N,)),
    ],
)
def test_a_tuned_answer_is_the_plain_answer_with_its_config(
    model_name: str, space: tuple[Dimension, ...], *, refit: bool
) -> None:
    """To the last bit, for series of every kind; without refit its loss is the metric's value."""
    asked = [request(target, model_name, Search(space), refit=refit) for target in series_of_all_kinds(60, 3)]
    answers = forecast_batch(asked)
    plain = forecast_batch(
        [replace(one, search=None, config=answer.config or {}) for one, answer in zip(asked, answers, strict=True)]
    )

    assert all(answer.error is None for answer in answers)
    assert [repr(replace(a, trials=(), note="")) for a in answers] == [repr(a) for a in plain]
    assert refit or all(not a.trials or a.metrics["mse"] == min(losses_of(a)) for a in answers)


@pytest.mark.parametrize("metric", ["mse", "smape", "std_ae", "me"])
@pytest.mark.parametrize("refit", [False, True])
def test_batch_mates_do_not_matter(metric: str, *, refit: bool) -> None:
    """Alone, among others and in another order: the same answer to the last bit."""
    search = Search((Dimension("latest_n", "int", 1, 12), FACTOR), 100, metric)
    asked = [request(target, search=search, refit=refit) for target in series_of_all_kinds(20, 4)]
    together = [repr(answer) for answer in forecast_batch(asked)]

    assert [repr(forecast_batch([one])[0]) for one in asked] == together
    assert [repr(answer) for answer in forecast_batch(asked[::-1])] == together[::-1]


def test_series_too_short_to_tune_or_score_do_not_break_up_their_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """One call answers all, each row with the configuration found for it."""
    answered = []
    original = batch._answer_together
    monkeypatch.setattr(batch, "_answer_together", lambda asked: answered.append(len(asked)) or original(asked))
    for model_name in ("LinearFit", "AdaptiveMaxN"):
        space = Search((N, FACTOR) if model_name == "LinearFit" else (N,))
        forecast_batch([request(SAMPLE[:points], model_name, space) for points in (6, 38, 6, 30)])

    assert answered == [4, 4]


def test_J109_a_search_depends_on_its_seed_and_on_nothing_else() -> None:
    """Same seed, same trials, whatever stands beside it and whatever numpy's own generator was up to."""
    search = Search((LEVEL, SHARE), 24)
    asked = [request(TENS, "Show", search, seed=seed) for seed in (1, 2, 1)]
    first = forecast_batch(asked)
    np.random.seed(7)  # noqa: NPY002 - the generator that must not matter
    again = forecast_batch([asked[1], asked[0]])

    assert first[0] == first[2] == again[1]
    assert first[1] == again[0]
    assert first[0].trials != first[1].trials


REPLAY = f"""
import numpy as np
from models.batch import SeriesRequest, forecast_batch
from models.tuning.search import Dimension, Search
space = (Dimension("latest_n", "int", 1, {MOST_CELLS + 1}), Dimension("add_std_factor", "float", 0, 1))
target = np.random.default_rng(1).normal(50, 5, 60)
print(forecast_batch([SeriesRequest(target, "LinearFit", {{}}, 5, False, ("mse",), 9, search=Search(space, 40))]))
"""


def test_J109_a_replay_in_another_process_gives_the_same_answer_and_prints_nothing_else() -> None:
    """With another hash seed, hence another order of sets; neither output has a line more."""
    outputs = set()
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", REPLAY],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        outputs.add(done.stdout)

    assert len(outputs) == 1
    assert outputs.pop().count("\n") == 1


def test_a_search_is_quiet(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """No progress bar and no log line of a trial, even when everything is logged."""
    caplog.set_level(logging.DEBUG)
    tuned(TENS, "Show", LEVEL, SHARE, max_eval=25)

    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


# Never worse than TPE

JUDGED = ("mse", "mae", "mape", "smape", "mdae")


def loss_of(target: np.ndarray, config: dict[str, Any], metric: str) -> float:
    """What a plain request with this configuration is worth."""
    value = forecast_batch([replace(request(target, config=config, eval_metrics=(metric,)), search=None)])[0].metrics
    return float(loss(metric, np.array([np.nan if value[metric] is None else value[metric]]))[0])


@pytest.mark.parametrize(("metric", "kind"), list(product(JUDGED, ("whole", "real", "large"))))
def test_the_loss_is_never_worse_than_that_of_fmin(metric: str, kind: str) -> None:
    """Against hyperopt itself with 100 trials on the same objective."""
    rng = np.random.default_rng(METRICS.index(metric))
    target = 230 + rng.normal(0, 4, 38).cumsum() + rng.normal(0, 8, 38)
    if kind != "real":
        target = np.round(target * (1 if kind == "whole" else 5000))
    trials = hyperopt.Trials()
    hyperopt.fmin(
        lambda sample: loss_of(target, sample, metric),
        {
            "latest_n": hyperopt.hp.uniformint("latest_n", 1, 5),
            "add_std_factor": hyperopt.hp.uniform("add_std_factor", 0, 0.5),
        },
        algo=hyperopt.tpe.suggest,
        max_evals=100,
        trials=trials,
        rstate=np.random.default_rng(1),
        show_progressbar=False,
    )
    answer = tuned(target, "LinearFit", N, FACTOR, metric=metric)

    assert min(losses_of(answer)) <= min(trials.losses()) + 1e-12 * abs(min(trials.losses()))


FALLING = [
    np.maximum(0, rng.normal(30, 8) - np.arange(20) * rng.uniform(1, 3) + rng.normal(0, 4, 20)).round(2)
    for rng in map(np.random.default_rng, range(12))
]


@pytest.mark.parametrize("allow_negative", [False, True])
@pytest.mark.parametrize("metric", ["mse", "me", "mae", "rmsse", "mdae"])
def test_D32_the_best_factor_is_found_where_predictions_are_lifted_to_zero(metric: str, allow_negative: bool) -> None:
    """Sales that fall to zero: none of 400 factors is better than the one chosen, and no prediction is negative."""
    space = (Dimension("latest_n", "int", val=7), Dimension("add_std_factor", "float", -2.0, 3.0))
    for target in FALLING:
        asked = replace(request(target, search=Search(space, 100, metric)), allow_negative=allow_negative)
        answer = forecast_batch([asked])[0]
        plain = replace(asked, search=None, eval_metrics=(metric,))
        factors = np.linspace(-2, 3, 400).tolist()
        others = forecast_batch([replace(plain, config={"latest_n": 7, "add_std_factor": f}) for f in factors])
        best = loss(metric, np.array([other.metrics[metric] for other in others], np.float64)).min()

        assert best == np.inf or min(losses_of(answer)) <= best + 1e-12 * abs(best) + 1e-15
        assert allow_negative or min(answer.predictions) >= 0


@pytest.mark.parametrize("metric", ["mse", "mae", "smape"])
def test_large_whole_numbers_are_tried_stair_by_stair_around_the_best_factor(metric: str) -> None:
    """With scatters of some thousands a stair is 1e-4 wide: no factor nearby is better than the one chosen."""
    rng = np.random.default_rng(3)
    for _ in range(4):
        target = np.round(rng.normal(40_000, 4_000, 30))
        answer = tuned(target, "LinearFit", Dimension("latest_n", "int", val=5), FACTOR, metric=metric)
        chosen = float((answer.config or {})["add_std_factor"])
        nearby = np.clip(chosen + rng.uniform(-2e-3, 2e-3, 300), 0, 0.5)
        plain = replace(request(target, eval_metrics=(metric,)), search=None)
        others = forecast_batch([replace(plain, config={"latest_n": 5, "add_std_factor": f}) for f in nearby])

        assert min(losses_of(answer)) <= min(other.metrics[metric] for other in others)  # type: ignore[type-var]


LOW, HIGH = -0.5, 1.5
TARGETS = [target for target in series_of_all_kinds(24, 6) if len(target) > 12]


@pytest.fixture(scope="module")
def tried() -> list[list[SeriesAnswer]]:
    """Plain answers with all metrics, for 100 random factors for each window: one list for each of TARGETS."""
    rng = np.random.default_rng(2)
    configs = [{"latest_n": n, "add_std_factor": f} for n in range(1, 6) for f in rng.uniform(LOW, HIGH, 100)]
    plain = [replace(request(target, eval_metrics=METRICS), search=None) for target in TARGETS]
    answers = forecast_batch([replace(one, config=config) for one in plain for config in configs])
    return [answers[first : first + len(configs)] for first in range(0, len(answers), len(configs))]


@pytest.mark.parametrize("metric", METRICS)
def test_the_loss_is_never_worse_than_that_of_many_random_factors(metric: str, tried: list[list[SeriesAnswer]]) -> None:
    """For series of every kind; the tolerance is that of rounding, 1e-12."""
    space = (N, Dimension("add_std_factor", "float", LOW, HIGH))
    answers = forecast_batch([request(target, search=Search(space, 100, metric)) for target in TARGETS])

    for answer, others in zip(answers, tried, strict=True):
        values = [np.nan if other.metrics[metric] is None else other.metrics[metric] for other in others]
        best = loss(metric, np.array(values, np.float64)).min()
        assert best == np.inf or min(losses_of(answer)) <= best + 1e-12 * abs(best) + 1e-15
