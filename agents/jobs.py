"""The state: applies job commands, sends out the training of series, and follows their results."""

import asyncio
from collections.abc import Sequence
from typing import Any

from faust.agents import Agent
from mode.supervisors import CrashingSupervisor

from connectors import datasets
from connectors.csv_columns import BadColumnError
from connectors.publisher import Record
from connectors.splits import Split
from schemas.commands import ConfigureJob, CreateJob, DeleteJob, JobCommand, SubmitJob, TrainSeries
from schemas.events import SeriesResult
from schemas.records import JobRecord
from schemas.wire import UndecodableError
from streams import jobs
from streams.dead_letters import dead_letter
from streams.errors import RejectedError
from streams.runtime import StateRuntime
from streams.submissions import Training
from streams.transport import batches

__all__ = ["attach"]

_FAN_OUT = 500  # commands encoded at a time: small enough for the trainers to start before all are out


def attach(state: StateRuntime) -> tuple[Agent, Agent]:
    """Register `orchestrate_jobs` and `track_results` on the state's app."""
    app, topics = state.app, state.topics

    @app.agent(
        app.topic(topics.job_commands, value_serializer="raw", internal=True),
        name="orchestrate_jobs",
        supervisor_strategy=CrashingSupervisor,
    )
    async def orchestrate_jobs(stream: Any) -> None:
        """Apply commands, those of one job in their order, those of several jobs side by side."""
        async for events in batches(app, stream):
            by_job: dict[bytes | None, list[Any]] = {}
            for event in events:
                by_job.setdefault(event.message.key, []).append(event.message)
            await asyncio.gather(*(_handle_all(state, messages) for messages in by_job.values()))

    @app.agent(
        app.topic(topics.job_results, value_serializer="raw", internal=True),
        name="track_results",
        supervisor_strategy=CrashingSupervisor,
    )
    async def track_results(stream: Any) -> None:
        """Store results and move the status of their jobs forward."""
        async for events in batches(app, stream):
            await _track(state, [event.message for event in events])

    return orchestrate_jobs, track_results


async def _handle_all(state: StateRuntime, messages: Sequence[Any]) -> None:
    for message in messages:
        try:
            command = state.codec.decode(message.value)
            if not isinstance(command, CreateJob | ConfigureJob | SubmitJob | DeleteJob):
                raise UndecodableError(f"a {type(command).__name__} on the topic of job commands")
        except UndecodableError as error:
            await state.publisher.send([dead_letter(state.topics.dead_letters, message, error)])
            continue
        try:
            if message.key != b"%d" % command.job_id:
                raise RejectedError(400, "wrong_key", f"the record's key must be the job_id, {command.job_id}, as text")
            await _apply(state, command, message)
        except RejectedError as error:
            if not state.waiters.refused(command.command_id, error):
                await state.publisher.send([dead_letter(state.topics.dead_letters, message, error)])


async def _apply(state: StateRuntime, command: JobCommand, message: Any) -> None:
    """Apply one command. A command seen before changes nothing, but what it sets going is set going again."""
    job = state.jobs.get(command.job_id)
    if isinstance(command, CreateJob):
        if job is None:
            await _create(state, command, message)
        elif command.command_id not in job.commands:
            raise RejectedError(409, "job_exists", f"job {command.job_id} exists already")
        state.waiters.applied(command.command_id)
        return
    if job is None:
        raise RejectedError(404, "unknown_job", f"there is no job {command.job_id}")
    seen = command.command_id in job.commands
    match command:
        case ConfigureJob():
            if not seen:
                await _configure(state, job, command, message.partition)
            state.waiters.applied(command.command_id)
        case SubmitJob():
            await _submit(state, job, command, message.partition, seen=seen)
        case DeleteJob():
            await _delete(state, job, message.partition)
            state.waiters.applied(command.command_id)


async def _create(state: StateRuntime, command: CreateJob, message: Any) -> None:
    await _dataset(state, command.data_id)
    job = jobs.created(command, at=round(message.timestamp * 1000))
    await _put(state, job, message.partition)


async def _configure(state: StateRuntime, job: JobRecord, command: ConfigureJob, partition: int) -> None:
    """1. make the split, 2. write the job, 3. remove the split it replaces."""
    dataset = await _dataset(state, job.data_id)
    columns = jobs.check_columns(job, command, dataset.header)
    try:
        key, split = await state.splits.make(command, dataset, columns)
    except BadColumnError as error:
        raise RejectedError(400, "bad_column", str(error)) from None
    state.series_ids.observe(partition, state.jobs.highest_ts_id(partition))
    changed = jobs.configured(
        job,
        command,
        columns,
        split=key,
        series_count=len(split),
        first_ts_id=state.series_ids.mint(partition),
        column_count=len(dataset.header),
    )
    await _put(state, changed, partition)
    if job.split is not None and job.split != key:
        await state.splits.delete(job.split)


