"""How far the view of the points is, and its rebuilding from the topic."""

from fastapi import APIRouter, Request, Response

from streams.access.caller import Role
from streams.views.web.answers import json_response
from streams.views.web.door import OPERATION, Door
from streams.views.web.forwarding import from_others, told_others
from streams.views.web.reading import ForgivingRoute, State
from streams.views.workloads.envelope import METRICS
from streams.views.workloads.replies import PlacesReply
from streams.workloads.state import WorkloadsState

__all__ = ["DOOR"]

router = APIRouter(prefix="/api/v1/metrics", route_class=ForgivingRoute)
DOOR = Door(router=router, tag=OPERATION, envelope=METRICS, slash=False, apart=True, role=Role.ADMIN)


@router.get("/places", summary="How far is the view of the points?", response_model=PlacesReply)
async def get_places(state: State, request: Request) -> Response:
    """By partition of the topic `metrics`: what is kept, what the log has, and whether it can be read."""
    own = [place._asdict() for place in WorkloadsState.of(state).keeper.places]
    others = await from_others(state, request, "partitions")
    return json_response({"partitions": sorted([*own, *others], key=lambda it: it["partition"])})


@router.post(
    "/rebuild",
    summary="Read all points again from the topic",
    status_code=202,
    response_model=PlacesReply,
    responses=METRICS.responses(503),
)
async def rebuild(state: State, request: Request) -> Response:
    """Of all workers. Until they are read, whoever asks for points is answered 503; nothing is lost."""
    await request.body()  # it says nothing, but may be too large
    await told_others(state, request)
    WorkloadsState.of(state).keeper.rebuild()
    return json_response({"partitions": [place._asdict() for place in WorkloadsState.of(state).keeper.places]}, 202)
