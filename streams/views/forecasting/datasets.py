"""Data sets: `/data/…` of contract 000."""

import asyncio
import re
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile

from connectors.csv_files.dialect import BadDatasetError, DialectSettings, checked, facts_of
from connectors.datasets import manifests as datasets
from connectors.datasets.grown_tables import grown
from connectors.datasets.incoming import incoming_key
from connectors.objects.store import ObjectStore
from schemas.datasets import AddDataset, DeleteDataset
from streams.access.caller import caller
from streams.access.visibility import visible
from streams.checks import check_name
from streams.codes.forecasting import ForecastingCode
from streams.errors import Code, InvalidError, NotFoundError, TooLargeError
from streams.quotas.state import Quotas
from streams.views.forecasting.replies import DatasetReply, DatasetsReply, PreviewReply
from streams.views.web.answers import json_response
from streams.views.web.commands import BareCommandId, IdempotencyKey, command_id_of, send_command
from streams.views.web.creations import create_once
from streams.views.web.door import BodyLimit, Door, Tag, by_id
from streams.views.web.envelope import PLAIN
from streams.views.web.files import digest_of, plain_name, store_upload
from streams.views.web.reading import DataId, JsonRoute, State, sent_as_form

__all__ = ["DOOR"]

_FORM = 64 * 1024  # bytes of boundaries and text fields around an uploaded file

router = APIRouter(prefix="/data", route_class=JsonRoute)
DOOR = Door(
    apart=True,
    router=router,
    tag=Tag("data sets", "CSV files and their previews."),
    owner=by_id(2, in_tables=False),
    slash=True,
    body_limit=BodyLimit("max_upload_bytes", around=_FORM),
    watched=("/data",),
)


def dialect_form(  # noqa: PLR0913 - one parameter per field is how FastAPI reads a form
    *,
    encoding: Annotated[str | None, Form(description="Such as utf-8, utf-16, windows-1252, gbk, shift_jis.")] = None,
    delimiter: Annotated[
        str | None, Form(description="One character between columns, or comma, semicolon, tab, pipe.")
    ] = None,
    quote: Annotated[
        str | None, Form(description="What encloses cells: a quotation mark, an apostrophe, or none.")
    ] = None,
    decimal: Annotated[str | None, Form(description="What stands before decimals: a point or a comma.")] = None,
    thousands: Annotated[
        str | None, Form(description="Between thousands: a comma, a point, an apostrophe, space, or none.")
    ] = None,
    skipped_lines: Annotated[str | None, Form(description="How many lines lie above the header.")] = None,
    compression: Annotated[str | None, Form(description="gzip, zip, parquet, arrow, xlsx or none.")] = None,
    timestamp_format: Annotated[
        str | None,
        Form(
            description="How timestamps are written: strptime's directives such as %d.%m.%y, or day first, month "
            "first, year first, unix, unix ms, unix us, excel. A job's own timestamp_format wins."
        ),
    ] = None,
    ignored_columns: Annotated[
        str | None, Form(description='The last columns, to be left out: a list of indices such as "[3]".')
    ] = None,
    sheet: Annotated[
        str | None, Form(description="The sheet of an XLSX workbook; absent: the first one with a table.")
    ] = None,
    series_columns: Annotated[
        str | None,
        Form(
            description='Columns that are a series each: a list of indices such as "[1, 2]", or all, which are all '
            "but the first. The data set then has a row for each of their cells, with the columns series (the name "
            "of the cell's column) and value in their place: choose them as group and target of a job."
        ),
    ] = None,
) -> DialectSettings:
    """How the file is written, as its uploader says; what is absent or empty is found out."""
    settings = DialectSettings(
        encoding=encoding or None,
        delimiter=delimiter or None,
        quote=quote or None,
        decimal=decimal or None,
        thousands=thousands or None,
        skipped_lines=_whole("skipped_lines", skipped_lines),
        compression=compression or None,
        ignored_columns=_indexs("ignored_columns", ignored_columns),
        timestamp_format=timestamp_format or None,
        sheet=sheet or None,
        series_columns=() if series_columns == "all" else _indexs("series_columns", series_columns),
    )
    try:
        return checked(settings)
    except BadDatasetError as error:
        raise InvalidError(error.code, error.message) from None


def _whole(field: str, text: str | None) -> int | None:
    if text is None or not text.strip():
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text.strip()):
        raise InvalidError(
            ForecastingCode.BAD_DIALECT, f'{field}: is "{text[:20]}", expected a number of lines such as 2'
        )
    return int(text)


def _indexs(field: str, text: str | None) -> tuple[int, ...] | None:
    if text is None or not text.strip():
        return None
    numbers = re.fullmatch(r"\s*\[?\s*((?:[0-9]{1,6}\s*(?:,\s*[0-9]{1,6}\s*)*)?)\]?\s*", text)
    if numbers is None:
        raise InvalidError(
            ForecastingCode.BAD_DIALECT, f'{field}: is "{text[:20]}", expected column indices such as [3]'
        )
    return tuple(int(number) for number in re.findall("[0-9]+", numbers[1]))


