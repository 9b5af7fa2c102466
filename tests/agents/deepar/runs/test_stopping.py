"""Stops and deletions, whenever they come."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from agents.deepar.job_calls import Refused, Trained
from agents.versions.outcomes import Outcome, VersionOutcomes
from connectors.objects import endpoints
from tests.agents.bench import Worker
from tests.agents.deepar.runs.samples import (
    CHECKPOINT,
    DELETE,
    JOB,
    MODEL,
    PROJECT,
    STOP,
    TRAIN,
    Agent,
    FakePool,
    consume,
    endpoint,
    epochs,
    outcomes,
    put_endpoint,
    statuses,
)


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
            VersionOutcomes(worker.runtime.store).write(PROJECT, JOB, Outcome(None, "c-1"))
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
            VersionOutcomes(worker.runtime.store).write(PROJECT, JOB, Outcome(None, "c-1"))
            real(*arguments)

        monkeypatch.setattr(endpoints, "publish", meanwhile)
        await consume(worker, TRAIN)

        assert outcomes(worker) == []
        assert endpoint(worker) is None
