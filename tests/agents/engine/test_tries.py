"""Every agent meets a message that it cannot handle: three tries, a dead letter, and the partition goes on."""

import asyncio
import errno
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents import datasets as data_sets
from agents.forecasting import forecasts, jobs, submission_runs
from agents.inference import answering as inference
from agents.inference import transforms
from agents.series import training
from agents.training import runs as training_runs
from connectors.datasets import manifests as datasets
from connectors.datasets.incoming import incoming_key
from connectors.kafka.publisher import DeliveryError
from connectors.objects import endpoints
from schemas.forecasting import CmdStatus
from schemas.inference import InferenceResult, StartTransform
from schemas.series import SeriesResult
from streams.engine import tries
from streams.engine.tries import Tries, is_infrastructure
from streams.errors import RejectedError
from streams.forecasting.state import ForecastingState
from streams.inference.state import TransformState
from streams.settings import Settings
from streams.training import versions as training_versions
from streams.training.state import TrainingJobsState
from streams.workers import apps
from tests.agents.bench import AT, FakePublisher, Worker, message
from tests.agents.deepar.test_together_runs import COMMAND as TOGETHER
from tests.agents.forecasting.jobs.samples import CONFIGURE, CREATE, JOB_ID, add_sample, job_of, result, submission
from tests.agents.forecasting.jobs.samples import training as element
from tests.agents.forecasting.test_forecasts import FORECAST
from tests.agents.inference.test_inference import REQUEST
from tests.agents.inference.transforms_samples import ENDPOINT
from tests.agents.series.training_samples import SAMPLE
from tests.agents.test_datasets import ADD, CSV
from tests.agents.training.training_jobs_samples import TRAIN, told

START = StartTransform("t-1", "b1", "flights", "uploads/batch.jsonl", "/outputs/b1/")
LINE = orjson.dumps({"start": "2024-01-01", "target": [1.0]})


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "_PAUSES_S", (0.0, 0.0))


class Poison:
    """Takes the place of a function, and raises where its arguments say the word; `met` counts how often."""

    def __init__(self, real: Callable[..., Any], word: str, error: Exception) -> None:
        self.met = 0
        self._real = real
        self._word = word
        self._error = error

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if any(self._word in f"{one!r}{getattr(one, 'value', b'')!r}" for one in (*arguments, *named.values())):
            self.met += 1
            raise self._error
        return self._real(*arguments, **named)


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Poison]:
    """Lets a function of a module raise for what holds the word POISON."""

    def poisoned(module: Any, name: str, word: str = "POISON", error: Exception | None = None) -> Poison:
        poison = Poison(getattr(module, name), word, error or KeyError("quantiles"))
        monkeypatch.setattr(module, name, poison)
        return poison

    return poisoned


