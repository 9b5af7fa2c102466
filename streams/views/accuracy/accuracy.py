"""How good a job's forecasts were, by the values that came later: `GET /job/{job_id}/accuracy/`."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from streams.accuracy.boards import NOTHING
from streams.accuracy.state import Shown, board_of
from streams.checks import ID_LIMIT
from streams.forecasting.state import known_job
from streams.views.web.answers import ShownGroups, ShownJobId, ShownModel, ShownSeriesKey, ShownTsId, json_response
from streams.views.web.door import Door, Tag
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import JobId, JsonRoute, State

__all__ = ["DOOR", "TAG"]

_MOST: Final = 1000  # series of one answer
_SCALE: Final = (
    "mean distance of values one season apart in the history before the forecast, less its hold-out: "
    "that of mase_insample"
)

TAG: Final = Tag("accuracy", "Forecasts judged by the values that came later.")

router = APIRouter(route_class=JsonRoute)
DOOR = Door.of_job("accuracy", router, TAG, watched=True)


class Coverage(BaseModel):
    """How many values lay in the intervals of a level."""

    judged: int = Field(description="Values whose forecast has such an interval.")
    inside: float = Field(description="The share of them that lay in it.")


class Sums(BaseModel):
    """Mean errors of values that came; null where there are none."""

    judged: int = Field(description="How many values: each once for every forecast of its time.")
    mae: float | None = Field(description="Mean absolute error.")
    rmse: float | None = Field(description="Root of the mean squared error.")
    bias: float | None = Field(description="Mean of actual less predicted.")
    mase: float | None = Field(description="Mean of absolute errors by the scale of each forecast.")
    coverage: dict[str, Coverage] = Field(description="By the level of the intervals in percent, such as 80.")


class OfStep(Sums):
    """Those of forecasts so many steps ahead."""

    step: int = Field(description="From 1.")


class OfAll(Sums):
    """With what was promised."""

    backtest_mase: float | None = Field(
        description="The mean mase_insample of the backtests of the same forecasts, by the same scale."
    )


class OfModel(OfAll):
    """Those of one model's forecasts."""

    model_name: ShownModel
    series: int = Field(description="How many series have judged values of it.")


class LastValue(BaseModel):
    """The latest value that was judged."""

    timestamp: str = Field(description="Its time.")
    actual: float = Field(description="What came.")
    predicted: float = Field(description="What was forecast.")
    n: int = Field(description="By which submission.")
    step: int = Field(description="How many steps ahead.")


class OfSeries(OfAll):
    """Those of one series and model."""

    ts_id: ShownTsId
    series_key: ShownSeriesKey
    groupby_val: ShownGroups
    model_name: ShownModel
    last: LastValue
    horizons: list[OfStep] = Field(description="By step ahead.")


class AccuracyReply(BaseModel):
    """What came of a job's forecasts."""

    job_id: ShownJobId
    data_id: int = Field(description="The data set whose rows were compared with the forecasts.")
    scale: str = Field(description="What errors are divided by for mase.")
    note: str | None = Field(description="Why nothing can be judged, where nothing can.")
    overall: OfAll
    models: list[OfModel] = Field(description="By name.")
    horizons: list[OfStep] = Field(description="By step ahead.")
    series_count: int = Field(description="How many series and models have judged values.")
    series: list[OfSeries] = Field(description="Worst mase first; those without one last.")


@router.get(
    "/job/{job_id}/accuracy/",
    summary="How good a job's forecasts were",
    response_model=AccuracyReply,
    responses=PLAIN.responses(400, 404, 409, 503),
)
async def get_accuracy(
    state: State,
    job_id: JobId,
    model_name: Annotated[str | None, Query(description="Series of this model only.")] = None,
    ts_id: Annotated[int | None, Query(ge=1, le=ID_LIMIT, description="This series only.")] = None,
    offset: Annotated[int, Query(ge=0, description="How many series to leave out.")] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST, description="How many series to tell of at most.")] = 100,
) -> Response:
    """Each value that was added to the data set is compared with every forecast that the job has for its time.

    A corrected value takes the place of the one before; the same value again changes nothing. Errors are by series and
    model, by step ahead and over all; `model_name` and `ts_id` choose among the series, not of the sums.
    """
    job = known_job(state, job_id)
    if job.split is None:
        shown = Shown(NOTHING, "the job has no series yet: choose its columns")
    else:
        shown = await board_of(state, job)
    board = shown.board
    chosen = board.chosen(model_name, ts_id)
    series = await asyncio.to_thread(chosen.page, offset, limit)
    return json_response(
        {
            "job_id": job_id,
            "data_id": job.data_id,
            "scale": _SCALE,
            "note": shown.note,
            "overall": board.overall,
            "models": board.models,
            "horizons": board.horizons,
            "series_count": len(chosen.series),
            "series": series,
        }
    )
