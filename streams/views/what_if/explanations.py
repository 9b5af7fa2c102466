"""Why forecasts of a job are what they are: `GET /job/{job_id}/explanations/`."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from connectors.datasets.splits import Split
from schemas.forecasting import JobRecord
from streams.checks import ID_LIMIT
from streams.codes.forecasting import ForecastingCode
from streams.errors import NotFoundError
from streams.forecasting.state import ForecastingState
from streams.runtime import StateRuntime
from streams.views.web.answers import Form, csv_too, json_response
from streams.views.web.door import Door
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import JobId, JsonRoute, State
from streams.views.what_if.explained_replies import ExplanationsReply
from streams.views.what_if.what_if import BUDGET_S, MOST, TAG, job_to_ask
from streams.what_if.asking import Why
from streams.what_if.explaining import as_rows, explained, features_of_all
from streams.what_if.gathered import gathered, none_answered
from streams.what_if.state import WhatIfState
from streams.what_if.telling import told_error

__all__ = ["DOOR"]

_METHOD: Final = (
    "Shapley values of the features in the steps ahead: what a feature adds is how much the forecast differs from that "
    "with the feature at its mean over the history, whichever of the others count; together with the rest they are the "
    "forecast. The model is fitted once more to the same history, with all features."
)

router = APIRouter(route_class=JsonRoute)
DOOR = Door.of_job("explanations", router, TAG)


@router.get(
    "/job/{job_id}/explanations/",
    summary="What features add to forecasts",
    response_model=ExplanationsReply,
    responses=csv_too("With format=csv a row for each step and feature.")
    | PLAIN.responses(400, 404, 409, 413, 503, 504),
)
async def get_explanations(
    state: State,
    job_id: JobId,
    *,
    ts_id: Annotated[int | None, Query(ge=1, le=ID_LIMIT, description="This series only.")] = None,
    model_name: Annotated[
        str | None, Query(description="Forecasts by this model; else by the best of those with features.")
    ] = None,
    form: Annotated[Form, Query(alias="format", description="json or csv.")] = Form.JSON,
    offset: Annotated[int, Query(ge=0, description="How many series to leave out.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST, description="How many series to tell of at most.")] = 20,
) -> Response:
    """Made of the settings and features of stored forecasts when it is asked for; nothing is stored or trained.

    What features add is no proof that they are the cause: a price that always falls in summer explains what summer
    does. A series without a forecast with features has an `error`; where no series of the page has an answer, that is
    the answer's. A page is given a minute: what would take longer is refused at once, with the number of series that
    there is time for.
    """
    job = job_to_ask(state, job_id, model_name)
    if ts_id is not None and ts_id not in job.ts_ids:
        raise NotFoundError(ForecastingCode.UNKNOWN_SERIES, f"ts_id: {ts_id} is not a series of job {job_id}")
    ts_ids = list(job.ts_ids) if ts_id is None else [ts_id]
    split = await ForecastingState.of(state).splits.of(job)
    series = await _answers(state, job, split, ts_ids[offset : offset + limit], model_name)
    if form is Form.CSV:
        name = f'attachment; filename="explanations-{job_id}.csv"'
        text = await asyncio.to_thread(as_rows, series)
        return Response(text, media_type="text/csv", headers={"Content-Disposition": name})
    head = {"job_id": job_id, "method": _METHOD, "series_count": len(ts_ids), "features": features_of_all(series)}
    return json_response(head | {"series": series})


async def _answers(
    state: StateRuntime, job: JobRecord, split: Split, ts_ids: Sequence[int], model_name: str | None
) -> list[dict[str, Any]]:
    """1. choose a forecast of each series, 2. let processes explain it, 3. tell."""
    ready, errors, known = await gathered(state, job, split, ts_ids, model_name)
    calls = [Why(one.command, one.chosen) for one in ready.values()]
    made = dict(zip(ready, await WhatIfState.of(state).asking.explain(calls, BUDGET_S), strict=True))
    errors |= {key: one.error for key, one in made.items() if one.error is not None}
    if errors and len(errors) == len(ts_ids):
        raise none_answered(job, errors)
    return await asyncio.to_thread(
        lambda: [
            explained(ready[key], made[key], split)
            if key not in errors
            else told_error(job, split, key, known.get(key), errors[key])
            for key in ts_ids
        ]
    )
