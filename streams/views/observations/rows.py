"""Rows of a data set after its upload, and all of them as they are now: `/data/{data_id}/rows`."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from shutil import copyfileobj
from tempfile import NamedTemporaryFile
from typing import IO, Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask

from connectors.datasets.grown_tables import grown_table
from connectors.kafka.publisher import DeliveryError, Record
from connectors.objects.store import ObjectStore
from schemas.observations import Observation
from streams.access.caller import caller
from streams.errors import Code, RejectedError, UnavailableError, UnsupportedError
from streams.observations.bodies import long_rows, observations_of, of_row, rows_of_csv, rows_of_json
from streams.observations.checks import checked
from streams.observations.forms import chosen_layout, dataset_of, form_of
from streams.observations.table_bodies import TABLE_TYPES, rows_of_table
from streams.runtime import StateRuntime
from streams.views.web.answers import csv_too, json_response
from streams.views.web.door import BodyLimit, Door, Tag, by_id
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import DataId, JsonRoute, State, content_type

__all__ = ["DOOR", "TAG"]

_JSON: Final = "application/json"
_TEXTS: Final = (_JSON, "text/csv")
_TOGETHER: Final = 1000  # rows that are checked at once, up to the first that is wrong

TAG: Final = Tag("observations", "Rows of data sets that come after the upload.")

router = APIRouter(route_class=JsonRoute)
DOOR = Door(
    router=router,
    prefixes=("/data/{data_id}/rows",),
    tag=TAG,
    owner=by_id(2, in_tables=False),
    apart=True,
    slash=False,
    body_limit=BodyLimit("max_upload_bytes"),
)

_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "array",
                    "items": {"type": "object"},
                    "description": "Rows: an object each, with a value for each column.",
                },
                "example": [{"day": "2026-11-30", "sales": 7}],
            },
            "text/csv": {
                "schema": {"type": "string", "description": "UTF-8 with commas; line 1 names the columns."},
                "example": "day,sales\n2026-11-30,7\n",
            },
            **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in TABLE_TYPES},
        },
    }
}


class RowsReply(BaseModel):
    """What was kept."""

    data_id: int = Field(description="The data set.")
    accepted: int = Field(description="Rows that were added or corrected.")


@router.get(
    "/data/{data_id}/rows",
    summary="Get the rows of a data set as they are now",
    response_class=FileResponse,
    responses=csv_too("The table.") | PLAIN.responses(400, 404, 503),
)
async def get_rows(state: State, data_id: DataId) -> Response:
    """The uploaded rows, those among them that were corrected as they are now, and those that came since; as CSV."""
    table = await state.files.whole(None, _table, state.store, data_id, caller().project)
    return FileResponse(
        table.name,
        media_type="text/csv",
        filename=f"data-{data_id}.csv",
        background=BackgroundTask(table.close),
    )


def _table(store: ObjectStore, data_id: int, project: str) -> IO[bytes]:
    """A copy that lives until it is closed."""
    dataset = dataset_of(store, data_id, project)
    with grown_table(store, dataset) as grown, ExitStack() as stack:
        source = stack.enter_context(store.local_file(dataset.text_path)) if grown is None else grown
        copy = NamedTemporaryFile(suffix=".csv")  # noqa: SIM115 - closed when it has been sent
        with source.open("rb") as file:
            copyfileobj(file, copy)
        copy.flush()
        return copy


@router.post(
    "/data/{data_id}/rows",
    summary="Add rows to a data set, or correct some",
    response_model=RowsReply,
    responses=PLAIN.responses(400, 404, 408, 409, 413, 415, 503, 507),
    openapi_extra=_BODY,
)
async def add_rows(
    state: State,
    request: Request,
    data_id: DataId,
    timestamp_column: Annotated[
        str | None, Query(description="The column of times, where no job on the data set has chosen one.")
    ] = None,
    group_columns: Annotated[
        list[str] | None, Query(description="With timestamp_column: the columns that tell series apart.")
    ] = None,
    sheet: Annotated[
        str | None, Query(description="Of an XLSX workbook: the sheet; the first with a table where absent.")
    ] = None,
) -> Response:
    """All of them or none; they can be read when it is answered. JSON, CSV, or a file in Parquet, Arrow or XLSX.

    A row is known by its time and its groups: those columns of the first job on the data set, or the ones named here.
    A row that is there already is corrected; columns that are not sent stay as they are. The last write wins, so that
    sending again after a time-out is safe. The same rows can be sent as events, to the topic observations.

    Where columns of the file were series (`series_columns`), a row may be like a line of that file: each of its values
    is a row of the data set then.
    """
    body, kind, project = await request.body(), content_type(request), caller().project
    if kind not in (*_TEXTS, *TABLE_TYPES):
        known = ", ".join((*_TEXTS, *TABLE_TYPES))
        text = f"Content-Type is {kind or 'missing'}: send one of {known}"
        raise UnsupportedError(Code.UNSUPPORTED_MEDIA_TYPE, text)
    chosen = None if timestamp_column is None else (timestamp_column, tuple(group_columns or ()))
    if (form := TABLE_TYPES.get(kind)) is None:
        read = rows_of_json if kind == _JSON else rows_of_csv
        made = await asyncio.to_thread(_made, state.store, data_id, project, chosen, partial(read, body))
    else:  # a process is started
        rows = partial(rows_of_table, body, form, sheet)
        made = await state.files.whole(len(body), _made, state.store, data_id, project, chosen, rows)
    await _kept(state, made)
    return json_response({"data_id": data_id, "accepted": len(made)})


def _made(
    store: ObjectStore,
    data_id: int,
    project: str,
    chosen: tuple[str, tuple[str, ...]] | None,
    read: Callable[[], Sequence[Mapping[str, Any]]],
) -> list[Observation]:
    """The observations of a body; RejectedError for the first row that cannot be one."""
    rows = read()
    if chosen is not None:
        chosen_layout(store, data_id, project, *chosen)
    form = form_of(store, data_id, project)
    made: list[Observation] = []
    told = long_rows(form, rows)
    for begin in range(0, len(told), _TOGETHER):
        some = told[begin : begin + _TOGETHER]
        part = list(observations_of(form, some, project))
        for (number, _), found in zip(some, checked(form, part, [0] * len(part)), strict=True):
            if isinstance(found, RejectedError):
                raise of_row(number, found)
        made += part
    return made


async def _kept(state: StateRuntime, made: Sequence[Observation]) -> None:
    """Publish them, and wait until the last is kept: those of a data set keep their order."""
    command_id, key = str(uuid4()), b"%d" % made[0].data_id
    events = [*made[:-1], replace(made[-1], command_id=command_id)]
    values = await asyncio.to_thread(state.codec.encode_all, events)
    topic = state.topics.observations
    try:
        with state.waiters.waiting(command_id) as outcome:
            async with asyncio.timeout(state.settings.write_timeout_s):
                await state.publisher.send([Record(topic, key, value) for value in values])
                await asyncio.shield(outcome)
    except (TimeoutError, DeliveryError):
        text = "the rows could not be confirmed in time; they may still be kept: send the same again"
        raise UnavailableError(Code.NOT_CONFIRMED, text) from None
