"""Points of a workload as they come: server-sent events, which a browser resumes by itself."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Header, Path, Query, Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from connectors.kafka.publisher import partition_for
from connectors.point_store.windows import EVER, Axis, windows
from streams.access.visibility import own
from streams.checks import invalid_field
from streams.runtime import StateRuntime
from streams.views.web.answers import streams_of
from streams.views.web.reading import SEVERAL, ForgivingRoute, State
from streams.views.workloads.answering import in_thread, reader_of
from streams.views.workloads.envelope import METRICS
from streams.workloads.points import check_uid
from streams.workloads.queries import PointQuery, query_of, selection_of
from streams.workloads.shapes import as_objects
from streams.workloads.state import WorkloadsState

__all__ = ["router"]

_PING_S: Final = 15  # proxies close a connection that says nothing for half a minute
_PAUSE_S: Final = 0.2  # between two looks: a chart need not be drawn more often
_QUIET_S: Final = 1.0  # after which it is seen that the process ends, or the workload has gone to another worker
_MOST_POINTS: Final = 1000  # of an event
_OFFSET: Final = re.compile(r"-?\d{1,18}")

router = APIRouter(prefix="/api/v1/workloads", route_class=ForgivingRoute)


@router.get(
    "/{workload_uid}/metrics/stream",
    summary="Watch a workload",
    response_class=EventSourceResponse,
    responses=METRICS.responses(400, 503),
)
async def stream(
    state: State,
    request: Request,
    workload_uid: Annotated[str, Path(description="The workload; it need not have begun.")],
    last_event_id: Annotated[str | None, Header(description="Go on behind this event.")] = None,
    after: Annotated[
        str | None, Query(alias="last_event_id", description="The same, for those who can send no header.")
    ] = None,
    metrics: Annotated[str | None, SEVERAL, Query(description="Names, parted by commas; absent: all.")] = None,
    data_source: Annotated[str | None, SEVERAL, Query(description="log, wandb, tensorflow, parted by commas.")] = None,
) -> Response:
    """Events `points`, each an array of points in `data`: first all that there are, in order of arrival, then each new.

    The X-Last-Event-ID of a data call, given as `last_event_id`, leaves out what that call has answered.
    """
    del metrics, data_source  # read with all their values
    check_uid(workload_uid)
    query = query_of(lambda name: request.query_params.getlist(name) if name in ("metrics", "data_source") else ())
    given = last_event_id if last_event_id is not None else after
    if given and not _OFFSET.fullmatch(given):
        raise invalid_field("Last-Event-ID", f"expected the id of an event, not {given[:60]!r}")
    reader_of(state, own(workload_uid))  # UnavailableError before the stream begins
    streams_of(state).check_room(state.settings.max_streams)
    return EventSourceResponse(_events(state, own(workload_uid), query, int(given or -1)), ping=_PING_S)


async def _events(state: StateRuntime, uid: str, query: PointQuery, last: int) -> AsyncIterator[ServerSentEvent]:
    """Until the client goes, or this worker has the workload no more: then it comes again, and finds the new owner."""
    part, streams = WorkloadsState.of(state), streams_of(state)
    partition = partition_for(uid.encode(), state.topics.partitions)
    with streams.one(), part.keeper.audience.listening(uid) as something:
        while not streams.ending and partition in part.keeper.current:
            something.clear()
            arrived = _arrived(state, uid, query, last)
            while (found := await in_thread(partial(next, arrived, None))) is not None:
                last, data = found
                yield ServerSentEvent(data, event="points", id=str(last))
            await asyncio.sleep(_PAUSE_S)
            while not streams.ending and partition in part.keeper.current and not something.is_set():
                try:
                    async with asyncio.timeout(_QUIET_S):
                        await something.wait()
                except TimeoutError:
                    continue


def _arrived(state: StateRuntime, uid: str, query: PointQuery, last: int) -> Iterator[tuple[int, str]]:
    """What has come behind a place of the log, as events."""
    reader = reader_of(state, uid)
    workload = reader.workload(uid)
    if workload is None:
        return
    wanted = selection_of(workload, query)._replace(span=(last + 1, EVER[1]), axis=Axis.ARRIVAL)
    for block in windows(reader, wanted):
        for first in range(0, block.size, _MOST_POINTS):
            points = block.take(slice(first, first + _MOST_POINTS))
            content: list[dict[str, Any]] = as_objects(points, workload.series)
            yield int(points.offset[-1]), orjson.dumps(content).decode()
