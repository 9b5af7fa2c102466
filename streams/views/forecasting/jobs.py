"""Forecasting jobs: `/job/…` of contract 000."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, cast

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from schemas.forecasting import CmdStatus, ConfigureJob, CreateJob, DeleteJob, JobRecord, StopJob, SubmitJob
from streams.access.caller import caller
from streams.codes.forecasting import ForecastingCode
from streams.errors import NotFoundError
from streams.forecasting import time_travel as past
from streams.forecasting.inputs import check_columns, chosen_series, dataset_of, features_of
from streams.forecasting.split_store import has_table
from streams.forecasting.state import ForecastingState, known_job
from streams.forecasting.submissions import check_elements
from streams.forecasting.time_travel import Rows
from streams.views.forecasting import export, leaderboard, series
from streams.views.forecasting.elements import Elements, ElementsBody, read_elements
from streams.views.forecasting.job_bodies import JobBody, JobColumnsBody
from streams.views.forecasting.listing import list_jobs
from streams.views.forecasting.replies import (
    JobCreatedReply,
    JobReply,
    JobsReply,
    ResultsReply,
    SeriesReply,
    StoppedReply,
    SubmissionReply,
    UnfinishedReply,
)
from streams.views.forecasting.results import SERIES_PER_CHUNK, in_turns, result_chunks
from streams.views.forecasting.submissions import submitted
from streams.views.forecasting.summaries import stands
from streams.views.web.answers import json_response
from streams.views.web.commands import BareCommandId, CommandId, is_repeat, send_command
from streams.views.web.creations import create_once
from streams.views.web.door import Door, Tag, by_id
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import JobId, JsonRoute, State, read_by, sent_as_json

__all__ = ["DOOR"]

router = APIRouter(prefix="/job", route_class=JsonRoute)
DOOR = Door(
    apart=True,
    router=router,
    tag=Tag("forecasting jobs", "Columns, models, training and results."),
    owner=by_id(2),
    slash=True,
    watched=("/job", "/job/{job_id}"),
)

_JSON = (Depends(sent_as_json),)
_LATEST = 253_402_300_799_999  # milliseconds: the end of the year 9999, so that microseconds are refused


@router.post(
    "/",
    status_code=201,
    summary="Create a job on a data set",
    response_model=JobCreatedReply,
    responses=PLAIN.responses(400, 404, 408, 409, 413, 415, 429, 503, 507),
    dependencies=_JSON,
)
async def create_job(state: State, request: Request, body: JobBody, command_id: CommandId) -> Response:
    """The new job's id and status 0."""

    async def create(job_id: int) -> Response:
        command = CreateJob(command_id, job_id, body.data_id, body.name, project=caller().project)
        await send_command(state, state.topics.job_commands, job_id, command)
        return json_response({"job_id": job_id, "status": int(CmdStatus.CREATED)}, 201)

    return await create_once(state, request, command_id, create)


router.get("/", summary="List the jobs", response_model=JobsReply, responses=PLAIN.responses(400, 503))(list_jobs)


@router.get(
    "/{job_id}/",
    summary="Status of a job and of its series",
    response_model=JobReply,
    responses=PLAIN.responses(400, 404, 503),
)
async def get_job(
    state: State,
    job_id: JobId,
    with_series: Annotated[
        int, Query(alias="series", ge=0, le=1, description="0 leaves out the status of every series.")
    ] = 1,
) -> Response:
    """Status, progress and the status of every series."""
    job = known_job(state, job_id)
    progress = ForecastingState.of(state).results.progress(job_id, job.settled)
    return await _told(partial(stands, with_series=bool(with_series)), job, progress)


@router.put(
    "/{job_id}/",
    summary="Choose the columns",
    response_model=SeriesReply,
    responses=PLAIN.responses(400, 404, 408, 409, 413, 415, 429, 503, 507),
    dependencies=_JSON,
)
async def configure_job(state: State, job_id: JobId, body: JobColumnsBody, command_id: CommandId) -> Response:
    """The series that the columns make, with their ids."""
    job = known_job(state, job_id)
    if not is_repeat(command_id, job.commands):
        command = ConfigureJob(
            command_id,
            job_id,
            body.timestamp_indexs,
            body.target_indexs,
            body.groupby_indexs,
            body.freq or "",
            body.time_zone or "",
            body.timestamp_format or "",
            job.project,
            None if body.aggregate is None else body.aggregate.to_event(),
        )
        dataset = await dataset_of(state.store, job.data_id, job.project)
        columns = check_columns(job, command, dataset.header)
        await ForecastingState.of(state).splits.make(command, dataset, columns)
        await send_command(state, state.topics.job_commands, job_id, command)
    return await series.ts_details(state, job_id)


