"""The state: applies job commands, sends out the training of series, and follows their results."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, cast, get_args

from faust.agents import Agent

from agents.forecasting.job_ends import end_command, end_result
from agents.forecasting.job_life import configure, create, delete, remove_late, unknown
from agents.forecasting.job_rows import put_job, status_record
from agents.forecasting.job_training import send_out, stop, submit
from agents.forecasting.lost_commands import lost_commands
from agents.forecasting.refresh_watch import RefreshWatch
from agents.forecasting.refreshing import forgotten_again, refresh
from agents.forecasting.shadowing import apply_shadow, publish_late, publish_latest, with_cost
from agents.forecasting.submission_runs import SubmissionRuns
from connectors.kafka.topic_ends import TopicEnds
from schemas.coding.wire import UndecodableError
from schemas.forecasting import (
    CmdStatus,
    ConfigureJob,
    CreateJob,
    DeleteJob,
    JobCommand,
    JobRecord,
    RefreshJob,
    ShadowCommand,
    StopJob,
    SubmitJob,
    SwitchShadow,
)
from schemas.series import SeriesResult
from streams.checks import check_key
from streams.codes.forecasting import ForecastingCode
from streams.command_edge import CommandTopic, handle_command
from streams.engine.agents import agent_on
from streams.engine.tenure import check_writer
from streams.engine.transport import KeyOrders, handle_by_key, open_batches
from streams.engine.tries import guarded, work_on
from streams.errors import ConflictError, RejectedError, TooLargeError
from streams.forecasting import jobs
from streams.forecasting.state import ForecastingState
from streams.forecasting.tables import Answer, error_of
from streams.messages import Event, Message, time_of
from streams.repeats import check_repeat, digest_known
from streams.runtime import StateRuntime
from streams.standing.shadows import is_published_late
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
        raise unknown(command.job_id)  # nobody is told of what is another project's
    if job is not None and (known := digest_known(job, command.command_id)) is not None:
        await asyncio.to_thread(check_repeat, command, known, f"job {job.job_id}")  # it may be long
        check_writer(state.app, event)
        job = ForecastingState.of(state).jobs.get(command.job_id)  # results may have come
    if isinstance(command, DeleteJob):
        await delete(state, runs, command, job, event)
    elif isinstance(command, StopJob):
        await stop(state, runs, command, job, event)
    elif job is not None and command.command_id in job.commands:
        await state.publisher.send([status_record(state, job)])
        await send_out(runs, job.job_id, event)
        if isinstance(command, SwitchShadow):
            await publish_latest(state, job, event)
    elif isinstance(command, CreateJob):
        if job is not None:
            raise ConflictError(ForecastingCode.JOB_EXISTS, f"job {command.job_id} exists already")
        await create(state, command, event)
    elif job is None:
        raise unknown(command.job_id)
    else:
        return await _change(state, runs, job, command, event)
    return None


async def _change(
    state: StateRuntime,
    runs: SubmissionRuns,
    job: JobRecord,
    command: ConfigureJob | RefreshJob | SubmitJob | ShadowCommand,
    event: Event,
) -> Any:
    """What is done to a job that there is, for the first time."""
    if isinstance(command, RefreshJob):
        return await refresh(state, runs, job, command, event)
    if isinstance(command, ConfigureJob):
        return await configure(state, job, command, event)
    if isinstance(command, ShadowCommand):
        return await apply_shadow(state, runs, job, command, event)
    return await submit(state, runs, job, command, event)


def _track(state: StateRuntime, runs: SubmissionRuns, events: Sequence[Event]) -> "asyncio.Future[Any]":
    """1. store the results, 2. move the status of jobs that they complete; the future ends when the broker has both.

    No coroutine, for the same reason as `put_job`.
    """
    writes: list[asyncio.Future[Any]] = []
    by_partition: dict[int, list[Answer]] = {}
    latest: dict[int, Any] = {}  # job → the message that may have completed it
    unasked: list[Answer] = []
    late: dict[int, list[bytes]] = {}
    for message in (event.message for event in events):
        try:
            answer, fields = _answer(state, message)
        except (UndecodableError, RejectedError) as error:
            writes.append(state.publisher.send_nowait([state.dead_letter(message, error)]))
            continue
        if (moved := state.moved(message)) is not None:
            writes.append(state.publisher.send_nowait([moved]))
        elif _is_asked_for(state, answer):
            by_partition.setdefault(message.partition, []).append(answer)
            latest[answer.job_id] = message
            _note_late(state, answer, fields, late)
        else:
            unasked.append(answer)
    if unasked:
        writes.append(remove_late(state, unasked))
    writes += _kept(state, runs, by_partition, latest)
    if late:
        writes.append(asyncio.ensure_future(publish_late(state, late)))
    return asyncio.gather(*writes)


def _kept(
    state: StateRuntime, runs: SubmissionRuns, by_partition: Mapping[int, Sequence[Answer]], latest: Mapping[int, Any]
) -> "Iterator[asyncio.Future[Any]]":
    """The writes of these answers, and of the jobs that they complete."""
    for partition, answers in by_partition.items():
        yield ForecastingState.of(state).results.put(partition, answers)
        yield from forgotten_again(state, partition, answers)
        for job_id in dict.fromkeys(answer.job_id for answer in answers):
            runs.answered(job_id)
            job = _job(state, job_id)
            changed = jobs.finished(job, ForecastingState.of(state).results.progress(job_id, job.settled))
            with following(latest[job_id], "track_results"):
                if changed is not job:
                    yield put_job(state, changed, partition)
                elif job.status >= CmdStatus.DONE:  # a repeat: a crash may have come before the status was told
                    yield state.publisher.send_nowait([status_record(state, job)])


def _note_late(state: StateRuntime, answer: Answer, fields: Mapping[str, Any], late: dict[int, list[bytes]]) -> None:
    """Add to `late`, by job, a result that was asked for in the shadow and is of who answers by now."""
    if fields.get("shadow") and is_published_late(_job(state, answer.job_id), fields):
        late.setdefault(answer.job_id, []).append(answer.row)


def _job(state: StateRuntime, job_id: int) -> JobRecord:
    job = ForecastingState.of(state).jobs.get(job_id)
    assert job is not None  # it was looked up before, and nothing has run in between
    return job


def _answer(state: StateRuntime, message: Message) -> tuple[Answer, Mapping[str, Any]]:
    value = cast("bytes", message.value)  # the codec says of a tombstone that it is one
    fields = state.codec.outline_of(value, SeriesResult)
    row = state.codec.answered(value, fields, time_of(message))
    if fields.get("side"):
        row = with_cost(state.codec, row, message)
    answer = Answer(fields["job_id"], fields["ts_id"], fields["n"], error_of(fields), row)
    check_key("job_id", answer.job_id, message.key)
    if len(value) > state.settings.record_limit + _ROW:
        raise TooLargeError(ForecastingCode.RESULT_TOO_LARGE, f"{len(value)} bytes cannot be kept in one row")
    return answer, fields


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