async def check(worker: Worker, poison: Poison, topic: str, *messages: Any) -> None:
    """Let the messages, of which the middle one is the poison, arrive as one batch; all of it is done afterwards."""
    await worker.consume(topic, *messages)
    (letter,) = worker.dead()
    bad = messages[len(messages) // 2]

    assert poison.met in (3, 4)  # once with the batch, and three times alone
    assert (letter["topic"], letter["offset"], letter["error-class"]) == (topic, str(bad.offset), "GivenUpError")
    assert "KeyError: 'quantiles'" in letter["error"]
    assert "Traceback" not in letter["error"]
    assert all(worker.committed(one) for one in messages)


class TestState:
    """Agents of the state."""

    async def test_a_data_set(self, state: Worker, poisoned: Any) -> None:
        """Its sender is told; those before and behind are registered."""
        poison = poisoned(data_sets, "apply_command")
        topic, store = state.runtime.topics.dataset_commands, state.runtime.store
        commands = [replace(ADD, command_id=f"c-{n}", data_id=n, path=incoming_key()) for n in (2, 3, 4)]
        commands[1] = replace(commands[1], file_name="POISON.csv")
        for one in commands:
            store.put_bytes(one.path, CSV)
        messages = [state.message(topic, b"%d" % one.data_id, one, partition=1) for one in commands]
        with state.runtime.waiters.waiting("c-3") as outcome:
            await check(state, poison, topic, *messages)
            refusal = outcome.exception()

        assert isinstance(refusal, RejectedError)
        assert (refusal.status, refusal.code) == (500, "given_up")
        assert [datasets.load(store, n).rows for n in (2, 4)] == [2, 2]
        assert not store.keys("incoming")

    async def test_commands_of_jobs(self, state: Worker, poisoned: Any, tmp_path: Path) -> None:
        """The sender gets an error without a traceback, and the next command of the same job is applied."""
        add_sample(state, tmp_path)
        poison = poisoned(jobs, "create")
        topic = state.runtime.topics.job_commands
        commands = [
            CREATE,
            replace(CREATE, job_id=8, command_id="c-8", name="POISON"),
            replace(CREATE, job_id=8, command_id="c-9"),
        ]
        messages = [state.message(topic, b"%d" % one.job_id, one) for one in commands]
        with state.runtime.waiters.waiting("c-8") as outcome:
            await check(state, poison, topic, *messages)
            refusal = outcome.exception()

        assert isinstance(refusal, RejectedError)
        assert (refusal.status, refusal.code) == (500, "given_up")
        assert ForecastingState.of(state.runtime).jobs.ids() == [7, 8]

    async def test_a_submission_that_has_begun_ends_its_series_as_failed(
        self, state: Worker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """Nobody would ever train them: the job would stay COMITTED for ever."""
        add_sample(state, tmp_path)
        await state.commands(CREATE, CONFIGURE)
        first = job_of(state).first_ts_id

        async def fail(*_: Any) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(submission_runs, "send_training", fail)
        await state.commands(submission(element(first), element(first + 1)))
        failures = state.events(state.runtime.topics.job_results)
        topic = state.runtime.topics.job_results
        await state.consume(topic, *[state.message(topic, b"7", one) for one in failures])

        assert [(one.ts_id, one.n, one.model_name) for one in failures] == [
            (first, 0, "AdaptiveMaxN"),
            (first + 1, 1, "AdaptiveMaxN"),
        ]
        assert all("ZeroDivisionError" in one.error for one in failures)
        assert job_of(state).status == CmdStatus.EXCEPTION
        assert not state.dead()  # the command itself was applied

    async def test_results_of_jobs(self, state: Worker, poisoned: Any, tmp_path: Path) -> None:
        """The others of the batch are kept; the job gets an error in the place of the bad one."""
        add_sample(state, tmp_path)
        await state.commands(CREATE, CONFIGURE)
        first = job_of(state).first_ts_id
        await state.commands(submission(*(element(first + n) for n in range(3))))
        made = [result(first + n, n) for n in range(3)]
        made[1] = replace(made[1], note="POISON")
        poison = poisoned(jobs, "_answer")
        topic = state.runtime.topics.job_results
        await check(state, poison, topic, *[state.message(topic, b"7", one) for one in made])
        (failure,) = state.events(topic)
        await state.consume(topic, state.message(topic, b"7", failure))

        assert (failure.n, failure.ts_id) == (1, first + 1)
        assert isinstance(failure, SeriesResult)
        assert ForecastingState.of(state.runtime).results.progress(JOB_ID).finished == {0, 1, 2}

    async def test_forecasts(self, state: Worker, poisoned: Any) -> None:
        """The rows of the others are written."""
        poison = poisoned(forecasts, "_submission")
        topic = state.runtime.topics.forecasts
        items = ["a", "POISON", "c"]
        messages = [state.message(topic, b"17", replace(FORECAST, n=n, item_id=item)) for n, item in enumerate(items)]
        await check(state, poison, topic, *messages)

        assert ForecastingState.of(state.runtime).forecasts.get(b"17").item_id == "c"

    async def test_commands_of_training_jobs(self, state: Worker, poisoned: Any) -> None:
        """Where its row is written already, the job fails; those of other jobs begin."""
        poison = poisoned(training_versions, "run_of")
        topic = state.runtime.topics.training_commands
        commands = [replace(TRAIN, command_id=f"c-{n}", job_id=n, job_name=f"n{n}") for n in (11, 12, 13)]
        commands[1] = replace(commands[1], data_url="/uploads/POISON.jsonl")
        await check(state, poison, topic, *[state.message(topic, b"p1", one) for one in commands])
        rows = {n: TrainingJobsState.of(state.runtime).version("p1", n, n) for n in (11, 12, 13)}

        assert [rows[n].status for n in (11, 12, 13)] == [7, 11, 7]
        assert "KeyError" in rows[12].message

    async def test_statuses_of_training_jobs(self, state: Worker, poisoned: Any) -> None:
        """The rows of the others move on."""
        topic = state.runtime.topics.training_commands
        await state.consume(topic, state.message(topic, b"p1", TRAIN))
        poison = poisoned(training_versions, "advanced")
        topic = state.runtime.topics.training_status
        statuses = [told(8, epoch=1), told(8, message="POISON"), told(8, epoch=3)]
        await check(state, poison, topic, *[state.message(topic, b"p1", one) for one in statuses])

        assert TrainingJobsState.of(state.runtime).version("p1", 11, 11).epoch == 3

    async def test_transforms(self, state: Worker, poisoned: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """A job that has begun fails; the next one begins."""
        endpoints.publish(state.runtime.store, ENDPOINT, b"model")
        state.runtime.store.put_bytes("uploads/batch.jsonl", LINE)
        real = transforms.TransformRun._send

        async def send(run: Any) -> None:
            if run.name == "b2":
                raise KeyError("quantiles")
            await real(run)

        monkeypatch.setattr(transforms.TransformRun, "_send", send)
        topic = state.runtime.topics.transform_commands
        commands = [replace(START, name=f"b{n}", model_name=ENDPOINT.name, command_id=f"c{n}") for n in (1, 2, 3)]
        await state.consume(topic, *[state.message(topic, one.name.encode(), one) for one in commands])
        rows = [TransformState.of(state.runtime).transforms.get(b"b%d" % n) for n in (1, 2, 3)]

        assert [row.status for row in rows] == ["InProgress", "Failed", "InProgress"]
        assert "KeyError" in rows[1].failure_reason
        assert len(state.dead()) == 1

    async def test_results_of_transforms(self, state: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
        """The job of a result that cannot be taken fails; another one completes."""
        endpoints.publish(state.runtime.store, ENDPOINT, b"model")
        state.runtime.store.put_bytes("uploads/batch.jsonl", LINE)
        topic = state.runtime.topics.transform_commands
        commands = [replace(START, name=f"b{n}", model_name=ENDPOINT.name, command_id=f"c{n}") for n in (1, 2)]
        await state.consume(topic, *[state.message(topic, one.name.encode(), one) for one in commands])

        async def finish(run: Any) -> None:
            if run.name == "b2":
                raise KeyError("quantiles")
            await run.end("Completed")

        monkeypatch.setattr(transforms.TransformRun, "_finish", finish)
        topic = state.runtime.topics.inference_results
        made = [InferenceResult(f"b{n}:0", ENDPOINT.name, transform=f"b{n}", mean=[1.0]) for n in (2, 1)]
        messages = [state.message(topic, str(one.transform).encode(), one, partition=0) for one in made]
        await state.consume(topic, *messages)
        rows = [TransformState.of(state.runtime).transforms.get(b"b%d" % n) for n in (1, 2)]

        assert [row.status for row in rows] == ["Completed", "Failed"]
        assert len(state.dead()) == 1
        assert all(state.committed(one) for one in messages)


class TestTrainer:
    """Agents of the trainer."""

    async def test_series(self, trainer: Worker, poisoned: Any) -> None:
        """Its result is an error; the others of the batch have their forecasts."""
        poison = poisoned(training, "accepted")
        topic = trainer.runtime.topics.series_commands
        commands = [replace(SAMPLE, n=n, item_id="POISON" if n == 1 else "good") for n in range(3)]
        await check(trainer, poison, topic, *[trainer.message(topic, b"8797", one) for one in commands])
        results = {one.n: one for one in trainer.events(trainer.runtime.topics.job_results)}

        assert [results[n].error is None for n in range(3)] == [True, False, True]
        assert "KeyError" in results[1].error

    async def test_inference_requests(self, trainer: Worker, poisoned: Any) -> None:
        """Its result is an error."""
        poison = poisoned(inference, "_fields")
        endpoints.publish(trainer.runtime.store, replace(ENDPOINT, name="demo"), b"model")
        topic = trainer.runtime.topics.inference_requests
        requests = [replace(REQUEST, request_id=name, endpoint="none") for name in ("a", "POISON", "c")]
        await check(trainer, poison, topic, *[trainer.message(topic, b"k", one) for one in requests])
        results = {one.request_id: one.error for one in trainer.events(trainer.runtime.topics.inference_results)}

        assert set(results) == {"a", "POISON", "c"}
        assert "KeyError" in results["POISON"]

    async def test_training_runs(self, trainer: Worker, poisoned: Any) -> None:
        """A training job fails with a reason; every series of a training together gets an error."""
        poisoned(training_runs, "answer_together", word="TrainTogether")
        topic = trainer.runtime.topics.training_runs
        bad = replace(TRAIN, parameters={})

        async def train(*_: Any) -> None:
            raise KeyError("quantiles")

        trainer_runs = training_runs.VersionRuns
        real, trainer_runs._run = trainer_runs._run, train  # type: ignore[method-assign]
        try:
            messages = [trainer.message(topic, b"1", bad), trainer.message(topic, b"1", TOGETHER)]
            await trainer.consume(topic, *messages)
        finally:
            trainer_runs._run = real  # type: ignore[method-assign]
        (status,) = trainer.events(trainer.runtime.topics.training_status)
        results = trainer.events(trainer.runtime.topics.job_results)

        assert (status.status, "KeyError" in status.message) == (11, True)
        assert sorted(one.n for one in results) == [4, 5, 6]
        assert all("KeyError" in one.error for one in results)
        assert len(trainer.dead()) == 2
        assert all(trainer.committed(one) for one in messages)


class TestCounting:
    """What counts, and how long it is remembered."""

    async def test_the_count_survives_the_worker(
        self, state: Worker, settings: Settings, poisoned: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two tries here, the third in the next process."""
        add_sample(state, tmp_path)
        poison = poisoned(jobs, "create", word="flights")
        topic = state.runtime.topics.job_commands
        command = state.message(topic, b"7", CREATE)
        for _ in range(2):
            state.runtime.tries.count(command, "it died")
        publisher = FakePublisher()
        monkeypatch.setattr(apps, "Publisher", lambda *_, **__: publisher)
        second = Worker(apps.create_state(settings, "127.0.0.1:1"), publisher)
        await second.consume(topic, second.message(topic, b"7", CREATE))

        assert poison.met == 1
        assert len(second.dead()) == 1

    def test_another_message_at_the_same_place_begins_anew(self, settings: Settings) -> None:
        """After the broker's data was lost, offsets come again."""
        notes = Tries(apps.ObjectStore(settings.object_store_url))
        first, second = message("t", b"k", b"v", offset=5), message("t", b"k", b"v", offset=5)
        second.timestamp = AT + 1

        assert [notes.count(one, "?") for one in (first, first, second, second, first)] == [1, 2, 1, 2, 1]

    def test_a_torn_note_is_begun_anew(self, settings: Settings) -> None:
        """A power failure must not stop the worker at every start."""
        store = apps.ObjectStore(settings.object_store_url)
        store.put_bytes("tries/t/0-5", b"{")

        assert Tries(store).count(message("t", b"k", b"v", offset=5), "?") == 1

    @pytest.mark.parametrize(
        ("error", "expected"),
        [
            (OSError(errno.ENOSPC, "no space"), True),
            (OSError(errno.EIO, "input/output error"), True),
            (OSError("the disk is gone"), True),
            (ConnectionResetError(), True),
            (TimeoutError(), True),
            (DeliveryError("t", "gone"), True),
            (FileExistsError(errno.EEXIST, "exists"), False),
            (IsADirectoryError(errno.EISDIR, "is"), False),
            (NotADirectoryError(errno.ENOTDIR, "is not"), False),
            (PermissionError(errno.EACCES, "no"), False),
            (OSError(errno.ENAMETOOLONG, "too long"), False),
            (ValueError(), False),
            (RecursionError(), False),
            (MemoryError(), False),
        ],
    )
    def test_trouble_of_the_service_is_not_the_messages(self, error: Exception, expected: bool) -> None:
        """A full disk must not make dead letters of all that is sent meanwhile."""
        assert is_infrastructure(error) is expected

    async def test_what_cannot_be_noted_is_not_counted(
        self, state: Worker, poisoned: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where the store does not take the note, it is the store that is broken: today's way, nothing is lost."""
        add_sample(state, tmp_path)
        poisoned(jobs, "create", word="flights", error=PermissionError(errno.EACCES, "no"))

        def broken(*_: Any) -> None:
            raise PermissionError(errno.EACCES, "no")

        monkeypatch.setattr(type(state.runtime.store), "put_bytes", broken)
        topic = state.runtime.topics.job_commands
        command = state.message(topic, b"7", CREATE)
        with pytest.raises(PermissionError):
            await state.consume(topic, command)

        assert state.dead() == []
        assert not state.committed(command)

    async def test_it_is_not_counted_where_the_partition_has_gone(
        self, state: Worker, poisoned: Any, tmp_path: Path
    ) -> None:
        """Its next owner handles it."""
        add_sample(state, tmp_path)
        poison = poisoned(jobs, "create", word="flights")
        topic = state.runtime.topics.job_commands
        command = state.message(topic, b"7", CREATE)
        task = state.start(topic, command)
        state.runtime.app.consumer_generation_id += 1
        await asyncio.sleep(0.05)
        task.cancel()

        assert poison.met <= 1
        assert state.dead() == []
        assert not state.runtime.store.exists("tries")

    async def test_where_all_goes_well_nothing_is_noted(self, state: Worker, tmp_path: Path) -> None:
        """Nor looked up."""
        add_sample(state, tmp_path)
        await state.commands(CREATE, CONFIGURE)

        assert job_of(state).series_count == 3
        assert not state.runtime.store.exists("tries")
