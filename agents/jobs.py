"""The state: applies job commands, sends out the training of series, and follows their results."""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from faust.agents import Agent
from mode.supervisors import CrashingSupervisor

from connectors.model_files import models_of
from connectors.publisher import Record
from schemas.commands import ConfigureJob, CreateJob, DeleteJob, JobCommand, SubmitJob
from schemas.events import CmdStatus, SeriesResult
from schemas.records import JobRecord
from schemas.wire import UndecodableError
from streams import jobs
from streams.errors import RejectedError
from streams.fan_out import dataset_of, features_of, send_training
from streams.logs import speaking_of
from streams.runtime import StateRuntime
from streams.submissions import Limits, check_elements
from streams.tables import Answer
from streams.tracing import following
from streams.transport import batches, check_writer, handle_by_key, open_batches

__all__ = ["attach"]

_ROW = 512  # bytes that a row's key may be longer than its result's
_IN_ONE_TURN = 25  # results read in one turn of the event loop: 1 ms; requests get theirs between
_OPEN_BATCHES = 16  # of results, so that some are read while the broker takes those before
_LONG_COMMAND = 16 * 1024  # bytes: decoding them takes longer than the way to a thread and back
_ACCEPTED = Limits(max_elements=sys.maxsize, max_next_k_prediction=sys.maxsize, max_max_eval=sys.maxsize)
"""For a submission that was accepted before a crash: the settings may be stricter now."""


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
            state.metrics.observe_batch("orchestrate_jobs", len(events))
            await handle_by_key("orchestrate_jobs", events, partial(_handle, state))

    @app.agent(
        app.topic(topics.job_results, value_serializer="raw", internal=True),
        name="track_results",
        supervisor_strategy=CrashingSupervisor,
    )
    async def track_results(stream: Any) -> None:
        """Store results and move the status of their jobs forward."""
        async for batch in open_batches(app, stream, _IN_ONE_TURN, max_open=_OPEN_BATCHES):
            state.metrics.observe_batch("track_results", len(batch.events))
            batch.ack_when(_track(state, [event.message for event in batch.events]))
            await asyncio.sleep(0)

    return orchestrate_jobs, track_results


async def _handle(state: StateRuntime, event: Any) -> None:
    message = event.message
    try:
        command = await _decoded(state, message.value)
        if not isinstance(command, CreateJob | ConfigureJob | SubmitJob | DeleteJob):
            raise UndecodableError(f"a {type(command).__name__} on the topic of job commands")
    except UndecodableError as error:
        await state.publisher.send([state.dead_letter(message, error)])
        return
    try:
        with speaking_of(message, command):
            jobs.check_key("job_id", command.job_id, message.key)
            moved = state.moved(message)
            if moved is None:
                await _apply(state, command, event)
            else:
                await state.publisher.send([moved])
    except RejectedError as error:
        check_writer(state.app, event)  # what is not there may be with another worker by now
        if not state.waiters.refused(command.command_id, error):
            await state.publisher.send([state.dead_letter(message, error)])


async def _decoded(state: StateRuntime, value: bytes | None) -> Any:
    """In a thread where it is long: requests get their turn meanwhile. Mostly its sender waits here and has it."""
    if value is None or len(value) < _LONG_COMMAND:
        return state.codec.decode(value)
    return state.waiters.sent(value) or await asyncio.to_thread(state.codec.decode, value)


async def _apply(state: StateRuntime, command: JobCommand, event: Any) -> None:
    """Apply one command and tell its sender.

    A command that is done already changes nothing; it tells the job's status again, in case a crash prevented that.
    """
    check_writer(state.app, event)
    job = state.jobs.get(command.job_id)
    if isinstance(command, DeleteJob):
        await _delete(state, command, job, event)
    elif job is not None and command.command_id in job.commands:
        await state.publisher.send([_status_record(state, job)])
    elif isinstance(command, CreateJob):
        if job is not None:
            raise RejectedError(409, "job_exists", f"job {command.job_id} exists already")
        await _create(state, command, event)
    elif job is None:
        raise RejectedError(404, "unknown_job", f"there is no job {command.job_id}")
    elif isinstance(command, ConfigureJob):
        await _configure(state, job, command, event)
    else:
        await _submit(state, job, command, event)
    state.waiters.applied(command.command_id)


