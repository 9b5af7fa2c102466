"""The end of a training job: by its outcome, by a command to stop it, by its deletion."""

from dataclasses import replace
from typing import Any

import pytest

from agents.training import versions as training_versions
from connectors.objects import endpoints
from connectors.objects.endpoints import UnknownEndpointError
from schemas.training import StopTrainingJob
from streams.engine import tries
from streams.training.state import TrainingJobsState
from tests.agents.bench import AT, Worker
from tests.agents.training.training_jobs_samples import (
    DELETE,
    DELETE_VERSION,
    HOME,
    JOB,
    NAME,
    PROJECT,
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


def has_endpoint(state: Worker, name: str = NAME) -> bool:
    """Whether there is one."""
    try:
        endpoints.load(state.runtime.store, name)
    except UnknownEndpointError:
        return False
    return True


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
        changelog = state.sent(state.runtime.topics.training_versions_changelog)
        assert [(record.key, record.partition) for record in changelog] == [(b"p1/11/11", HOME)] * 2

    async def test_a_batch_is_one_write(self, state: Worker) -> None:
        """In the order of the log, however many epochs are in it."""
        await command(state, TRAIN)
        state.forget()
        await status(state, *(told(8, epoch=epoch) for epoch in range(1, 6)), told(11, epoch=5, message="out of luck"))

        (written,) = state.events(state.runtime.topics.training_versions_changelog)
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
        assert runs(state) == [(b"11", DELETE_VERSION), (b"11", DELETE)]
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


class TestWhatCannotBeRemoved:
    """Status 6 (T-137)."""

    async def test_T042_T137_a_version_that_cannot_be_removed_says_so(
        self, state: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With the reason; whoever asked is told, others go on, and a later deletion removes it."""

        def fail(*_: object) -> bool:
            raise RuntimeError("odd")

        monkeypatch.setattr(tries, "_PAUSES_S", (0.0, 0.0))
        await command(state, TRAIN)
        await status(state, told(11, message="it failed"))
        with monkeypatch.context() as patch:
            patch.setattr(training_versions, "_delete_endpoint", fail)
            refused = await refusal(state, DELETE_VERSION)
        shown = row(state)
        await status(state, told(10))  # late, and from a trainer that knows nothing of it
        later = row(state)
        await command(state, replace(DELETE_VERSION, command_id="again"))

        assert refused.status == 500
        assert (shown.status, later.status) == (6, 6)
        assert "given up" in (shown.message or "")
        assert TrainingJobsState.of(state.runtime).version(PROJECT, JOB, JOB) is None
