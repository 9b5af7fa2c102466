"""Partitions that come and go."""

import asyncio

import pytest

from streams.engine import deliveries as training_deliveries
from tests.agents.bench import Worker
from tests.agents.deepar.runs.samples import (
    CHECKPOINT,
    TRAIN,
    Agent,
    FakePool,
    endpoint,
    outcomes,
    redelivered,
    statuses,
)


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
            again = agent.feed(redelivered(message))
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
            again = agent.feed(redelivered(message))
            await asyncio.sleep(0.05)
            pool.slow_end.set()
            await agent.until(lambda: len(pool.asked) == 2)
            pool.gate.set()
            await agent.settled()

        assert [status.status for status in outcomes(worker)] == [10]
        assert worker.committed(again)
