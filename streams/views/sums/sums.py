"""Forecasts of a job's series added up: `GET /job/{job_id}/sums/`."""

import asyncio
import csv
import io
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Response

from connectors.datasets.splits import Split
from connectors.table_files.safe_cells import safe_cell
from models.errors import RejectedInputError
from models.options import checked_options
from schemas.coding.codec import Codec
from schemas.forecasting import JobRecord
from streams.codes.forecasting import ForecastingCode
from streams.errors import Code, ConflictError, InvalidError, TooLargeError
from streams.forecasting.state import ForecastingState, known_job
from streams.forecasting.time_travel import Rows
from streams.standing.shadows import answered
from streams.sums.asked import Asked, check_additive
from streams.sums.branches import Branch, branches_of
from streams.sums.results import counting
from streams.views.sums.replies import SumsReply
from streams.views.web.answers import Form, csv_too, json_response
from streams.views.web.door import Door, Tag
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import JobId, JsonRoute, State

__all__ = ["DOOR"]

_MOST: Final = 1000  # sums of one answer
_MOST_STEPS: Final = 1_000_000  # of the histories of one answer: about 20 MB
_LEVELS: Final = (0.025, 0.1, 0.9, 0.975)  # those that models with intervals have
_OWN: Final = ("series", "timestamp", "utc_offset", "value", "error")

router = APIRouter(route_class=JsonRoute)
DOOR = Door.of_job("sums", router, Tag("sums", "Forecasts of series added up."))

Fill = Literal["none", "zero", "previous", "interpolate"]


@router.get(
    "/job/{job_id}/sums/",
    summary="Forecasts of a job's series added up",
    response_model=SumsReply,
    responses=csv_too("With format=csv a row for each step of each sum.") | PLAIN.responses(400, 404, 409, 413, 503),
)
async def get_sums(  # noqa: PLR0913 - one parameter for each that can be asked
    state: State,
    *,
    job_id: JobId,
    by: Annotated[
        list[str] | None,
        Query(max_length=100, description="Columns that the job is grouped by; none: the total."),
    ] = None,
    tree: Annotated[
        int, Query(ge=0, le=1, description="1: all levels, from the total over the columns of `by` to the series.")
    ] = 0,
    model_name: Annotated[
        str | None, Query(description="Forecasts by this model; else by the one whose backtest is best for the series.")
    ] = None,
    partial: Annotated[int, Query(ge=0, le=1, description="1: sums without the series that cannot be added.")] = 0,
    levels: Annotated[
        list[float] | None,
        Query(max_length=25, description="The quantiles that are wanted; 0.025, 0.1, 0.9 and 0.975."),
    ] = None,
    fill: Annotated[Fill, Query(description="What stands for missing values of histories.")] = "none",
    history: Annotated[
        int, Query(ge=0, le=100_000, description="How many steps of the histories to show, the last.")
    ] = 0,
    form: Annotated[Form, Query(alias="format", description="json or csv.")] = Form.JSON,
    offset: Annotated[int, Query(ge=0, description="How many sums to leave out.")] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST, description="How many sums to tell of at most.")] = 100,
) -> Response:
    """Each step of a sum is the sum of the forecasts of its series (bottom-up): sums of all levels add up.

    A sum begins behind the last value of its series, and has the steps that all of them are forecast for. Its
    quantiles are not the sums of theirs, but are made of the errors that the sum itself had in the backtest (split
    conformal prediction); its scores are those of the sum in the same backtest. Where a series has no forecast, failed
    or ends too early, the sum has an `error`, or with partial=1 is made without it.
    """
    job = known_job(state, job_id)
    if job.split is None:
        text = f"job {job_id} has no series yet: choose its columns, and train them"
        raise ConflictError(ForecastingCode.NOT_FINISHED, text)
    asked = Asked(_checked(_LEVELS if levels is None else levels, fill), model_name, bool(partial), fill, history)
    if history * limit > _MOST_STEPS:
        text = f"history: {limit} sums with {history} steps are more than {_MOST_STEPS} steps: ask for fewer at a time"
        raise TooLargeError(Code.TOO_LARGE, text, {"field": "history"})
    note = check_additive(job)
    own = ForecastingState.of(state)
    split = await own.splits.of(job)
    # In threads: a sum may have all series of a job, and others want their answers too.
    branches = await asyncio.to_thread(branches_of, split, by or (), tree=bool(tree))
    page = branches[offset : offset + limit]
    places = {place for branch in page for place in branch.places}
    rows = own.results.of_series(job_id, (job.first_ts_id + place for place in sorted(places)))
    sums = await asyncio.to_thread(_sums, state.codec, job, split, page, rows, asked)
    if form is Form.CSV:
        name = f'attachment; filename="sums-{job_id}.csv"'
        text = await asyncio.to_thread(_csv, sums, split.groupby_key, asked.levels)
        return Response(text, media_type="text/csv", headers={"Content-Disposition": name})
    head = {"job_id": job_id, "status": int(job.status), "note": note, "sums_count": len(branches)}
    return json_response(head | {"sums": sums})


def _checked(levels: Sequence[float], fill: str) -> tuple[float, ...]:
    try:
        return checked_options(None, tuple(levels), None, None, fill).levels
    except RejectedInputError as error:
        text = f"{error.field}: {error.message}"
        raise InvalidError(Code.INVALID_REQUEST, text, {"field": error.field}) from None


def _sums(
    codec: Codec,
    job: JobRecord,
    split: Split,
    page: Sequence[Branch],
    rows: Rows,
    asked: Asked,
) -> list[dict[str, Any]]:
    from streams.sums.adding import added  # noqa: PLC0415 - scipy: sums are asked for seldom

    results = {
        ts_id - job.first_ts_id: counting(list(answered(job, map(codec.decode, encoded))), asked.model_name)
        for ts_id, encoded in rows.items()
    }
    return [added(job, split, branch, results, asked) for branch in page]


def _csv(sums: Sequence[Mapping[str, Any]], columns: Sequence[str], levels: Sequence[float]) -> str:
    """A row for each step; of a sum that could not be made one row, with its error."""
    names = [f"{level:.6g}" for level in levels]
    own = [*_OWN[:-1], *(f"q{name}" for name in names), _OWN[-1]]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*(safe_cell(f"{label}_group" if label in own else label) for label in columns), *own])
    for one in sums:
        about = [*(safe_cell(one["groups"].get(label, "")) for label in columns), one["series"]]
        if one["error"] is not None:
            writer.writerow([*about, "", "", "", *("" for _ in names), safe_cell(one["error"])])
            continue
        offsets = one.get("utc_offsets") or ("",) * len(one["timestamps"])
        quantiles = [one["quantiles"].get(name) for name in names]
        for step, (at, offset, value) in enumerate(zip(one["timestamps"], offsets, one["predictions"], strict=True)):
            enclosed = ["" if values is None else values[step] for values in quantiles]
            writer.writerow([*about, at, offset, value, *enclosed, ""])
    return text.getvalue()
