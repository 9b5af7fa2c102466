"""`/job/{job_id}/leaderboard/`: which model forecast each series best, and which series are forecast worst."""

import asyncio
from collections.abc import Sequence
from statistics import fmean, median
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from connectors.datasets.splits import Split
from models.scores.names import ALIASES, IN_SAMPLE, METRICS, loss_of
from schemas.coding.codec import Codec
from schemas.forecasting import JobRecord
from schemas.series import SeriesResult
from streams.codes.forecasting import ForecastingCode
from streams.errors import InvalidError
from streams.forecasting.state import ForecastingState, known_job
from streams.forecasting.time_travel import Rows
from streams.standing.shadows import answered
from streams.views.forecasting.replies import Status
from streams.views.web.answers import ShownGroups, ShownJobId, ShownModel, ShownTsId
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import JobId, JsonRoute, State

__all__ = ["leaderboard", "router"]

router = APIRouter(route_class=JsonRoute)

_MOST: Final = 1000  # series of one answer
_NAMES: Final = (IN_SAMPLE, *METRICS)


class ModelScores(BaseModel):
    """A model and its scores over all series."""

    model_name: ShownModel
    wins: int = Field(description="In how many series it is the best.")
    series: int = Field(description="How many series it has a score of.")
    failed: int = Field(description="How many it could not forecast.")
    mean: float | None = Field(description="The mean of its scores; null where it has none.")
    median: float | None = Field(description="Their median.")


class SeriesScores(BaseModel):
    """A series and how well each model forecast it."""

    ts_id: ShownTsId
    groupby_val: ShownGroups
    winner: str | None = Field(description="The best model; null where none has a score.")
    answered_by: str | None = Field(description="Which models the winner has chosen, where it is one that chooses.")
    score: float | None = Field(description="The winner's.")
    scores: dict[str, float | None] = Field(description="Of each model; null where it has none.")
    failed: list[str] = Field(description="The models that could not forecast it.")


class LeaderboardReply(BaseModel):
    """All series and models of a job in one table."""

    job_id: ShownJobId
    status: Status
    metric: str = Field(description="What is compared.")
    models: list[ModelScores] = Field(description="Best mean first.")
    series_count: int = Field(description="How many series have a result.")
    series: list[SeriesScores] = Field(description="Worst first.")


@router.get(
    "/{job_id}/leaderboard/",
    summary="Which model was best for each series",
    response_model=LeaderboardReply,
    responses=PLAIN.responses(400, 404, 503),
)
async def get_leaderboard(
    state: State,
    job_id: JobId,
    metric: Annotated[
        str, Query(description="What is compared: mase_insample, or a metric that was asked for.", examples=["mae"])
    ] = IN_SAMPLE,
    offset: Annotated[int, Query(ge=0, description="How many series to leave out.")] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST, description="How many series to tell of at most.")] = 100,
) -> Response:
    """Models by their scores in the backtests, best first, and series by that of their winner, worst first.

    Of a series and model the latest result counts. Results that are there count at once, also while others are still
    computed. Series whose forecasts all failed come first, those without a score last.
    """
    job = known_job(state, job_id)
    name = ALIASES.get(metric, metric)
    if name not in _NAMES:
        raise InvalidError(
            ForecastingCode.UNKNOWN_METRIC, f"metric: there is no {metric[:40]!r}; choose from: {', '.join(_NAMES)}"
        )
    forecasting = ForecastingState.of(state)
    split = None if job.split is None else await forecasting.splits.of(job)
    rows = forecasting.results.of_series(job_id, job.ts_ids)
    # In a thread, for every result is looked at.
    board = await asyncio.to_thread(leaderboard, state.codec, job, rows, split, name)
    board["series"] = board["series"][offset : offset + limit]
    return Response(orjson.dumps(board), media_type="application/json")


def leaderboard(codec: Codec, job: JobRecord, rows: Rows, split: Split | None, metric: str) -> dict[str, Any]:
    """The whole table, as the answer has it."""
    series, by_model = [], dict[str, dict[str, Any]]()
    for ts_id, encoded in rows.items():
        latest: dict[str, SeriesResult] = {}
        for result in answered(job, map(codec.decode, encoded)):
            latest[result.model_name] = result
        if not latest:
            continue
        scores = {name: _score(result, metric) for name, result in latest.items()}
        known = [
            (loss_of(metric, score), place, name)
            for place, (name, score) in enumerate(scores.items())
            if score is not None
        ]
        winner = min(known)[2] if known else None
        for name, result in latest.items():
            of_model = by_model.setdefault(name, {"wins": 0, "failed": 0, "scores": []})
            of_model["wins"] += name == winner
            of_model["failed"] += result.error is not None
            if (score := scores[name]) is not None:
                of_model["scores"].append(score)
        series.append(
            {
                "ts_id": ts_id,
                "groupby_val": "" if split is None else split.groupby_val[ts_id - job.first_ts_id],
                "winner": winner,
                "answered_by": None if winner is None else latest[winner].answered_by,
                "score": None if winner is None else scores[winner],
                "scores": scores,
                "failed": [name for name, result in latest.items() if result.error is not None],
            }
        )
    return {
        "job_id": job.job_id,
        "status": int(job.status),
        "metric": metric,
        "models": sorted(
            (_model(name, found) for name, found in by_model.items()), key=lambda one: _rank(metric, one["mean"])
        ),
        "series_count": len(series),
        "series": sorted(series, key=lambda one: _worst_first(metric, one)),
    }


def _score(result: SeriesResult, metric: str) -> float | None:
    return result.mase_insample if metric == IN_SAMPLE else result.metrics.get(metric)


def _model(name: str, found: dict[str, Any]) -> dict[str, Any]:
    scores: Sequence[float] = found["scores"]
    return {
        "model_name": name,
        "wins": found["wins"],
        "series": len(scores),
        "failed": found["failed"],
        "mean": fmean(scores) if scores else None,
        "median": median(scores) if scores else None,
    }


def _rank(metric: str, score: float | None) -> tuple[bool, float]:
    return (True, 0.0) if score is None else (False, loss_of(metric, score))


def _worst_first(metric: str, one: dict[str, Any]) -> tuple[int, float]:
    if one["score"] is not None:
        return 1, -loss_of(metric, one["score"])
    return (0 if len(one["failed"]) == len(one["scores"]) else 2), 0.0
