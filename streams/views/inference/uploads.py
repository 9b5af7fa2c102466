"""Files under the data root: JSON Lines to train on and to transform, and what transform jobs made of them."""

import asyncio
import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import fastapi
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from connectors.datasets import manifests as datasets
from connectors.datasets.manifests import Dataset
from connectors.objects.keys import BadKeyError, check_key
from connectors.objects.layout import OUTPUTS, UPLOADS, Folder, in_project, named
from connectors.objects.store import ObjectStore
from streams import idempotency
from streams.access.caller import caller
from streams.codes.inference import InferenceCode
from streams.errors import Code, ConflictError, InvalidError, RejectedError
from streams.idempotency import Note
from streams.quotas.state import Quotas
from streams.views.inference.envelope import SERVING
from streams.views.web.answers import json_response
from streams.views.web.commands import IdempotencyKey, command_id_of, is_repeat, note_name
from streams.views.web.door import BodyLimit, Door, Tag
from streams.views.web.files import file_response
from streams.views.web.reading import ForgivingRoute, State

__all__ = ["DOOR"]

router = APIRouter(route_class=ForgivingRoute)
DOOR = Door(
    router=router,
    prefixes=("/uploads", "/outputs"),
    apart=True,
    tag=Tag("files", "What training and transform jobs read and write."),
    envelope=SERVING,
    body_limit=BodyLimit("max_upload_bytes"),
)

FilePath = Annotated[str, fastapi.Path(description="Names of letters, digits and . _ = -, with slashes in between.")]
_CHUNK = 1024 * 1024  # bytes that are written by one turn of a thread
_BYTES = {"type": "string", "format": "binary"}
_FILE: dict[int | str, dict[str, Any]] = SERVING.responses(400, 404) | {
    200: {
        "description": "The file.",
        "content": {kind: {"schema": _BYTES} for kind in ("application/octet-stream", "application/jsonlines")},
    }
}


class UploadReply(BaseModel):
    """A stored file."""

    path: str
    bytes: int


@router.put(
    "/uploads/{path:path}",
    summary="Store a file",
    response_model=UploadReply,
    responses=SERVING.responses(400, 404, 408, 409, 413, 415, 429, 507),
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": _BYTES}}}},
)
async def put_upload(state: State, request: Request, path: FilePath, once: IdempotencyKey = None) -> Response:
    """The body as it is, of any content type, in place of what was there; nothing is stored if it breaks off.

    Sent again under one Idempotency-Key it is answered as before, and what lies there by now stays.
    """
    key = _key(UPLOADS, path)
    name = note_name(request, once)
    known = None if name is None else await asyncio.to_thread(idempotency.find, state.store, name)
    taken = await asyncio.to_thread(_dataset, state.store, path)
    if taken is not None:
        text = f"path: /{named(key)[1]} is the file of data set {taken.data_id}: use another name"
        raise ConflictError(Code.NAME_TAKEN, text)
    size, content, declared = 0, hashlib.blake2b(), request.headers.get("content-length", "")
    room = Quotas.of(state).upload(caller().project, int(declared) if declared.isdecimal() else None)
    async with room as come:
        with ExitStack() as stack:
            try:
                writing = state.store.streaming(key) if known is None else _nowhere()
                target = await asyncio.to_thread(stack.enter_context, writing)
                parts = bytearray()
                async for part in request.stream():
                    size += len(part)
                    come(size)
                    if once is not None:
                        content.update(part)
                    parts += part
                    if len(parts) >= _CHUNK:
                        await asyncio.to_thread(target.write, bytes(parts))
                        parts.clear()
                target.write(parts)
                await asyncio.to_thread(stack.close)
            except ClientDisconnect:
                raise InvalidError(InferenceCode.BROKEN_OFF, "the body broke off: send it again") from None
            except (FileExistsError, NotADirectoryError, IsADirectoryError):
                text = "is a folder, or a file is where one of its folders should be: use another name"
                raise ConflictError(Code.NAME_TAKEN, f"path: /{named(key)[1]} {text}") from None
    command_id = command_id_of(request, once, content.digest())
    if known is not None:
        is_repeat(command_id, [known.command_id])
    elif once is not None:
        await asyncio.to_thread(idempotency.confirm, state.store, Note(0, command_id))
    return json_response({"path": f"/{named(key)[1]}", "bytes": size})


@router.get("/uploads/{path:path}", summary="Get a stored file", response_class=Response, responses=_FILE)
async def get_upload(state: State, path: FilePath) -> Response:
    """The file's bytes: of what was PUT there, or of the data set whose `upload` it is, as they were uploaded."""
    key = _key(UPLOADS, path)
    try:
        return await file_response(state.store, key)
    except RejectedError:
        dataset = await asyncio.to_thread(_dataset, state.store, path)
        if dataset is None:
            raise
    return await file_response(state.store, dataset.path)


@router.get("/outputs/{path:path}", summary="Get an output file", response_class=Response, responses=_FILE)
async def get_output(state: State, path: FilePath) -> Response:
    """What a transform job wrote into a folder below /outputs/."""
    return await file_response(state.store, _key(OUTPUTS, path))


@contextmanager
def _nowhere() -> Iterator[IO[bytes]]:
    with Path(os.devnull).open("wb") as file:
        yield file


def _dataset(store: ObjectStore, path: str) -> Dataset | None:
    return datasets.of_upload(store, path, caller().project)


def _key(folder: Folder, path: str) -> str:
    """Of what the caller's project has there."""
    key = in_project(caller().project, folder.key(path))
    try:
        check_key(key)
    except BadKeyError:
        text = f"path: found {path[:200]!r}, expected names of letters, digits and . _ = -, with slashes in between"
        raise InvalidError(InferenceCode.BAD_PATH, text) from None
    return key
