"""Workloads and the points of their metrics: contract 004."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from connectors.kafka.publisher import partition_for
from models.json_words import json_problem, without_mark
from streams.access.visibility import own
from streams.checks import invalid_field
from streams.codes.workloads import WorkloadsCode
from streams.errors import Code, InvalidError, NotFoundError, TooLargeError
from streams.views.web.answers import json_response
from streams.views.web.door import Door, Tag, by_name
from streams.views.web.reading import ForgivingRoute, State, sent_as_json
from streams.views.workloads import listing, live
from streams.views.workloads.answering import in_thread, reader_of, streamed
from streams.views.workloads.envelope import METRICS
from streams.views.workloads.replies import AcceptedReply, AvailableReply, PointParameters, PointsBody, PointsReply
from streams.workloads.points import check_uid, checked
from streams.workloads.queries import blocks, is_true, query_of, selection_of
from streams.workloads.shapes import as_csv, as_json
from streams.workloads.state import WorkloadsState

__all__ = ["DOOR"]

_MOST_POINTS: Final = 100_000  # of a request: some seconds of work
_FORMS: Final = ("json", "csv")
_LAST: Final = "X-Last-Event-ID"  # where a live stream goes on from what an answer has

_PREFIX: Final = "/api/v1/workloads"
points_router = APIRouter(prefix=_PREFIX, route_class=ForgivingRoute)
# Read by the view itself, so FastAPI does not know it. A point is among the document's schemas by the answers.
_BODY: Final = PointsBody.model_json_schema(ref_template="#/components/schemas/{model}")
del _BODY["$defs"]

router = APIRouter(route_class=ForgivingRoute)
DOOR = Door(
    router=router,
    prefixes=(_PREFIX,),
    tag=Tag("metrics", "Points of trainings, live and afterwards, whoever trains."),
    envelope=METRICS,
    owner=by_name(4),
    apart=True,
    slash=False,
    watched=(_PREFIX,),
)

Uid = Annotated[str, Path(description="The workload: 1 to 128 characters of A-Z a-z 0-9 . _ : -")]


@points_router.get(
    "/{workload_uid}/metrics/available",
    summary="List the metrics of a workload",
    response_model=AvailableReply,
    responses=METRICS.responses(400, 404, 503),
)
async def get_available(
    state: State,
    request: Request,
    workload_uid: Uid,
    strict: Annotated[str | None, Query(description="true: 404 for a workload that nothing was heard of.")] = None,
) -> Response:
    """Each metric once, with its sources and the number of its points, in order of first appearance."""
    check_uid(workload_uid)
    uid = own(workload_uid)
    reader = reader_of(state, uid)

    def make() -> list[dict[str, Any]] | None:
        workload = reader.workload(uid)
        if workload is None:
            return None
        metrics: dict[str, dict[str, Any]] = {}
        for (name, source), count in zip(workload.series, reader.counts(workload), strict=True):
            item = metrics.setdefault(name, {"name": name, "data_source": [], "count": 0})
            item["data_source"].append(source)
            item["count"] += count
        return list(metrics.values())

    del strict  # read with all its values
    found = await in_thread(make)
    if found is None and is_true(request.query_params.getlist("strict")):
        raise NotFoundError(
            WorkloadsCode.UNKNOWN_WORKLOAD,
            f"workload_uid {workload_uid} is unknown: GET /api/v1/workloads lists those that there are",
        )
    metrics = found or []
    return json_response({"workload_uid": workload_uid, "metrics": metrics, "total_count": len(metrics)})


@points_router.get(
    "/{workload_uid}/metrics/data",
    summary="Get points of a workload",
    response_model=PointsReply,
    responses=METRICS.responses(400, 503),
)
async def get_data(
    state: State, request: Request, workload_uid: Uid, asked: Annotated[PointParameters, Query()]
) -> Response:
    """All that the filters leave, by time, then iteration, then arrival; the last one is the newest.

    The header X-Last-Event-ID says from where a live stream goes on.
    """
    check_uid(workload_uid)
    query = query_of(request.query_params.getlist)
    form = (asked.format or "json").strip().lower()
    if form not in _FORMS:
        raise invalid_field("format", f"expected json or csv, not {form[:60]!r}")
    uid = own(workload_uid)
    reader = reader_of(state, uid)

    def pieces() -> Iterator[bytes]:
        workload = reader.workload(uid)
        series = [] if workload is None else workload.series
        found = iter(()) if workload is None else blocks(reader, selection_of(workload, query), query)
        return as_csv(series, found) if form == "csv" else as_json(workload_uid, query.echo, series, found)

    headers = {_LAST: str(reader.place(partition_for(uid.encode(), state.topics.partitions)) - 1)}
    if form == "csv":
        headers["Content-Disposition"] = 'attachment; filename="training_metrics.csv"'
    return await streamed(pieces, "text/csv" if form == "csv" else "application/json", headers)


@points_router.post(
    "/{workload_uid}/metrics",
    summary="Send points of a workload",
    status_code=202,
    response_model=AcceptedReply,
    responses=METRICS.responses(400, 408, 413, 415, 503),
    dependencies=[Depends(sent_as_json)],
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": _BODY}}, "required": True}},
)
async def post_points(state: State, request: Request, workload_uid: Uid) -> Response:
    """All of them or none. A point that was sent before is kept once: sending again after a time-out is safe."""
    check_uid(workload_uid)
    body = await request.body()
    points = await in_thread(lambda: checked(own(workload_uid), _rows(body)))
    await WorkloadsState.of(state).keep(points)
    return json_response({"accepted": points.size}, 202)


def _rows(body: bytes) -> list[Any]:
    """The points of a body."""
    content = _read(body)
    rows = content.get("data") if isinstance(content, dict) else None
    if not isinstance(rows, list):
        raise invalid_field("data", 'is missing or no array: send {"data": [point, …]}')
    if len(rows) > _MOST_POINTS:
        raise TooLargeError(
            Code.TOO_LARGE,
            f"data: has {len(rows)} points, at most {_MOST_POINTS} are taken at once: send parts",
        )
    return rows


def _read(body: bytes) -> Any:
    """JSON; also with a bare NaN or Infinity, as Python's own writer has them: a loss may be no number."""
    body = without_mark(body)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            problem = json_problem(error, body)
            text = f"body: not valid JSON: {problem.words} at byte {problem.byte}"
            raise InvalidError(Code.INVALID_REQUEST, text) from None


@points_router.api_route("//metrics/{rest:path}", methods=["GET", "POST"], include_in_schema=False)
async def no_uid(rest: str) -> Response:
    """What a script asks whose variable is empty (M-071)."""
    del rest
    raise InvalidError(WorkloadsCode.BAD_UID, "workload_uid is required")


for _part in (listing.router, points_router, live.router):
    router.include_router(_part)
