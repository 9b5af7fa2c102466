"""Training jobs: commands and what trainers tell in; rows and commands to the trainers out."""

from dataclasses import replace
from typing import Any

import pytest

from agents.training.rows import Rows
from connectors.kafka.publisher import DeliveryError
from schemas.training import CreateTrainingVersion, DeleteTrainingJob, StopTrainingJob
from schemas.training_rows import TrainingJobRecord, TrainingVersionRecord
from streams.repeats import digest_of
from streams.settings import Settings
from streams.training.state import TrainingJobsState
from streams.workers import apps
from tests.agents.bench import AT, CODEC, FakePublisher, Worker, restarted
from tests.agents.training.training_jobs_samples import (
    CONFIG,
    DELETE,
    DELETE_VERSION,
    HOME,
    JOB,
    NAME,
    NEEDED,
    PROJECT,
    RUN,
    STOP,
    TRAIN,
    command,
    find,
    publish,
    refusal,
    row,
    runs,
    status,
    told,
)


async def _untold(state: Worker, one: Any) -> None:
    """A command of which trainers cannot be told."""
    state.publisher.failing.add(state.runtime.topics.training_runs)
    with pytest.raises(DeliveryError):
        await command(state, one)


class TestCreating:
    """TrainDeepAR."""

    async def test_D070_the_row_and_the_trainers_command(self, state: Worker) -> None:
        """A row in the project's partition, and the command under the job's id; the job is queued."""
        (message,) = await command(state, TRAIN)

        assert row(state) == TrainingVersionRecord(
            project_id=PROJECT,
            job_id=JOB,
            version_id=JOB,
            number=1,
            version_name="V0001",
            job_name=NAME,
            command_id="c-1",
            create_time=round(AT * 1000),
            status=7,
            config=CONFIG,
            epochs=20,
            digest=digest_of(TRAIN),
            run_offset=0,
            given=True,
        )
        assert find(state) == TrainingJobRecord(
            project_id=PROJECT,
            job_id=JOB,
            job_name=NAME,
            version_id=JOB,
            version_name="V0001",
            command_id="c-1",
            create_time=round(AT * 1000),
            status=7,
            data_url="",
            endpoint=NAME,
            digest=digest_of(TRAIN),
            next_version=2,
            version_count=1,
        )
        assert runs(state) == [(b"11", RUN)]
        changelog = state.sent(state.runtime.topics.training_jobs_changelog)
        assert [(record.key, record.partition) for record in changelog] == [(b"p1/11", HOME)] * 2
        changelog = state.sent(state.runtime.topics.training_versions_changelog)
        assert [(record.key, record.partition) for record in changelog] == [(b"p1/11/11", HOME)] * 2
        assert [CODEC.decode(record.value).status for record in changelog] == [1, 7]
        assert state.committed(message)
        assert not state.dead()

    async def test_the_sender_is_told_when_the_job_can_be_read(self, state: Worker) -> None:
        """With the row (decision 10)."""
        with state.runtime.waiters.waiting("c-1") as outcome:
            await command(state, TRAIN)
            job, version = await outcome
            assert (job.job_id, version.version_id) == (JOB, JOB)

    async def test_T042_a_trainer_may_be_quick(self, state: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
        """What it tells before the sending of its command is confirmed is not set back to queued."""
        send = state.publisher.send_placed

        async def quick(records: Any) -> Any:
            placed = await send(records)
            rows = Rows(state.runtime, HOME, state.runtime.app.consumer_generation_id)
            rows.put_version(replace(row(state), status=8))
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
            assert [one.status for one in await outcome] == [8, 8]

        assert not runs(state)
        assert not state.sent(state.runtime.topics.training_jobs_changelog)
        assert not state.dead()

    async def test_killed_before_the_trainers_knew(
        self, state: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The row is there, the command is not: the repeat sends it."""
        await _untold(state, TRAIN)
        again = await restarted(state, settings, monkeypatch)
        assert row(again).status == 1
        await command(again, TRAIN)

        assert runs(again) == [(b"11", RUN)]
        assert row(again).status == 7

    async def test_killed_before_the_row_said_that_it_is_queued(
        self, state: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What they told meanwhile stays, and shows that they need not be told again."""
        await command(state, TRAIN)
        state.publisher.log = [
            record
            for record in state.publisher.log
            if not record.topic.endswith("-changelog") or CODEC.decode(record.value).status == 1
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

        assert runs(again) == [(b"11", DELETE)]  # what ran of its version was ended the first time
        assert find(again) is None
        assert not again.dead()

    async def test_killed_while_it_told_the_trainer_to_stop(
        self, state: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The row says that it stops; the repeat tells the trainer."""
        await command(state, TRAIN)
        await _untold(state, STOP)
        again = await restarted(state, settings, monkeypatch)
        assert row(again).status == 9
        await command(again, STOP)

        assert runs(again) == [(b"11", STOP)]


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


async def test_T114_ids_of_versions_are_the_projects(state: Worker) -> None:
    """One that another job of the project has is refused, until it is deleted; another project may have it."""
    await command(state, TRAIN)
    other = replace(TRAIN, command_id="c-8", job_id=12, job_name="other")
    await command(state, other)
    taken = CreateTrainingVersion("c-9", PROJECT, 12, JOB, CONFIG)
    refused = await refusal(state, taken)
    await command(state, replace(TRAIN, command_id="c-10", project_id="p2"), key=b"p2")
    await command(state, DELETE_VERSION)
    await command(state, taken)

    assert "version 11 already" in refused.message
    assert find(state, project="p2") is not None
    assert [one.version_id for one in TrainingJobsState.of(state.runtime).versions_of(PROJECT, 12)] == [JOB, 12]
