"""Transform jobs: their lines go out as requests, their results come back and make the output (contract 001, 3)."""

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any, Final

from faust.agents import Agent

from agents.inference.transform_output import check_result
from agents.inference.transform_runs import TransformRun, TransformRuns
from connectors.objects import endpoints
from connectors.objects.endpoints import UnknownEndpointError
from connectors.objects.layout import named
from schemas.coding.wire import UndecodableError
from schemas.inference import InferenceResult, StartTransform, StopTransform, TransformRecord
from streams.access.names import project_of, shown
from streams.codes.inference import InferenceCode
from streams.command_edge import CommandTopic, handle_command
from streams.engine.agents import agent_on
from streams.engine.tenure import still_current
from streams.engine.transport import open_batches
from streams.engine.tries import GivenUpError, work_on
from streams.errors import Code, ConflictError, InvalidError, NotFoundError, RejectedError
from streams.inference import transforms
from streams.inference.state import TransformState
from streams.messages import Event, Message, time_of
from streams.quotas.state import Quotas
from streams.repeats import check_repeat
from streams.runtime import StateRuntime
from streams.telemetry.tracing import following

__all__ = ["attach"]

_OPEN_COMMANDS: Final = 256  # jobs that send lines at a time; each is a task and an open file
_OPEN_RESULTS: Final = 64  # batches of results; one stays open as long as an output is written
_Found = tuple[Any, InferenceResult | UndecodableError | RejectedError]


def attach(state: StateRuntime) -> tuple[Agent, Agent]:
    """Register `orchestrate_transforms` and `track_transforms` on the state's app."""
    app, topics, runs = state.app, state.topics, TransformRuns(state)

    @agent_on(app, topics.transform_commands, "orchestrate_transforms")
    async def orchestrate_transforms(stream: Any) -> None:
        """Apply commands in their order; a job that sends its lines for long holds up no other command."""
        turn, tasks = asyncio.Lock(), _Tasks()
        try:
            async for batch in open_batches(app, stream, 1, max_open=_OPEN_COMMANDS):
                state.metrics.observe_batch("orchestrate_transforms", len(batch.events))
                handle, ended = partial(_handle, state, runs, tasks, turn), partial(_end_command, state, runs)
                work_on(state, "orchestrate_transforms", batch, handle, ended)
        finally:
            tasks.cancel()
            runs.close()

    @agent_on(app, topics.inference_results, "track_transforms")
    async def track_transforms(stream: Any) -> None:
        """Note which lines are answered, in the order of the log; outputs are written next to that."""
        tasks = _Tasks()
        try:
            async for batch in open_batches(app, stream, max_open=_OPEN_RESULTS):
                state.metrics.observe_batch("track_transforms", len(batch.events))
                results = await asyncio.to_thread(_decoded, state, batch.events)
                if await still_current(app, batch.events[0]):
                    track = partial(_track, state, runs, tasks, results)
                    work_on(state, "track_transforms", batch, track, partial(_end_result, runs))
                else:
                    batch.ack()  # without effect: the next owner reads it again
        finally:
            tasks.cancel()

    return orchestrate_transforms, track_transforms


class _Tasks:
    """What an agent has begun and not yet awaited."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Future[Any]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> "asyncio.Future[None]":
        """Start it, and keep it alive."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def cancel(self) -> None:
        """End all of it."""
        for task in self._tasks:
            task.cancel()


def _handle(
    state: StateRuntime, runs: TransformRuns, tasks: _Tasks, turn: asyncio.Lock, events: Sequence[Event]
) -> "asyncio.Future[None]":
    """Apply one command when those before it are applied; then send the lines, which others need not wait for."""
    return tasks.begin(_followed(state, runs, turn, events[0]))


async def _followed(state: StateRuntime, runs: TransformRuns, turn: asyncio.Lock, event: Event) -> None:
    with following(event.message, "orchestrate_transforms"):
        await _apply(state, runs, turn, event)


async def _end_command(state: StateRuntime, runs: TransformRuns, event: Event, error: GivenUpError) -> None:
    """1. the job fails, if the command is its own, 2. the sender is told."""
    try:
        command = state.codec.decode(event.message.value)
    except UndecodableError:
        return
    run = runs.of(command.name, event)
    record = run.record
    if record is not None and (isinstance(command, StopTransform) or record.command_id == command.command_id):
        await run.give_up(error.message)
    state.waiters.refused(command.command_id, error)


async def _end_result(runs: TransformRuns, event: Event, error: GivenUpError) -> None:
    """The job of a result that cannot be taken fails."""
    name = (event.message.key or b"").decode("utf-8", "replace")
    if name:
        await runs.of(name, event).give_up(f"a result could not be taken: {error.message}")


async def _apply(state: StateRuntime, runs: TransformRuns, turn: asyncio.Lock, event: Event) -> None:
    follow_up: Coroutine[Any, Any, None] | None = None

    async def apply(command: StartTransform | StopTransform) -> None:
        nonlocal follow_up
        if await still_current(state.app, event):
            run = runs.of(command.name, event)
            if isinstance(command, StartTransform):
                follow_up = await _start(state, command, run)
            else:
                follow_up = await _stop(command, run)

    async with turn:
        await handle_command(state, _TOPIC, event, apply)
    if follow_up is not None:
        await follow_up


def _check_key(command: StartTransform | StopTransform, key: bytes | None) -> None:
    if key != command.name.encode():
        raise InvalidError(Code.WRONG_KEY, f"the record's key must be the job's name, {command.name[:80]}")


_TOPIC = CommandTopic("transform commands", (StartTransform, StopTransform), _check_key, background=True)