@router.patch(
    "/{job_id}/",
    summary="Store settings of series, or train them",
    response_model=SubmissionReply,
    responses=PLAIN.responses(400, 404, 408, 409, 413, 415, 503),
    dependencies=_JSON,
)
@read_by(read_elements)
async def submit_job(
    state: State, job_id: JobId, elements: Annotated[ElementsBody, Body()], command_id: CommandId
) -> Response:
    """What an element asks for hangs on its fields.

    It asks for training if it has one of `next_k_prediction`, `max_eval`, `auto_tune` and `eval_metrics`. Else its
    settings are only stored, for a later element of the same series that trains; `message` says which series were
    stored and which train. The answer comes as soon as the submission is in the log and the status is changed; it does
    not wait for training.
    """
    job = known_job(state, job_id)
    command = SubmitJob(command_id, job_id, cast("Elements", elements), job.project)
    own = ForecastingState.of(state)
    chosen = await chosen_series(own.splits, job, command.elements)
    if not is_repeat(command_id, job.commands):
        # In a thread, for a submission may be long, and others wait for answers too.
        _, trainings = await asyncio.to_thread(check_elements, job, command.elements, own.limits, chosen)
        if has_table(job):  # else the agent makes one first
            await features_of(state.store, own.splits, job, trainings, record_limit=state.settings.record_limit)
        await send_command(state, state.topics.job_commands, job_id, command)
    job = known_job(state, job_id)
    progress = own.results.progress(job_id, job.settled)
    return await _told(submitted, job, progress, command.elements, chosen)


@router.post(
    "/{job_id}/stop/",
    summary="Stop the training of a job",
    response_model=StoppedReply,
    responses=PLAIN.responses(400, 404, 503),
)
async def stop_job(state: State, job_id: JobId, command_id: BareCommandId) -> Response:
    """The job is at status 4 with the message "cancelled".

    What is trained by then stays. What is not gets the error "cancelled" as its result; it is not begun, and what is
    being computed for it is ended. Where nothing is trained (before the first PATCH that trains, once the job is
    finished, when it was stopped before) nothing changes, and the answer says how the job stands. A later PATCH trains
    again.
    """
    job = known_job(state, job_id)
    if not is_repeat(command_id, job.commands):
        await send_command(state, state.topics.job_commands, job_id, StopJob(command_id, job_id, job.project))
    job = known_job(state, job_id)
    return json_response({"job_id": job_id, "status": int(job.status), "message": job.message})


@router.delete(
    "/{job_id}/", summary="Remove a job and its results", status_code=204, responses=PLAIN.responses(400, 404, 503)
)
async def delete_job(state: State, job_id: JobId, command_id: BareCommandId) -> Response:
    """The job, its series and its results are gone, and what is computed for it is ended.

    Its public events stay until they expire.
    """
    job = known_job(state, job_id)
    command = DeleteJob(command_id, job_id, job.project)
    await send_command(state, state.topics.job_commands, job_id, command)
    return Response(status_code=204)


@router.get(
    "/{job_id}/job_results/",
    summary="Results of a job",
    response_model=ResultsReply | UnfinishedReply,
    responses=PLAIN.responses(400, 404, 409, 503),
)
async def job_results(
    state: State,
    job_id: JobId,
    ts_id: Annotated[int | None, Query(description="Only this series.")] = None,
    history: Annotated[int, Query(ge=0, le=1, description="0 leaves ts_history out.")] = 1,
    as_of: Annotated[
        int | None,
        Query(ge=0, le=_LATEST, description="Status and results as they were at this time, in epoch milliseconds."),
    ] = None,
) -> Response:
    """`{"status": n}` until the job is finished; then status and results of every series (contract J-130 … J-146).

    With `as_of` the answer is that of an earlier time; 404 where the job did not exist yet. A deleted job has no past.
    """
    job = known_job(state, job_id)
    if ts_id is not None and ts_id not in job.ts_ids:
        raise NotFoundError(ForecastingCode.UNKNOWN_SERIES, f"ts_id: {ts_id} is not a series of job {job_id}")
    chosen = job.ts_ids if ts_id is None else (ts_id,)
    rows: Rows
    if as_of is None:
        rows = ForecastingState.of(state).results.of_series(job_id, chosen if job.status >= CmdStatus.DONE else ())
    else:  # in a thread, for every result is looked at; whether the job was finished depends on all series
        rows = ForecastingState.of(state).results.of_series(job_id, job.ts_ids)
        job, rows = await asyncio.to_thread(past.as_of, state.codec, job, rows, as_of)
    if job.status < CmdStatus.DONE or job.split is None:
        return json_response({"status": int(job.status)})
    split = await ForecastingState.of(state).splits.of(job)
    chunks = result_chunks(state.codec, job, {ts_id: rows[ts_id] for ts_id in chosen}, split if history else None)
    if len(chosen) <= SERIES_PER_CHUNK:  # nothing to take turns for: in one piece, it takes half of the time
        return Response(b"".join(chunks), media_type="application/json")
    return StreamingResponse(in_turns(chunks), media_type="application/json")


async def _told(tell: Callable[..., bytes], job: JobRecord, *more: Any) -> Response:
    """What `tell` says of a job and its series, in a thread where they are many: others get their turn meanwhile."""
    few = job.series_count <= SERIES_PER_CHUNK
    body = tell(job, *more) if few else await asyncio.to_thread(tell, job, *more)
    return Response(body, media_type="application/json")


router.include_router(series.router)
router.include_router(export.router)
router.include_router(leaderboard.router)
