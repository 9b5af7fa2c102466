"""Tuning in batches: mates, seeds, replays and series too short to be tuned change nothing else."""

import logging
import os
import subprocess
import sys
from dataclasses import MISSING, fields, replace

import numpy as np
import pytest

from models import batch
from models.batch import forecast_batch
from models.forecasts import SeriesBatch
from models.holdout import TunedBatch
from models.options import Options
from models.tuning.search import MOST_CELLS, Dimension, Search
from tests.unit.models.tuning.tuning_samples import (
    FACTOR,
    LEVEL,
    SAMPLE,
    SHARE,
    TENS,
    N,
    losses_of,
    request,
    series_of_all_kinds,
    tuned,
)

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


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
@pytest.mark.slow
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


@pytest.mark.slow
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


def test_a_tuned_model_is_asked_all_that_the_batch_says() -> None:
    """Where it ends and how long its steps are, too: a model of the calendar would count from 1970."""
    said = SeriesBatch(
        history=np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
        horizon=2,
        config={},
        season_length=7,
        seeds=np.array([1, 2, 3], dtype=np.uint64),
        covariates=np.arange(12.0).reshape(3, 4, 1),
        ends=np.array([10, 20, 30]),
        step_ms=5,
        held_back=1,
        allow_negative=True,
        freq="W-MON",
        options=Options(levels=(0.5,)),
    )
    part = TunedBatch.of(said, [{"n": 1}, {"n": 2}, {"n": 1}]).alike(np.array([0, 2]))

    assert all(np.any(getattr(said, it.name) != it.default) for it in fields(SeriesBatch) if it.default is not MISSING)
    assert part.config == {"n": 1}
    for it in fields(SeriesBatch):
        whole, own = getattr(said, it.name), getattr(part, it.name)
        if isinstance(whole, np.ndarray):
            np.testing.assert_array_equal(own, whole[[0, 2]])
        elif it.name != "config":
            assert own == whole, it.name
