"""The state: applies job commands, sends out the training of series, and follows their results."""

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, cast, get_args

from faust.agents import Agent

from agents.forecasting.job_ends import end_command, end_result
from agents.forecasting.job_rows import put_job, put_where_room, status_record
from agents.forecasting.job_training import send_out, stop, submit
from agents.forecasting.lost_commands import lost_commands
from agents.forecasting.refresh_watch import RefreshWatch
from agents.forecasting.refreshing import forgotten_again, refresh
from agents.forecasting.submission_runs import SubmissionRuns
from connectors.datasets.added_rows import RowLayout, set_layout
from connectors.kafka.publisher import Record
from connectors.kafka.topic_ends import TopicEnds
from connectors.objects.model_files import models_of
from schemas.coding.wire import UndecodableError
from schemas.forecasting import (
    CmdStatus,
    ConfigureJob,
    CreateJob,
    DeleteJob,
    JobCommand,
    JobRecord,
    RefreshJob,
    StopJob,
    SubmitJob,
)
from schemas.series import SeriesResult
from streams import idempotency
from streams.checks import check_key, time_of
from streams.codes.forecasting import ForecastingCode
from streams.command_edge import CommandTopic, handle_command
from streams.engine.agents import agent_on
from streams.engine.tenure import check_writer
from streams.engine.transport import KeyOrders, handle_by_key, open_batches
from streams.engine.tries import guarded, work_on
from streams.errors import ConflictError, NotFoundError, RejectedError, TooLargeError
from streams.forecasting import jobs
from streams.forecasting.inputs import check_columns, dataset_of
from streams.forecasting.state import ForecastingState
from streams.forecasting.tables import Answer
from streams.messages import Event, Message
from streams.repeats import check_repeat, digest_known
from streams.runtime import StateRuntime
from streams.telemetry.tracing import following

__all__ = ["attach"]

_ROW = 512  # bytes that a row's key may be longer than its result's
_IN_ONE_TURN = 25  # results read in one turn of the event loop: 1 ms; requests get theirs between
_OPEN_COMMANDS = 64  # batches of commands, so that one that takes its time holds up no other job's
_OPEN_BATCHES = 16  # of results, so that some are read while the broker takes those before
_LONG_COMMAND = 16 * 1024  # bytes: decoding them takes longer than the way to a thread and back


def attach(state: StateRuntime) -> tuple[Agent, Agent]:
    """Register `orchestrate_jobs` and `track_results` on the state's app."""
    app, topics, runs = state.app, state.topics, SubmissionRuns(state)

    @agent_on(app, topics.job_commands, "orchestrate_jobs")
    async def orchestrate_jobs(stream: Any) -> None:
        """Apply commands, those of one job in their order, those of several jobs side by side."""
        orders = KeyOrders()
        topic = CommandTopic("job commands", get_args(JobCommand), _check_key, decode=partial(_decoded, state))
        handle = guarded(state, "orchestrate_jobs", partial(_handle, state, runs, topic), partial(end_command, state))
        lost = lost_commands(state, runs, TopicEnds(state.bootstrap))
        watches = [asyncio.create_task(watch) for watch in (runs.watch(), lost.watch(), RefreshWatch(state).watch())]
        try:
            async for batch in open_batches(app, stream, max_open=_OPEN_COMMANDS):
                state.metrics.observe_batch("orchestrate_jobs", len(batch.events))
                in_turn = handle_by_key("orchestrate_jobs", batch.events, orders.in_order(handle))
                batch.ack_when(asyncio.ensure_future(in_turn))
        finally:
            for watch in watches:
                watch.cancel()
            runs.close()

    @agent_on(app, topics.job_results, "track_results")
    async def track_results(stream: Any) -> None:
        """Store results and move the status of their jobs forward."""
        async for batch in open_batches(app, stream, _IN_ONE_TURN, max_open=_OPEN_BATCHES):
            state.metrics.observe_batch("track_results", len(batch.events))
            work_on(state, "track_results", batch, partial(_track, state, runs), partial(end_result, state))
            await asyncio.sleep(0)

    return orchestrate_jobs, track_results


def _check_key(command: JobCommand, key: bytes | None) -> None:
    check_key("job_id", command.job_id, key)


async def _decoded(state: StateRuntime, value: bytes | None) -> Any:
    """In a thread where it is long: requests get their turn meanwhile. Mostly its sender waits here and has it."""
    if value is None or len(value) < _LONG_COMMAND:
        return state.codec.decode(value)
    return state.waiters.sent(value) or await asyncio.to_thread(state.codec.decode, value)


