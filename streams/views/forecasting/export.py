"""All forecasts of a job as one table: `/job/{job_id}/export/`."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Annotated, Any, Final, NamedTuple, cast

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from connectors.datasets.group_values import group_values
from connectors.datasets.splits import Split
from connectors.table_files.forms import MEDIA_TYPES, TableForm
from schemas.coding.codec import Codec
from schemas.forecasting import CmdStatus, JobRecord
from schemas.series import SeriesResult
from streams.codes.forecasting import ForecastingCode
from streams.errors import ConflictError
from streams.forecasting.state import ForecastingState, known_job
from streams.forecasting.time_travel import Rows
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import JobId, JsonRoute, State

__all__ = ["router"]

router = APIRouter(route_class=JsonRoute)

_ROWS_PER_PART: Final = 20_000
_FORMS: Final[dict[str, Any]] = {media_type: {} for media_type in MEDIA_TYPES.values()}


class _Source(NamedTuple):
    """What a table is made of."""

    codec: Codec
    job: JobRecord
    rows: Rows
    split: Split


@router.get(
    "/{job_id}/export/",
    summary="All forecasts of a job as a file",
    responses={
        200: {"content": _FORMS, "description": "The table; it is sent while it is made."},
        **PLAIN.responses(400, 404, 409, 503),
    },
    response_class=Response,
)
async def export_job(
    state: State,
    job_id: JobId,
    form: Annotated[
        TableForm, Query(alias="format", description="csv, parquet (zstd), or arrow: an Arrow IPC stream.")
    ] = TableForm.CSV,
) -> Response:
    """One row for each step of each forecast, once the job is finished; 409 before.

    Columns: the group-by columns, ts_id, n (the submission's number, from 0), model_name, timestamp (the wall clock of
    the series), utc_offset (minutes, where the data has offsets), value, one column for each quantile (such as q0.1),
    answered_by, note, error. A series that failed has one row, without timestamp and value. A group-by column that is
    called as one of the others gets `_group` added. CSV has no cell that a spreadsheet takes for a formula.
    """
    job = known_job(state, job_id)
    if job.status < CmdStatus.DONE or job.split is None:
        text = f"job {job_id} is at status {int(job.status)}: its forecasts can be exported once it is finished"
        raise ConflictError(ForecastingCode.NOT_FINISHED, text)
    own = ForecastingState.of(state)
    source = _Source(state.codec, job, own.results.of_series(job_id, job.ts_ids), await own.splits.of(job))
    # In threads: what is asked for is all of a job, and others want their answers too.
    pieces, first = await asyncio.to_thread(_begun, source, form)
    return StreamingResponse(
        chain((first,), pieces),
        media_type=MEDIA_TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="forecasts-{job_id}.{form.value}"'},
    )


def _begun(source: _Source, form: TableForm) -> tuple[Iterator[bytes], bytes]:
    """The table and its first piece: a fault there is still an answer of its own."""
    from connectors.table_files.writing import table_pieces  # noqa: PLC0415 - pyarrow: 0.1 s of a start

    labels, columns = _columns(source)
    pieces = table_pieces(form, columns, _parts(source, labels, micros="microseconds" in columns.values()))
    return pieces, next(pieces)


def _columns(source: _Source) -> tuple[list[str], dict[str, str]]:
    """The names of the columns of groups, which no other has, and the kinds of all columns.

    All results are looked at for it: each submission may have quantiles of its own.
    """
    quantiles: set[str] = set()
    offsets = micros = False
    for result in _results(source):
        quantiles.update(result.quantiles)
        offsets = offsets or bool(result.utc_offsets)
        micros = micros or bool(result.micros)
    own = {"ts_id": "whole", "n": "whole", "model_name": "text", "timestamp": "microseconds" if micros else "seconds"}
    own |= {"utc_offset": "whole"} if offsets else {}
    own |= {"value": "real"} | {f"q{name}": "real" for name in sorted(quantiles, key=float)}
    own |= {"answered_by": "text", "note": "text", "error": "text"}
    labels: list[str] = []
    for name in source.split.groupby_key:
        label = name
        while label in own or label in labels or (label != name and label in source.split.groupby_key):
            label += "_group"
        labels.append(label)
    return labels, dict.fromkeys(labels, "text") | own


def _results(source: _Source) -> Iterator[SeriesResult]:
    for ts_id in source.job.ts_ids:
        for row in source.rows[ts_id]:
            yield cast("SeriesResult", source.codec.decode(row))


def _parts(source: _Source, labels: Sequence[str], *, micros: bool) -> Iterator[list[Mapping[str, Any]]]:
    part: list[Mapping[str, Any]] = []
    for result in _results(source):
        group = group_values(source.split.groupby_val[result.ts_id - source.job.first_ts_id])
        part.extend(_steps(result, dict(zip(labels, group, strict=False)), micros=micros))
        if len(part) >= _ROWS_PER_PART:
            yield part
            part = []
    yield part


def _steps(result: SeriesResult, about: dict[str, Any], *, micros: bool) -> Iterator[Mapping[str, Any]]:
    about |= {"ts_id": result.ts_id, "n": result.n, "model_name": result.model_name}
    if result.error is not None:
        yield about | {"error": result.error}
        return
    about |= {"answered_by": result.answered_by, "note": result.note}
    beyond = result.micros or (0,) * len(result.timestamps)
    quantiles = {f"q{name}": values for name, values in result.quantiles.items()}
    for step, at in enumerate(result.timestamps):
        row = about | {"timestamp": at * 1000 + beyond[step] if micros else at // 1000}
        row["value"] = result.predictions[step]
        if result.utc_offsets:
            row["utc_offset"] = result.utc_offsets[step]
        yield row | {name: values[step] for name, values in quantiles.items()}