async def _submit(state: StateRuntime, job: JobRecord, command: SubmitJob, partition: int, *, seen: bool) -> None:
    """1. write the job with the numbers of its submissions, 2. answer the sender, 3. send out the training.

    The command is acknowledged after all three, so a crash in between repeats it: the numbers stay the same, and what
    has been answered by then is not sent again.
    """
    if seen:
        submission = next((item for item in job.submissions if item.command_id == command.command_id), None)
        _, trainings = jobs.submitted(job, command, state.limits)
        first_n = submission.first_n if submission else 0
    else:
        first_n = job.submitted
        job, trainings = jobs.submitted(job, command, state.limits)
        await _put(state, job, partition)
    state.waiters.applied(command.command_id)
    if trainings:
        answered = state.results.progress(job.job_id).finished
        todo = [(n, training) for n, training in enumerate(trainings, first_n) if n not in answered]
        await _fan_out(state, job, todo)


async def _delete(state: StateRuntime, job: JobRecord, partition: int) -> None:
    await asyncio.gather(
        state.results.delete(partition, job.job_id),
        state.jobs.delete(partition, job.job_id),
        state.publisher.send_nowait([Record(state.topics.job_status, b"%d" % job.job_id, None)]),
    )
    if job.split is not None:
        await state.splits.delete(job.split)


def _put(state: StateRuntime, job: JobRecord, partition: int) -> "asyncio.Future[Any]":
    """Write a job's row now and tell the public topic, if its status changed; the future ends when the broker has it.

    No coroutine: two agents change rows, and between a row's reading and its writing nothing else may run.
    """
    known = state.jobs.get(job.job_id)
    writes = [state.jobs.put(partition, job)]
    if known is None or known.sequence != job.sequence:
        status = jobs.status_event(job, state.results.progress(job.job_id))
        record = Record(state.topics.job_status, b"%d" % job.job_id, state.codec.encode(status))
        writes.append(state.publisher.send_nowait([record]))
    return asyncio.gather(*writes)


async def _dataset(state: StateRuntime, data_id: int) -> datasets.Dataset:
    try:
        return await asyncio.to_thread(datasets.load, state.store, data_id)
    except datasets.UnknownDatasetError as error:
        raise RejectedError(404, "unknown_dataset", f"data_id: {error}") from None


async def _fan_out(state: StateRuntime, job: JobRecord, todo: Sequence[tuple[int, Training]]) -> None:
    assert job.split is not None  # a job with series has one
    split = await state.splits.load(job.split)
    sent = []
    for start in range(0, len(todo), _FAN_OUT):
        records = await asyncio.to_thread(_train_records, state, job, split, todo[start : start + _FAN_OUT])
        sent.append(state.publisher.send_nowait(records))
    await asyncio.gather(*sent)


def _train_records(
    state: StateRuntime, job: JobRecord, split: Split, todo: Sequence[tuple[int, Training]]
) -> list[Record]:
    records = []
    for n, training in todo:
        series, plan = split.series(training.ts_id - job.first_ts_id), training.plan
        command = TrainSeries(
            job_id=job.job_id,
            ts_id=training.ts_id,
            n=n,
            item_id=series.item_id,
            model_name=plan.model_name,
            config=plan.config,
            next_k_prediction=plan.next_k_prediction,
            eval_metrics=plan.eval_metrics,
            refit=plan.refit,
            start=int(series.timestamps[0]),
            step=series.step_ms,
            timestamps=() if series.regular else series.timestamps.tolist(),
            target=series.target,
        )
        records.append(Record(state.topics.series_commands, b"%d" % training.ts_id, state.codec.encode(command)))
    return records


async def _track(state: StateRuntime, messages: Sequence[Any]) -> None:
    """1. store the results, 2. move the status of jobs that they complete; ends when the broker has both."""
    writes = []
    by_partition: dict[int, list[tuple[SeriesResult, bytes]]] = {}
    for message in messages:
        try:
            result = state.codec.decode(message.value)
            if not isinstance(result, SeriesResult):
                raise UndecodableError(f"a {type(result).__name__} on the topic of results")
        except UndecodableError as error:
            writes.append(state.publisher.send_nowait([dead_letter(state.topics.dead_letters, message, error)]))
            continue
        job = state.jobs.get(result.job_id)
        # A job may be deleted while it trains, and anybody may post TrainSeries: their results are public events only.
        if job is not None and 0 <= result.n < job.submitted and result.ts_id in job.ts_ids:
            by_partition.setdefault(message.partition, []).append((result, message.value))
    for partition, results in by_partition.items():
        writes.append(state.results.put(partition, results))
        for job_id in {result.job_id for result, _ in results}:
            job = state.jobs.get(job_id)
            if job is not None:
                changed = jobs.finished(job, state.results.progress(job_id))
                if changed is not job:
                    writes.append(_put(state, changed, partition))
    await asyncio.gather(*writes)
