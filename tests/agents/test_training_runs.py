"""Training jobs at the trainer: commands in; an endpoint, status events and metric points out. Nothing is computed."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import pytest
from faust.types import TP
from mode.supervisors import CrashingSupervisor

from agents import deepar_runs, training_deliveries, training_runs
from agents.deepar_calls import Begun, EpochDone, Refused, Trained, TrainingRun
from agents.training_outcomes import TrainingOutcomes, checkpoint_key
from connectors import endpoints
from connectors.compute_process import EndedError, RaisedError
from connectors.endpoints import Endpoint, UnknownEndpointError
from connectors.publisher import DeliveryError, Record
from models.deepar.artefact import dump
from schemas.commands import DeleteTrainingJob, StopTrainingJob, StopTransform, TrainDeepAR
from schemas.events import MetricPoint, TrainingStatus
from streams.consumer import _Offsets
from tests.acceptance.deepar import artefact
from tests.agents.bench import CODEC, FakePublisher, Worker, stopped

PROJECT, JOB, NAME = "p1", 7, "sales"
PARAMETERS = {"time_freq": "D", "prediction_length": "3", "epochs": 40, "likelihood": "gaussian"}
TRAIN = TrainDeepAR("c-1", PROJECT, JOB, NAME, "/uploads/sales.jsonl", PARAMETERS)
DELETE = DeleteTrainingJob("c-2", PROJECT, JOB)
STOP = StopTrainingJob("c-3", PROJECT, JOB, JOB)
FACTS = {
    "epochs": 40,
    "best_epoch": 31,
    "loss": 1.5,
    "validation_loss": 1.75,
    "series": 3,
    "metrics": {"RMSE": 2.5, "ND": None},
}
MODEL = dump(replace(artefact(epochs=40), facts=FACTS))
CHECKPOINT = checkpoint_key(PROJECT, JOB)
WITHIN_S = 20.0


class FakePool:
    """Does what the test says instead of training; `asked` is what was to be trained."""

    def __init__(self) -> None:
        self.asked: list[TrainingRun] = []
        self.limits: list[float] = []
        self.ended: list[TrainingRun] = []
        self.cancelled = 0
        self.closed = False
        self.gate: asyncio.Event | None = None
        self.slow_end = asyncio.Event()
        self.slow_end.set()
        self.reports: list[Any] = [Begun(40, 1000)]
        self.answers: list[Any] = []

    async def compute(self, argument: Any, *, limit_s: float, on_report: Any = None, on_ended: Any = None) -> Any:
        self.asked.append(argument)
        self.limits.append(limit_s)
        try:
            for report in self.reports:
                on_report(report)
                await asyncio.sleep(0.001)
            self.ended.append(on_ended())
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            await self.slow_end.wait()
            raise
        answer = self.answers.pop(0) if self.answers else Trained(MODEL)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> FakePool:
    """The pool of whatever trainer the test makes."""
    pool = FakePool()
    monkeypatch.setattr(training_runs, "TrainingPool", lambda *_: pool)
    return pool


@pytest.fixture
async def worker(trainer: Worker, pool: FakePool) -> Worker:
    """A trainer."""
    return trainer


class Agent:
    """The agent at work, fed while it is."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.task = worker.start(worker.runtime.topics.training_runs)

    def feed(self, message: Any) -> Any:
        """Let a message arrive."""
        app = self.worker._app
        app.consumer._offsets.setdefault(message.tp, _Offsets()).outstanding.append(message.offset)
        message.refcount = 1
        self.task.queue.force_put_nowait(app.create_event(message.key, message.value, [], message))
        return message

    def command(self, event: Any) -> Any:
        """Let a command arrive."""
        return self.feed(sent(self.worker, event))

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition; the agent's error, if it ends."""
        async with asyncio.timeout(WITHIN_S):
            while not condition():
                await asyncio.sleep(0.002)
                if self.task.done():
                    await self.task

    async def settled(self) -> None:
        """Nothing is left to do."""
        await self.worker.settled(self.task)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await stopped(self.task)


