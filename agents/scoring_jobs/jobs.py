"""The state of scoring jobs: applies their commands, fires their schedules, and follows their runs."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from faust.agents import Agent

from agents.scoring_jobs.clock import Clock
from agents.scoring_jobs.job_runs import end_unsent, operate, remove, start
from agents.scoring_jobs.lost_commands import lost_commands
from connectors.datasets.number_formats import number_formats
from connectors.kafka.topic_ends import TopicEnds
from connectors.objects.store import ObjectStore
from schemas.coding.wire import UndecodableError
from schemas.scoring_jobs import (
    DeleteScoringJob,
    DeployScoringJob,
    FireScoringJob,
    GenerateScript,
    OperateScoringRun,
    ScoringJobRecord,
    ScoringRunStatus,
    StartScoringRun,
)
from streams import idempotency
from streams.access.names import project_of, shown
from streams.checks import invalid_field
from streams.codes.scoring_jobs import ScoringJobsCode
from streams.command_edge import CommandTopic, handle_all
from streams.engine.agents import agent_on
from streams.engine.tenure import check_writer
from streams.engine.transport import batches
from streams.engine.tries import GivenUpError, together
from streams.errors import Code, ConflictError, InvalidError, RejectedError
from streams.messages import Event, time_of
from streams.repeats import check_repeat, is_of_an_earlier
from streams.runtime import StateRuntime
from streams.scoring_jobs import jobs, runs, scripts
from streams.scoring_jobs.inputs import read_as_numbers
from streams.scoring_jobs.programs import likely_inputs, program
from streams.scoring_jobs.scripts import Script
from streams.scoring_jobs.state import ScoringJobsState

__all__ = ["attach"]

_TYPES = (
    GenerateScript,
    DeployScoringJob,
    DeleteScoringJob,
    StartScoringRun,
    FireScoringJob,
    OperateScoringRun,
)


def _check_key(command: Any, key: bytes | None) -> None:
    field = "file_name" if isinstance(command, GenerateScript) else "job_name"
    name: str = getattr(command, field)
    if key != name.encode("utf-8", "surrogatepass"):
        raise InvalidError(Code.WRONG_KEY, f"the record's key must be the {field}, {name[:129]}")


_TOPIC = CommandTopic("scoring job commands", _TYPES, _check_key)


def attach(state: StateRuntime) -> tuple[Agent, Agent]:
    """Register `orchestrate_scoring_jobs` and `track_scoring_runs` on the state's app."""
    app, topics = state.app, state.topics

    @agent_on(app, topics.scoring_job_commands, "orchestrate_scoring_jobs")
    async def orchestrate_scoring_jobs(stream: Any) -> None:
        """Apply commands, those of one job in their order, those of several jobs side by side."""
        watches = (Clock(state).watch(), lost_commands(state, TopicEnds(state.bootstrap)).watch())
        await handle_all(
            state, "orchestrate_scoring_jobs", stream, _TOPIC, partial(_apply, state), _end, beside=watches
        )

    @agent_on(app, topics.scoring_run_status, "track_scoring_runs")
    async def track_scoring_runs(stream: Any) -> None:
        """Note in the rows how far the runs are."""
        async for events in batches(app, stream):
            state.metrics.observe_batch("track_scoring_runs", len(events))
            await together(state, "track_scoring_runs", events, partial(_track, state))

    return orchestrate_scoring_jobs, track_scoring_runs


async def _end(state: StateRuntime, event: Event, error: GivenUpError) -> None:
    """1. a run that no trainer knows of fails, 2. the sender is told."""
    try:
        command = state.codec.decode(event.message.value)
    except UndecodableError:
        return
    if isinstance(command, DeployScoringJob | StartScoringRun):
        await end_unsent(state, event, command, error.message)
    state.waiters.refused(command.command_id, error)


async def _apply(state: StateRuntime, event: Event, command: Any) -> Any:
    """Apply one command; what it was about, as its sender may show it."""
    check_writer(state.app, event)
    if isinstance(command, GenerateScript):
        return await asyncio.to_thread(_generate, state.store, command)
    job = ScoringJobsState.of(state).job(command.job_name)
    if isinstance(command, DeployScoringJob):
        return await _deploy(state, event, command, job)
    if job is None:
        if isinstance(command, FireScoringJob):
            return None
        raise jobs.unknown_job(command.job_name)
    if is_of_an_earlier(event.message, created=job.created, offset=job.offset):
        return None
    return await _apply_to(state, event, job, command)


async def _apply_to(state: StateRuntime, event: Event, job: ScoringJobRecord, command: Any) -> Any:
    match command:
        case FireScoringJob():
            return await _fire(state, event, command, job)
        case StartScoringRun():
            if command.run_name:
                jobs.check_run_name(command.run_name)
            return await start(state, event, job, command, name=command.run_name)
        case OperateScoringRun():
            return await operate(state, event, command)
        case _:
            return await _delete(state, event, job)


