"""Runs of a job, as its owner begins, operates and removes them: their rows, and what trainers are told.

A row is written before a trainer is told. Until it is known where that lies in the log, it may be told twice, which
scores once.
"""

from typing import Any

from connectors.kafka.publisher import Record
from schemas.scoring_jobs import EndScoringRun, OperateScoringRun, ScoreDataset, ScoringJobRecord, ScoringRunRecord
from streams.access.names import shown
from streams.codes.scoring_jobs import ScoringJobsCode
from streams.engine.tenure import check_writer
from streams.errors import ConflictError
from streams.messages import Event, time_of
from streams.repeats import check_repeat
from streams.runtime import StateRuntime
from streams.scoring_jobs import jobs, runs
from streams.scoring_jobs.state import ScoringJobsState

__all__ = ["end_unsent", "operate", "remove", "start", "tell"]


async def start(
    state: StateRuntime, event: Event, job: ScoringJobRecord, command: Any, *, name: str, due: int | None = None
) -> ScoringRunRecord:
    """Begin a run: 1. its row, 2. the job's, 3. a trainer, 4. where the trainer finds it.

    A command that comes again, and a time of the schedule that is said again, find their run and go on with it.
    """
    own = ScoringJobsState.of(state)
    run_id = runs.id_of(job, command.command_id if due is None else f"due {due}")
    run = own.runs.get(runs.key_of(job.name, run_id))
    if run is None:
        others = own.runs_of(job.name)
        taken = {other.name for other in others}
        if name in taken:
            text = (
                f"runName: job {shown(job.name)} has a run {name} already: use another name, or delete that one first"
            )
            raise ConflictError(ScoringJobsCode.RUN_EXISTS, text)
        name, output_id = name or runs.free_name(job, taken), state.ids.mint()
        run = runs.begun(job, run_id, name, command, at=time_of(event.message), output_id=output_id, due=due)
        await _put(state, event, run)
        check_writer(state.app, event)
        await own.jobs.put(event.message.partition, job.name.encode(), jobs.started(job))
        for old in runs.stale(others):
            await remove(state, event, old)
    elif due is None:
        check_repeat(command, run.digest, f"run {run.run_id}")
    return await _sent(state, event, run)


async def operate(state: StateRuntime, event: Event, command: OperateScoringRun) -> ScoringRunRecord:
    """Stop, pause, continue or delete a run: 1. its row, 2. its trainer."""
    run = ScoringJobsState.of(state).runs.get(runs.key_of(command.job_name, command.run_id))
    if run is None:
        raise runs.unknown_run("", command.run_id)
    if run.operation == command.command_id:
        check_repeat(command, run.operation_digest, f"run {run.run_id}")
    else:
        runs.check_operation(run, command.operation)
        if command.operation == runs.DELETE:
            await remove(state, event, run)
            return run
        run = runs.operated(run, command, time_of(event.message))
        await _put(state, event, run)
    if run.status == runs.RUNNING:
        return await _sent(state, event, run)
    stopped = command.operation == runs.STOP
    ended = EndScoringRun(run_id=run.run_id, job_name=run.job_name, attempt=run.attempt, remove=stopped, forget=stopped)
    await tell(state, ended)
    return run


async def remove(state: StateRuntime, event: Event, run: ScoringRunRecord) -> None:
    """Remove a run: 1. the trainer ends it and removes what it has of it, 2. its row."""
    ended = EndScoringRun(run_id=run.run_id, job_name=run.job_name, attempt=run.attempt, remove=True, forget=True)
    await tell(state, ended)
    check_writer(state.app, event)
    await ScoringJobsState.of(state).runs.delete(event.message.partition, runs.key_of(run.job_name, run.run_id))


async def end_unsent(state: StateRuntime, event: Event, command: Any, reason: str) -> None:
    """A run whose command is given up fails, unless a trainer has it already."""
    own = ScoringJobsState.of(state)
    job = own.job(command.job_name)
    run = None if job is None else own.runs.get(runs.key_of(job.name, runs.id_of(job, command.command_id)))
    if run is not None and run.status == runs.RUNNING and run.offset < 0:
        at = time_of(event.message)
        await _put(state, event, runs.failed(run, reason, at))


async def tell(state: StateRuntime, command: ScoreDataset | EndScoringRun) -> int:
    """All commands about a run have one key, so that one trainer finds them in order. The offset; -1: unknown."""
    record = Record(state.topics.scoring_runs, command.run_id.encode(), state.codec.encode(command))
    placed = await state.publisher.send_placed([record])
    return min(placed.values(), default=-1)


async def _sent(state: StateRuntime, event: Event, run: ScoringRunRecord) -> ScoringRunRecord:
    """The run once a trainer will find it."""
    if run.status != runs.RUNNING or run.offset >= 0:
        return run
    offset = await tell(state, runs.order_for(run))
    current = ScoringJobsState.of(state).runs.get(runs.key_of(run.job_name, run.run_id))
    if current is None or current.attempt != run.attempt:
        return run
    current = runs.sent(current, offset)
    await _put(state, event, current)
    return current


async def _put(state: StateRuntime, event: Event, run: ScoringRunRecord) -> None:
    """SupersededError where the row may be another worker's by now."""
    check_writer(state.app, event)
    await ScoringJobsState.of(state).runs.put(event.message.partition, runs.key_of(run.job_name, run.run_id), run)