async def _create(state: StateRuntime, command: CreateJob, event: Any) -> None:
    await dataset_of(state, command.data_id)
    job = jobs.created(command, at=_time(event.message))
    state.jobs.check_size(job)
    await _put_for(state, event, job)


async def _configure(state: StateRuntime, job: JobRecord, command: ConfigureJob, event: Any) -> None:
    """1. make the split, 2. write the job, 3. remove the split it replaces."""
    partition = event.message.partition
    dataset = await dataset_of(state, job.data_id)
    columns = jobs.check_columns(job, command, dataset.header)
    key, split = await state.splits.make(command, dataset, columns)
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
    state.jobs.check_size(changed)
    await _put_for(state, event, changed)
    if job.split is not None and job.split != key:
        await state.splits.delete(job.split)


async def _submit(state: StateRuntime, job: JobRecord, command: SubmitJob, event: Any) -> None:
    """1. write the job with the new numbers, 2. answer the sender, 3. send out the training, 4. write that it is done.

    The settings to keep are written with 4. So a crash before it repeats the command with the settings of before:
    numbers and trainings are the same again, and what has been answered by then is not sent again.
    """
    begun = next((item for item in job.submissions if item.command_id == command.command_id), None)
    limits = state.limits if begun is None else _ACCEPTED
    # In threads, for a submission may be long. Between here and the writing only results may change the job.
    to_store, trainings = await asyncio.to_thread(check_elements, job, command.elements, limits)
    split = await state.splits.load(job.split) if trainings and job.split is not None else None
    features = await features_of(state, job, trainings)
    at = _time(event.message)
    if begun is None:
        done = jobs.stored(jobs.submitted(job, command, trainings, at=at), command, to_store)
        await asyncio.to_thread(state.jobs.check_size, done)
    job = state.jobs.get(job.job_id) or job
    first_n = job.submitted if begun is None else begun.first_n
    changed = jobs.submitted(job, command, trainings, at=at)
    if begun is None:
        await _put_for(state, event, changed if trainings else jobs.stored(changed, command, to_store))
    state.waiters.applied(command.command_id)
    if trainings:
        assert split is not None  # a job with series has one
        answered = state.results.progress(job.job_id).finished
        todo = [(n, training) for n, training in enumerate(trainings, first_n) if n not in answered]
        await send_training(state, job, split, features, todo)
        job = state.jobs.get(job.job_id) or changed
        await _put_for(state, event, jobs.stored(job, command, to_store))


async def _delete(state: StateRuntime, command: DeleteJob, job: JobRecord | None, event: Any) -> None:
    """Remove what there is; without a job too, for a crash may have cut the command short the first time.

    1. the forecasts of its series, 2. its results, row and status: the results say which forecasts there are. 3. its
    files. What trainers are still at is removed when it comes (`_remove_late`).
    """
    job_id, partition = command.job_id, event.message.partition
    series = state.results.series_of(job_id)
    await state.publisher.send(_no_forecasts(state, series))
    check_writer(state.app, event)
    late = state.results.series_of(job_id) - series
    await asyncio.gather(
        state.publisher.send_nowait(_no_forecasts(state, late)),
        state.results.delete(partition, job_id),
        state.jobs.delete(partition, job_id),
        state.publisher.send_nowait([Record(state.topics.job_status, b"%d" % job_id, None)]),
    )
    await state.splits.delete_all(job_id)
    await asyncio.to_thread(state.store.delete, models_of(job_id))
    if job is None:
        raise RejectedError(404, "unknown_job", f"there is no job {job_id}")


def _remove_late(state: StateRuntime, answers: Iterable[Answer]) -> "asyncio.Future[Any]":
    """Remove what trainers have made for jobs deleted meanwhile: forecasts come before their results, models too."""
    late = [answer for answer in answers if answer.error is None and state.jobs.was_deleted(answer.job_id)]
    folders = {models_of(answer.job_id) for answer in late}
    return asyncio.gather(
        state.publisher.send_nowait(_no_forecasts(state, {answer.ts_id for answer in late})),
        *(asyncio.to_thread(state.store.delete, folder) for folder in folders),
    )


