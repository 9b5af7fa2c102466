"""Lets a job's series grow with its data set, and trains those that changed, as its standing elements say.

Each series keeps its id, and those that are new get the ids behind. A refresh is a submission of the series that
changed; all that it takes is in one write of the job's row, so that it is there or is not, whatever ends the process.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from agents.forecasting.growth import Growth, grown, needs_table, split_anew
from agents.forecasting.job_rows import put_job_for, put_where_room
from agents.forecasting.job_training import send_out
from agents.forecasting.submission_runs import Prepared, SubmissionRuns, prepared_for
from connectors.datasets.added_rows import latest
from connectors.datasets.group_values import WHOLE, named_series, read_key
from schemas.forecasting import CmdStatus, JobRecord, RefreshJob, SeriesConfig, Standing, SubmitJob
from streams.checks import time_of
from streams.codes.forecasting import ForecastingCode
from streams.errors import ConflictError, RejectedError
from streams.forecasting import jobs
from streams.forecasting.plans import packed
from streams.forecasting.state import ForecastingState
from streams.forecasting.submissions import ACCEPTED, Training, check_elements
from streams.forecasting.tables import Answer
from streams.messages import Event
from streams.repeats import digest_of, with_command
from streams.runtime import StateRuntime
from streams.standing.elements import due_elements, passed, refreshed

__all__ = ["forgotten_again", "refresh"]

_MOST_COMMANDS = 1000  # whose ids are kept once a job is refreshed by hand: a repeat comes soon


async def refresh(
    state: StateRuntime, runs: SubmissionRuns, job: JobRecord, command: RefreshJob, event: Event
) -> Sequence[int] | None:
    """1. find what changed, 2. write the job, 3. remove what it replaces, 4. send out the training.

    The ids of the series whose history is another one than before, those that are new among them. By hand it is refused
    where the job has no series yet, or trains: what is on its way is of the split that there is. By itself it then does
    nothing, as where it was done before: what is due is said again.
    """
    by_hand, at = not command.number, time_of(event.message)
    if not by_hand and not (_is_next(job, command) and job.standing):
        return None
    _check(job)
    last = await asyncio.to_thread(latest, state.store, job.data_id)
    try:
        growth = await grown(state, job, command)
        after, trainings, submission = await asyncio.to_thread(_trained, state, job, command, growth, at)
        if growth.later is not None and needs_table(trainings):
            growth = await split_anew(state, job, command)
            after, trainings, submission = await asyncio.to_thread(_trained, state, job, command, growth, at)
        prepared = await _prepared(state, after, trainings, growth) if trainings else None
        changed = await asyncio.to_thread(_submitted, state, job, after, submission, trainings, at)
        own = ForecastingState.of(state)
        if growth.later is not None:
            own.splits.will_have(growth.later)
        await put_where_room(state, event, changed, series=changed.series_count - job.series_count)
    except RejectedError:
        if not by_hand:  # it is told once, not until somebody mends it; new data, or the next time, try again
            await put_job_for(state, event, _past(job, at, last))
        raise
    if (job.split, job.seen) != (changed.split, changed.seen):
        own.splits.had(job)
    state.waiters.applied(command.command_id, found := [job.first_ts_id + place for place in growth.changed])
    if job.split != growth.split and job.split is not None:
        await own.splits.delete(job.split)
    await _forget(state, event.message.partition, changed, _answered(job))
    if prepared is not None:
        await send_out(runs, job.job_id, event, prepared)
    return found


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


async def _prepared(state: StateRuntime, job: JobRecord, trainings: Sequence[Training], growth: Growth) -> Prepared:
    if growth.later is None:
        return await prepared_for(state, job, trainings)
    places = np.unique([training.ts_id - job.first_ts_id for training in trainings])
    return Prepared(job, trainings, await asyncio.to_thread(growth.later.layers.chosen, places), {})


def _trained(
    state: StateRuntime, job: JobRecord, command: RefreshJob, growth: Growth, at: int
) -> tuple[JobRecord, list[Training], SubmitJob]:
    """The job with its new series, what of it is trained, and the submission that this is."""
    by_hand = not command.number
    due = due_elements(job, at=at, by_hand=by_hand)
    known = _known_now(job, command) if by_hand else {"refreshes": job.refreshes + 1}
    after = replace(
        job,
        tried=-1,
        sequence=job.sequence + (by_hand or growth.series != job.series_count),
        split=growth.split,
        series_count=growth.series,
        seen=growth.seen,
        split_seen=growth.split_seen,
        standing=refreshed(job.standing, due, growth.changed, at=at),
        refreshed_at=at,
        **known,
    )
    elements: list[SeriesConfig] = []
    chosen: dict[int, Sequence[int]] = {}
    for place in due:
        one = job.standing[place]
        series = _chosen(growth, job.first_ts_id, one, sorted({*growth.changed, *one.stale}))
        if series:
            if one.series is not None:
                chosen[len(elements)] = series
            elements += state.codec.decode(one.settings).elements
    submission = SubmitJob(command.command_id, job.job_id, tuple(elements), job.project)
    if not elements:
        return after, [], submission
    return after, check_elements(after, elements, ACCEPTED, chosen)[1], submission


def _submitted(
    state: StateRuntime, job: JobRecord, after: JobRecord, submission: SubmitJob, trainings: list[Training], at: int
) -> JobRecord:
    """The row as it is written: what was submitted before is settled, and this submission has its numbers."""
    own = ForecastingState.of(state)
    if job.standing:
        after = jobs.settled(after, own.results.progress(job.job_id, job.settled))
    if trainings:
        planned = packed(state.codec, submission, trainings)
        after = jobs.submitted(after, submission, trainings, at=at, planned=planned)
    own.jobs.check_size(after)
    return after


def _known_now(job: JobRecord, command: RefreshJob) -> dict[str, Any]:
    """What the row keeps of a command by hand: the latest of many, and the first, by which the job was made."""
    known: dict[str, Any] = with_command(job, command.command_id, digest_of(command))
    return {name: (*ids[:1], *ids[1:][-_MOST_COMMANDS:]) for name, ids in known.items()}


def _chosen(growth: Growth, first_ts_id: int, element: Standing, places: Sequence[int]) -> list[int]:
    """Those of the series that an element is for."""
    if element.series is None:
        return [element.ts_id] if element.ts_id - first_ts_id in places else []
    if element.series == WHOLE:
        return [first_ts_id + place for place in places]
    wanted = read_key(element.series).items()
    named = ((place, named_series(growth.columns, growth.names[place]).groups) for place in places)
    return [first_ts_id + place for place, groups in named if wanted <= groups.items()]


def _past(job: JobRecord, at: int, tried: int) -> JobRecord:
    """The job once a refresh by itself has failed: what has changed waits on, for news or for the next time."""
    return replace(job, refreshes=job.refreshes + 1, tried=tried, standing=passed(job.standing, at=at))


def _answered(job: JobRecord) -> set[int]:
    """The series of its submissions."""
    return {job.first_ts_id + offset for one in job.submissions for offset in one.ts_offsets}


def _forget(state: StateRuntime, partition: int, job: JobRecord, ts_ids: Iterable[int]) -> "asyncio.Future[Any]":
    """Of these series' settled results the newest are kept: so many of each standing element."""
    keep = state.settings.kept_results * max(1, len(job.standing))
    return ForecastingState.of(state).results.forget(partition, job.job_id, ts_ids, below=job.settled, keep=keep)
