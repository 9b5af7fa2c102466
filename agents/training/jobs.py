"""The state of training jobs: applies their commands and follows their training."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from faust.agents import Agent

from agents.training.lost_commands import lost_commands
from connectors.kafka.publisher import Record
from connectors.kafka.topic_ends import TopicEnds
from connectors.objects import endpoints
from connectors.objects.store import ObjectStore
from schemas.coding.wire import UndecodableError
from schemas.training import DeleteTrainingJob, StopTrainingJob, TrainDeepAR, TrainingStatus
from schemas.training_rows import TrainingJobRecord
from streams import idempotency
from streams.checks import time_of
from streams.codes.training import TrainingCode
from streams.command_edge import CommandTopic, handle_command
from streams.engine.agents import agent_on
from streams.engine.tenure import check_writer
from streams.engine.transport import batches, handle_by_key
from streams.engine.tries import GivenUpError, guarded, together
from streams.errors import Code, InvalidError, RejectedError, TooLargeError
from streams.inference.state import InferenceProcesses
from streams.messages import Event, Message
from streams.repeats import check_repeat
from streams.runtime import StateRuntime
from streams.training import jobs as training_jobs
from streams.training.jobs import TrainingState
from streams.training.state import TrainingJobsState

__all__ = ["attach"]

TrainingCommand = TrainDeepAR | StopTrainingJob | DeleteTrainingJob
_LARGEST_STATUS: Final = 65_536  # bytes; a trainer's are below 4,000, and what is kept must fit into the row


def _check_key(said: TrainingCommand | TrainingStatus, key: bytes | None) -> None:
    if key != said.project_id.encode():
        raise InvalidError(Code.WRONG_KEY, f"the record's key must be the project_id, {said.project_id[:80]}")


_TOPIC = CommandTopic("training commands", (TrainDeepAR, StopTrainingJob, DeleteTrainingJob), _check_key)


def attach(state: StateRuntime) -> tuple[Agent, Agent]:
    """Register `orchestrate_training_jobs` and `track_training` on the state's app."""
    app, topics = state.app, state.topics

    @agent_on(app, topics.training_commands, "orchestrate_training_jobs")
    async def orchestrate_training_jobs(stream: Any) -> None:
        """Apply commands, those of one project in their order, those of several projects side by side."""
        handle = guarded(state, "orchestrate_training_jobs", partial(_handle, state), partial(_end, state))
        watch = asyncio.create_task(lost_commands(state, TopicEnds(state.bootstrap)).watch())
        try:
            async for events in batches(app, stream):
                state.metrics.observe_batch("orchestrate_training_jobs", len(events))
                await handle_by_key("orchestrate_training_jobs", events, handle)
        finally:
            watch.cancel()

    @agent_on(app, topics.training_status, "track_training")
    async def track_training(stream: Any) -> None:
        """Note in the rows how far the trainings are."""
        async for events in batches(app, stream):
            state.metrics.observe_batch("track_training", len(events))
            await together(state, "track_training", events, partial(_track, state))

    return orchestrate_training_jobs, track_training


async def _end(state: StateRuntime, event: Event, error: GivenUpError) -> None:
    """1. a job that no trainer knows of fails, 2. the sender is told."""
    try:
        command = state.codec.decode(event.message.value)
    except UndecodableError:
        return
    if isinstance(command, TrainDeepAR):
        record = TrainingJobsState.of(state).jobs.get(training_jobs.key_of(command.project_id, command.job_id))
        ours = record is not None and record.command_id == command.command_id
        if record is not None and ours and record.status == TrainingState.INITIALISING:
            at = time_of(event.message)
            of = record.project_id, record.job_id, record.version_id
            told = TrainingStatus(*of, TrainingState.FAILED, at, message=error.message)
            await _put_for(state, event, training_jobs.advanced(record, told))
    state.waiters.refused(command.command_id, error)


async def _handle(state: StateRuntime, event: Event) -> None:
    await handle_command(state, _TOPIC, event, partial(_apply, state, event))


async def _apply(state: StateRuntime, event: Event, command: TrainingCommand) -> TrainingJobRecord:
    """Apply one command; the row that it was about, as its sender may show it."""
    check_writer(state.app, event)
    record = TrainingJobsState.of(state).jobs.get(training_jobs.key_of(command.project_id, command.job_id))
    if record is not None and command.command_id == record.command_id:
        check_repeat(command, record.digest, f"training job {record.job_id}")
    if isinstance(command, TrainDeepAR):
        return await _create(state, command, record, event)
    if record is None:
        raise training_jobs.unknown_job(command.project_id, command.job_id)
    if isinstance(command, StopTrainingJob):
        return await _stop(state, command, record, event)
    return await _delete(state, command, record, event)


async def _create(
    state: StateRuntime, command: TrainDeepAR, record: TrainingJobRecord | None, event: Event
) -> TrainingJobRecord:
    """1. check, 2. write the row, 3. let a trainer find the command, 4. write that it will.

    A repeat goes on where the first time ended: until 4. the command may be sent twice, which trains once.
    """
    if record is None:
        record = training_jobs.begun(command, at=time_of(event.message), max_samples=state.settings.max_num_samples)
        known = training_jobs.of_project(TrainingJobsState.of(state).jobs, command.project_id)
        training_jobs.check_new(record, known, most=state.settings.max_training_jobs)
        await asyncio.to_thread(_check_endpoint, state.store, record)
        await _put_for(state, event, record)
    elif record.command_id != command.command_id:
        text = f"job_id: project {command.project_id} has a training job {command.job_id} already"
        raise InvalidError(TrainingCode.FAILED_OPERATION, text)
    if record.status == TrainingState.INITIALISING:
        offset = await _tell_trainers(state, command)
        current = TrainingJobsState.of(state).jobs.get(training_jobs.key_of(record.project_id, record.job_id))
        if current is not None:
            await _put_for(state, event, training_jobs.sent(current, offset))
    return record


