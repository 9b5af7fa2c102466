"""Sends out the training of jobs: each job's in its own time, a bounded part of it at once, across restarts.

What waits for the trainers is in the order of the log. So of a long submission only as much is sent as keeps them busy,
and the rest as answers come: whoever asks for a single series meanwhile is not behind a hundred thousand. How far a job
is, and how the rest is to be trained, is in its row. Whoever gets its partition goes on from there.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import structlog
from faust.types import TP
from numpy.typing import NDArray

from agents.forecasting.fan_out import send_training
from agents.forecasting.refusals import refusals, result_records
from connectors.datasets.layered_splits import Part
from connectors.kafka.publisher import DeliveryError, partition_for
from models.catalog import CATALOG
from schemas.forecasting import JobRecord, Planned
from streams.engine.tenure import may_write
from streams.errors import RejectedError
from streams.forecasting import plans
from streams.forecasting.inputs import Features, features_of
from streams.forecasting.plans import count_of, trainings_of, unsent
from streams.forecasting.state import ForecastingState
from streams.forecasting.submissions import Plan, Training
from streams.rows.recovery import is_ready
from streams.runtime import StateRuntime

__all__ = ["Prepared", "SubmissionRuns", "prepared_for"]

log = structlog.get_logger(__name__)

_OUT: Final = 5_000.0  # what may be out of a job, in quick series: a second of a trainer's work
_HEAVY: Final = 8.0  # quick series that one of a model that takes long counts for
_LONG: Final = 2_000.0  # points that count for one quick series: 10,000 such are 160 MB
_LEAST_OUT: Final = 8  # however long the series are, every process of a trainer has something to do
_LEAST_PART: Final = 0.25  # of `_OUT` is sent at once, unless less is left: each part writes the row
_LOOK_S: Final = 0.5  # how often it is looked whether partitions have come
_ROWS_IN_ONE_TURN: Final = 20  # looked at in one turn of the event loop
_Placed = Mapping[tuple[str, int], int]
_UNSENT: Final = "its training could not be asked for: {}"


@dataclass(frozen=True)
class Prepared:
    """What the commands of a submission are made of."""

    job: JobRecord
    trainings: Sequence[Training]
    part: Part
    features: Features

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """What each training counts for in what may be out. Those that become one command count for nothing."""
        places = self.part.at([training.ts_id - self.job.first_ts_id for training in self.trainings])
        points = self.part.split.lengths[places]
        by_plan = {id(training.plan): _weights_of(training.plan) for training in self.trainings}
        own, for_values = np.array([by_plan[id(training.plan)] for training in self.trainings]).T
        weights: NDArray[np.float64] = own + points * for_values
        return weights


def _weights_of(plan: Plan) -> tuple[float, float]:
    spec = CATALOG[plan.model_name]
    if spec.together:
        return 0.0, 0.0
    return _HEAVY if spec.heavy or plan.search else 1.0, (1 + len(plan.features)) / _LONG


async def prepared_for(state: StateRuntime, job: JobRecord, trainings: Sequence[Training]) -> Prepared:
    """With the series and the features; RejectedError where they are gone or a feature is not numeric."""
    assert job.split is not None  # a job with series has one
    places = (training.ts_id - job.first_ts_id for training in trainings)
    part = await ForecastingState.of(state).splits.part(job, places)
    limit = state.settings.record_limit
    features = await features_of(state.store, ForecastingState.of(state).splits, job, trainings, record_limit=limit)
    return Prepared(job, trainings, part, features)


class SubmissionRuns:
    """The jobs of this process that have training to send out; a task for each."""

    def __init__(self, state: StateRuntime) -> None:
        self._state = state
        self._runs: dict[int, _Run] = {}
        self._seen_generation: int | None = None

    def begin(self, job_id: int, generation: int, prepared: Prepared | None = None) -> None:
        """Send out what the job's row says; `prepared` is its last submission, where it is at hand.

        Without effect for what is under way already.
        """
        job = ForecastingState.of(self._state).jobs.get(job_id)
        if job is None or not any(unsent(job)):
            return
        run = self._runs.get(job_id)
        if run is None or run.generation != generation or run.task.done():
            if run is not None:
                run.task.cancel()
            run = self._runs[job_id] = _Run(self._state, job_id, generation)
            run.task.add_done_callback(run.ended)
        if prepared is not None:
            run.prepared[job.planned[-1].first_n] = prepared
        run.more.set()

    async def under_way(self, job_id: int) -> None:
        """Wait until a job's training has been sent, or the rest of it waits for answers; raises why it cannot be."""
        run = self._runs.get(job_id)
        if run is None:
            return
        run.awaited += 1
        waits = asyncio.ensure_future(run.waits.wait())
        try:
            await asyncio.wait([run.task, waits], return_when=asyncio.FIRST_COMPLETED)
            if run.task.done() and not run.task.cancelled():
                run.task.result()
        finally:
            waits.cancel()
            run.awaited -= 1
            if run.task.done() and self._runs.get(job_id) is run:
                del self._runs[job_id]

    def answered(self, job_id: int) -> None:
        """Answers have come, or the job has been stopped or deleted."""
        run = self._runs.get(job_id)
        if run is not None:
            run.more.set()

    async def watch(self) -> None:
        """Go on with what the rows of newly owned partitions say; to be run all the time."""
        app = self._state.app
        while True:
            generation = app.consumer_generation_id
            if is_ready(app) and generation != self._seen_generation:
                await self._resume(generation)
            for job_id in [job_id for job_id, run in self._runs.items() if run.task.done()]:
                del self._runs[job_id]
            await asyncio.sleep(_LOOK_S)

    def close(self) -> None:
        """Send no more; the rows say where the next process goes on."""
        for run in self._runs.values():
            run.task.cancel()

    async def _resume(self, generation: int) -> None:
        app, topics = self._state.app, self._state.topics
        table = ForecastingState.of(self._state).jobs
        for number, job_id in enumerate(table.ids()):
            if not number % _ROWS_IN_ONE_TURN:
                await asyncio.sleep(0)
            if app.consumer_generation_id != generation:
                return
            job = table.look(job_id)
            home = partition_for(b"%d" % job_id, topics.partitions)
            if job is not None and job.planned and TP(topics.job_commands, home) in app.assignor.assigned_actives():
                self.begin(job_id, generation)
        self._seen_generation = generation


