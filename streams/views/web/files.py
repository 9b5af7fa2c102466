"""Objects of the store as answers, and uploads as objects."""

import asyncio
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import PurePath
from typing import IO, Final

from fastapi import Response, UploadFile
from fastapi.responses import StreamingResponse

from connectors.objects.layout import named
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from streams.errors import Code, NotFoundError

__all__ = ["digest_of", "file_response", "plain_name", "store_upload"]

_CHUNK = 256 * 1024  # bytes; larger ones are no quicker
_BLOCK: Final = 1024 * 1024  # bytes of an upload in memory at a time
_LONGEST_NAME: Final = 32


def plain_name(file_name: str) -> str:
    """A data set's name made of its file's: letters, digits and underscores, at most 32 of them, and never none."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", PurePath(file_name).stem)[:_LONGEST_NAME].strip("_") or "dataset"


def digest_of(upload: UploadFile) -> str:
    """Of an upload's content, which is read from its start and left there."""
    digest = hashlib.blake2b(digest_size=16)
    upload.file.seek(0)
    while block := upload.file.read(_BLOCK):
        digest.update(block)
    upload.file.seek(0)
    return digest.hexdigest()


def store_upload(store: ObjectStore, key: str, upload: UploadFile) -> None:
    """Put an upload's content, from its start, at the key: whole, or not at all."""
    upload.file.seek(0)
    with store.streaming(key) as target:
        shutil.copyfileobj(upload.file, target, _BLOCK)


async def file_response(store: ObjectStore, key: str, media_type: str | None = None) -> Response:
    """The object's bytes, read while they are sent; RejectedError 404 if there is none."""
    try:
        file, size = await asyncio.to_thread(_opened, store, key)
    except ObjectNotFoundError:
        raise NotFoundError(Code.UNKNOWN_FILE, f"there is no file /{named(key)[1]}") from None
    lines = key.endswith((".jsonl", ".jsonl.out"))
    return StreamingResponse(
        _chunks(file),
        media_type=media_type or ("application/jsonlines" if lines else "application/octet-stream"),
        headers={"Content-Length": str(size)},
    )


def _opened(store: ObjectStore, key: str) -> tuple[IO[bytes], int]:
    file = store.open(key)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return file, size


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    """To be read in threads, as Starlette does."""
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