def _check_endpoint(store: ObjectStore, record: TrainingJobRecord) -> None:
    """RejectedError where the endpoint's name is taken: endpoints have no project in their address."""
    if endpoints.owner(store, record.job_name) not in (None, record.project_id):
        text = "is the name of an endpoint of another project; all projects share these names: use another one"
        raise InvalidError(TrainingCode.NAME_TAKEN, f"Job name:{record.job_name} {text}")


async def _stop(
    state: StateRuntime, command: StopTrainingJob, record: TrainingJobRecord, event: Event
) -> TrainingJobRecord:
    """1. write that the job stops, 2. tell the trainer, who says when it has. Said twice, it does no harm."""
    training_jobs.check_stop(record, command.version_id)
    if record.status != TrainingState.STOPPING:
        record = training_jobs.stopping(record)
        await _put_for(state, event, record)
    await _tell_trainers(state, command)
    return record


async def _delete(
    state: StateRuntime, command: DeleteTrainingJob, record: TrainingJobRecord, event: Event
) -> TrainingJobRecord:
    """1. tell the trainer, who ends the training and removes what it keeps, 2. remove endpoint and key, 3. the row.

    In this order, because without the row nobody would know what is left to do.
    """
    await _tell_trainers(state, command)
    await asyncio.to_thread(endpoints.delete_of_job, state.store, record.project_id, record.job_id, record.job_name)
    InferenceProcesses.of(state).endpoints.forget(record.job_name)
    await asyncio.to_thread(idempotency.free, state.store, record.command_id)
    check_writer(state.app, event)
    await TrainingJobsState.of(state).jobs.delete(
        event.message.partition, training_jobs.key_of(record.project_id, record.job_id)
    )
    return record


async def _tell_trainers(state: StateRuntime, command: TrainDeepAR | StopTrainingJob | DeleteTrainingJob) -> int:
    """All commands about a job have one key, so that one trainer finds them in their order. The offset; -1: unknown."""
    record = Record(state.topics.training_runs, b"%d" % command.job_id, state.codec.encode(command))
    placed = await state.publisher.send_placed([record])
    return min(placed.values(), default=-1)


def _put(state: StateRuntime, record: TrainingJobRecord, partition: int) -> "asyncio.Future[None]":
    """No coroutine: two agents change rows, and between a row's reading and its writing nothing else may run."""
    return TrainingJobsState.of(state).jobs.put(
        partition, training_jobs.key_of(record.project_id, record.job_id), record
    )


def _put_for(state: StateRuntime, event: Event, record: TrainingJobRecord) -> "asyncio.Future[None]":
    """The same for a command; SupersededError where its row may be another worker's by now."""
    check_writer(state.app, event)
    return _put(state, record, event.message.partition)


async def _track(state: StateRuntime, events: Sequence[Event]) -> None:
    """1. the rows, each once; 2. endpoints of jobs that are gone; ends when the broker has the rows."""
    writes: list[Any] = []
    changed: dict[bytes, tuple[int, TrainingJobRecord]] = {}
    for message in (event.message for event in events):
        try:
            told = _told(state, message)
            if (moved := state.moved(message)) is not None:
                writes.append(state.publisher.send_nowait([moved]))
                continue
            key = training_jobs.key_of(told.project_id, told.job_id)
            record = changed[key][1] if key in changed else TrainingJobsState.of(state).jobs.get(key)
            if record is None:
                writes.append(_forget(state, told))
            elif told.version_id == record.version_id:
                changed[key] = message.partition, training_jobs.advanced(record, told)
                if told.endpoint is not None:  # it may serve another version from now on
                    InferenceProcesses.of(state).endpoints.forget(told.endpoint)
        except (UndecodableError, RejectedError) as error:
            writes.append(state.publisher.send_nowait([state.dead_letter(message, error)]))
    for key, (partition, record) in changed.items():
        if record is not TrainingJobsState.of(state).jobs.get(key):
            writes.append(_put(state, record, partition))
    await asyncio.gather(*writes)


def _told(state: StateRuntime, message: Message) -> TrainingStatus:
    size = len(message.value or b"")
    if size > _LARGEST_STATUS:
        raise TooLargeError(TrainingCode.STATUS_TOO_LARGE, f"{size} bytes, at most {_LARGEST_STATUS} are kept")
    told = state.codec.decode(message.value)
    if not isinstance(told, TrainingStatus):
        raise UndecodableError(f"a {type(told).__name__} on the topic of training status")
    _check_key(told, message.key)
    return told


async def _forget(state: StateRuntime, told: TrainingStatus) -> None:
    """A job that was deleted while its trainer made the endpoint must not come back to life as one."""
    if told.status == TrainingState.COMPLETED and told.endpoint is not None:
        await asyncio.to_thread(endpoints.delete_of_job, state.store, told.project_id, told.job_id, told.endpoint)
