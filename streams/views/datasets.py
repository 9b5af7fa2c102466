"""Data sets: `/data/…` of contract 000."""

import asyncio
import hashlib
import re
import shutil
from dataclasses import asdict
from functools import partial
from pathlib import PurePath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Path, Request, Response, UploadFile

from connectors import datasets
from connectors.object_store import ObjectStore
from schemas.commands import AddDataset, DeleteDataset
from streams.errors import RejectedError
from streams.jobs import ID_LIMIT, check_name
from streams.runtime import StateRuntime
from streams.uploads import incoming_key
from streams.views.answers import ERRORS, json_response
from streams.views.replies import DatasetReply, DatasetsReply, PreviewReply
from streams.views.requests import runtime, sent_as_form
from streams.views.writes import IdempotencyKey, command_id_of, minted_id, send_command

__all__ = ["router"]

_BLOCK = 1024 * 1024  # bytes of an upload in memory at a time

router = APIRouter(prefix="/data", tags=["data sets"])

State = Annotated[StateRuntime, Depends(runtime)]
DataId = Annotated[int, Path(ge=1, le=ID_LIMIT, description="The data set.")]


@router.post(
    "/",
    status_code=201,
    summary="Upload a CSV file",
    response_model=DatasetReply,
    responses=ERRORS(400, 408, 409, 413, 415, 503, 507),
    dependencies=[Depends(sent_as_form)],
)
async def add_dataset(
    state: State,
    request: Request,
    upload: Annotated[UploadFile, File(description="A CSV file in UTF-8 with a header line.")],
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
        name = re.sub(r"[^A-Za-z0-9_]+", "_", PurePath(file_name).stem)[:32].strip("_") or "dataset"
    check_name(name)
    if upload.size is not None and upload.size > state.settings.max_upload_bytes:
        raise RejectedError(
            413,
            "too_large",
            f"upload: the file has {upload.size} bytes, at most {state.settings.max_upload_bytes} are accepted: "
            "send less, or raise TIDECAST_MAX_UPLOAD_BYTES",
        )
    # In a thread: the file may be gigabytes. Only with a key, for nothing else asks whether it came before.
    digest = None if key is None else await state.files.whole(upload.size, _digest, upload)
    command_id = command_id_of(request, key, f"{name} {file_name} {digest}".encode())
    async with minted_id(state, request, command_id, is_there=partial(_is_there, state.store)) as data_id:
        incoming = incoming_key()
        await state.files.whole(upload.size, _store_upload, state.store, incoming, upload)
        command = AddDataset(command_id, data_id, name, incoming, file_name)
        dataset = await send_command(state, state.topics.dataset_commands, data_id, command)
    return json_response({"data": _shown(dataset)}, 201)


@router.get("/", summary="List the data sets", response_model=DatasetsReply)
async def list_datasets(state: State) -> Response:
    """All data sets, oldest first."""
    found = await asyncio.to_thread(datasets.list_all, state.store)
    return json_response({"data": [_shown(dataset) for dataset in found]})


@router.get("/{data_id}/", summary="Preview a data set", response_model=PreviewReply, responses=ERRORS(400, 404))
async def preview(state: State, data_id: DataId) -> Response:
    """The data set, its columns and its first five rows."""
    dataset = await asyncio.to_thread(_load, state.store, data_id)
    return json_response(
        {
            "data": _shown(dataset),
            "header": [{"index": index, "label": label} for index, label in enumerate(dataset.header)],
            "status": 200,
            "heads": dataset.heads,
        }
    )


@router.delete("/{data_id}/", status_code=204, summary="Remove a data set", responses=ERRORS(400, 404, 503))
async def delete_dataset(state: State, request: Request, data_id: DataId, key: IdempotencyKey = None) -> Response:
    """The data set and its file are gone; jobs keep the series that they made of it."""
    await asyncio.to_thread(_load, state.store, data_id)
    command = DeleteDataset(command_id_of(request, key), data_id)
    await send_command(state, state.topics.dataset_commands, data_id, command)
    return Response(status_code=204)


def _load(store: ObjectStore, data_id: int) -> datasets.Dataset:
    try:
        return datasets.load(store, data_id)
    except datasets.UnknownDatasetError as error:
        raise RejectedError(404, "unknown_dataset", str(error)) from None


def _is_there(store: ObjectStore, data_id: int) -> bool:
    try:
        datasets.load(store, data_id)
    except datasets.UnknownDatasetError:
        return False
    return True


def _digest(upload: UploadFile) -> str:
    """Of the content, which is read from its start and left there."""
    digest = hashlib.blake2b(digest_size=16)
    upload.file.seek(0)
    while block := upload.file.read(_BLOCK):
        digest.update(block)
    upload.file.seek(0)
    return digest.hexdigest()


def _store_upload(store: ObjectStore, key: str, upload: UploadFile) -> None:
    with store.writing(key) as path, path.open("wb") as target:
        shutil.copyfileobj(upload.file, target, _BLOCK)


def _shown(dataset: datasets.Dataset) -> dict[str, Any]:
    fields = asdict(dataset)
    return {"id": dataset.data_id} | {
        name: fields[name] for name in ("name", "uuid", "time_created", "upload", "related_user", "rows")
    }
