"""Liveness and readiness."""

import asyncio
from datetime import timedelta
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from connectors.kafka.admin import broker_reachable
from streams.errors import Code
from streams.rows.recovery import is_ready
from streams.views.web.answers import json_response
from streams.views.web.door import OPERATION, Door
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import ForgivingRoute, State

__all__ = ["DOOR"]

router = APIRouter(route_class=ForgivingRoute)
DOOR = Door(
    router=router, apart=True, prefixes=("/healthz", "/readyz"), tag=OPERATION, open=("GET /healthz", "GET /readyz")
)

_BROKER_TIMEOUT = timedelta(seconds=2)  # a health check that waits longer is itself a failed one


class HealthReply(BaseModel):
    """The process is up, or ready."""

    status: Literal["ok", "ready"]


@router.get("/healthz", summary="Is the process up?", response_model=HealthReply)
async def healthz() -> Response:
    """Always 200 while the process serves."""
    return json_response({"status": "ok"})


@router.get("/readyz", summary="Can it work?", response_model=HealthReply, responses=PLAIN.responses(503))
async def readyz(state: State) -> Response:
    """200 when the tables are recovered and the broker answers; 503 with the reason otherwise."""
    if not is_ready(state.app):
        return PLAIN.refusal(503, Code.RECOVERING, "the tables are being recovered or partitions are moving")
    if not await asyncio.to_thread(broker_reachable, state.bootstrap, _BROKER_TIMEOUT):
        return PLAIN.refusal(503, Code.BROKER_UNREACHABLE, f"no Kafka broker answers at {state.bootstrap}")
    return json_response({"status": "ready"})
