"""The latest forecast of a series, whatever job it is of."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field

from schemas.coding.wire import UndecodableError
from streams.checks import ID_LIMIT
from streams.codes.forecasting import ForecastingCode
from streams.errors import Code, NotFoundError, UnavailableError
from streams.forecasting.forecast_table import forecast_json
from streams.forecasting.state import ForecastingState
from streams.rows.ownership import owner_elsewhere
from streams.rows.recovery import is_ready
from streams.runtime import StateRuntime
from streams.views.forecasting.replies import UTC_OFFSETS
from streams.views.web.door import Door, Tag
from streams.views.web.envelope import PLAIN
from streams.views.web.forwarding import passed_on
from streams.views.web.reading import runtime

__all__ = ["DOOR"]

router = APIRouter(prefix="/forecasts")
DOOR = Door(router=router, tag=Tag("forecasts", "The latest forecast of a series."), slash=False)

State = Annotated[StateRuntime, Depends(runtime)]
SOURCE = "X-Tidecast-Source"  # of the answer: `table`, this worker's or the owner's, or `redis`


class ForecastReply(BaseModel):
    """A forecast; the same JSON is in Redis at `forecast:{ts_id}`, where that is used."""

    ts_id: int = Field(description="The series.")
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


@router.get(
    "/{ts_id}",
    summary="The latest forecast of a series",
    response_model=ForecastReply,
    responses=PLAIN.responses(400, 404, 503),
)
async def get_forecast(
    state: State, request: Request, ts_id: Annotated[int, Path(ge=1, le=ID_LIMIT, description="The series.")]
) -> Response:
    """Of this worker's table, the truth for its partitions; else of Redis, if complete; else of the series' owner."""
    key = b"%d" % ts_id
    ready = is_ready(state.app)
    elsewhere = not ready or owner_elsewhere(state.app, key) is not None
    online = ForecastingState.of(state).online
    if elsewhere and online is not None:
        complete, body = await online.read(key)
        if complete:
            return _answer(ts_id, body, "redis")
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
    return _answer(ts_id, None if forecast is None else forecast_json(forecast), "table")


def _answer(ts_id: int, body: bytes | None, source: str) -> Response:
    if body is None:
        raise NotFoundError(ForecastingCode.UNKNOWN_FORECAST, f"there is no forecast of series {ts_id}")
    return Response(body, media_type="application/json", headers={SOURCE: source})
