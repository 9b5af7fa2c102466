"""DeepAR for all series of a job: one training, an answer each, and nothing of a hold-out in its own forecast."""

import os
from dataclasses import replace
from functools import lru_cache
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from models.answers import INFINITE, NOTHING_OBSERVED, SeriesAnswer
from models.deepar.jobs.grid import History
from models.deepar.jobs.settings import LEVELS
from models.deepar.jobs.together import Asked, TogetherAnswer, forecast_together
from models.scores.metrics import evaluate

DAY = 86_400_000
START = 19_000  # days since 1970
SMALL = {"epochs": 2, "num_batches_per_epoch": 2, "num_cells": 4, "num_layers": 1, "mini_batch_size": 8}
ASKED = Asked(SMALL, 3, False, ("mse", "mae"), 42)

Job = tuple[tuple[History, tuple[int, ...]], ...]


def daily(values: Any, *, code: int = 0, last: int = START, step: int = 1) -> tuple[History, tuple[int, ...]]:
    """A series whose last value is of a certain day."""
    target = np.array(values, np.float64)
    days = last - step * np.arange(len(target))[::-1]
    return History(target, days * DAY, step * DAY), (code,)


def wave(level: float, count: int = 40) -> np.ndarray:
    """Weeks that look alike, no whole numbers."""
    return level + 0.3 * level * np.sin(np.arange(count) * 2 * np.pi / 7) + 0.01


JOB: Job = (daily(wave(10.0)), daily(wave(50.0), code=1), daily(wave(7.0, 25), code=2))


@lru_cache(maxsize=16)
def answered(job: Job, asked: Asked = ASKED, wanted: tuple[int, ...] | None = None) -> tuple[TogetherAnswer, ...]:
    """The answers, computed once for all tests."""
    return tuple(forecast_together(job, range(len(job)) if wanted is None else wanted, asked))


def answers(job: Job, asked: Asked = ASKED, wanted: tuple[int, ...] | None = None) -> list[SeriesAnswer]:
    """The same without the times."""
    return [one.answer for one in answered(job, asked, wanted)]


REFITTED = replace(ASKED, refit=True)


def test_every_series_has_a_forecast_with_quantiles() -> None:
    """As many steps as asked for, the levels of the other models and the median, in order."""
    for answer in answers(JOB):
        assert answer.error is None
        assert len(answer.predictions) == 3
        assert answer.backtest is None
        assert tuple(answer.quantiles) == LEVELS
        ordered = np.array(list(answer.quantiles.values()))
        assert (np.diff(ordered, axis=0) >= 0).all()
        assert answer.config is not None
        assert answer.config["likelihood"] == "auto"
        assert answer.config["num_cells"] == 4


def test_J118_J119_the_hold_out_is_forecast_and_scored() -> None:
    """The last five values are kept back; with refit their forecast is the backtest, without it the prediction."""
    for (history, _), plain, refitted, place in zip(JOB, answers(JOB), answers(JOB, REFITTED), range(3), strict=True):
        assert refitted.backtest is not None
        assert len(refitted.backtest) == 5
        assert plain.predictions == refitted.backtest[:3]
        scores = evaluate(history.target[np.newaxis, -5:], np.array([refitted.backtest]), ("mse", "mae"))
        assert plain.metrics == refitted.metrics == {name: pytest.approx(value[0]) for name, value in scores.items()}
        assert answered(JOB)[place].times == tuple(history.times[-5:].tolist())


def test_J121_with_refit_the_forecast_is_of_the_true_end() -> None:
    """The last values count: without refit they do not."""
    changed = list(JOB)
    history, code = changed[1]
    changed[1] = replace(history, target=np.concatenate((history.target[:-5], history.target[-5:] * 3))), code
    job = tuple(changed)

    assert [answer.predictions for answer in answers(job)] == [answer.predictions for answer in answers(JOB)]
    assert answers(job)[1].metrics != answers(JOB)[1].metrics
    assert [answer.backtest for answer in answers(job, REFITTED)] == [
        answer.backtest for answer in answers(JOB, REFITTED)
    ]
    assert np.mean(answers(job, REFITTED)[1].predictions) > 1.5 * np.mean(answers(JOB, REFITTED)[1].predictions)


