"""Training jobs: commands and what trainers tell in; rows and commands to the trainers out."""

from dataclasses import replace
from typing import Any

import pytest

from connectors.kafka.publisher import DeliveryError, partition_for
from connectors.objects import endpoints
from connectors.objects.endpoints import Endpoint, UnknownEndpointError, model_key
from schemas.training import DeleteTrainingJob, StopTrainingJob, TrainDeepAR, TrainingJobRecord, TrainingStatus
from streams.errors import RejectedError
from streams.repeats import digest_of
from streams.settings import Settings
from streams.training.jobs import key_of
from streams.training.state import TrainingJobsState
from streams.workers import apps
from tests.agents.bench import AT, CODEC, FakePublisher, Worker

PROJECT, JOB, NAME = "p1", 11, "flights"
HOME = partition_for(b"p1", 4)
NEEDED: dict[str, Any] = {"time_freq": "D", "prediction_length": 7, "epochs": 20}
TRAIN = TrainDeepAR("c-1", PROJECT, JOB, NAME, "/uploads/flights.jsonl", NEEDED)
STOP = StopTrainingJob("c-2", PROJECT, JOB, JOB)
DELETE = DeleteTrainingJob("c-3", PROJECT, JOB)


async def command(state: Worker, *commands: Any, key: bytes = b"p1", **place: Any) -> list[Any]:
    """Let commands arrive as one batch."""
    topic = state.runtime.topics.training_commands
    messages = [state.message(topic, key, one, **place) for one in commands]
    await state.consume(topic, *messages)
    return messages


async def status(state: Worker, *statuses: Any, key: bytes = b"p1", **place: Any) -> list[Any]:
    """Let what trainers tell arrive as one batch."""
    topic = state.runtime.topics.training_status
    messages = [state.message(topic, key, one, **place) for one in statuses]
    await state.consume(topic, *messages)
    return messages


def told(number: int, job_id: int = JOB, **fields: Any) -> TrainingStatus:
    """What a trainer says."""
    return TrainingStatus(PROJECT, job_id, job_id, number, round(AT * 1000) + number, **fields)


def find(state: Worker, job_id: int = JOB, project: str = PROJECT) -> TrainingJobRecord | None:
    """The job as the table has it."""
    found: TrainingJobRecord | None = TrainingJobsState.of(state.runtime).jobs.get(key_of(project, job_id))
    return found


def row(state: Worker, job_id: int = JOB) -> TrainingJobRecord:
    """The same, which is there."""
    found = find(state, job_id)
    assert found is not None
    return found


def publish(state: Worker, name: str = NAME, *, project: str = PROJECT, job_id: int = JOB) -> None:
    """Make an endpoint, as a trainer does."""
    endpoint = Endpoint(
        name=name,
        version="V0001",
        model_key=model_key(name, "V0001"),
        project_id=project,
        job_id=job_id,
        time_freq="D",
        prediction_length=7,
        context_length=7,
        cardinality=None,
        num_dynamic_feat=0,
        likelihood="student-t",
        num_cells=4,
        num_layers=1,
        created=0,
    )
    endpoints.publish(state.runtime.store, endpoint, b"model")


def has_endpoint(state: Worker, name: str = NAME) -> bool:
    """Whether there is one."""
    try:
        endpoints.load(state.runtime.store, name)
    except UnknownEndpointError:
        return False
    return True


def runs(state: Worker) -> list[tuple[bytes | None, Any]]:
    """What the trainers were told, with its keys."""
    return [(record.key, CODEC.decode(record.value)) for record in state.sent(state.runtime.topics.training_runs)]


async def refusal(state: Worker, one: Any, key: bytes = b"p1") -> RejectedError:
    """Why the command of a sender who waits is refused."""
    with state.runtime.waiters.waiting(one.command_id) as outcome:
        await command(state, one, key=key)
        with pytest.raises(RejectedError) as refused:
            await outcome
    return refused.value