async def _handle(state: StateRuntime, runs: SubmissionRuns, topic: CommandTopic, event: Event) -> None:
    await handle_command(state, topic, event, partial(_apply, state, runs, event))


async def _apply(state: StateRuntime, runs: SubmissionRuns, event: Event, command: JobCommand) -> Any:
    """Apply one command; what its sender is told of it.

    A command that is done already changes nothing; it tells the job's status again, in case a crash prevented that, and
    what it has set going is set going again.
    """
    check_writer(state.app, event)
    job = ForecastingState.of(state).jobs.get(command.job_id)
    if job is not None and job.project != command.project and not isinstance(command, CreateJob):
        raise _unknown(command.job_id)  # nobody is told of what is another project's
    if job is not None and (known := digest_known(job, command.command_id)) is not None:
        await asyncio.to_thread(check_repeat, command, known, f"job {job.job_id}")  # it may be long
        check_writer(state.app, event)
        job = ForecastingState.of(state).jobs.get(command.job_id)  # results may have come
    if isinstance(command, DeleteJob):
        await _delete(state, runs, command, job, event)
    elif isinstance(command, StopJob):
        await stop(state, runs, command, job, event)
    elif job is not None and command.command_id in job.commands:
        await state.publisher.send([status_record(state, job)])
        await send_out(runs, job.job_id, event)
    elif isinstance(command, CreateJob):
        if job is not None:
            raise ConflictError(ForecastingCode.JOB_EXISTS, f"job {command.job_id} exists already")
        await _create(state, command, event)
    elif job is None:
        raise _unknown(command.job_id)
    else:
        return await _change(state, runs, job, command, event)
    return None


async def _change(
    state: StateRuntime,
    runs: SubmissionRuns,
    job: JobRecord,
    command: ConfigureJob | RefreshJob | SubmitJob,
    event: Event,
) -> Any:
    """What is done to a job that there is, for the first time."""
    if isinstance(command, RefreshJob):
        return await refresh(state, runs, job, command, event)
    if isinstance(command, ConfigureJob):
        return await _configure(state, job, command, event)
    return await submit(state, runs, job, command, event)


async def _create(state: StateRuntime, command: CreateJob, event: Event) -> None:
    await dataset_of(state.store, command.data_id, command.project)
    job = jobs.created(command, at=time_of(event.message))
    ForecastingState.of(state).jobs.check_size(job)
    await put_where_room(state, event, job, jobs=1)


async def _configure(state: StateRuntime, job: JobRecord, command: ConfigureJob, event: Event) -> None:
    """1. make the split, 2. write the job, 3. remove the split it replaces."""
    partition = event.message.partition
    dataset = await dataset_of(state.store, job.data_id, job.project)
    columns = check_columns(job, command, dataset.header)
    key, split = await ForecastingState.of(state).splits.make(command, dataset, columns)
    ForecastingState.of(state).series_ids.observe(partition, ForecastingState.of(state).jobs.highest_ts_id(partition))
    changed = jobs.configured(
        job,
        command,
        columns,
        split=key,
        series_count=len(split),
        first_ts_id=ForecastingState.of(state).series_ids.mint(partition, event.message.timestamp),
        column_count=len(dataset.header),
    )
    ForecastingState.of(state).jobs.check_size(changed)
    layout = RowLayout(split.timestamp_label, split.groupby_key, columns.timestamp_format or split.timestamp_format)
    await asyncio.to_thread(set_layout, state.store, job.data_id, layout)
    await put_where_room(state, event, changed, series=changed.series_count - job.series_count)
    if job.split is not None and job.split != key:
        await ForecastingState.of(state).splits.delete(job.split)


