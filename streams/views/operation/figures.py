"""Figures for Prometheus, which tell of everybody's work."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streams.access.caller import Role
from streams.runtime import StateRuntime
from streams.views.web.door import OPERATION, Door
from streams.views.web.reading import runtime

__all__ = ["DOOR"]

router = APIRouter()
DOOR = Door(router=router, apart=True, prefixes=("/metrics",), tag=OPERATION, role=Role.ADMIN)


@router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
async def metrics(state: Annotated[StateRuntime, Depends(runtime)]) -> Response:
    """In the text format of Prometheus."""
    return Response(generate_latest(state.metrics.registry), media_type=CONTENT_TYPE_LATEST)
