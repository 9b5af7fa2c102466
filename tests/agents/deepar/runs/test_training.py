"""Training jobs at the trainer: commands in; an endpoint, status events and metric points out. Nothing is computed."""

import asyncio
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from mode.supervisors import CrashingSupervisor

from connectors.kafka.publisher import DeliveryError
from connectors.objects import endpoints
from schemas.inference import StopTransform
from schemas.training import TrainingStatus
from streams.systems import SYSTEMS
from tests.agents.bench import CODEC, FakePublisher, Worker
from tests.agents.deepar.runs.samples import (
    CHECKPOINT,
    JOB,
    MODEL,
    NAME,
    PARAMETERS,
    PROJECT,
    TRAIN,
    Agent,
    FakePool,
    consume,
    endpoint,
    epochs,
    number_of,
    outcomes,
    put_endpoint,
    sent,
)


@pytest.mark.parametrize("library", ["tensorflow", "pandas"])
@pytest.mark.slow
def test_a_trainer_does_without(library: str) -> None:
    """TensorFlow takes seconds to load, and 500 MB, pandas a second: only the processes that need them have them."""
    agents = ", ".join(module for system in SYSTEMS for module in system.trainer_agents)
    code = f"import sys, {agents}; print({library!r} in sys.modules)"
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
            PROJECT, JOB, JOB, 10, served.created, 40, 40, 1.5, 1.75, {"RMSE": 2.5, "ND": None}, NAME,
            model_metrics='{"metric": [], "total_metric": {"total_metric_meta": {}, "total_reserved_data": {}, '
            '"total_metric_values": {"RMSE": 2.5, "ND": null}}}',
            log_files=1,
        )  # fmt: skip
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
        (first,) = [record for record in worker.sent(worker.runtime.topics.training_status) if number_of(record) == 10]
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
