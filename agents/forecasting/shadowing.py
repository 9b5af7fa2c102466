"""A job's shadow begins, takes the answering model's place, and ends; who answers has its forecasts published.

A trainer publishes what was asked for while its side answered. What was asked for in the shadow is a result alone, of
which the state makes the forecast: of the latest ones at the switch, afterwards of those that were still under way.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from agents.forecasting.job_rows import put_job_for
from agents.forecasting.job_training import submit
from agents.forecasting.submission_runs import SubmissionRuns
from connectors.datasets.group_values import named_series
from connectors.datasets.splits import Split
from connectors.kafka.publisher import Record
from models.calendars.calendar import calendar_of
from schemas.coding.codec import Codec
from schemas.forecasting import JobRecord, SeriesConfig, ShadowCommand, StartShadow, SubmitJob, SwitchShadow
from schemas.series import Forecast, SeriesResult
from streams.accuracy.judging import first_time
from streams.codes.forecasting import ForecastingCode
from streams.engine.tenure import check_writer
from streams.errors import ConflictError, RejectedError
from streams.forecasting.inputs import chosen_series
from streams.forecasting.state import ForecastingState
from streams.messages import Event, Message, time_of
from streams.repeats import with_one_of_many
from streams.runtime import StateRuntime
from streams.standing.elements import SECOND
from streams.standing.shadows import (
    TOOK_HEADER,
    beside,
    firsts_of,
    is_on,
    is_quiet,
    on_side,
    started,
    stopped,
    switched,
)

__all__ = ["apply_shadow", "publish_late", "publish_latest", "with_cost"]

_TOGETHER: Final = 100  # series whose forecasts are made in one turn of a thread


async def apply_shadow(
    state: StateRuntime, runs: SubmissionRuns, job: JobRecord, command: ShadowCommand, event: Event
) -> None:
    """1. write the job, 2. answer the sender, 3. train what has just begun, or publish who answers now."""
    if isinstance(command, StartShadow):
        await _start(state, runs, job, command, event)
        return
    changed = switched(job, command.answers) if isinstance(command, SwitchShadow) else stopped(job)
    row = replace(changed, **with_one_of_many(job, command))
    ForecastingState.of(state).jobs.check_size(row)
    await put_job_for(state, event, row)
    state.waiters.applied(command.command_id)
    if isinstance(command, SwitchShadow):
        await publish_latest(state, row, event)


async def _start(state: StateRuntime, runs: SubmissionRuns, job: JobRecord, command: StartShadow, event: Event) -> None:
    """As a submission of the one element, which stands from then on; its series are trained at once."""
    if job.split is None:
        text = f"job {job.job_id} has no series yet: choose its columns first (PUT)"
        raise ConflictError(ForecastingCode.NO_SERIES, text)
    own = ForecastingState.of(state)
    await chosen_series(own.splits, job, [command.element])  # it says what is wrong with their name
    split = await own.splits.of(job)
    element, firsts, replaced = await asyncio.to_thread(_beside, state, job, command.element, split)

    def with_shadow(row: JobRecord) -> JobRecord:
        return started(row, element, firsts, replaced, first_n=job.submitted, at=time_of(event.message))

    submission = SubmitJob(command.command_id, job.job_id, (element,), job.project)
    await submit(state, runs, job, submission, event, said=command, then=with_shadow)


def _beside(
    state: StateRuntime, job: JobRecord, asked: SeriesConfig, split: Split
) -> tuple[SeriesConfig, Sequence[int], int | None]:
    groups = [named_series(split.groupby_key, text).groups for text in split.groupby_val[: job.series_count]]
    firsts, replaced = firsts_of(job, asked, groups)
    first = job.standing[firsts[-1]]
    [settings] = state.codec.decode(first.settings).elements
    return beside(first, settings, asked), firsts, replaced


async def publish_latest(state: StateRuntime, job: JobRecord, event: Event) -> None:
    """Publish the latest forecast of who answers, of each series that both forecast; done twice it is the same."""
    if not is_on(job):
        return
    own = ForecastingState.of(state)
    split = await own.splits.of(job)
    ts_ids = sorted(own.results.series_of(job.job_id).intersection(job.ts_ids))
    for first in range(0, len(ts_ids), _TOGETHER):
        rows = own.results.of_series(job.job_id, ts_ids[first : first + _TOGETHER])
        records = await asyncio.to_thread(_latest, state, job, split, rows)
        check_writer(state.app, event)
        await state.publisher.send(records)


def _latest(state: StateRuntime, job: JobRecord, split: Split, rows: Mapping[int, Iterable[bytes]]) -> list[Record]:
    found = []
    for encoded in rows.values():
        results: list[tuple[int, SeriesResult]] = [
            (on_side(job, one), one) for one in (state.codec.decode(row) for row in encoded)
        ]
        if not any(side == SECOND for side, _ in results):
            continue  # the shadow is not for it
        good = [one for side, one in results if side and one.error is None and not is_quiet(job, side)]
        if good:
            found.append(_record(state, job, split, good[-1]))
    return found


async def publish_late(state: StateRuntime, late: Mapping[int, Sequence[bytes]]) -> None:
    """Publish forecasts, by job, that were asked for in the shadow and are those of who answers by now."""
    own = ForecastingState.of(state)
    for job_id, rows in late.items():
        job = own.jobs.get(job_id)
        if job is None or job.split is None:  # deleted meanwhile
            continue
        try:
            split = await own.splits.of(job)
        except RejectedError:  # its file is gone, as the job's own addresses tell
            continue
        results = [state.codec.decode(row) for row in rows]
        await state.publisher.send([_record(state, job, split, one) for one in results])


def with_cost(codec: Codec, row: bytes, message: Message) -> bytes:
    """The row of a result with the seconds that its trainer has noted: not part of what a replay must yield again."""
    told = next((value for name, value in message.headers or () if name == TOOK_HEADER), None)
    if told is None:
        return row
    try:
        return codec.encode(replace(codec.decode(row), took_s=float(told)))
    except ValueError:  # somebody else wrote it
        return row


def _record(state: StateRuntime, job: JobRecord, split: Split, result: SeriesResult) -> Record:
    """The forecast that a trainer would have published with this result."""
    place = result.ts_id - job.first_ts_id
    text = split.groupby_val[place]
    name = named_series(split.groupby_key, text)
    forecast = Forecast(
        job_id=result.job_id,
        ts_id=result.ts_id,
        n=result.n,
        switches=job.switches,
        item_id=text,
        model_name=result.model_name,
        cutoff=_cutoff(split, place, result),
        timestamps=result.timestamps,
        mean=result.predictions,
        quantiles=result.quantiles,
        answered_by=result.answered_by,
        micros=result.micros,
        utc_offsets=result.utc_offsets,
        project=job.project,
        groups=name.groups,
        series_key=name.key,
        data_id=job.data_id,
    )
    return Record(state.topics.forecasts, b"%d" % result.ts_id, state.codec.encode(forecast))


def _cutoff(split: Split, place: int, result: SeriesResult) -> int:
    """What the clock showed at the last value before the forecast."""
    series = split.series(place)
    shown = calendar_of(series.calendar).shown(series.times)
    before = int(np.searchsorted(shown, first_time(result)))
    return int(shown[max(0, before - 1)]) // 1000