@router.post(
    "/",
    status_code=201,
    summary="Upload a CSV file",
    response_model=DatasetReply,
    responses=PLAIN.responses(400, 408, 409, 413, 415, 429, 503, 507),
    dependencies=[Depends(sent_as_form)],
)
async def add_dataset(
    state: State,
    request: Request,
    upload: Annotated[
        UploadFile,
        File(
            description="A CSV file with a header line, plain or in a gzip or zip file, a Parquet or Arrow file, or "
            "an XLSX workbook. How it is written (encoding, "
            "delimiter, decimals …) is found out and shown as `dialect`; what is found wrongly can be set."
        ),
    ],
    dialect: Annotated[DialectSettings, Depends(dialect_form)],
    name: Annotated[
        str | None, Form(description="1 to 32 of A-Z a-z 0-9 _; made from the file's name if absent.")
    ] = None,
    key: IdempotencyKey = None,
) -> Response:
    """The data set as its preview shows it."""
    file_name = (
        (upload.filename or "upload.csv").encode("utf-8", "replace").decode()
    )  # half a surrogate pair is no text
    if name is None:
        name = plain_name(file_name)
    check_name(name)
    if upload.size is not None and upload.size > state.settings.max_upload_bytes:
        raise TooLargeError(
            Code.TOO_LARGE,
            f"upload: the file has {upload.size} bytes, at most {state.settings.max_upload_bytes} are accepted: "
            "send less, or raise TIDECAST_MAX_UPLOAD_BYTES",
        )
    if key is None:  # else it may be what an earlier try has added
        await Quotas.of(state).check_storage(caller().project, datasets=1, stored_bytes=upload.size or 0)
    # In a thread: the file may be gigabytes. Only with a key, for nothing else asks whether it came before.
    digest = None if key is None else await state.files.whole(upload.size, digest_of, upload)
    command_id = command_id_of(request, key, f"{name} {file_name} {digest}{dialect if dialect.given else ''}".encode())

    async def create(data_id: int) -> Response:
        incoming = incoming_key()
        await state.files.whole(upload.size, store_upload, state.store, incoming, upload)
        command = AddDataset(
            command_id, data_id, name, incoming, file_name, **asdict(dialect), project=caller().project
        )
        dataset = await send_command(state, state.topics.dataset_commands, data_id, command)
        return json_response({"data": _shown(dataset)} | _warnings(dataset), 201)

    return await create_once(state, request, command_id, create, is_there=partial(datasets.is_there, state.store))


@router.get("/", summary="List the data sets", response_model=DatasetsReply)
async def list_datasets(state: State) -> Response:
    """All data sets, oldest first."""
    found = await asyncio.to_thread(datasets.list_all, state.store)
    own = [dataset for dataset in found if visible(dataset)]
    now = await asyncio.to_thread(lambda: [grown(state.store, dataset) for dataset in own])
    return json_response({"data": [_shown(dataset) for dataset in now]})


@router.get(
    "/{data_id}/", summary="Preview a data set", response_model=PreviewReply, responses=PLAIN.responses(400, 404)
)
async def preview(state: State, data_id: DataId) -> Response:
    """The data set, its columns and its first five rows, with the rows that came after the upload."""
    dataset = await asyncio.to_thread(_load, state.store, data_id)
    dataset = await state.files.whole(dataset.bytes, grown, state.store, dataset)
    return json_response(
        {
            "data": _shown(dataset),
            "header": [{"index": index, "label": label} for index, label in enumerate(dataset.header)],
            "status": 200,
            "heads": dataset.heads,
        }
        | _warnings(dataset)
    )


@router.delete("/{data_id}/", status_code=204, summary="Remove a data set", responses=PLAIN.responses(400, 404, 503))
async def delete_dataset(state: State, data_id: DataId, command_id: BareCommandId) -> Response:
    """The data set and its file are gone; jobs keep the series that they made of it."""
    dataset = await asyncio.to_thread(_load, state.store, data_id)
    command = DeleteDataset(command_id, data_id, dataset.project)
    await send_command(state, state.topics.dataset_commands, data_id, command)
    return Response(status_code=204)


def _load(store: ObjectStore, data_id: int) -> datasets.Dataset:
    try:
        return datasets.load(store, data_id, caller().project)
    except datasets.UnknownDatasetError as error:
        raise NotFoundError(ForecastingCode.UNKNOWN_DATASET, str(error)) from None


def _shown(dataset: datasets.Dataset) -> dict[str, Any]:
    fields = asdict(dataset) | {"dialect": facts_of(dataset.dialect)}
    return {"id": dataset.data_id} | {
        name: fields[name] for name in ("name", "uuid", "time_created", "upload", "related_user", "rows", "dialect")
    }


def _warnings(dataset: datasets.Dataset) -> dict[str, Any]:
    """What can be read in two ways; nothing where all is clear, for clients that know the contract's fields alone."""
    return {"warnings": dataset.warnings} if dataset.warnings else {}
