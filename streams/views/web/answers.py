"""Answers: JSON by orjson, what many of them name, and live ones, of which a state worker has so many open at most."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Any

import orjson
from fastapi import Response
from pydantic import Field

from streams.access.caller import caller
from streams.errors import Code, UnavailableError
from streams.runtime import Part, StateRuntime

__all__ = [
    "Form",
    "ShownGroups",
    "ShownJobId",
    "ShownModel",
    "ShownSeriesKey",
    "ShownTsId",
    "Streams",
    "csv_too",
    "json_response",
    "streams_of",
]

ShownJobId = Annotated[int, Field(description="The job.")]
ShownTsId = Annotated[int, Field(description="The series.")]
ShownSeriesKey = Annotated[str, Field(description="Its name by its groups.")]
ShownGroups = Annotated[str, Field(description="Its group values, written as a Python tuple.")]
ShownModel = Annotated[str, Field(description="As asked for.")]


class Form(StrEnum):
    """How the answer is written."""

    JSON = "json"
    CSV = "csv"


def csv_too(words: str) -> dict[int | str, Any]:
    """What the API document says of an answer that a query for CSV has as a table."""
    return {200: {"content": {"text/csv": {}}, "description": words}}


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`content` as JSON; non-finite numbers become null."""
    return Response(
        orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS),
        status_code=status,
        media_type="application/json",
        headers=dict(headers or {}),
    )


class Streams(Part):
    """The live streams that are open; they end when the process does."""

    def __init__(self) -> None:
        self.open: Counter[str] = Counter()
        """How many there are, of each project."""
        self.ending = False

    def check_room(self, most: int) -> None:
        """RejectedError where a worker may have no more than are open; one project of several may have half."""
        count, who = self.open.total(), caller()
        if count >= most:
            raise UnavailableError(
                Code.TOO_MANY_STREAMS,
                f"{count} streams are open, the most of a worker: close some, or raise TIDECAST_MAX_STREAMS",
            )
        own, share = self.open[who.project], max(1, most // 2)
        if who.name and own >= share:
            raise UnavailableError(
                Code.TOO_MANY_STREAMS,
                f"{own} streams of project {who.project_id} are open, the most of one project at a worker: close some, "
                "or raise TIDECAST_MAX_STREAMS",
            )

    @contextmanager
    def one(self) -> Iterator[None]:
        """One more, as long as the block lasts."""
        project = caller().project
        self.open[project] += 1
        try:
            yield
        finally:
            self.open[project] -= 1

    async def prepare(self) -> None:
        """Nothing beforehand; but what cancels this is the end of the process."""
        try:
            await asyncio.Event().wait()
        finally:
            self.ending = True


def streams_of(runtime: StateRuntime) -> Streams:
    """The process's."""
    found = runtime.parts.get(Streams)
    if not isinstance(found, Streams):
        found = Streams()
        runtime.add(found)
    return found