async def _delete(
    state: StateRuntime, runs: SubmissionRuns, command: DeleteJob, job: JobRecord | None, event: Event
) -> None:
    """Remove what there is; without a job too, for a crash may have cut the command short the first time.

    A repeat of what was done to its end, and not acknowledged, is harmless.
    1. its Idempotency-Key is free, 2. the forecasts of its series, 3. its results, row and status: the results say
    which forecasts there are. 4. its files. What trainers are still at is removed when it comes (`_remove_late`).
    """
    job_id, partition = command.job_id, event.message.partition
    await asyncio.to_thread(idempotency.free, state.store, job.commands[0] if job else "")
    series = ForecastingState.of(state).results.series_of(job_id)
    await state.publisher.send(_no_forecasts(state, series))
    check_writer(state.app, event)
    late = ForecastingState.of(state).results.series_of(job_id) - series
    is_repeat = ForecastingState.of(state).jobs.may_have_deleted(command.command_id, job_id)
    await asyncio.gather(
        state.publisher.send_nowait(_no_forecasts(state, late)),
        ForecastingState.of(state).results.delete(partition, job_id),
        ForecastingState.of(state).jobs.delete(partition, job_id, command.command_id),
        state.publisher.send_nowait([Record(state.topics.job_status, b"%d" % job_id, None)]),
    )
    runs.answered(job_id)
    await ForecastingState.of(state).splits.delete_all(job_id)
    await asyncio.to_thread(state.store.delete, models_of(job_id))
    if job is None and not is_repeat:
        raise _unknown(job_id)


def _unknown(job_id: int) -> RejectedError:
    return NotFoundError(ForecastingCode.UNKNOWN_JOB, f"there is no job {job_id}")


def _remove_late(state: StateRuntime, answers: Iterable[Answer]) -> "asyncio.Future[Any]":
    """Remove what trainers have made for jobs deleted meanwhile: forecasts come before their results, models too."""
    late = [
        answer
        for answer in answers
        if answer.error is None and ForecastingState.of(state).jobs.was_deleted(answer.job_id)
    ]
    folders = {models_of(answer.job_id) for answer in late}
    return asyncio.gather(
        state.publisher.send_nowait(_no_forecasts(state, {answer.ts_id for answer in late})),
        *(asyncio.to_thread(state.store.delete, folder) for folder in folders),
    )


def _no_forecasts(state: StateRuntime, ts_ids: Iterable[int]) -> list[Record]:
    """What removes forecasts from the public topic, and so from tables, Redis and the tables of others."""
    return [Record(state.topics.forecasts, b"%d" % ts_id, None) for ts_id in sorted(ts_ids)]


def _track(state: StateRuntime, runs: SubmissionRuns, events: Sequence[Event]) -> "asyncio.Future[Any]":
    """1. store the results, 2. move the status of jobs that they complete; the future ends when the broker has both.

    No coroutine, for the same reason as `put_job`.
    """
    writes: list[asyncio.Future[Any]] = []
    by_partition: dict[int, list[Answer]] = {}
    latest: dict[int, Any] = {}  # job → the message that may have completed it
    unasked: list[Answer] = []
    for message in (event.message for event in events):
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
        writes.append(ForecastingState.of(state).results.put(partition, answers))
        writes += forgotten_again(state, partition, answers)
        for job_id in dict.fromkeys(answer.job_id for answer in answers):
            runs.answered(job_id)
            job = ForecastingState.of(state).jobs.get(job_id)
            assert job is not None  # looked up above, and nothing has run in between
            changed = jobs.finished(job, ForecastingState.of(state).results.progress(job_id, job.settled))
            with following(latest[job_id], "track_results"):
                if changed is not job:
                    writes.append(put_job(state, changed, partition))
                elif job.status >= CmdStatus.DONE:  # a repeat: a crash may have come before the status was told
                    writes.append(state.publisher.send_nowait([status_record(state, job)]))
    return asyncio.gather(*writes)


def _answer(state: StateRuntime, message: Message) -> Answer:
    value = cast("bytes", message.value)  # the codec says of a tombstone that it is one
    fields = state.codec.outline_of(value, SeriesResult)
    row = state.codec.answered(value, fields, time_of(message))
    answer = Answer(fields["job_id"], fields["ts_id"], fields["n"], fields["error"], row)
    check_key("job_id", answer.job_id, message.key)
    if len(value) > state.settings.record_limit + _ROW:
        raise TooLargeError(ForecastingCode.RESULT_TOO_LARGE, f"{len(value)} bytes cannot be kept in one row")
    return answer


def _is_asked_for(state: StateRuntime, answer: Answer) -> bool:
    """Whether a job waits for it: jobs may be deleted while they train, and anybody may post TrainSeries."""
    job = ForecastingState.of(state).jobs.get(answer.job_id)
    if job is not None and 0 <= answer.n < job.settled:  # a crash may have come before its row was written
        return answer.ts_id in job.ts_ids
    if job is None or jobs.series_of(job, answer.n) != answer.ts_id:
        return False
    progress = ForecastingState.of(state).results.progress
    # Mostly it was not stopped, and then nothing need be counted.
    return answer.n >= job.stopped or not jobs.is_too_late(job, answer.n, progress(answer.job_id))