def sent(worker: Worker, event: Any) -> Any:
    """The next message of the topic."""
    key = b"%d" % getattr(event, "job_id", 0)
    return worker.message(worker.runtime.topics.training_runs, key, event)


async def consume(worker: Worker, *events: Any) -> list[Any]:
    """Let commands arrive together, until nothing is left to do; their messages."""
    messages = [sent(worker, event) for event in events]
    await worker.consume(worker.runtime.topics.training_runs, *messages)
    return messages


def statuses(worker: Worker) -> list[TrainingStatus]:
    """What was told."""
    found: list[TrainingStatus] = worker.events(worker.runtime.topics.training_status)
    return found


def outcomes(worker: Worker) -> list[TrainingStatus]:
    """What was told of ends."""
    return [status for status in statuses(worker) if status.status != 8]


def points(worker: Worker) -> list[MetricPoint]:
    """The metric points that were sent."""
    found: list[MetricPoint] = worker.events(worker.runtime.topics.metrics)
    return found


def endpoint(worker: Worker, name: str = NAME) -> Endpoint | None:
    """The endpoint, if there is one."""
    try:
        return endpoints.load(worker.runtime.store, name)
    except UnknownEndpointError:
        return None


def epochs(*numbers: int) -> list[EpochDone]:
    """Epochs that are done."""
    return [EpochDone(number, 40, number / 2, number / 4, 1000 + number) for number in numbers]


def put_endpoint(worker: Worker, *, project_id: str = PROJECT, job_id: int = JOB) -> None:
    """An endpoint of the job's name, of whatever job."""
    made = Endpoint(
        NAME, "V0001", endpoints.model_key(NAME, "V0001"), project_id, job_id, "D", 3, 5, None, 0, "gaussian", 6, 2, 5
    )
    endpoints.publish(worker.runtime.store, made, MODEL)


def test_a_trainer_does_without_tensorflow() -> None:
    """It takes seconds to load, and 500 MB: only the processes that train have it."""
    code = "import sys, agents.training, agents.training_runs, agents.inference; print('tensorflow' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stdout.strip() == "False"


