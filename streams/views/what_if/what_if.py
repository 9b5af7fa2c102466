"""What forecasts of a job would be with other features: `POST /job/{job_id}/what-if/`."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response

from connectors.datasets.group_values import named_series
from connectors.datasets.splits import Split
from models.catalog import CATALOG
from schemas.forecasting import JobRecord
from schemas.series import SeriesResult
from streams.codes.forecasting import ForecastingCode
from streams.errors import ConflictError, InvalidError, NotFoundError, RejectedError
from streams.forecasting.state import ForecastingState, known_job
from streams.runtime import StateRuntime
from streams.views.web.answers import Form, csv_too, json_response
from streams.views.web.door import Door, Tag
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import JobId, JsonRoute, State, sent_as_json
from streams.views.what_if.bodies import ALL, WhatIfBody
from streams.views.what_if.replies import WhatIfReply
from streams.what_if.asked import check_groups
from streams.what_if.asking import Call
from streams.what_if.gathered import gathered, none_answered
from streams.what_if.state import WhatIfState
from streams.what_if.telling import as_table, told, told_error, totals

__all__ = ["BUDGET_S", "DOOR", "MOST", "TAG", "job_to_ask"]

MOST: Final = 1000  # series of one answer
BUDGET_S: Final = 60.0  # of a page: what waits for longer is mostly given up by a proxy in between

TAG: Final = Tag("what-if", "What prices, campaigns or holidays add to forecasts, and what they would add.")

router = APIRouter(route_class=JsonRoute)
DOOR = Door.of_job("what-if", router, TAG, asks=("what-if",))


@router.post(
    "/job/{job_id}/what-if/",
    summary="What forecasts would be with other features",
    response_model=WhatIfReply,
    responses=csv_too("With format=csv a row for each step of each series.")
    | PLAIN.responses(400, 404, 409, 413, 415, 503, 504),
    dependencies=[Depends(sent_as_json)],
)
async def ask_what_if(
    state: State,
    job_id: JobId,
    body: WhatIfBody,
    *,
    form: Annotated[Form, Query(alias="format", description="json or csv.")] = Form.JSON,
    offset: Annotated[int, Query(ge=0, description="How many series to leave out.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST, description="How many series to tell of at most.")] = 100,
) -> Response:
    """Nothing is stored, and no training is asked for: both forecasts are made anew by the settings of the stored one.

    The model is fitted once more to the same history, so that what differs is what was changed. A series without a
    forecast with features has an `error`; where no series of the page has an answer, that is the answer's. A page is
    given a minute: what would take longer is refused at once, with the number of series that there is time for.
    """
    job = job_to_ask(state, job_id, body.model_name)
    split = await ForecastingState.of(state).splits.of(job)
    ts_ids = await asyncio.to_thread(_chosen, job, split, body)
    page = ts_ids[offset : offset + limit]
    series = await _answers(state, job, split, page, body)
    if form is Form.CSV:
        name = f'attachment; filename="what-if-{job_id}.csv"'
        text = await asyncio.to_thread(as_table, series)
        return Response(text, media_type="text/csv", headers={"Content-Disposition": name})
    head = {"job_id": job_id, "series_count": len(ts_ids), "totals": totals(series)}
    return json_response(head | {"series": series})


def job_to_ask(state: StateRuntime, job_id: int, model_name: str | None) -> JobRecord:
    """The job; RejectedError where it is unknown or has no series, or where there is no such model."""
    job = known_job(state, job_id)
    if job.split is None:
        text = f"job {job_id} has no series yet: choose its columns, and train them with feature_indexs"
        raise ConflictError(ForecastingCode.NOT_FINISHED, text)
    if model_name is not None and model_name not in CATALOG:
        text = f"model_name: {model_name[:60]!r} is unknown; known are {', '.join(CATALOG)}"
        raise InvalidError(ForecastingCode.UNKNOWN_MODEL, text, {"field": "model_name"})
    return job


def _chosen(job: JobRecord, split: Split, body: WhatIfBody) -> Sequence[int]:
    """The series that are asked about, ascending."""
    if body.ts_id != ALL:
        for ts_id in body.ts_id:
            if ts_id not in job.ts_ids:
                text = f"ts_id: {ts_id} is not a series of job {job.job_id}"
                raise NotFoundError(ForecastingCode.UNKNOWN_SERIES, text)
        return sorted(set(body.ts_id))
    if not body.groups:
        return job.ts_ids
    check_groups(split, body.groups, "groups", {"field": "groups"})
    groups = (named_series(split.groupby_key, value).groups for value in split.groupby_val)
    found = [job.first_ts_id + place for place, one in enumerate(groups) if body.groups.items() <= one.items()]
    if not found:
        text = f"groups: no series of job {job.job_id} has them: GET ts_details lists what there is"
        raise NotFoundError(ForecastingCode.UNKNOWN_SERIES, text)
    return found


async def _answers(
    state: StateRuntime, job: JobRecord, split: Split, ts_ids: Sequence[int], body: WhatIfBody
) -> list[dict[str, Any]]:
    """1. choose a forecast of each series, 2. read the features that they have, 3. let processes make both, 4. tell."""
    asked = [change.asked() for change in body.changes]
    ready, errors, known = await gathered(state, job, split, ts_ids, body.model_name, asked)
    calls = [Call(one.command, one.changes, one.chosen) for one in ready.values()]
    made = dict(zip(ready, await WhatIfState.of(state).asking.ask(calls, BUDGET_S), strict=True))
    errors |= {ts_id: one.error for ts_id, one in made.items() if one.error is not None}
    if errors and len(errors) == len(ts_ids):
        raise _nothing(job, errors, known)
    return await asyncio.to_thread(
        lambda: [
            told(ready[ts_id], made[ts_id], split)
            if ts_id not in errors
            else told_error(job, split, ts_id, known.get(ts_id), errors[ts_id])
            for ts_id in ts_ids
        ]
    )


def _nothing(job: JobRecord, errors: Mapping[int, str], known: Mapping[int, SeriesResult]) -> RejectedError:
    """What to raise where no series can be asked: its change is wrong, or none has a forecast that fits."""
    first = min(errors)
    if first not in known:
        return none_answered(job, errors)
    others = f" ({len(errors)} series have no answer)" if len(errors) > 1 else ""
    text = f"{errors[first]}; series {first}{others}"
    return InvalidError(ForecastingCode.INVALID_CHANGE, text, {"field": "changes"})
