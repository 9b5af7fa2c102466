"""Answers that are computed in threads: at once where they are short, piece by piece where they are long."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from typing import Final, TypeVar

from fastapi import Response
from starlette.responses import StreamingResponse

from connectors.kafka.publisher import partition_for
from connectors.point_store.reading import PointReader
from streams.runtime import StateRuntime
from streams.workloads.state import WorkloadsState

__all__ = ["in_thread", "reader_of", "streamed"]

_PIECES: Final = 3  # of an answer that is sent as a whole: what encloses the points, and one block of them

_Made = TypeVar("_Made")


def reader_of(state: StateRuntime, uid: str) -> PointReader:
    """The points of the workload's partition as they are now; UnavailableError while they are not all there."""
    return WorkloadsState.of(state).keeper.reader(partition_for(uid.encode(), state.topics.partitions))


async def in_thread(make: Callable[[], _Made]) -> _Made:
    """What takes longer than a turn of the event loop may."""
    return await asyncio.to_thread(make)


async def streamed(begin: Callable[[], Iterator[bytes]], media_type: str, headers: Mapping[str, str]) -> Response:
    """The pieces as one answer; no more of them than one is in memory. What is refused is raised before it begins."""
    pieces, first, ended = await in_thread(lambda: _begun(begin()))
    if ended:
        return Response(b"".join(first), media_type=media_type, headers=dict(headers))
    return StreamingResponse(chain(first, pieces), media_type=media_type, headers=dict(headers))


def _begun(pieces: Iterator[bytes]) -> tuple[Iterator[bytes], list[bytes], bool]:
    first: list[bytes] = []
    with suppress(StopIteration):
        while len(first) < _PIECES:
            first.append(next(pieces))
        return pieces, first, False
    return pieces, first, True
