"""RunTrainingVersion at the trainer, whatever kind of run it is: one end, told the same again, and a log."""

import asyncio
from typing import Any

import pytest

from connectors.objects import endpoints
from tests.agents.bench import Worker
from tests.agents.deepar.runs.samples import (
    MODEL,
    PARAMETERS,
    Agent,
    FakePool,
    consume,
    endpoint,
    epochs,
    pool_of_trainers,
)
from tests.agents.training_runs.runs_samples import (
    DELETE,
    DELETE_JOB,
    JOB,
    NAME,
    PROJECT,
    STOP,
    VERSION,
    chunks,
    log_of,
    points,
    run,
    told,
)

DEEPAR = [{"label": label, "value": value} for label, value in PARAMETERS.items()]


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> FakePool:
    """The pool of the trainer."""
    return pool_of_trainers(monkeypatch)


@pytest.fixture
async def worker(trainer: Worker, pool: FakePool) -> Worker:
    """A trainer, with data for DeepAR."""
    trainer.runtime.store.put_bytes("uploads/sales.jsonl", b"{}\n")
    return trainer


def deepar(version_id: int = VERSION, **config: Any) -> Any:
    """A command for a version that trains DeepAR."""
    return run(version_id, **{"model_id": 5, "data_url": "/uploads/sales.jsonl", "parameter": DEEPAR, **config})


class TestRefusing:
    """Status 5: what cannot be run, with a line in the log that says why."""

    @pytest.mark.parametrize(
        ("config", "words"),
        [
            (
                {"user_image_url": "repo/image:1"},
                "user_image_url: found 'repo/image:1', which is kept and shown, never",
            ),
            ({"user_command": "bash -x run.sh", "boot_file_url": "/uploads/a/boot.py"}, "user_command: found 'bash"),
            ({"model_id": 99}, "model_id: found 99, expected 1 to"),
            ({"model_id": 5, "data_url": "/uploads/none.jsonl", "parameter": DEEPAR}, "no file /uploads/none.jsonl"),
            ({"model_id": 5, "data_url": "/uploads/sales.jsonl"}, "time_freq is missing"),
            ({"model_id": 5, "parameter": DEEPAR}, "data_source: found 0 places, expected one"),
        ],
        ids=["image", "command", "model", "data", "parameters", "no-data"],
    )
    async def test_T071_T074_what_cannot_be_run_ends_with_status_5(
        self, worker: Worker, pool: FakePool, config: dict[str, Any], words: str
    ) -> None:
        """Told once, and the same again."""
        (message,) = await consume(worker, run(**config))
        await consume(worker, run(**config))
        first, second = told(worker)

        assert (first.status, first.project_id, first.job_id, first.version_id) == (5, PROJECT, JOB, VERSION)
        assert words in (first.message or "")
        assert first == second
        assert [line for line in log_of(worker) if words in line and line.startswith("cannot be run: ")]
        assert [(chunk.file_name, chunk.worker, chunk.offset) for chunk in chunks(worker)] == [(f"{NAME}.0", 0, 0)]
        assert worker.committed(message)
        assert pool.asked == []


class TestVersions:
    """Several versions of one job."""

    async def test_each_has_its_own_end(self, worker: Worker, pool: FakePool) -> None:
        """The second goes on while the first is stopped; its points are its own."""
        pool.gate = asyncio.Event()
        pool.reports += epochs(1)
        async with Agent(worker) as agent:
            agent.command(deepar())
            agent.command(deepar(13))
            await agent.until(lambda: len(pool.ended) == 2)
            agent.command(STOP)
            await agent.until(lambda: told(worker))
            pool.gate.set()
            await agent.settled()

        assert [(status.version_id, status.status) for status in told(worker)] == [(VERSION, 12), (13, 10)]
        assert {point.workload_uid for point in points(worker)} == {f"tj-{JOB}-13"}
        assert log_of(worker)[-1] == "stopped"
        assert log_of(worker, version_id=13)[-1] == "completed"
        assert len({asked.checkpoint_key for asked in pool.asked}) == 2

    async def test_T128_what_it_came_to(self, worker: Worker) -> None:
        """Scores, endpoint, number of logs."""
        await consume(worker, deepar())
        (status,) = told(worker)

        assert (status.endpoint, status.log_files, status.epoch) == (NAME, 1, 40)
        assert '"RMSE": 2.5' in status.model_metrics

    async def test_T137_a_version_is_deleted_alone(self, worker: Worker) -> None:
        """With its endpoint and log, where they are its own; a repeat of its command does nothing."""
        await consume(worker, deepar())
        await consume(worker, DELETE)
        gone = endpoint(worker)
        worker.forget()
        await consume(worker, deepar())
        await consume(worker, deepar(13))

        assert gone is None
        assert [(status.version_id, status.status) for status in told(worker)] == [(13, 10)]
        assert log_of(worker) == []

    async def test_a_newer_versions_endpoint_stays(self, worker: Worker) -> None:
        """It has the same name."""
        await consume(worker, deepar())
        made = endpoint(worker)
        assert made is not None
        newer = type(made)(**{**{name: getattr(made, name) for name in made.__slots__}, "version": "V0003"})
        endpoints.publish(worker.runtime.store, newer, MODEL)
        await consume(worker, DELETE)

        assert endpoint(worker) == newer

    async def test_T137_a_deleted_job_ends_all_its_versions(self, worker: Worker, pool: FakePool) -> None:
        """Those too whose commands come later."""
        pool.gate = asyncio.Event()
        async with Agent(worker) as agent:
            agent.command(deepar())
            agent.command(deepar(13))
            await agent.until(lambda: len(pool.ended) == 2)
            agent.command(DELETE_JOB)
            await agent.settled()
            pool.gate.set()
            agent.command(deepar(14))
            await agent.settled()

        assert pool.cancelled == 2
        assert told(worker) == []
        assert endpoint(worker) is None

    async def test_T042_a_version_that_is_stopped_before_its_command_comes_is_not_begun(
        self, worker: Worker, pool: FakePool
    ) -> None:
        """The stop may have been read by another trainer."""
        await consume(worker, STOP)
        await consume(worker, deepar())

        assert {status.status for status in told(worker)} == {13}
        assert pool.asked == []