class TestTraining:
    """TrainDeepAR."""

    async def test_D070_the_model_is_served_under_the_jobs_name_before_the_job_is_completed(
        self, worker: Worker, pool: FakePool, publisher: FakePublisher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With what callers need to know of it; then the status says so, then the command is acknowledged."""
        seen: list[tuple[int, bool]] = []
        real = publisher.send_nowait

        def spy(records: Any) -> Any:
            batch = list(records)
            topic = worker.runtime.topics.training_status
            told = [CODEC.decode(record.value).status for record in batch if record.topic == topic]
            seen.extend((status, endpoint(worker) is not None) for status in told)
            return real(batch)

        monkeypatch.setattr(publisher, "send_nowait", spy)
        pool.reports += epochs(1)
        worker.runtime.store.put_bytes(CHECKPOINT, b"checkpoint")
        (message,) = await consume(worker, TRAIN)
        served = endpoint(worker)
        (outcome,) = outcomes(worker)

        assert seen[-1] == (10, True)
        assert seen[0] == (8, False)
        assert served is not None
        assert (served.project_id, served.job_id, served.version, served.time_freq) == (PROJECT, JOB, "V0001", "D")
        assert (served.prediction_length, served.context_length, served.cardinality) == (3, 5, None)
        assert served.environment == {}
        assert worker.runtime.store.read_bytes(served.model_key) == MODEL
        assert outcome == TrainingStatus(
            PROJECT, JOB, JOB, 10, served.created, 40, 40, 1.5, 1.75, {"RMSE": 2.5, "ND": None}, NAME
        )
        assert {record.key for record in worker.sent(worker.runtime.topics.training_status)} == {b"p1"}
        assert worker.committed(message)
        assert not worker.runtime.store.exists(CHECKPOINT)

    async def test_a_process_is_told_what_to_train(self, worker: Worker, pool: FakePool) -> None:
        """The file's key, the limits and the parameters, whose values may be texts."""
        await consume(worker, replace(TRAIN, data_url="s3://bucket/uploads/sales.jsonl.gz"))
        (run,) = pool.asked

        assert run.data_key == "uploads/sales.jsonl.gz"
        assert run.store_url == worker.runtime.settings.object_store_url
        assert run.data_limit == 1024**3
        assert run.checkpoint_key == CHECKPOINT
        assert (run.config.prediction_length, run.config.epochs, run.config.likelihood) == (3, 40, "gaussian")
        assert pool.limits == [86_400.0]

    async def test_D060_the_inference_configuration_goes_into_the_endpoints_environment(
        self, worker: Worker, pool: FakePool
    ) -> None:
        """It is no hyper-parameter."""
        text = '{"num_samples": 12}'
        await consume(worker, replace(TRAIN, parameters={**PARAMETERS, "DEEPAR_INFERENCE_CONFIG": text}))
        served = endpoint(worker)

        assert served is not None
        assert served.environment == {"DEEPAR_INFERENCE_CONFIG": text}

    async def test_a_replay_after_the_end_tells_the_same_and_trains_nothing(
        self, worker: Worker, pool: FakePool
    ) -> None:
        """Byte for byte: a crash between the status and the acknowledgement is not seen."""
        await consume(worker, TRAIN)
        (first,) = [record for record in worker.sent(worker.runtime.topics.training_status) if _number(record) == 10]
        worker.forget()
        await consume(worker, TRAIN)

        assert [record.value for record in worker.sent(worker.runtime.topics.training_status)] == [first.value]
        assert len(pool.asked) == 1

    async def test_a_replay_whose_model_was_lost_trains_again(self, worker: Worker, pool: FakePool) -> None:
        """An endpoint without its model is none."""
        put_endpoint(worker)
        worker.runtime.store.put_bytes(endpoints.model_key(NAME, "V0001"), b"no model")
        await consume(worker, TRAIN)

        assert len(pool.asked) == 1
        assert [status.status for status in outcomes(worker)] == [10]

    async def test_an_earlier_jobs_endpoint_of_the_name_is_replaced(self, worker: Worker, pool: FakePool) -> None:
        """The earlier job was deleted, and its trainer may be late."""
        put_endpoint(worker, job_id=6)
        await consume(worker, TRAIN)
        served = endpoint(worker)

        assert served is not None
        assert served.job_id == JOB

    async def test_jobs_are_trained_side_by_side(self, worker: Worker, pool: FakePool) -> None:
        """Which of them waits for a place is the pool's business; what ends first is told first."""
        pool.gate = asyncio.Event()
        async with Agent(worker) as agent:
            for number in range(5):
                agent.command(replace(TRAIN, job_id=number + 1, job_name=f"sales-{number}"))
            await agent.until(lambda: len(pool.asked) == 5)
            pool.gate.set()
            await agent.settled()

        assert sorted(status.job_id for status in outcomes(worker)) == [1, 2, 3, 4, 5]

    async def test_what_is_no_command_is_a_dead_letter(self, worker: Worker) -> None:
        """And holds up nothing."""
        messages = await consume(worker, b"\x00\x00", StopTransform("c", "b1"), None, TRAIN)

        assert len(worker.dead()) == 3
        assert [status.status for status in outcomes(worker)] == [10]
        assert all(worker.committed(message) for message in messages)

    async def test_a_command_is_acknowledged_when_the_broker_has_its_outcome(
        self, worker: Worker, publisher: FakePublisher
    ) -> None:
        """Not a moment before."""
        publisher.held = []
        async with Agent(worker) as agent:
            message = agent.command(TRAIN)
            await agent.until(lambda: publisher.held)
            early = worker.committed(message)
            publisher.release()
            await agent.settled()

        assert not early
        assert worker.committed(message)

    async def test_a_status_that_the_broker_does_not_take_ends_the_agent(
        self, worker: Worker, pool: FakePool, publisher: FakePublisher
    ) -> None:
        """Nothing is acknowledged: the command comes again."""
        publisher.failing.add(worker.runtime.topics.training_status)
        message = sent(worker, TRAIN)
        with pytest.raises(DeliveryError):
            await worker.consume(worker.runtime.topics.training_runs, message)

        assert not worker.committed(message)
        assert pool.closed

    async def test_the_agent_takes_the_process_down_with_it(self, worker: Worker) -> None:
        """Only a new process reads again what was not acknowledged."""
        assert worker.runtime.app.agents["run_training"].supervisor_strategy is CrashingSupervisor


class TestProgress:
    """Status 8 and metric points."""

    async def test_epochs_are_told_while_the_training_goes_on(self, worker: Worker, pool: FakePool) -> None:
        """With losses and numbers, as soon as there are any."""
        pool.gate = asyncio.Event()
        pool.reports += epochs(1)
        async with Agent(worker) as agent:
            agent.command(TRAIN)
            await agent.until(lambda: points(worker))
            begun, status = statuses(worker)
            pool.gate.set()
            await agent.settled()

        assert begun == TrainingStatus(PROJECT, JOB, JOB, 8, 1000, 0, 40)
        assert status == TrainingStatus(PROJECT, JOB, JOB, 8, 1001, 1, 40, 0.5, 0.25)
        assert points(worker)[:2] == [
            MetricPoint("tj-7-7", "loss", 0.5, 1001, 1, "log"),
            MetricPoint("tj-7-7", "validation_loss", 0.25, 1001, 1, "log"),
        ]
        assert worker.sent(worker.runtime.topics.metrics)[0].key == b"tj-7-7"

    async def test_a_quick_training_does_not_flood_the_topic(self, worker: Worker, pool: FakePool) -> None:
        """Few statuses, the last one of the last epoch; the points of all epochs."""
        pool.reports += epochs(*range(1, 41))
        await consume(worker, TRAIN)
        running = [status for status in statuses(worker) if status.status == 8]

        assert len(running) <= 2
        assert running[-1].epoch == 40
        assert [point.iteration for point in points(worker) if point.metric_name == "loss"] == list(range(1, 41))

    async def test_without_a_validation_window_there_are_no_points_of_it(self, worker: Worker, pool: FakePool) -> None:
        """And a loss that is no number is none."""
        pool.reports += [EpochDone(1, 40, float("nan"), None, 1001)]
        await consume(worker, TRAIN)

        assert points(worker) == [MetricPoint("tj-7-7", "loss", None, 1001, 1, "log")]
        assert statuses(worker)[0].loss is None

    async def test_a_resumed_training_tells_its_last_epochs_again(self, worker: Worker, pool: FakePool) -> None:
        """The points are the same bytes, and the status never goes back."""
        pool.reports = [Begun(40, 2000, tuple(epochs(4, 5))), *epochs(6)]
        await consume(worker, TRAIN)

        assert [point.iteration for point in points(worker) if point.metric_name == "loss"] == [4, 5, 6]
        assert [point.timestamp for point in points(worker) if point.metric_name == "loss"] == [1004, 1005, 1006]
        assert {status.epoch for status in statuses(worker) if status.status == 8} <= {5, 6}

    async def test_a_process_that_takes_over_is_told_how_far_the_last_one_came(
        self, worker: Worker, pool: FakePool
    ) -> None:
        """So that the pool sees progress."""
        pool.reports += epochs(1, 2, 3)
        await consume(worker, TRAIN)

        assert [run.epoch for run in pool.asked] == [0]
        assert pool.ended == [replace(pool.asked[0], epoch=3)]


class TestFailing:
    """Status 11: exactly one, with words, and no endpoint."""

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"parameters": {"prediction_length": 3}}, "time_freq is missing"),
            ({"parameters": {**PARAMETERS, "epochs": "many"}}, "epochs is 'many'"),
            ({"parameters": {**PARAMETERS, "DEEPAR_INFERENCE_CONFIG": "{"}}, "DEEPAR_INFERENCE_CONFIG is not JSON"),
            ({"data_url": "/../etc/passwd"}, "data_url: found '/../etc/passwd'"),
            ({"data_url": ""}, "data_url"),
            ({"job_name": "no/name"}, "'no/name'"),
        ],
    )
    async def test_what_cannot_be_trained_is_told_in_words(
        self, worker: Worker, pool: FakePool, changes: dict[str, Any], words: str
    ) -> None:
        """Nothing is begun."""
        (message,) = await consume(worker, replace(TRAIN, **changes))
        (outcome,) = statuses(worker)

        assert (outcome.status, outcome.endpoint) == (11, None)
        assert words in (outcome.message or "")
        assert pool.asked == []
        assert worker.committed(message)

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (Refused("line 3: target is missing"), "line 3: target is missing"),
            (TimeoutError(), "took longer than 86400 s"),
            (EndedError("the process ended"), "killed or out of memory"),
            (RaisedError("OutOfMemoryError", "MemoryError"), "2048 MiB"),
            (RaisedError("ZeroDivisionError", "secret"), "the training failed; the service's log says why"),
            (Trained(b"no model"), "not the file of a DeepAR model"),
        ],
    )
    async def test_what_goes_wrong_while_training_is_told_in_words(
        self, worker: Worker, pool: FakePool, answer: Any, words: str
    ) -> None:
        """With how far it came."""
        pool.reports += epochs(1, 2)
        pool.answers = [answer]
        worker.runtime.store.put_bytes(CHECKPOINT, b"checkpoint")
        (message,) = await consume(worker, TRAIN)
        (outcome,) = outcomes(worker)

        assert (outcome.status, outcome.epoch, outcome.epochs, outcome.loss) == (11, 2, 40, 1.0)
        assert words in (outcome.message or "")
        assert "secret" not in (outcome.message or "")
        assert endpoint(worker) is None
        assert not worker.runtime.store.exists(CHECKPOINT)
        assert worker.committed(message)

    async def test_another_projects_endpoint_is_not_replaced(self, worker: Worker, pool: FakePool) -> None:
        """Endpoints have no projects, so their names are for the first who comes."""
        put_endpoint(worker, project_id="p2")
        await consume(worker, TRAIN)
        (outcome,) = statuses(worker)
        served = endpoint(worker)

        assert outcome.status == 11
        assert "belongs to another project" in (outcome.message or "")
        assert served is not None
        assert served.project_id == "p2"
        assert pool.asked == []

    async def test_a_replay_of_a_failure_tells_the_same_and_trains_nothing(
        self, worker: Worker, pool: FakePool
    ) -> None:
        """Byte for byte."""
        pool.answers = [Refused("line 3: target is missing")]
        await consume(worker, TRAIN)
        first = [record.value for record in worker.sent(worker.runtime.topics.training_status) if _number(record) == 11]
        worker.forget()
        await consume(worker, TRAIN)

        assert [record.value for record in worker.sent(worker.runtime.topics.training_status)] == first
        assert len(pool.asked) == 1

    async def test_a_long_reason_is_cut(self, worker: Worker, pool: FakePool) -> None:
        """It repeats what a line says, and has to fit into a row."""
        pool.answers = [Refused("x" * 100_000)]
        await consume(worker, TRAIN)

        assert len(outcomes(worker)[0].message or "") < 2100

    async def test_a_store_that_is_away_is_waited_for(
        self, worker: Worker, pool: FakePool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The training goes on; it fails where that does not help."""
        monkeypatch.setattr(deepar_runs, "_STORE_PAUSES_S", (0.0, 0.0))
        away = RaisedError("StoreUnavailableError", "the object store cannot be used: ConnectionError")
        pool.answers = [away, away, Trained(MODEL), away, away, away]
        await consume(worker, TRAIN)
        await consume(worker, replace(TRAIN, job_id=8, job_name="other"))
        first, second = outcomes(worker)

        assert (first.status, second.status) == (10, 11)
        assert second.message == "the training could not go on: the object store cannot be used: ConnectionError"
        assert len(pool.asked) == 6


class TestStopping:
    """StopTrainingJob and DeleteTrainingJob."""

    async def test_T135_a_stop_ends_the_training_it_follows(self, worker: Worker, pool: FakePool) -> None:
        """Status 12 is the last event, with how far it came; both commands are acknowledged."""
        pool.gate = asyncio.Event()
        pool.reports += epochs(1, 2)
        async with Agent(worker) as agent:
            train = agent.command(TRAIN)
            await agent.until(lambda: pool.ended)
            worker.runtime.store.put_bytes(CHECKPOINT, b"checkpoint")
            stop = agent.command(STOP)
            await agent.settled()
            await asyncio.sleep(0.6)  # in which what was not told yet would be

        assert pool.cancelled == 1
        assert [(status.status, status.epoch) for status in statuses(worker)][-1] == (12, 2)
        assert len(outcomes(worker)) == 1
        assert endpoint(worker) is None
        assert not worker.runtime.store.exists(CHECKPOINT)
        assert worker.committed(train)
        assert worker.committed(stop)

    async def test_T042_a_training_that_had_not_begun_is_cancelled(self, worker: Worker, pool: FakePool) -> None:
        """Status 13."""
        pool.gate, pool.reports = asyncio.Event(), []
        async with Agent(worker) as agent:
            agent.command(TRAIN)
            await agent.until(lambda: pool.asked)
            agent.command(STOP)
            await agent.settled()

        assert [status.status for status in statuses(worker)] == [13]

    async def test_a_checkpoint_says_that_it_had_begun(self, worker: Worker, pool: FakePool) -> None:
        """A trainer that was killed left it; the next one reads both commands before it has begun anything."""
        worker.runtime.store.put_bytes(CHECKPOINT, b"checkpoint")
        pool.gate = asyncio.Event()
        pool.reports = []
        await consume(worker, TRAIN, STOP)

        assert [status.status for status in statuses(worker)] == [12]

    async def test_a_replay_of_a_stop_tells_the_same_and_trains_nothing(self, worker: Worker, pool: FakePool) -> None:
        """Both commands come again, before or after one another."""
        pool.gate, pool.reports = asyncio.Event(), []
        await consume(worker, TRAIN, STOP)
        (first,) = worker.sent(worker.runtime.topics.training_status)
        asked = len(pool.asked)
        worker.forget()
        await consume(worker, TRAIN, STOP)
        await consume(worker, TRAIN)
        values = [record.value for record in worker.sent(worker.runtime.topics.training_status)]

        assert set(values) == {first.value}
        assert len(pool.asked) == asked

    async def test_a_stop_that_comes_too_late_changes_nothing(self, worker: Worker, pool: FakePool) -> None:
        """A completed job stays completed, a failed one failed: their outcome is told again."""
        pool.answers = [Trained(MODEL), Refused("no")]
        await consume(worker, TRAIN)
        await consume(worker, replace(TRAIN, job_id=8, job_name="other"))
        worker.forget()
        await consume(worker, STOP)
        await consume(worker, replace(STOP, job_id=8, version_id=8))

        assert [(status.job_id, status.status) for status in statuses(worker)] == [(7, 10), (8, 11)]
        assert endpoint(worker) is not None

    async def test_T137_a_delete_ends_the_training_without_a_word(self, worker: Worker, pool: FakePool) -> None:
        """The job's row is gone; nothing is left but the note that it was deleted."""
        pool.gate = asyncio.Event()
        async with Agent(worker) as agent:
            train = agent.command(TRAIN)
            await agent.until(lambda: pool.asked)
            worker.runtime.store.put_bytes(CHECKPOINT, b"checkpoint")
            delete = agent.command(DELETE)
            await agent.settled()

        assert pool.cancelled == 1
        assert outcomes(worker) == []
        assert endpoint(worker) is None
        assert not worker.runtime.store.exists(CHECKPOINT)
        assert worker.committed(train)
        assert worker.committed(delete)

    async def test_a_replay_of_a_deleted_job_trains_nothing(self, worker: Worker, pool: FakePool) -> None:
        """Also where the command alone comes again."""
        pool.gate = asyncio.Event()
        await consume(worker, TRAIN, DELETE)
        asked = len(pool.asked)
        worker.forget()
        await consume(worker, TRAIN)
        await consume(worker, TRAIN, DELETE)
        await consume(worker, STOP)

        assert len(pool.asked) == asked
        assert statuses(worker) == []

    async def test_an_id_that_was_used_before_is_refused(self, worker: Worker, pool: FakePool) -> None:
        """Whoever posts it gets an answer."""
        pool.gate = asyncio.Event()
        await consume(worker, TRAIN, DELETE)
        worker.forget()
        await consume(worker, replace(TRAIN, command_id="c-9"))
        (outcome,) = statuses(worker)

        assert outcome.status == 11
        assert "use another id" in (outcome.message or "")

    async def test_a_delete_removes_the_jobs_endpoint(self, worker: Worker) -> None:
        """And no other's, be it of the same name."""
        await consume(worker, TRAIN)
        await consume(worker, DELETE)
        gone = endpoint(worker)
        put_endpoint(worker, job_id=8)
        await consume(worker, DELETE)
        served = endpoint(worker)

        assert gone is None
        assert served is not None
        assert served.job_id == 8

    async def test_the_same_id_in_another_project_is_another_job(self, worker: Worker, pool: FakePool) -> None:
        """Producers choose ids."""
        pool.gate = asyncio.Event()
        async with Agent(worker) as agent:
            agent.command(TRAIN)
            agent.command(replace(TRAIN, project_id="p2", job_name="other"))
            await agent.until(lambda: len(pool.asked) == 2)
            agent.command(DELETE)
            await agent.until(lambda: pool.cancelled == 1)
            pool.gate.set()
            await agent.settled()

        assert [(status.project_id, status.status) for status in outcomes(worker)] == [("p2", 10)]

    @pytest.mark.parametrize("command", [DELETE, STOP])
    async def test_a_command_that_meets_the_publishing_waits_for_it(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch, command: Any
    ) -> None:
        """A thread cannot be stopped: a deleted job would have an endpoint; a stopped one has completed."""
        begun, go_on = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        real = endpoints.publish

        def slow(*arguments: Any) -> None:
            loop.call_soon_threadsafe(begun.set)
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()
            real(*arguments)

        monkeypatch.setattr(endpoints, "publish", slow)
        async with Agent(worker) as agent:
            agent.command(TRAIN)
            await agent.until(begun.is_set)
            agent.command(command)
            await asyncio.sleep(0.05)
            go_on.set()
            await agent.settled()

        assert [status.status for status in outcomes(worker)] == ([] if command is DELETE else [10])
        assert (endpoint(worker) is None) == (command is DELETE)

    async def test_a_job_that_was_deleted_elsewhere_gets_no_endpoint(
        self, worker: Worker, pool: FakePool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another trainer has the partition, and this one has not noticed."""
        published: list[int] = []
        pool.gate = asyncio.Event()
        async with Agent(worker) as agent:
            agent.command(TRAIN)
            await agent.until(lambda: pool.asked)
            TrainingOutcomes(worker.runtime.store).delete(PROJECT, JOB, "c-1")
            monkeypatch.setattr(endpoints, "publish", lambda *_: published.append(1))
            pool.gate.set()
            await agent.settled()

        assert outcomes(worker) == []
        assert published == [], "not even for a moment"

    async def test_a_job_that_is_deleted_elsewhere_while_it_is_published_gets_no_endpoint(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever is second removes it."""
        real = endpoints.publish

        def meanwhile(*arguments: Any) -> None:
            TrainingOutcomes(worker.runtime.store).delete(PROJECT, JOB, "c-1")
            real(*arguments)

        monkeypatch.setattr(endpoints, "publish", meanwhile)
        await consume(worker, TRAIN)

        assert outcomes(worker) == []
        assert endpoint(worker) is None


class TestRebalances:
    """The partition goes, or stays."""

    async def test_a_training_whose_partition_has_gone_ends_without_a_word(
        self, worker: Worker, pool: FakePool
    ) -> None:
        """The new owner goes on from the checkpoint."""
        pool.gate = asyncio.Event()
        pool.reports = []
        async with Agent(worker) as agent:
            message = agent.command(TRAIN)
            await agent.until(lambda: pool.asked)
            worker.runtime.store.put_bytes(CHECKPOINT, b"checkpoint")
            worker._app.consumer_generation_id += 1
            await agent.until(lambda: pool.cancelled)
            await agent.settled()

        assert statuses(worker) == []
        assert not worker.committed(message)
        assert worker.runtime.store.exists(CHECKPOINT)

    async def test_a_training_whose_partition_stays_goes_on(
        self, worker: Worker, pool: FakePool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The command comes again, and joins it."""
        monkeypatch.setattr(training_deliveries, "_LOOK_S", 0.01)
        pool.gate = asyncio.Event()
        async with Agent(worker) as agent:
            message = agent.command(TRAIN)
            await agent.until(lambda: pool.asked)
            monkeypatch.setattr(worker._app.assignor, "assigned_actives", lambda: {message.tp})
            worker._app.consumer_generation_id += 1
            await asyncio.sleep(0.05)  # in which it is looked whether the partition has gone
            again = agent.feed(_again(message))
            await asyncio.sleep(0.05)
            pool.gate.set()
            await agent.settled()

        assert (len(pool.asked), pool.cancelled) == (1, 0)
        assert [status.status for status in outcomes(worker)] == [10]
        assert worker.committed(again)

    async def test_an_end_waits_for_the_end_of_a_rebalance(self, worker: Worker, pool: FakePool) -> None:
        """Before that nobody knows whose the job is."""
        pool.gate = asyncio.Event()
        async with Agent(worker) as agent:
            agent.command(TRAIN)
            await agent.until(lambda: pool.asked)
            worker._app.flow_control.suspend()
            pool.gate.set()
            await asyncio.sleep(0.3)
            early = endpoint(worker)
            worker._app.flow_control.resume()
            await agent.settled()

        assert early is None
        assert endpoint(worker) is not None

    async def test_a_training_that_comes_back_while_it_is_ended_begins_again(
        self, worker: Worker, pool: FakePool
    ) -> None:
        """What was given up must not be acknowledged for the new assignment."""
        pool.gate = asyncio.Event()
        pool.slow_end.clear()
        async with Agent(worker) as agent:
            message = agent.command(TRAIN)
            await agent.until(lambda: pool.asked)
            worker._app.consumer_generation_id += 1
            await agent.until(lambda: pool.cancelled)
            again = agent.feed(_again(message))
            await asyncio.sleep(0.05)
            pool.slow_end.set()
            await agent.until(lambda: len(pool.asked) == 2)
            pool.gate.set()
            await agent.settled()

        assert [status.status for status in outcomes(worker)] == [10]
        assert worker.committed(again)


def _again(message: Any) -> Any:
    """The message as the next assignment brings it."""
    return type(message)(
        message.topic,
        message.partition,
        message.offset,
        message.timestamp,
        message.timestamp_type,
        message.headers,
        message.key,
        message.value,
        None,
        tp=TP(message.topic, message.partition),
        generation_id=message.generation_id + 1,
    )


def _number(record: Record) -> int:
    """The status that a record tells."""
    number: int = CODEC.decode(record.value).status
    return number
