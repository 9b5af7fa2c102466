"""Values of a job's series that no interval had: `GET /job/{job_id}/anomalies/`."""

import asyncio
import csv
import io
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from connectors.datasets.group_values import named_series
from connectors.datasets.splits import Split
from connectors.table_files.safe_cells import safe_cell
from models.catalog import CATALOG
from schemas.coding.codec import Codec
from schemas.forecasting import JobRecord
from schemas.series import SeriesResult
from streams.accuracy.anomalies import Anomaly, best_of, in_history, observed_ones, to_roll
from streams.accuracy.boards import judged_results
from streams.accuracy.rolling import RolledHistory, RollingCall, RollingSeries
from streams.accuracy.state import AccuracyState, came
from streams.checks import ID_LIMIT
from streams.codes.forecasting import ForecastingCode
from streams.errors import NotFoundError
from streams.forecasting.state import ForecastingState, known_job
from streams.forecasting.time_travel import Rows
from streams.runtime import StateRuntime
from streams.standing.shadows import answered
from streams.views.accuracy.accuracy import TAG
from streams.views.web.answers import Form, ShownJobId, ShownSeriesKey, ShownTsId, csv_too, json_response
from streams.views.web.door import Door
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import JobId, JsonRoute, State

__all__ = ["DOOR"]

_MOST: Final = 200  # series of one answer
_STEPS: Final = 500  # of a history, the last ones
_BUDGET_S: Final = 10.0  # of a page
_METHOD: Final = (
    "history: rolling forecasts of the last {steps} steps at most, each by the model from the values before it alone, "
    "`every` steps from each origin; intervals are the model's own, or as wide as that share of the errors of these "
    "forecasts. observation: the interval of the stored forecast that was made the fewest steps ahead"
)
_COLUMNS: Final = ("timestamp", "actual", "predicted", "low", "high", "source", "step")

router = APIRouter(route_class=JsonRoute)
DOOR = Door.of_job("anomalies", router, TAG)


class AnomalyReply(BaseModel):
    """A value outside its interval."""

    timestamp: str = Field(description="Its time.")
    actual: float = Field(description="The value.")
    predicted: float = Field(description="What was forecast.")
    low: float = Field(description="The lower edge of the interval.")
    high: float = Field(description="The upper edge.")
    source: str = Field(description="history, or observation: a value that came after its forecast.")
    step: int = Field(description="How many steps ahead it was forecast, from 1.")


class SeriesAnomalies(BaseModel):
    """A series and its anomalies."""

    ts_id: ShownTsId
    series_key: ShownSeriesKey
    model_name: str | None = Field(description="The model that was chosen for it; null where it has no forecast.")
    rolled_by: str | None = Field(description="The model that forecast its history: of one that chooses, its best.")
    looked_at: int = Field(description="How many values of the history were forecast.")
    every: int = Field(description="How many steps were forecast from each origin.")
    intervals: str | None = Field(description="model: the model's own; errors: made of the errors of these forecasts.")
    note: str | None = Field(description="Why its history was not looked at, where it was not.")
    anomalies: list[AnomalyReply] = Field(description="By time.")


class AnomaliesReply(BaseModel):
    """Anomalies of some series of a job."""

    job_id: ShownJobId
    level: float = Field(description="Of the intervals, in percent.")
    method: str = Field(description="How they were found.")
    series_count: int = Field(description="How many series the job has.")
    series: list[SeriesAnomalies] = Field(description="By ts_id.")


@router.get(
    "/job/{job_id}/anomalies/",
    summary="Values of a job's series that no interval had",
    response_model=AnomaliesReply,
    responses=csv_too("With format=csv a row for each anomaly.") | PLAIN.responses(400, 404, 409, 503),
)
async def get_anomalies(
    state: State,
    job_id: JobId,
    level: Annotated[float, Query(gt=0, lt=100, description="Of the intervals, in percent.")] = 95,
    model_name: Annotated[
        str | None, Query(description="By this model; else by the one whose backtest is best for the series.")
    ] = None,
    ts_id: Annotated[int | None, Query(ge=1, le=ID_LIMIT, description="This series only.")] = None,
    form: Annotated[Form, Query(alias="format", description="json or csv.")] = Form.JSON,
    offset: Annotated[int, Query(ge=0, description="How many series to leave out.")] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST, description="How many series to look at at most.")] = 20,
) -> Response:
    """Of a level of 95 about one value in twenty is outside without being anything strange.

    A page is given ten seconds: the slower a model, the more steps are forecast from each origin. A value that came
    after its forecast is compared with that; its history is looked at again once the job is refreshed.
    """
    job = known_job(state, job_id)
    if ts_id is not None and ts_id not in job.ts_ids:
        raise NotFoundError(ForecastingCode.UNKNOWN_SERIES, f"ts_id: {ts_id} is not a series of job {job_id}")
    ts_ids = list(job.ts_ids) if ts_id is None else [ts_id]
    page = ts_ids[offset : offset + limit]
    series = await _of_series(state, job, page, level, model_name) if page else []
    if form is Form.CSV:
        name = f'attachment; filename="anomalies-{job_id}.csv"'
        return Response(_csv(series), media_type="text/csv", headers={"Content-Disposition": name})
    return json_response(
        {
            "job_id": job_id,
            "level": level,
            "method": _METHOD.format(steps=_STEPS),
            "series_count": len(ts_ids),
            "series": series,
        }
    )


