"""The latest forecast of a series: of one by its id, of all that have a name, whatever job they are of."""

import asyncio
from operator import itemgetter
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from connectors.datasets.group_values import BadSeriesKeyError, place_of, read_key
from schemas.coding.wire import UndecodableError
from streams.access.caller import caller
from streams.access.visibility import visible
from streams.checks import ID_LIMIT
from streams.codes.forecasting import ForecastingCode
from streams.errors import Code, InvalidError, NotFoundError, UnavailableError
from streams.forecasting.forecast_table import forecast_json
from streams.forecasting.state import ForecastingState
from streams.rows.ownership import owner_elsewhere
from streams.rows.recovery import is_ready
from streams.runtime import StateRuntime
from streams.views.forecasting.replies import UTC_OFFSETS
from streams.views.web.admission.hops import came_by_hop
from streams.views.web.answers import ShownTsId, json_response
from streams.views.web.door import Door, Tag
from streams.views.web.envelope import PLAIN
from streams.views.web.forwarding import from_others, passed_on
from streams.views.web.reading import PLAIN_ID, JsonRoute, State

__all__ = ["DOOR"]

_NAMES_PROJECT: Final = b'"project":'  # as a key; within a text the quotation marks have backslashes

router = APIRouter(prefix="/forecasts", route_class=JsonRoute)
DOOR = Door(router=router, apart=True, tag=Tag("forecasts", "The latest forecast of a series."), slash=False)

SOURCE = "X-Tidecast-Source"  # of the answer: `table`, this worker's or the owner's, or `redis`


class ForecastReply(BaseModel):
    """A forecast; the same JSON is in Redis at `forecast:{ts_id}`, where that is used."""

    ts_id: ShownTsId
    job_id: int = Field(description="The job that trained it; 0: an endpoint was asked by an event.")
    n: int = Field(description="Number of the submission within the job: the latest that has a forecast.")
    item_id: str = Field(description="The group values of the series.")
    model_name: str = Field(description="The model that was asked for, or the endpoint.")
    cutoff: str = Field(description="Time of the last value of the history.")
    timestamps: list[str] = Field(
        description="YYYY-MM-DD HH:MM:SS of each value on the file's clock, with a fraction where steps are shorter."
    )
    utc_offsets: list[str] | None = UTC_OFFSETS
    mean: list[float] = Field(description="The forecast.")
    quantiles: dict[str, list[float]] | None = Field(
        None, description='Forecast quantiles by level, such as "0.1"; only of models that have them.'
    )
    answered_by: str | None = Field(None, description="The model that answered, where it is not the one asked for.")
    switches: int | None = Field(
        None, description="How often the job's answering model was switched; of two the one with more is newer."
    )
    series_key: str | None = Field(
        None, description="The name of the series, the same in every job of the data set; absent of endpoints."
    )
    groups: dict[str, str] | None = Field(None, description="Its group values by column.")
    data_id: int | None = Field(None, description="Its data set.")
    project: str | None = Field(None, description="Whose it is, where that is not the default project.")


class ForecastsReply(BaseModel):
    """The forecasts of a series by the jobs that have it, those of the newest job first."""

    forecasts: list[ForecastReply]