def _generate(store: ObjectStore, command: GenerateScript) -> Script:
    """1. check what the script is about, 2. keep it; said again, it comes to the same."""
    jobs.check_script(command)
    project, name = project_of(command.file_name), shown(command.file_name)
    dataset = scripts.check_datasets(store, command.input_dataset, command.output_dataset, project)
    model = scripts.model_for(store, command.model_name, project)
    inputs = likely_inputs(dataset, model["inputs"])
    formats = number_formats(store, dataset, read_as_numbers(inputs))
    script = Script(
        file_name=name.removesuffix(command.ext) or name,
        ext=command.ext,
        input_dataset=command.input_dataset,
        output_dataset=command.output_dataset,
        model_name=model["name"],
        code=program(command, dataset, model, inputs, formats),
    )
    scripts.keep(store, script, project)
    return script


async def _deploy(
    state: StateRuntime, event: Event, command: DeployScoringJob, job: ScoringJobRecord | None
) -> ScoringJobRecord:
    """1. check, 2. write the job's row, 3. begin its first run. A repeat goes on where the first time ended."""
    if job is None:
        jobs.check_job_name(command.job_name)
        project = project_of(command.job_name)
        script = await asyncio.to_thread(scripts.load, state.store, command.file_name, command.ext, project)
        environments = state.settings.environments
        at, offset = time_of(event.message), event.message.offset
        job = jobs.begun(command, script, at=at, offset=offset, environments=environments)
        await asyncio.to_thread(scripts.check_datasets, state.store, job.input_dataset, job.output_dataset, project)
        check_writer(state.app, event)
        await ScoringJobsState.of(state).jobs.put(event.message.partition, job.name.encode(), job)
    elif job.command_id != command.command_id:
        text = f"jobName: there is a job {shown(job.name)} already: use another name, or delete that one first"
        raise ConflictError(ScoringJobsCode.JOB_EXISTS, text)
    else:
        check_repeat(command, job.digest, f"scoring job {shown(job.name)}")
    if jobs.starts_at_once(command):
        await start(state, event, job, command, name=command.run_name)
    return ScoringJobsState.of(state).job(job.name) or job


async def _fire(state: StateRuntime, event: Event, command: FireScoringJob, job: ScoringJobRecord) -> None:
    """1. begin the run of the time that is due, 2. write what comes next.

    Whatever is not the job's next time was dealt with before: by another worker, or by this one before a restart.
    """
    if job.next_due != command.due:
        return
    at = time_of(event.message)
    if command.due > at:
        raise invalid_field("due", f"is {command.due}, which has not come yet: the log has {at}")
    own = ScoringJobsState.of(state)
    active = [run for run in own.runs_of(job.name) if run.due is not None and run.status in runs.ACTIVE]
    if any(map(runs.goes_on, active)):
        return  # the clock says it again when that run has ended
    due = jobs.schedule_of(job).come(command.due, at, job.missed_runs)
    first = active[0].due if active else due.run  # one that no trainer knows yet
    if first is not None:
        await start(state, event, job, command, name="", due=first)
        job = own.job(job.name) or job
    check_writer(state.app, event)
    await own.jobs.put(event.message.partition, job.name.encode(), jobs.fired(job, due))


async def _delete(state: StateRuntime, event: Event, job: ScoringJobRecord) -> ScoringJobRecord:
    """1. end its runs and remove their rows, 2. free its key, 3. remove its row: without it nobody would go on."""
    own = ScoringJobsState.of(state)
    for run in own.runs_of(job.name):
        await remove(state, event, run)
    await asyncio.to_thread(idempotency.free, state.store, job.command_id)
    check_writer(state.app, event)
    await own.jobs.delete(event.message.partition, job.name.encode())
    return job


async def _track(state: StateRuntime, events: Sequence[Event]) -> None:
    """The rows, each once; ends when the broker has them."""
    table = ScoringJobsState.of(state).runs
    writes: list[Any] = []
    changed: dict[bytes, tuple[int, Any]] = {}
    for message in (event.message for event in events):
        try:
            said = state.codec.decode(message.value)
            if not isinstance(said, ScoringRunStatus):
                raise UndecodableError(f"a {type(said).__name__} on the topic of status of scoring runs")
            _check_key(said, message.key)
            if (moved := state.moved(message)) is not None:
                writes.append(state.publisher.send_nowait([moved]))
                continue
            key = runs.key_of(said.job_name, said.run_id)
            run = changed[key][1] if key in changed else table.get(key)
            if run is not None:
                changed[key] = message.partition, runs.told(run, said)
        except (UndecodableError, RejectedError) as error:
            writes.append(state.publisher.send_nowait([state.dead_letter(message, error)]))
    for key, (partition, run) in changed.items():
        if run is not table.get(key):
            writes.append(table.put(partition, key, run))
    await asyncio.gather(*writes)