async def _start(state: StateRuntime, command: StartTransform, run: TransformRun) -> Coroutine[Any, Any, None] | None:
    """1. check what the job depends on, 2. write its row. A repeat goes on where the first time ended."""
    record = run.record
    if record is not None and record.command_id != command.command_id:
        raise ConflictError(
            InferenceCode.TRANSFORM_EXISTS, f"TransformJobName: there is a transform job {shown(command.name)} already"
        )
    if record is not None:
        check_repeat(command, record.digest, f"transform job {shown(command.name)}")
    if record is None:
        record = transforms.begun(command, at=time_of(run.event.message))
        await asyncio.to_thread(_check, state, record)
        # How much will be written nobody knows: whoever has no room for a byte more begins nothing.
        await Quotas.of(state).check_storage(project_of(command.name), stored_bytes=1)
        if not await still_current(state.app, run.event):
            return None
        await run.put(record)
    return run.send() if record.status == transforms.IN_PROGRESS else None


def _check(state: StateRuntime, record: TransformRecord) -> None:
    """RejectedError where there is no such endpoint or file: then there is nothing that a job could be about."""
    try:
        endpoints.load(state.store, record.model_name)
    except UnknownEndpointError as error:
        raise NotFoundError(InferenceCode.UNKNOWN_ENDPOINT, f"ModelName: {error}") from None
    if not state.store.is_file(record.input_path):
        text = f"S3Uri: there is no file /{named(record.input_path)[1]}: PUT it to /uploads/ first"
        raise InvalidError(Code.UNKNOWN_PATH, text)
    obstacle = state.store.obstacle(record.output_key)
    if obstacle is not None:
        path = named(record.output_key)[1]
        text = f"S3OutputPath: /{path} cannot be written, because {obstacle}: choose another path"
        raise ConflictError(InferenceCode.OUTPUT_BLOCKED, text)


async def _stop(command: StopTransform, run: TransformRun) -> Coroutine[Any, Any, None] | None:
    """1. write that the job stops, 2. once nothing is under way for it, write that it has."""
    record = run.record
    if record is None:
        raise NotFoundError(InferenceCode.UNKNOWN_TRANSFORM, f"there is no transform job {shown(command.name)[:80]}")
    if record.command_id == command.command_id:
        check_repeat(command, record.digest, f"transform job {shown(command.name)}")
    if record.status in (transforms.COMPLETED, transforms.FAILED):
        raise ConflictError(
            InferenceCode.TRANSFORM_ENDED, f"transform job {shown(command.name)} has ended: it is {record.status}"
        )
    if record.status == transforms.IN_PROGRESS:
        await run.put(transforms.stopping(record))
    return run.stopped() if record.status != transforms.STOPPED else None


def _decoded(state: StateRuntime, events: Sequence[Event]) -> list[_Found]:
    """The events about jobs of this worker with their results, and whatever is no result; large ones take a while."""
    found: list[_Found] = []
    for event in events:
        try:
            result = _result(state, event.message)
        except (UndecodableError, RejectedError) as error:
            found.append((event, error))
        else:
            if result is not None:
                found.append((event, result))
    return found


def _result(state: StateRuntime, message: Message) -> InferenceResult | None:
    """The result; None where it is none of a job here, and only looked at."""
    if TransformState.of(state).transforms.get(message.key or b"") is None:
        name = state.codec.outline_of(message.value, InferenceResult)["transform"]
        result = None
    else:
        result = state.codec.decode(message.value)
        if not isinstance(result, InferenceResult):
            raise UndecodableError(f"a {type(result).__name__} on the topic of inference results")
        check_result(result)
        name = result.transform
    if name is not None and message.key != name.encode():
        raise InvalidError(Code.WRONG_KEY, f"the record's key must be the job's name, {name[:80]}")
    return result


def _track(
    state: StateRuntime, runs: TransformRuns, tasks: _Tasks, results: Sequence[_Found], events: Sequence[Event]
) -> "asyncio.Future[None]":
    """Begin with what has been decoded of a batch, or of a part of it."""
    if len(events) == 1:
        results = [found for found in results if found[0] is events[0]]
    return tasks.begin(_ended(_tracked(state, runs, results)))


def _tracked(state: StateRuntime, runs: TransformRuns, results: Sequence[_Found]) -> list[Any]:
    """Note the results in the rows of their jobs, all at once; what is then to be awaited.

    1. the row of each job, 2. the end of a job with a wrong line (contract D-064) or the output of a complete one.
    """
    awaited: list[Any] = []
    by_job: dict[str, list[tuple[Any, InferenceResult]]] = {}
    for event, result in results:
        if not isinstance(result, InferenceResult):
            awaited.append(state.publisher.send_nowait([state.dead_letter(event.message, result)]))
        elif result.transform is not None:
            by_job.setdefault(result.transform, []).append((event, result))
    for name, found in by_job.items():
        run = runs.of(name, found[-1][0])
        record = run.record
        if record is None or record.status != transforms.IN_PROGRESS:
            continue
        wrong = [result for _, result in found if result.error is not None and record.on_error == "fail"]
        if wrong:
            first = min(wrong, key=lambda result: result.line)
            awaited.append(run.fail_line(first.line, str(first.error)))
            continue
        lines = [result.line for _, result in found]
        changed = transforms.answered(record, lines, min(event.message.offset for event, _ in found))
        if changed is not record:
            awaited.append(run.put(changed))
        if changed.lines and transforms.is_complete(changed):
            awaited.append(run.finish())
    return awaited


async def _ended(awaited: Sequence[Any]) -> None:
    await asyncio.gather(*awaited)