class _Run:
    """What is being sent out for one job."""

    def __init__(self, state: StateRuntime, job_id: int, generation: int) -> None:
        self.generation = generation
        self.prepared: dict[int, Prepared] = {}  # by the number of a submission's first element
        self.more = asyncio.Event()  # there may be room, or something else to do
        self.waits = asyncio.Event()  # for answers
        self.awaited = 0
        self._state = state
        self._job_id = job_id
        self._partition = partition_for(b"%d" % job_id, state.topics.partitions)
        self._weight = 1.0  # of an element that is out, on average
        self._crash: asyncio.Future[Any] | None = None
        self.task = asyncio.create_task(self._send())

    def ended(self, task: "asyncio.Task[None]") -> None:
        """Let the worker end where nobody waits for a run that failed; else it ends with the command's batch."""
        error = None if task.cancelled() else task.exception()
        if error is not None and not self.awaited:
            self._crash = asyncio.ensure_future(self._state.app.crash(error))

    async def _send(self) -> None:
        """Again and again: 1. send a part of the first submission that has one, or wait for room, 2. write it down."""
        while may_write(self._state.app, self.generation):
            self.more.clear()
            job = ForecastingState.of(self._state).jobs.get(self._job_id)
            planned = None if job is None else next(unsent(job), None)
            if job is None or planned is None:
                return
            sent, placed = await self._next(job, planned)
            if sent:
                await self._note(planned, sent, placed)
                continue
            self.waits.set()
            await self.more.wait()
            self.waits.clear()

    async def _next(self, job: JobRecord, planned: Planned) -> tuple[int, _Placed]:
        """Send a part of this submission; how many of its elements are sent then, and where; 0: there is no room."""
        try:
            prepared = self.prepared.get(planned.first_n)
            if prepared is None:
                trainings = await asyncio.to_thread(trainings_of, self._state.codec, job, planned)
                prepared = self.prepared[planned.first_n] = await prepared_for(self._state, job, trainings)
            return await self._send_part(job, planned, prepared)
        except (DeliveryError, OSError):
            raise
        except Exception as error:  # whatever it is, it is about this job, and others must go on
            log.exception("submission_not_sent", job_id=self._job_id)
            reason = error.message if isinstance(error, RejectedError) else type(error).__name__
            return await self._refuse(job, planned, _UNSENT.format(reason)), {}

    async def _send_part(self, job: JobRecord, planned: Planned, prepared: Prepared) -> tuple[int, _Placed]:
        progress = ForecastingState.of(self._state).results.progress(self._job_id, job.settled)
        answered = progress.finished
        left = sum(count_of(job, one.first_n) - one.sent for one in unsent(job))
        out = job.submitted - job.settled - left - progress.listed()
        weights = prepared.weights[planned.sent :]
        room = _OUT - out * self._weight
        if room < _OUT * _LEAST_PART and weights.sum() > room and out >= _LEAST_OUT:
            return 0, {}
        count = max(int(np.searchsorted(weights.cumsum(), room, side="right")), min(len(weights), _LEAST_OUT - out))
        self._weight = max(float(weights[:count].mean()), self._weight * out / max(1, out + count))
        end = planned.sent + count
        numbers = range(planned.first_n + planned.sent, planned.first_n + end)
        todo = [
            (n, training)
            for n, training in zip(numbers, prepared.trainings[planned.sent : end], strict=True)
            if n not in answered
        ]
        return end, await send_training(self._state, job, prepared.part, prepared.features, todo)

    async def _refuse(self, job: JobRecord, planned: Planned, error: str) -> int:
        """Answer what is not sent with an error."""
        count = count_of(job, planned.first_n)
        numbers = range(planned.first_n + planned.sent, planned.first_n + count)
        for results in refusals(self._state, job, numbers, error):
            await self._state.publisher.send(result_records(self._state, results))
        return count

    async def _note(self, planned: Planned, sent: int, placed: _Placed) -> None:
        job = ForecastingState.of(self._state).jobs.get(self._job_id)
        if job is None or not may_write(self._state.app, self.generation):
            return
        topics = self._state.topics
        offsets = {partition: at for (topic, partition), at in placed.items() if topic == topics.series_commands}
        run_offset = placed.get((topics.training_runs, self._partition), -1)
        changed = plans.sent(job, planned, sent, offsets, run_offset)
        if changed is not job:
            await ForecastingState.of(self._state).jobs.put(self._partition, changed)
        if sent == count_of(job, planned.first_n):
            self.prepared.pop(planned.first_n, None)
