"""Objects of the store as answers."""

import asyncio
import os
from collections.abc import Iterator
from typing import IO

from fastapi import Response
from fastapi.responses import StreamingResponse

from connectors.objects.store import ObjectNotFoundError, ObjectStore
from streams.errors import Code, NotFoundError

__all__ = ["file_response"]

_CHUNK = 256 * 1024  # bytes; larger ones are no quicker


async def file_response(store: ObjectStore, key: str, media_type: str | None = None) -> Response:
    """The object's bytes, read while they are sent; RejectedError 404 if there is none."""
    try:
        file, size = await asyncio.to_thread(_opened, store, key)
    except ObjectNotFoundError:
        raise NotFoundError(Code.UNKNOWN_FILE, f"there is no file /{key}") from None
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
