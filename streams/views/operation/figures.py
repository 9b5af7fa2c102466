"""Figures for Prometheus, which tell of everybody's work."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streams.access.caller import Role
from streams.views.web.door import OPERATION, Door
from streams.views.web.reading import ForgivingRoute, State

__all__ = ["DOOR"]

router = APIRouter(route_class=ForgivingRoute)
DOOR = Door(router=router, apart=True, prefixes=("/metrics",), tag=OPERATION, role=Role.ADMIN)


@router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
async def metrics(state: State) -> Response:
    """In the text format of Prometheus."""
    return Response(generate_latest(state.metrics.registry), media_type=CONTENT_TYPE_LATEST)
