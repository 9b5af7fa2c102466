"""Tuning: what a search may try, which hold-out it looks at, which trial wins, and what the answer says of it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.batch import SeriesAnswer, forecast_batch
from models.catalog import CATALOG
from models.errors import RejectedInputError
from models.scores.names import METRICS
from models.tuning.search import MOST_CELLS, Dimension, Search
from models.tuning.search_space import search_space
from tests.unit.models.tuning.tuning_samples import (
    FACTOR,
    LEVEL,
    SAMPLE,
    SHARE,
    TENS,
    N,
    calls,
    losses_of,
    request,
    tuned,
)

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


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