def _no_forecasts(state: StateRuntime, ts_ids: Iterable[int]) -> list[Record]:
    """What removes forecasts from the public topic, and so from tables, Redis and the tables of others."""
    return [Record(state.topics.forecasts, b"%d" % ts_id, None) for ts_id in sorted(ts_ids)]


def _put(state: StateRuntime, job: JobRecord, partition: int) -> "asyncio.Future[Any]":
    """Write a job's row now and tell the public topic, if its status changed; the future ends when the broker has it.

    No coroutine: two agents change rows, and between a row's reading and its writing nothing else may run.
    """
    known = state.jobs.get(job.job_id)
    writes = [state.jobs.put(partition, job)]
    if known is None or known.sequence != job.sequence:
        writes.append(state.publisher.send_nowait([_status_record(state, job)]))
    return asyncio.gather(*writes)


def _put_for(state: StateRuntime, event: Any, job: JobRecord) -> "asyncio.Future[Any]":
    """The same for a command; SupersededError where its job may be another worker's by now."""
    check_writer(state.app, event)
    return _put(state, job, event.message.partition)


def _status_record(state: StateRuntime, job: JobRecord) -> Record:
    status = jobs.status_event(job, state.results.progress(job.job_id))
    return Record(state.topics.job_status, b"%d" % job.job_id, state.codec.encode(status))


def _track(state: StateRuntime, messages: Sequence[Any]) -> "asyncio.Future[Any]":
    """1. store the results, 2. move the status of jobs that they complete; the future ends when the broker has both.

    No coroutine, for the same reason as `_put`.
    """
    writes: list[asyncio.Future[Any]] = []
    by_partition: dict[int, list[Answer]] = {}
    latest: dict[int, Any] = {}  # job → the message that may have completed it
    unasked: list[Answer] = []
    for message in messages:
        try:
            answer = _answer(state, message)
        except (UndecodableError, RejectedError) as error:
            writes.append(state.publisher.send_nowait([state.dead_letter(message, error)]))
            continue
        if (moved := state.moved(message)) is not None:
            writes.append(state.publisher.send_nowait([moved]))
        elif _is_asked_for(state, answer):
            by_partition.setdefault(message.partition, []).append(answer)
            latest[answer.job_id] = message
        else:
            unasked.append(answer)
    if unasked:
        writes.append(_remove_late(state, unasked))
    for partition, answers in by_partition.items():
        writes.append(state.results.put(partition, answers))
        for job_id in dict.fromkeys(answer.job_id for answer in answers):
            job = state.jobs.get(job_id)
            assert job is not None  # looked up above, and nothing has run in between
            changed = jobs.finished(job, state.results.progress(job_id))
            with following(latest[job_id], "track_results"):
                if changed is not job:
                    writes.append(_put(state, changed, partition))
                elif job.status >= CmdStatus.DONE:  # a repeat: a crash may have come before the status was told
                    writes.append(state.publisher.send_nowait([_status_record(state, job)]))
    return asyncio.gather(*writes)


def _answer(state: StateRuntime, message: Any) -> Answer:
    fields = state.codec.outline_of(message.value, SeriesResult)
    row = state.codec.answered(message.value, fields, _time(message))
    answer = Answer(fields["job_id"], fields["ts_id"], fields["n"], fields["error"], row)
    jobs.check_key("job_id", answer.job_id, message.key)
    if len(message.value) > state.settings.record_limit + _ROW:
        raise RejectedError(413, "result_too_large", f"{len(message.value)} bytes cannot be kept in one row")
    return answer


def _time(message: Any) -> int:
    """When the log got it, in milliseconds: what is kept of it is the same after a replay."""
    return round(message.timestamp * 1000)


def _is_asked_for(state: StateRuntime, answer: Answer) -> bool:
    """Whether a job waits for it: jobs may be deleted while they train, and anybody may post TrainSeries."""
    job = state.jobs.get(answer.job_id)
    return job is not None and jobs.series_of(job, answer.n) == answer.ts_id
