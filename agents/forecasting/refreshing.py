"""Lets a job's series grow with its data set, and trains those that changed, as its standing elements say.

Each series keeps its id, and those that are new get the ids behind. A refresh is a submission of the series that
changed; all that it takes is in one write of the job's row, so that it is there or is not, whatever ends the process.
What cannot be refreshed is a dead letter before it is in the row: a crash in between tells it twice, and loses nothing.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agents.forecasting.growth import AGAIN_MS, Growth, grown, where_room
from agents.forecasting.job_rows import put_job_for, put_where_room
from agents.forecasting.job_training import send_out
from agents.forecasting.refresh_trials import Made, Trials, words_of
from agents.forecasting.submission_runs import SubmissionRuns
from connectors.datasets.added_rows import latest
from schemas.forecasting import CmdStatus, JobRecord, RefreshJob
from streams.codes.forecasting import ForecastingCode
from streams.command_edge import ToldError
from streams.engine.tenure import check_writer
from streams.errors import ConflictError, RejectedError, TooManyError, UnavailableError
from streams.forecasting import jobs
from streams.forecasting.plans import packed
from streams.forecasting.state import ForecastingState
from streams.forecasting.tables import Answer
from streams.messages import Event, time_of
from streams.runtime import StateRuntime
from streams.standing.elements import due_elements, passed

__all__ = ["forgotten_again", "refresh"]


async def refresh(
    state: StateRuntime, runs: SubmissionRuns, job: JobRecord, command: RefreshJob, event: Event
) -> Sequence[int] | None:
    """1. find what changed, 2. tell what cannot be refreshed, 3. write the job, 4. remove what it replaces, 5. train.

    The ids of the series whose history is another one than before, those that are new among them. By hand it is refused
    where the job has no series yet, or trains: what is on its way is of the split that there is. By itself it then does
    nothing, as where it was done before: what is due is said again. An element that cannot be refreshed holds up no
    other.
    """
    by_hand, at = not command.number, time_of(event.message)
    if not by_hand and not (_is_next(job, command) and job.standing):
        return None
    _check(job)
    last = await asyncio.to_thread(latest, state.store, job.data_id)
    due = due_elements(job, at=at, by_hand=by_hand)
    try:
        made, changed = await _written(state, job, command, event, due, last)
    except RejectedError as error:
        if by_hand or not due:
            raise
        # It is told once, not until somebody mends it; new data, or the next time, try again.
        await _tell(state, job, event, dict.fromkeys(due, error))
        await put_job_for(state, event, _past(job, due, at, last, error))
        raise ToldError(error) from error
    own, growth = ForecastingState.of(state), made.growth
    if (job.split, job.seen) != (changed.split, changed.seen):
        own.splits.had(job)
    state.waiters.applied(command.command_id, found := [job.first_ts_id + place for place in growth.changed])
    if job.split != growth.split and job.split is not None:
        await own.splits.delete(job.split)
    await _forget(state, event.message.partition, changed, _answered(job))
    if made.prepared is not None:
        await send_out(runs, job.job_id, event, made.prepared)
    return found


async def _written(
    state: StateRuntime, job: JobRecord, command: RefreshJob, event: Event, due: Sequence[int], last: int
) -> tuple[Made, JobRecord]:
    """What is trained, and the row of the job, which is written; RejectedError where nothing of it can be."""
    at = time_of(event.message)
    growth = await _where_room(state, job, command, event, due)
    trials = Trials(state, job, command, growth, at)
    try:
        made, failed = await trials.made(due)
        if failed:  # until there are news behind what was seen
            made = replace(made, after=replace(made.after, tried=max(last, made.growth.seen)))
        changed = await asyncio.to_thread(_submitted, state, job, made, at)
        if made.growth.later is not None:
            ForecastingState.of(state).splits.will_have(made.growth.later)
        lacking = {place: growth.no_room for place in growth.lacking(job, due) if growth.no_room is not None}
        await _tell(state, job, event, {**lacking, **failed})
        await put_where_room(state, event, changed, series=changed.series_count - job.series_count)
    except RejectedError:
        await trials.delete_all_but(None)
        raise
    await trials.delete_all_but(changed.split)
    return made, changed


async def _where_room(
    state: StateRuntime, job: JobRecord, command: RefreshJob, event: Event, due: Sequence[int]
) -> Growth:
    """How the series have grown: without new ones for which there is no room, where an element tells that they wait.

    By hand something must be left to be done.
    """
    growth = await grown(state, job, command)
    known = await where_room(state, job, growth, event.message.partition)
    told = command.number or (known.changed and known.lacking(job, due))
    return known if known.no_room is None or told else growth


async def _tell(state: StateRuntime, job: JobRecord, event: Event, failed: Mapping[int, RejectedError]) -> None:
    """A dead letter with the reasons why elements cannot be refreshed, unless the row has them from the last time.

    It is keyed by the job, and names the command by its place in the log, so that one that comes twice is known.
    """
    words = {place: words_of(place, error) for place, error in failed.items()}
    told = [one.problem for one in passed(job.standing, words, at=0)]
    if told == [one.problem for one in job.standing]:
        return
    check_writer(state.app, event)
    first = next(iter(failed.values()))
    error = first.saying("; ".join(dict.fromkeys(words.values())), first.place)
    await state.publisher.send([state.dead_letter(event.message, error)])


def _past(job: JobRecord, due: Sequence[int], at: int, tried: int, error: RejectedError) -> JobRecord:
    """The job once a refresh by itself has failed: what has changed waits on, for news or for the next time.

    Where there was no room, which is nobody's news, there is a next time of its own.
    """
    again = at + AGAIN_MS if isinstance(error, TooManyError | UnavailableError) else None
    problems = {place: words_of(place, error) for place in due}
    standing = passed(job.standing, problems, at=at, again=again)
    return replace(job, refreshes=job.refreshes + 1, tried=tried, standing=standing)


def forgotten_again(state: StateRuntime, partition: int, answers: Iterable[Answer]) -> "list[asyncio.Future[Any]]":
    """Removes what has come again of results that were forgotten."""
    own, late = ForecastingState.of(state), dict[int, set[int]]()
    for answer in answers:
        job = own.jobs.get(answer.job_id)
        if job is not None and answer.n < job.settled:
            late.setdefault(answer.job_id, set()).add(answer.ts_id)
    found = ((own.jobs.get(job_id), ts_ids) for job_id, ts_ids in late.items())
    return [_forget(state, partition, job, ts_ids) for job, ts_ids in found if job is not None]


def _is_next(job: JobRecord, command: RefreshJob) -> bool:
    return command.number == job.refreshes + 1 and job.status is not CmdStatus.COMITTED


def _check(job: JobRecord) -> None:
    if job.split is None or job.columns is None:
        text = f"job {job.job_id} has no series yet: choose its columns first"
        raise ConflictError(ForecastingCode.NO_SERIES, text)
    if job.status is CmdStatus.COMITTED:
        text = f"job {job.job_id} is being trained: refresh it once it is finished, or stop it first"
        raise ConflictError(ForecastingCode.NOT_FINISHED, text)


def _submitted(state: StateRuntime, job: JobRecord, made: Made, at: int) -> JobRecord:
    """The row as it is written: what was submitted before is settled, and this submission has its numbers."""
    own, after = ForecastingState.of(state), made.after
    if job.standing:
        after = jobs.settled(after, own.results.progress(job.job_id, job.settled))
    if made.trainings:
        planned = packed(state.codec, made.submission, made.trainings)
        after = jobs.submitted(after, made.submission, made.trainings, at=at, planned=planned)
    own.jobs.check_size(after)
    return after


def _answered(job: JobRecord) -> set[int]:
    """The series of its submissions."""
    return {job.first_ts_id + offset for one in job.submissions for offset in one.ts_offsets}


def _forget(state: StateRuntime, partition: int, job: JobRecord, ts_ids: Iterable[int]) -> "asyncio.Future[Any]":
    """Of these series' settled results the newest are kept: so many of each standing element."""
    keep = state.settings.kept_results * max(1, len(job.standing))
    return ForecastingState.of(state).results.forget(partition, job.job_id, ts_ids, below=job.settled, keep=keep)