async def _of_series(
    state: StateRuntime, job: JobRecord, ts_ids: Sequence[int], level: float, model_name: str | None
) -> list[dict[str, Any]]:
    """1. choose a result of each, 2. let the process forecast their histories, 3. compare, with what came as well."""
    forecasting = ForecastingState.of(state)
    assert job.split is not None  # it has series
    split = await forecasting.splits.of(job)
    rows = forecasting.results.of_series(job.job_id, ts_ids)
    found = await asyncio.to_thread(came, state, job, split)
    chosen = await asyncio.to_thread(_chosen, state.codec, job, rows, model_name)
    places = {ts_id: ts_id - job.first_ts_id for ts_id in ts_ids}
    laid = await asyncio.to_thread(
        lambda: {ts_id: to_roll(split.series(places[ts_id]), result, CATALOG) for ts_id, result in chosen.items()}
    )
    asked = RollingCall([one for _, one in laid.values()], level / 100, _STEPS, _BUDGET_S)
    rolled = dict(zip(laid, await AccuracyState.of(state).rolling.ask(asked) if laid else (), strict=True))

    def told() -> list[dict[str, Any]]:
        judged = judged_results(state.codec, job, split, rows, found.values)
        after = observed_ones(answered(job, judged), level)
        answers = []
        for ts_id, place in places.items():
            answer, anomalies = _about(split, ts_id, place, chosen.get(ts_id)), dict[str, Anomaly]()
            if ts_id in rolled:
                (grid, how), one = laid[ts_id], rolled[ts_id]
                answer |= _looked_at(how, one)
                anomalies = {it.timestamp: it for it in in_history(split.series(place), grid, one)}
            for at, told in after.get(ts_id, {}).items():
                anomalies.pop(at, None)
                if told is not None:
                    anomalies[at] = told
            listed = (anomalies[at] for at in sorted(anomalies))
            answers.append({**answer, "anomalies": [{name: getattr(it, name) for name in _COLUMNS} for it in listed]})
        return answers

    return await asyncio.to_thread(told)


def _chosen(codec: Codec, job: JobRecord, rows: Rows, model_name: str | None) -> dict[int, SeriesResult]:
    """The result of each series that has one."""
    best = {
        ts_id: best_of(list(answered(job, map(codec.decode, encoded))), model_name) for ts_id, encoded in rows.items()
    }
    return {ts_id: one for ts_id, one in best.items() if one is not None}


def _looked_at(how: RollingSeries, one: RolledHistory) -> dict[str, Any]:
    return {
        "rolled_by": how.model_name,
        "looked_at": len(one.mean),
        "every": one.every,
        "intervals": None if one.note else "model" if one.own else "errors",
        "note": one.note or None,
    }


def _about(split: Split, ts_id: int, place: int, result: SeriesResult | None) -> dict[str, Any]:
    return {
        "ts_id": ts_id,
        "series_key": named_series(split.groupby_key, split.groupby_val[place]).key,
        "model_name": None if result is None else result.model_name,
        "rolled_by": None,
        "looked_at": 0,
        "every": 0,
        "intervals": None,
        "note": "it has no forecast" if result is None else None,
    }


def _csv(series: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("ts_id", "series_key", "model_name", *_COLUMNS))
    for one in series:
        about = one["ts_id"], safe_cell(one["series_key"]), one["model_name"]
        writer.writerows((*about, *(anomaly[name] for name in _COLUMNS)) for anomaly in one["anomalies"])
    return text.getvalue()