def test_J109_the_answers_do_not_depend_on_which_are_wanted() -> None:
    """A repeat after a crash asks only for what is missing, in whatever order, and gets the same."""
    assert answers(JOB, wanted=(2, 0)) == [answers(JOB)[2], answers(JOB)[0]]
    assert answers(JOB, replace(ASKED, seed=43)) != answers(JOB)


def test_longer_forecasts_have_a_longer_hold_out() -> None:
    """max(5, steps asked for)."""
    (answer, *_) = answers(JOB, Asked(SMALL, 8, True, ("mse",), 1))

    assert len(answer.predictions) == 8
    assert answer.backtest is not None
    assert len(answer.backtest) == 8


def test_what_is_wrong_with_a_series_is_its_own_error() -> None:
    """The others are forecast, as if it were not there."""
    bad = (
        daily([np.nan, np.nan]),
        daily([1.0, np.inf, 2.0]),
        daily([1.0, 2.0, 1e38]),
        daily(wave(5.0), step=7),
    )
    found = answers((*JOB, *bad))

    assert found[:3] == answers(JOB)
    assert [answer.error for answer in found[3:5]] == [NOTHING_OBSERVED, INFINITE]
    assert "too large for DeepAR" in (found[5].error or "")
    assert "step is W, that of most series of the job is D" in (found[6].error or "")


def test_J119_a_short_series_is_forecast_without_a_score() -> None:
    """Six values leave one before the hold-out; it is forecast from its end, and its backtest is empty."""
    short = daily(wave(10.0, 6), code=3)
    plain, refitted = answers((*JOB, short))[3], answers((*JOB, short), REFITTED)[3]

    assert len(plain.predictions) == len(refitted.predictions) == 3
    assert plain.metrics == refitted.metrics == {"mse": None, "mae": None}
    assert (plain.backtest, refitted.backtest) == (None, [])


@pytest.mark.parametrize("refit", [False, True])
def test_series_that_are_all_too_short_are_forecast(refit: bool) -> None:
    """Even of one value."""
    (answer,) = answers((daily([3.5]),), replace(ASKED, refit=refit))

    assert answer.error is None
    assert len(answer.predictions) == 3


def test_J108_counts_are_forecast_as_whole_numbers() -> None:
    """The point forecast is rounded, where the history has no other numbers."""
    counts = np.rint(wave(20.0))
    first, second = answers((daily(counts), daily(counts + 0.5, code=1)))

    assert all(value == round(value) >= 0 for value in first.predictions)
    assert any(value != round(value) for value in second.predictions)


def test_both_trainings_have_the_distribution_of_the_whole_values() -> None:
    """Counts, but for the last value: what suits only the part before it would not fit what the model goes on from."""
    values = np.rint(wave(20.0))
    values[-1] = -0.5
    (answer,) = answers((daily(values),), REFITTED)

    assert answer.error is None


def test_missing_days_are_no_values() -> None:
    """The same rows on other days are another series, whose last times are those of the days."""
    history, code = JOB[0]
    days = history.times.copy()
    days[:-3] -= 4 * DAY
    with_gap = answered(((replace(history, times=days), code), *JOB[1:]), REFITTED)[0]

    assert [time // DAY for time in with_gap.times] == [START - 4, START - 3, START - 2, START - 1, START]
    assert with_gap.answer.metrics != answers(JOB)[0].metrics


def test_the_steps_are_those_of_the_grid() -> None:
    """Days for a series with a single day, and for one of a few days that are mostly two weeks apart."""
    single, _ = daily([3.5])
    few = History(np.arange(4.0), (START + np.array([-33, -19, -5, 0])) * DAY, 14 * DAY)
    found = answered((*JOB, (replace(single, step_ms=7 * DAY), (3,)), (few, (4,))))

    assert [one.answer.error for one in found] == [None] * 5
    assert [one.step for one in found] == [DAY] * 5


def test_what_no_model_can_be_trained_on_is_an_error_of_all() -> None:
    """The text names the setting."""
    job = (daily(-wave(10.0)), daily(wave(10.0)))
    found = answers(job, Asked({**SMALL, "likelihood": "negative-binomial"}, 3, False, ("mse",), 1))

    assert [answer.error for answer in found] == [
        "a target is negative: negative-binomial is for counts, use student-t"
    ] * 2


def test_epochs_are_reported() -> None:
    """Those of both trainings."""
    seen: list[int] = []
    forecast_together(JOB, (0,), REFITTED, lambda progress: seen.append(progress.epoch))

    assert seen == [1, 2, 1]
