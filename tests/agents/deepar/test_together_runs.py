"""Series of a forecasting job that learn from one another: a command in; forecasts, metric points and results out."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from agents.deepar import together_runs
from agents.deepar.job_calls import OutOfMemoryError, Refused, StoreUnavailableError
from agents.deepar.together_calls import Loss, SeriesForecast, TogetherRun
from agents.deepar.together_training import categories, train_together
from agents.series.requests import accepted
from agents.training import runs as training_runs
from connectors.datasets.splits import Split, save_split
from connectors.kafka.publisher import DeliveryError
from connectors.objects.store import ObjectStore
from connectors.processes.compute_process import EndedError, RaisedError
from models.answers import SeriesAnswer, failure
from schemas.series import Backtest, Forecast, Search, SeriesResult, TrainSeries, TrainTogether
from schemas.values import HyperParam
from schemas.workloads import MetricPoint
from tests.agents.bench import AT, FakePublisher, Worker

DAY = 86_400_000
FIRST = 1000
COMMAND = TrainTogether(
    7, "splits/7/a.npz", FIRST, "DeepAR", {"epochs": 3}, 2, ("r2_score", "mse"), ns=[4, 5, 6], ts_ids=[1002, 1000, 1002]
)
TIMES = (3 * DAY, 4 * DAY, 6 * DAY)
GOOD = SeriesAnswer(
    [1.5, 2.5], None, {"r2": 0.5, "mse": None}, None, {"0.5": [1.0, 2.0]}, config={"epochs": 3, "num_cells": 40}
)
FORECASTS = [SeriesForecast(GOOD, "('b',)", DAY, TIMES), SeriesForecast(failure("it is empty"), "('a',)", DAY, (DAY,))]


class FakePool:
    """Answers with what the test says instead of training; `asked` is what was to be trained."""

    def __init__(self) -> None:
        self.asked: list[TogetherRun] = []
        self.limits: list[float] = []
        self.reports: list[Loss] = []
        self.answers: list[Any] = []

    async def compute(
        self, argument: Any, owner: Any, *, limit_s: float, on_report: Any = None, on_ended: Any = None
    ) -> Any:
        del owner
        self.asked.append(argument)
        self.limits.append(limit_s)
        for report in self.reports:
            on_report(report)
        answer = self.answers.pop(0) if self.answers else FORECASTS
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> FakePool:
    """The pool of whatever trainer the test makes; a store that is away is asked again at once."""
    pool = FakePool()
    monkeypatch.setattr(training_runs, "TrainingPool", lambda *_: pool)
    monkeypatch.setattr(together_runs, "_STORE_PAUSES_S", (0.0, 0.0))
    return pool


async def answered(trainer: Worker, command: TrainTogether = COMMAND) -> list[SeriesResult]:
    """The results of a command, which is acknowledged."""
    topic = trainer.runtime.topics.training_runs
    message = trainer.message(topic, b"%d" % command.job_id, command)
    await trainer.consume(topic, message)
    assert trainer.committed(message)
    return trainer.events(trainer.runtime.topics.job_results)


async def test_each_series_asked_for_has_exactly_one_result(trainer: Worker, pool: FakePool) -> None:
    """Under its number, with its times; one that is asked for twice is forecast once and answered twice."""
    results = await answered(trainer)
    forecasts: list[Forecast] = trainer.events(trainer.runtime.topics.forecasts)

    assert [(one.n, one.ts_id) for one in results] == [(4, 1002), (5, 1000), (6, 1002)]
    good, bad, again = results
    assert replace(again, n=4) == good
    assert list(good.timestamps) == [7 * DAY, 8 * DAY]
    assert (list(good.predictions), good.metrics, good.error) == ([1.5, 2.5], {"r2": 0.5, "mse": None}, None)
    assert good.config == {"epochs": 3, "num_cells": 40}
    assert good.backtest is None
    assert {level: list(values) for level, values in good.quantiles.items()} == {"0.5": [1.0, 2.0]}
    assert (bad.error, bad.config, list(bad.predictions)) == ("it is empty", {"epochs": 3}, [])
    assert [(one.ts_id, one.n, one.cutoff, one.item_id) for one in forecasts] == [
        (1002, 4, 6 * DAY, "('b',)"),
        (1002, 6, 6 * DAY, "('b',)"),
    ]
    assert {record.key for record in trainer.sent(trainer.runtime.topics.job_results)} == {b"7"}
    assert {record.key for record in trainer.sent(trainer.runtime.topics.forecasts)} == {b"1002"}


async def test_scores_and_losses_are_metric_points(trainer: Worker, pool: FakePool) -> None:
    """The scores under the series, the loss of each epoch under the training; at the time of the command."""
    pool.reports = [Loss(1, 2.5, None), Loss(2, 2.25, 3.0)]
    await answered(trainer)
    points: list[MetricPoint] = trainer.events(trainer.runtime.topics.metrics)

    assert [(one.workload_uid, one.metric_name, one.value, one.iteration) for one in points] == [
        ("fj-7-together-4", "loss", 2.5, 1),
        ("fj-7-together-4", "loss", 2.25, 2),
        ("fj-7-together-4", "validation_loss", 3.0, 2),
        ("fj-7-1002-4", "r2", 0.5, 0),
        ("fj-7-1002-4", "mse", None, 0),
        ("fj-7-1002-6", "r2", 0.5, 0),
        ("fj-7-1002-6", "mse", None, 0),
    ]
    assert {one.timestamp for one in points} == {round(AT * 1000)}


async def test_the_backtest_is_dated_by_the_last_times(trainer: Worker, pool: FakePool) -> None:
    """As many of them as it has values."""
    pool.answers = [[replace(FORECASTS[0], answer=replace(GOOD, backtest=[3.0, 4.0])), FORECASTS[1]]]
    results = await answered(trainer)

    assert results[0].backtest is not None
    assert results[0].backtest == Backtest(results[0].backtest.timestamps, results[0].backtest.predictions)
    assert list(results[0].backtest.timestamps) == [4 * DAY, 6 * DAY]


async def test_what_is_computed_does_not_depend_on_the_numbers(trainer: Worker, pool: FakePool) -> None:
    """A repeat after a crash asks for fewer series, and gets the same training: same split, settings and seed."""
    await answered(trainer)
    pool.answers = [FORECASTS[:1]]
    await answered(trainer, replace(COMMAND, ns=[6], ts_ids=[1002]))
    first, second = pool.asked

    assert first.places == (2, 0)
    assert replace(first, places=(2,)) == second
    assert first.config["num_batches_per_epoch"] == 50
    assert first.eval_metrics == ("r2", "mse")
    assert first.store_url == trainer.runtime.settings.object_store_url
    assert pool.limits == [trainer.runtime.settings.max_training_job_s] * 2


@pytest.mark.parametrize(
    ("failed", "words"),
    [
        (TimeoutError(), "took longer than 86400 s"),
        (EndedError("killed"), "killed or out of memory"),
        (RaisedError.of(OutOfMemoryError("x")), "than the 2048 MiB"),
        (RaisedError.of(KeyError("secret")), "could not be trained on the job's series (KeyError)"),
        (Refused("the series are gone"), "the series are gone"),
    ],
)
async def test_a_training_that_fails_is_an_error_of_each_series(
    trainer: Worker, pool: FakePool, failed: Any, words: str
) -> None:
    """No command is lost, and none holds up the log."""
    pool.answers = [failed]
    results = await answered(trainer)

    assert [(one.n, one.ts_id) for one in results] == [(4, 1002), (5, 1000), (6, 1002)]
    for one in results:
        assert words in (one.error or "")
        assert "secret" not in (one.error or "")
    assert not trainer.sent(trainer.runtime.topics.forecasts)


async def test_a_store_that_is_away_is_asked_again(trainer: Worker, pool: FakePool) -> None:
    """For a while; then it is an error."""
    away = RaisedError.of(StoreUnavailableError("no route"))
    pool.answers = [away, away, FORECASTS]
    assert [one.error for one in await answered(trainer)] == [None, "it is empty", None]
    trainer.forget()
    pool.answers = [away, away, away]

    assert {one.error for one in await answered(trainer)} == {"the job's series cannot be read: no route"}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"model_name": "Nothing"}, "there is no model 'Nothing'"),
        ({"model_name": "ARIMA", "config": {}}, "ARIMA is trained on each series alone"),
        ({"config": {"epochs": 0}}, "epochs"),
        ({"eval_metrics": ("mse", "x")}, "there is no metric 'x'"),
        ({"next_k_prediction": 51}, "next_k_prediction is 51, expected 1 to 50"),
        ({"first_ts_id": 1001}, "ids below first_ts_id, 1001"),
    ],
)
async def test_a_wrong_command_is_an_error_of_each_series(
    trainer: Worker, pool: FakePool, changed: dict[str, Any], words: str
) -> None:
    """Anybody may post one."""
    results = await answered(trainer, replace(COMMAND, **changed))

    assert len(results) == 3
    assert all(words in (one.error or "") for one in results)
    assert not pool.asked


async def test_numbers_that_are_not_as_many_as_series_are_a_dead_letter(trainer: Worker, pool: FakePool) -> None:
    """Nobody knows which results would be missing."""
    assert await answered(trainer, replace(COMMAND, ns=[4])) == []
    assert "1 numbers for 3 series" in str(trainer.dead())
    assert not pool.asked


async def test_what_the_broker_does_not_take_is_not_acknowledged(
    trainer: Worker, publisher: FakePublisher, pool: FakePool
) -> None:
    """The agent fails; after the restart the command comes again."""
    topic = trainer.runtime.topics.training_runs
    publisher.failing = {trainer.runtime.topics.job_results}
    message = trainer.message(topic, b"7", COMMAND)
    with pytest.raises(DeliveryError):
        await trainer.consume(topic, message)

    assert not trainer.committed(message)


async def test_a_series_alone_is_placed_in_time(trainer: Worker) -> None:
    """A TrainSeries event for the same model: the network looks at the calendar. It is not tuned."""
    command = TrainSeries(7, 1000, 4, "DeepAR", 3 * DAY, DAY, [1.0, 2.0, 3.0])
    message = trainer.message(trainer.runtime.topics.series_commands, b"1000", command)
    searched = replace(command, search=Search((HyperParam("epochs", "int", low=1, high=2),), 3, "mse"))
    request = accepted(command, message, 50).request

    assert request is not None
    assert (request.end, request.step_ms, request.season_length) == (5 * DAY, DAY, 7)
    assert request.seed != 0
    assert "DeepAR is not tuned" in (accepted(searched, message, 50).problem or "")


def test_D073_groups_become_categories() -> None:
    """A code per group-by column, in order of first appearance; a series alone has none."""
    assert categories(("('JFK', 'AA')", "('LGA', 'AA')", "('JFK', 'B6')")) == [(0, 0), (1, 0), (0, 1)]
    assert categories(("(3,)", "(1,)", "(3.5,)")) == [(0,), (1,), (2,)]
    assert categories((r"('O\'Hare, \n',)", "('',)")) == [(0,), (1,)]
    assert categories(("()",)) == [()]
    assert categories(()) == []


@pytest.mark.parametrize("odd", ["west", "('a', 'b')", "([],)", "((", "(" * 2000, "3"])
def test_other_texts_are_one_category(odd: str) -> None:
    """Each text a value as it stands."""
    assert categories(("('a',)", odd, "('a',)")) == [(0,), (1,), (0,)]


@pytest.fixture
def stored(tmp_path: Path) -> TogetherRun:
    """A run on three daily series in a store."""
    count = 20
    days = (np.arange(count) * DAY + 19_000 * DAY) * 1000
    values = np.tile(10 + np.sin(np.arange(count)), 3) * np.repeat([1.0, 5.0, 20.0], count)
    split = Split(
        target=values,
        times=np.tile(days, 3),
        text_codes=np.tile(np.arange(count, dtype=np.int32), 3),
        texts=tuple(str(day.astype("M8[us]"))[:10] for day in days),
        offsets=np.arange(4, dtype=np.int64) * count,
        calendars=("D",),
        calendar_codes=np.zeros(3, np.int32),
        is_complete=np.ones(3, np.bool_),
        groupby_val=("('a',)", "('b',)", "('c',)"),
        groupby_key=("group",),
        target_label="y",
        timestamp_label="ds",
        target_is_integer=False,
        features=(),
    )
    url = f"file://{tmp_path}"
    save_split(ObjectStore(url), "splits/7/a.npz", split)
    config = {"epochs": 2, "num_batches_per_epoch": 2, "num_cells": 4, "num_layers": 1}
    return TogetherRun(url, "splits/7/a.npz", (2, 5, 0), config, 2, ("mse",), False, 3)


def test_the_process_answers_in_the_order_of_the_places(stored: TogetherRun) -> None:
    """With names, steps and times; what the split does not have is an error of its own."""
    losses: list[Any] = []
    forecasts = train_together(stored, losses.append)

    assert isinstance(forecasts, list)
    assert [one.item_id for one in forecasts] == ["('c',)", "", "('a',)"]
    assert [one.answer.error for one in forecasts] == [None, "the job has no such series", None]
    assert forecasts[0].times == tuple((19_015 + np.arange(5)) * DAY)
    assert forecasts[0].step == DAY
    assert [loss.epoch for loss in losses] == [1, 2]


def test_without_its_split_nothing_is_trained(stored: TogetherRun) -> None:
    """The job was deleted before, or while its model is trained."""
    store = ObjectStore(stored.store_url)
    seen: list[Any] = []

    def deleted(loss: object) -> None:
        seen.append(loss)
        store.delete(stored.split)

    assert isinstance(train_together(stored, deleted), Refused)
    assert len(seen) == 1
    assert isinstance(train_together(stored, seen.append), Refused)
    assert len(seen) == 1


async def test_a_damaged_split_is_told(stored: TogetherRun) -> None:
    """The text is the user's."""
    await asyncio.to_thread(ObjectStore(stored.store_url).put_bytes, stored.split, b"no split")
    refused = await asyncio.to_thread(train_together, stored, lambda _: None)

    assert isinstance(refused, Refused)
    assert "damaged" in refused.text
