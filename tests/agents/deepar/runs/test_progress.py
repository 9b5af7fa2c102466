"""What is told while a training goes on."""

import asyncio
import json
import os
from dataclasses import replace

from agents.deepar.job_calls import Begun, EpochDone
from schemas.training import TrainingStatus
from schemas.workloads import MetricPoint
from tests.agents.bench import Worker
from tests.agents.deepar.runs.samples import JOB, PROJECT, TRAIN, Agent, FakePool, consume, epochs, points, statuses


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

        assert begun == TrainingStatus(PROJECT, JOB, JOB, 8, 1000, 0, 40, log_files=1)
        assert status == TrainingStatus(PROJECT, JOB, JOB, 8, 1001, 1, 40, 0.5, 0.25, log_files=1)
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

    async def test_T125_what_the_process_takes_of_the_machine_is_told(self, worker: Worker, pool: FakePool) -> None:
        """One sample at least, however short the training; the last status has it too."""
        pool.reports = [Begun(40, 1000, pid=os.getpid()), *epochs(1)]
        await consume(worker, TRAIN)
        told = [json.loads(status.system_metrics) for status in statuses(worker)[-2:]]

        assert all(len(one["cpuUsage"]) == 1 for one in told)