async def restarted(worker: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """The next process on the same log: its table holds what the changelog says."""
    publisher = FakePublisher()
    monkeypatch.setattr(apps, "Publisher", lambda *_, **__: publisher)
    runtime = apps.create_state(settings, "127.0.0.1:1")
    table = TrainingJobsState.of(runtime).jobs
    for record in worker.publisher.log:
        if record.topic == runtime.topics.training_jobs_changelog:
            table._rows.write(record.partition, [(record.key, record.value)])
    return Worker(runtime, publisher)


class TestCreating:
    """TrainDeepAR."""

    async def test_D070_the_row_and_the_trainers_command(self, state: Worker) -> None:
        """A row in the project's partition, and the command under the job's id; the job is queued."""
        (message,) = await command(state, TRAIN)

        assert row(state) == TrainingJobRecord(
            project_id=PROJECT,
            job_id=JOB,
            job_name=NAME,
            version_id=JOB,
            version_name="V0001",
            command_id="c-1",
            create_time=round(AT * 1000),
            status=7,
            data_url="/uploads/flights.jsonl",
            parameters=NEEDED,
            epochs=20,
            digest=digest_of(TRAIN),
            run_offset=0,
        )
        assert runs(state) == [(b"11", TRAIN)]
        changelog = state.sent(state.runtime.topics.training_jobs_changelog)
        assert [(record.key, record.partition) for record in changelog] == [(b"p1/11", HOME)] * 2
        assert [CODEC.decode(record.value).status for record in changelog] == [1, 7]
        assert state.committed(message)
        assert not state.dead()

    async def test_the_sender_is_told_when_the_job_can_be_read(self, state: Worker) -> None:
        """With the row (decision 10)."""
        with state.runtime.waiters.waiting("c-1") as outcome:
            await command(state, TRAIN)
            assert (await outcome).job_id == JOB

    async def test_T042_a_trainer_may_be_quick(self, state: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
        """What it tells before the sending of its command is confirmed is not set back to queued."""
        send = state.publisher.send_placed

        async def quick(records: Any) -> Any:
            placed = await send(records)
            TrainingJobsState.of(state.runtime).jobs.put(HOME, key_of(PROJECT, JOB), replace(row(state), status=8))
            return placed

        monkeypatch.setattr(state.publisher, "send_placed", quick)
        await command(state, TRAIN)

        assert row(state).status == 8

    async def test_T084_a_name_is_unique_in_the_project(self, state: Worker) -> None:
        """Another job of it is refused and no trainer hears of it; in another project it may be there."""
        await command(state, TRAIN)
        state.forget()
        error = await refusal(state, replace(TRAIN, command_id="c-9", job_id=12))

        assert (error.status, error.code, error.message) == (400, "ModelArts.0103", "Job name:flights is existed")
        assert find(state, 12) is None
        assert not runs(state)
        await command(state, replace(TRAIN, command_id="c-10", project_id="p2"), key=b"p2")
        assert find(state, JOB, "p2") is not None

    async def test_T085_of_two_at_once_one_succeeds(self, state: Worker) -> None:
        """One writer per project; the other one becomes a dead letter where nobody waits."""
        await command(state, TRAIN, replace(TRAIN, command_id="c-9", job_id=12))

        assert (find(state) is not None, find(state, 12)) == (True, None)
        assert [letter["error"] for letter in state.dead()] == ["Job name:flights is existed"]

    async def test_an_endpoint_of_another_project_keeps_its_name(self, state: Worker) -> None:
        """Endpoints have no project in their address; the own project's may be replaced."""
        publish(state, project="p2", job_id=5)
        error = await refusal(state, TRAIN)

        assert (error.status, error.code) == (400, "ModelArts.0103")
        assert "another project" in error.message
        assert find(state) is None
        publish(state, job_id=5)
        await command(state, TRAIN)
        assert row(state).status == 7

    async def test_T105_a_project_has_only_so_many_jobs(self, settings: Settings, publisher: FakePublisher) -> None:
        """0116; projects do not count for one another."""
        few = settings.model_copy(update={"max_training_jobs": 2})
        state = Worker(apps.create_state(few, "127.0.0.1:1"), publisher)
        for number in range(2):
            one = replace(TRAIN, command_id=f"c-{number}", job_id=number + 1, job_name=f"n{number}")
            await command(state, one)
        error = await refusal(state, replace(TRAIN, command_id="c-9", job_id=3))

        assert (error.status, error.code) == (400, "ModelArts.0116")
        await command(state, replace(TRAIN, command_id="c-10", project_id="p2"), key=b"p2")
        assert find(state, JOB, "p2") is not None

    async def test_T034_a_wrong_parameter_is_refused_as_over_http(self, state: Worker) -> None:
        """The same check behind both doors (decision 12); the partition goes on."""
        wrong = replace(TRAIN, command_id="c-9", parameters={**NEEDED, "likelihood": "poisson"})
        await command(state, wrong, TRAIN)

        assert row(state).command_id == "c-1"
        (letter,) = state.dead()
        assert letter["error-class"] == "RejectedError"
        assert "likelihood" in letter["error"]
        assert letter["topic"] == state.runtime.topics.training_commands

    async def test_an_id_is_used_once(self, state: Worker) -> None:
        """Another command with the id of a job is refused."""
        await command(state, TRAIN)
        error = await refusal(state, replace(TRAIN, command_id="c-9", job_name="other"))

        assert (error.status, error.code) == (400, "ModelArts.0105")
        assert row(state).job_name == NAME

    async def test_a_command_under_a_wrong_key_is_refused(self, state: Worker) -> None:
        """Its rows would lie in another partition than its project's."""
        await command(state, TRAIN, key=b"p2")

        assert find(state) is None
        assert [letter["error"] for letter in state.dead()] == ["the record's key must be the project_id, p1"]

    async def test_a_command_in_a_wrong_partition_is_moved(self, state: Worker) -> None:
        """Producers place keys in several ways; only the owner of the key's partition has the rows."""
        (message,) = await command(state, TRAIN, partition=(HOME + 1) % 4)

        (moved,) = state.sent(state.runtime.topics.training_commands)
        assert (moved.key, moved.value, moved.partition) == (b"p1", message.value, HOME)
        assert find(state) is None

    @pytest.mark.parametrize("value", [b"nonsense", None, CODEC.encode(told(8))])
    async def test_what_is_no_command_becomes_a_dead_letter(self, state: Worker, value: Any) -> None:
        """And the next command is applied."""
        await command(state, value, TRAIN)

        assert [letter["error-class"] for letter in state.dead()] == ["UndecodableError"]
        assert row(state).status == 7


class TestCrashes:
    """The same command again, after a crash at each step."""

    async def test_a_repeat_changes_nothing(self, state: Worker) -> None:
        """Neither a second training nor a step back."""
        await command(state, TRAIN)
        await status(state, told(8, epoch=3))
        state.forget()
        with state.runtime.waiters.waiting("c-1") as outcome:
            await command(state, TRAIN)
            assert (await outcome).status == 8

        assert not runs(state)
        assert not state.sent(state.runtime.topics.training_jobs_changelog)
        assert not state.dead()

    async def test_killed_before_the_trainers_knew(
        self, state: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The row is there, the command is not: the repeat sends it."""
        state.publisher.failing.add(state.runtime.topics.training_runs)
        with pytest.raises(DeliveryError):
            await command(state, TRAIN)
        again = await restarted(state, settings, monkeypatch)
        assert row(again).status == 1
        await command(again, TRAIN)

        assert runs(again) == [(b"11", TRAIN)]
        assert row(again).status == 7

    async def test_killed_before_the_row_said_that_it_is_queued(
        self, state: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What they told meanwhile stays, and shows that they need not be told again."""
        await command(state, TRAIN)
        state.publisher.log = [
            record
            for record in state.publisher.log
            if record.topic != state.runtime.topics.training_jobs_changelog or CODEC.decode(record.value).status == 1
        ]
        again = await restarted(state, settings, monkeypatch)
        await status(again, told(8))
        await command(again, TRAIN)

        assert row(again).status == 8
        assert not runs(again)

    async def test_an_accepted_job_is_not_checked_again(
        self, state: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Settings may be stricter after a restart."""
        await command(state, TRAIN)
        again = await restarted(state, settings.model_copy(update={"max_training_jobs": 1}), monkeypatch)
        await command(again, TRAIN)

        assert not again.dead()
        assert row(again).status == 7

    async def test_killed_while_it_deleted(
        self, state: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The row goes last, so the repeat does all of it."""
        await command(state, TRAIN)
        publish(state)
        state.publisher.failing.add(state.runtime.topics.training_jobs_changelog)
        with pytest.raises(DeliveryError):
            await command(state, DELETE)
        again = await restarted(state, settings, monkeypatch)
        assert find(again) is not None
        await command(again, DELETE)

        assert runs(again) == [(b"11", DELETE)]
        assert find(again) is None
        assert not again.dead()

    async def test_killed_while_it_told_the_trainer_to_stop(
        self, state: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The row says that it stops; the repeat tells the trainer."""
        await command(state, TRAIN)
        state.publisher.failing.add(state.runtime.topics.training_runs)
        with pytest.raises(DeliveryError):
            await command(state, STOP)
        again = await restarted(state, settings, monkeypatch)
        assert row(again).status == 9
        await command(again, STOP)

        assert runs(again) == [(b"11", STOP)]


class TestTracking:
    """What trainers tell."""

    async def test_T042_the_row_follows_the_training(self, state: Worker) -> None:
        """Progress, and then the outcome with scores and endpoint."""
        await command(state, TRAIN)
        state.forget()
        (first,) = await status(state, told(8, epoch=3, epochs=20, loss=1.5, validation_loss=1.25))
        running = row(state)
        await status(state, told(10, epoch=9, epochs=20, loss=1.0, metrics={"wQL": 0.1}, endpoint=NAME))
        done = row(state)

        assert (running.status, running.epoch, running.loss, running.validation_loss) == (8, 3, 1.5, 1.25)
        assert running.start_time == round(AT * 1000) + 8
        assert (done.status, done.epoch, done.metrics, done.endpoint) == (10, 9, {"wQL": 0.1}, NAME)
        assert state.committed(first)
        changelog = state.sent(state.runtime.topics.training_jobs_changelog)
        assert [(record.key, record.partition) for record in changelog] == [(b"p1/11", HOME)] * 2

    async def test_a_batch_is_one_write(self, state: Worker) -> None:
        """In the order of the log, however many epochs are in it."""
        await command(state, TRAIN)
        state.forget()
        await status(state, *(told(8, epoch=epoch) for epoch in range(1, 6)), told(11, epoch=5, message="out of luck"))

        (written,) = state.events(state.runtime.topics.training_jobs_changelog)
        assert (written.status, written.epoch, written.message) == (11, 5, "out of luck")

    async def test_T042_an_end_is_final(self, state: Worker) -> None:
        """A replay of the log moves nothing back and writes nothing."""
        await command(state, TRAIN)
        await status(state, told(8, epoch=3), told(12))
        state.forget()
        await status(state, told(8, epoch=3), told(10, endpoint=NAME), told(12))

        assert row(state).status == 12
        assert not state.publisher.records

    async def test_of_a_job_that_is_not_there(self, state: Worker) -> None:
        """Ignored: it was deleted."""
        (message,) = await status(state, told(8, epoch=3))

        assert find(state) is None
        assert not state.publisher.records
        assert state.committed(message)

    async def test_a_deleted_job_does_not_come_back_as_an_endpoint(self, state: Worker) -> None:
        """Its trainer may have published at the same moment; another job's endpoint of the name stays."""
        publish(state)
        await status(state, told(10, endpoint=NAME))
        assert not has_endpoint(state)

        publish(state, job_id=12)
        await status(state, told(10, endpoint=NAME))
        assert has_endpoint(state)
        publish(state, project="p2")
        await status(state, told(10, endpoint=NAME))
        assert has_endpoint(state)

    async def test_of_another_version(self, state: Worker) -> None:
        """It is not about the one that is there."""
        await command(state, TRAIN)
        await status(state, replace(told(11), version_id=1))

        assert row(state).status == 7

    async def test_a_wrong_partition(self, state: Worker) -> None:
        """Moved, as commands are."""
        await command(state, TRAIN)
        state.forget()
        await status(state, told(8), partition=(HOME + 1) % 4)

        (moved,) = state.sent(state.runtime.topics.training_status)
        assert (moved.key, moved.partition) == (b"p1", HOME)
        assert row(state).status == 7

    @pytest.mark.parametrize(
        ("event", "key", "error"),
        [
            (b"nonsense", b"p1", "UndecodableError"),
            (None, b"p1", "UndecodableError"),
            (TRAIN, b"p1", "UndecodableError"),
            (told(8), b"p2", "RejectedError"),
            (told(99), b"p1", "RejectedError"),
            (told(8, message="m" * 70_000), b"p1", "RejectedError"),
        ],
    )
    async def test_what_cannot_be_used_becomes_a_dead_letter(
        self, state: Worker, event: Any, key: bytes, error: str
    ) -> None:
        """Anybody can write to the topic; the others of the batch count."""
        await command(state, TRAIN)
        topic = state.runtime.topics.training_status
        wrong = state.message(topic, key, event, partition=HOME)
        await state.consume(topic, wrong, state.message(topic, b"p1", told(8, epoch=2)))

        assert [letter["error-class"] for letter in state.dead()] == [error]
        assert row(state).epoch == 2


class TestStopping:
    """StopTrainingJob."""

    async def test_T135_the_trainer_ends_it(self, state: Worker) -> None:
        """Status 9 at once; what the trainer says then is the end."""
        await command(state, TRAIN)
        await status(state, told(8, epoch=3))
        state.forget()
        with state.runtime.waiters.waiting("c-2") as outcome:
            await command(state, STOP)
            assert (await outcome).status == 9
        assert (row(state).status, row(state).epoch) == (9, 3)
        assert runs(state) == [(b"11", STOP)]
        await status(state, told(8, epoch=4))
        assert row(state).status == 9
        await status(state, told(12, epoch=4))
        assert row(state).status == 12

    async def test_T134_what_stops_already(self, state: Worker) -> None:
        """A success without a second effect on the row."""
        await command(state, TRAIN, STOP)
        state.forget()
        await command(state, replace(STOP, command_id="c-9"))

        assert row(state).status == 9
        assert not state.sent(state.runtime.topics.training_jobs_changelog)
        assert not state.dead()

    async def test_T134_what_has_ended(self, state: Worker) -> None:
        """400, 0105; no trainer hears of it."""
        await command(state, TRAIN)
        await status(state, told(10, endpoint=NAME))
        state.forget()
        error = await refusal(state, STOP)

        assert (error.status, error.code) == (400, "ModelArts.0105")
        assert not runs(state)
        assert row(state).status == 10

    @pytest.mark.parametrize("one", [replace(STOP, version_id=1), replace(STOP, job_id=5)])
    async def test_T132_what_is_not_there(self, state: Worker, one: StopTrainingJob) -> None:
        """404, 0105."""
        await command(state, TRAIN)
        error = await refusal(state, one)

        assert (error.status, error.code) == (404, "ModelArts.0105")
        assert row(state).status == 7


class TestDeleting:
    """DeleteTrainingJob."""

    async def test_T019_nothing_is_left(self, state: Worker) -> None:
        """The trainer ends it, the endpoint is gone at once, and so is the row."""
        await command(state, TRAIN)
        await status(state, told(10, endpoint=NAME))
        publish(state)
        state.forget()
        await command(state, DELETE)

        assert find(state) is None
        assert not has_endpoint(state)
        assert runs(state) == [(b"11", DELETE)]
        (tombstone,) = state.sent(state.runtime.topics.training_jobs_changelog)
        assert (tombstone.key, tombstone.value, tombstone.partition) == (b"p1/11", None, HOME)

    async def test_the_name_is_free_again(self, state: Worker) -> None:
        """Another job may have it."""
        await command(state, TRAIN, DELETE, replace(TRAIN, command_id="c-9", job_id=12))

        assert row(state, 12).status == 7

    async def test_an_endpoint_of_another_job_stays(self, state: Worker) -> None:
        """One project's job of the name may have been deleted and made anew by then."""
        await command(state, TRAIN)
        publish(state, job_id=12)
        await command(state, DELETE)

        assert has_endpoint(state)

    async def test_an_unknown_job(self, state: Worker) -> None:
        """404, 0105, and no trainer hears of it: the job may be another project's."""
        error = await refusal(state, DELETE)

        assert (error.status, error.code) == (404, "ModelArts.0105")
        assert not runs(state)

    async def test_of_another_project(self, state: Worker) -> None:
        """A project cannot delete what is not its own."""
        await command(state, TRAIN)
        await command(state, replace(DELETE, project_id="p2"), key=b"p2")

        assert row(state).status == 7
        assert [letter["error"] for letter in state.dead()] == ["project p2 has no training job 11"]


@pytest.mark.parametrize(
    "other",
    [
        replace(TRAIN, parameters={**NEEDED, "epochs": 21}),
        StopTrainingJob("c-1", PROJECT, JOB, JOB),
        DeleteTrainingJob("c-1", PROJECT, JOB),
    ],
)
async def test_other_content_under_a_used_id_is_a_dead_letter(state: Worker, other: Any) -> None:
    """It was ignored in silence, or took effect under the id of another command."""
    await command(state, TRAIN)
    before, sent = row(state), runs(state)
    await command(state, TRAIN, other)

    assert (row(state), runs(state)) == (before, sent)
    (letter,) = state.dead()
    assert "command_id: 'c-1' was used before, by a command for training job 11 with other" in letter["error"]