@router.get(
    "",
    summary="The latest forecasts of a series by its name",
    response_model=ForecastsReply,
    responses=PLAIN.responses(400, 503),
)
async def find_forecasts(
    state: State,
    request: Request,
    series_key: Annotated[
        str,
        Query(
            description="The group values of the series by column, in the order of the columns' names, such as "
            "Carrier=AA/Origin=EWR; `all` where the data set is not grouped. `%`, `/` and `=` in a name or value are "
            "written %25, %2F and %3D, before the key is escaped as any value of an address is."
        ),
    ],
    data: Annotated[int, Query(ge=1, le=ID_LIMIT, description="The data set.")],
    among: Annotated[
        list[int] | None, Query(alias="ts_id", description="Only of these series.", include_in_schema=False)
    ] = None,
) -> Response:
    """One for each job on the data set that has the series and a forecast of it; none where there is no such series.

    Jobs lie with the workers that own them, and forecasts with those that own their series: 1. all workers are asked
    which series these are, 2. all are asked for their forecasts.
    """
    if not is_ready(state.app):
        raise UnavailableError(Code.RECOVERING, "the forecasts are being recovered or are moving to a worker")
    if among is None:
        among = await _series_called(state, series_key, data)
        among += [found["ts_id"] for found in await from_others(state, request, "series", query=str(request.url.query))]
        if came_by_hop(request.scope):
            return json_response({"series": [{"ts_id": ts_id} for ts_id in among]})
    asked = "&".join(f"ts_id={ts_id}" for ts_id in among)
    own = (ForecastingState.of(state).forecasts.get(b"%d" % ts_id) for ts_id in among)
    found = [orjson.loads(forecast_json(forecast)) for forecast in own if forecast is not None and visible(forecast)]
    if among:
        found += await from_others(state, request, "forecasts", query=f"{request.url.query}&{asked}")
    return json_response({"forecasts": sorted(found, key=itemgetter("job_id"), reverse=True)})


async def _series_called(state: StateRuntime, series_key: str, data_id: int) -> list[int]:
    """The series of this worker's jobs on a data set that have this name."""
    try:
        groups = read_key(series_key)
    except BadSeriesKeyError as error:
        raise InvalidError(ForecastingCode.BAD_SERIES_KEY, f"series_key: {error}") from None
    own, found = ForecastingState.of(state), []
    for job in (own.jobs.get(job_id) for job_id in own.jobs.ids()):
        if job is None or job.data_id != data_id or job.split is None or not visible(job):
            continue
        split = await own.splits.of(job)
        place = await asyncio.to_thread(place_of, groups, split.groupby_key, split.groupby_val)
        if place is not None:
            found.append(job.first_ts_id + place)
    return found


@router.get(
    "/{ts_id}",
    summary="The latest forecast of a series",
    response_model=ForecastReply,
    responses=PLAIN.responses(400, 404, 503),
)
async def get_forecast(
    state: State, request: Request, ts_id: Annotated[int, PLAIN_ID, Path(ge=1, le=ID_LIMIT, description="The series.")]
) -> Response:
    """Of this worker's table, the truth for its partitions; else of Redis, if complete; else of the series' owner."""
    key = b"%d" % ts_id
    ready = is_ready(state.app)
    elsewhere = not ready or owner_elsewhere(state.app, key) is not None
    online = ForecastingState.of(state).online
    if elsewhere and online is not None:
        complete, body = await online.read(key)
        if complete:
            return _answer(ts_id, body if body is not None and _is_callers(body) else None, "redis")
    if not ready:
        raise UnavailableError(Code.RECOVERING, "the forecasts are being recovered or are moving to a worker")
    if elsewhere and (response := await passed_on(state, request, key)) is not None:
        return response
    try:
        forecast = ForecastingState.of(state).forecasts.get(key)
    except UndecodableError:  # a row of a later release, after a step back to this one
        raise UnavailableError(
            ForecastingCode.UNREADABLE, f"the forecast of series {ts_id} is of a later release"
        ) from None
    return _answer(ts_id, forecast_json(forecast) if forecast is not None and visible(forecast) else None, "table")


def _is_callers(body: bytes) -> bool:
    """Whether a forecast in Redis is the caller's project's; that of the default project names none."""
    project = orjson.loads(body).get("project", "") if _NAMES_PROJECT in body else ""
    return bool(project == caller().project)


def _answer(ts_id: int, body: bytes | None, source: str) -> Response:
    if body is None:
        raise NotFoundError(ForecastingCode.UNKNOWN_FORECAST, f"there is no forecast of series {ts_id}")
    return Response(body, media_type="application/json", headers={SOURCE: source})
