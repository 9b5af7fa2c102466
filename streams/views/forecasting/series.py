"""The series of a forecasting job: `/job/{job_id}/ts_details/…`."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Response

from connectors.datasets.group_values import named_series
from streams.checks import ID_LIMIT
from streams.codes.forecasting import ForecastingCode
from streams.errors import NotFoundError
from streams.forecasting import jobs
from streams.forecasting.state import ForecastingState, known_job
from streams.views.forecasting.replies import HistoryReply, SeriesReply
from streams.views.forecasting.summaries import history, shown_calendar
from streams.views.web.answers import json_response
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import PLAIN_ID, JobId, JsonRoute, State

__all__ = ["router", "ts_details"]

router = APIRouter(route_class=JsonRoute)


@router.get(
    "/{job_id}/ts_details/",
    summary="The series of a job",
    response_model=SeriesReply,
    responses=PLAIN.responses(400, 404, 409, 503),
)
async def ts_details(state: State, job_id: JobId) -> Response:
    """Every series with its group values, and the columns that can be features."""
    job = known_job(state, job_id)
    if job.split is None:
        return json_response({"features": [], "ts_details": []})
    split = await ForecastingState.of(state).splits.of(job)
    statuses = jobs.series_statuses(job, ForecastingState.of(state).results.progress(job_id, job.settled))
    calendars = [shown_calendar(text) for text in split.calendars]
    points = split.lengths.tolist()
    aggregated = job.columns is not None and job.columns.aggregate is not None  # then the times are written plainly
    names = await asyncio.to_thread(lambda: [named_series(split.groupby_key, text) for text in split.groupby_val])
    return json_response(
        {
            "features": [{"index": column.index, "label": column.label} for column in split.features],
            "ts_details": [
                {
                    "ts_id": ts_id,
                    "groupby_val": split.groupby_val[ts_id - job.first_ts_id],
                    "groupby_key": split.groupby_key,
                    "series_key": names[ts_id - job.first_ts_id].key,
                    "groups": names[ts_id - job.first_ts_id].groups,
                    "status": int(status),
                    "points": points[index],
                    **calendars[split.calendar_codes[index]],
                }
                for index, (ts_id, status) in enumerate(statuses.items())
            ],
        }
        | ({"timestamp_format": split.timestamp_format} if split.timestamp_format and not aggregated else {})
        | ({"warnings": split.warnings} if split.warnings else {})
    )


@router.get(
    "/{job_id}/ts_details/{ts_id}/",
    summary="The history of a series",
    response_model=HistoryReply,
    responses=PLAIN.responses(400, 404, 409, 503),
)
async def ts_history(
    state: State,
    job_id: JobId,
    ts_id: Annotated[int, PLAIN_ID, Path(ge=1, le=ID_LIMIT, description="A series of the job.")],
) -> Response:
    """Its values in order of time, the times written as those of forecasts are, whatever the file has."""
    job = known_job(state, job_id)
    if job.split is None or ts_id not in job.ts_ids:
        raise NotFoundError(ForecastingCode.UNKNOWN_SERIES, f"ts_id: {ts_id} is not a series of job {job_id}")
    split = await ForecastingState.of(state).splits.of(job)
    return Response(await asyncio.to_thread(history, split, job, ts_id), media_type="application/json")
