"""What W&B's client sends beside its runs, and nobody needs here: files about its machine, figures of its own."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from streams.views.tracking.owners import TRACKING
from streams.views.tracking.wandb_envelope import WANDB
from streams.views.web.answers import json_response
from streams.views.web.door import BodyLimit, Door, Tag
from streams.views.web.reading import ForgivingRoute

__all__ = ["DOOR"]

router = APIRouter(route_class=ForgivingRoute)
DOOR = Door(
    router=router,
    prefixes=("/wandb-dropped", "/sdk"),
    tag=Tag("wandb", f"{TRACKING} The client finds these by WANDB_BASE_URL."),
    envelope=WANDB,
    slash=False,
    apart=True,
    body_limit=BodyLimit("max_upload_bytes"),
    packed=True,
)

Named = Annotated[str, Path(description="As the client was told; it is not looked at.")]


@router.put(
    "/wandb-dropped/{entity}/{project}/{run}/{number}",
    summary="Take a file of a W&B run, and drop it",
    response_model=dict[str, Any],
    responses=WANDB.responses(413),
)
async def drop_file(request: Request, entity: Named, project: Named, run: Named, number: Named) -> Response:
    """Points are kept, files are not."""
    del entity, project, run, number
    return await _dropped(request)


@router.post(
    "/sdk/otel/v1/{kind}",
    summary="Take figures of W&B's client about itself, and drop them",
    response_model=dict[str, Any],
    responses=WANDB.responses(413),
)
async def drop_telemetry(request: Request, kind: Named) -> Response:
    """They are about the client, not about the run."""
    del kind
    return await _dropped(request)


async def _dropped(request: Request) -> Response:
    """Read to the end, lest the connection is closed under the client."""
    async for _ in request.stream():
        pass
    return json_response({})
