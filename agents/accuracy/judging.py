"""The state: judges the forecasts of its jobs as soon as observations have become rows of their data sets.

Nothing is kept of it: what is read again is judged again, to the same points.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from faust.agents import Agent

from agents.accuracy.points import points_of
from connectors.datasets.added_rows import added_between
from connectors.datasets.splits import Split
from connectors.kafka.publisher import Record, partition_for
from schemas.coding.wire import UndecodableError
from schemas.forecasting import JobRecord
from schemas.observations import Alert, DatasetGrown
from streams.accuracy.alerts import behind_alerts, outside_alerts, worse_alerts
from streams.accuracy.judging import Judged
from streams.accuracy.observed import Values
from streams.accuracy.state import AccuracyState, came, judgements, watch_of
from streams.accuracy.watch import Watch
from streams.engine.agents import agent_on
from streams.engine.tenure import check_writer
from streams.engine.transport import batches
from streams.engine.tries import together
from streams.errors import RejectedError
from streams.forecasting.state import ForecastingState
from streams.messages import Consumed, Event
from streams.runtime import StateRuntime
from streams.standing.shadows import answered

__all__ = ["attach"]

_TOGETHER: Final = 100  # data sets that have grown; each is looked at by itself


def attach(state: StateRuntime) -> Agent:
    """Register `judge_forecasts` on the state's app."""
    app = state.app

    @agent_on(app, state.topics.dataset_changes, "judge_forecasts")
    async def judge_forecasts(stream: Any) -> None:
        """Compare what came with what the jobs of each partition have forecast for it."""
        async for events in batches(app, stream, _TOGETHER):
            state.metrics.observe_batch("judge_forecasts", len(events))
            await together(state, "judge_forecasts", events, partial(_judge, state))

    return judge_forecasts


async def _judge(state: StateRuntime, events: Sequence[Event]) -> None:
    """1. note what has grown, for refreshes, 2. look at rows and results as they are now, 3. publish what they say."""
    found = [_read(state, event.message) for event in events]
    for grown in found:
        if isinstance(grown, DatasetGrown):
            ForecastingState.of(state).news.grew(grown.data_id, grown.last)
    for event, grown in zip(events, found, strict=True):
        check_writer(state.app, event)
        if not isinstance(grown, DatasetGrown):
            await state.publisher.send([state.dead_letter(event.message, grown)])
            continue
        for job in _jobs(state, grown, event.message.partition):
            await _judge_job(state, job, grown)


def _read(state: StateRuntime, message: Consumed) -> DatasetGrown | Exception:
    """What has grown, or why the record does not say it."""
    try:
        grown = state.codec.decode(message.value)
    except (UndecodableError, RejectedError) as error:
        return error
    if isinstance(grown, DatasetGrown):
        return grown
    return UndecodableError(f"a {type(grown).__name__} on the topic of changed data sets")


def _jobs(state: StateRuntime, grown: DatasetGrown, partition: int) -> Iterator[JobRecord]:
    """Those of the partition on the data set that have been trained."""
    jobs = ForecastingState.of(state).jobs
    for job_id in AccuracyState.of(state).jobs_of(jobs, grown.data_id):
        if partition_for(b"%d" % job_id, state.topics.partitions) == partition:
            job = jobs.get(job_id)
            if job is not None and job.project == grown.project and job.split is not None and job.submitted:
                yield job


async def _judge_job(state: StateRuntime, job: JobRecord, grown: DatasetGrown) -> None:
    assert job.split is not None
    try:
        split = await ForecastingState.of(state).splits.of(job)
    except RejectedError:  # it is gone from the store: nothing can be said of the job, as its own addresses tell
        return
    rows = partial(added_between, state.store, job.data_id, grown.offsets[0], grown.last)
    found = await asyncio.to_thread(came, state, job, split, rows)
    if not found.values:
        return
    made = await judgements(state, job, split, found.values)
    # While partitions were elsewhere, events were missed; of another model that answers other errors count.
    key = job.job_id, state.app.consumer_generation_id, job.switches
    watch = await watch_of(state, job, split, key, grown.offsets[0])
    try:
        alerts = await asyncio.to_thread(_alerts, job, split, grown, found.values, made, watch)
        await state.publisher.send(await asyncio.to_thread(_records, state, job, grown, made, alerts))
    except BaseException:
        AccuracyState.of(state).watches.drop(key)  # it knows of what was not told
        raise


def _alerts(
    job: JobRecord,
    split: Split,
    grown: DatasetGrown,
    values: Mapping[int, Values],
    made: Sequence[Judged],
    watch: Watch,
) -> list[Alert]:
    """What has just become wrong with what the job answers: nobody is told of a shadow."""
    watch.grow(split, job.split or "")
    shown = list(answered(job, made))
    return [
        *outside_alerts(job, split, shown, grown),
        *worse_alerts(job, split, watch.judged(shown), grown),
        *behind_alerts(job, split, watch.values_came(split, values), grown),
    ]


def _records(
    state: StateRuntime, job: JobRecord, grown: DatasetGrown, made: Sequence[Judged], alerts: Sequence[Alert]
) -> list[Record]:
    points = [point for one in made for point in points_of(job, one, grown)]
    values = state.codec.encode_all(points)
    keys = (point.workload_uid.encode() for point in points)
    told = zip(keys, values, strict=True)
    records = [Record(state.topics.metrics, key, value) for key, value in told]
    return [*records, *(Record(state.topics.alerts, b"%d" % job.job_id, state.codec.encode(one)) for one in alerts)]
