"""What a project has of each quota, and how much it may have."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from streams.errors import Code, UnavailableError
from streams.quotas.limits import QUOTAS
from streams.quotas.state import Quotas
from streams.rows.recovery import is_ready
from streams.views.access.session import TAG, seen_project
from streams.views.web.admission.hops import came_by_hop
from streams.views.web.answers import json_response
from streams.views.web.door import Door
from streams.views.web.envelope import PLAIN
from streams.views.web.forwarding import from_others
from streams.views.web.reading import JsonRoute, State

__all__ = ["DOOR"]

router = APIRouter(prefix="/access/projects/{project}/usage", route_class=JsonRoute)
DOOR = Door(apart=True, router=router, tag=TAG, slash=False)


class Usage(BaseModel):
    """Of one quota."""

    used: int
    limit: int | None = Field(description="Null: as much as it likes.")
    own: bool = Field(description="Whether the limit is the project's own, not the installation's.")


class UsageReply(BaseModel):
    """What a project uses, by quota."""

    project: str
    usage: dict[str, Usage]


@router.get("", summary="What a project uses", response_model=UsageReply, responses=PLAIN.responses(401, 404, 503))
async def get_usage(
    state: State, request: Request, project: Annotated[str, Path(description="The project's id.", max_length=64)]
) -> Response:
    """Of one's own project; administrators see all of them."""
    if not is_ready(state.app):
        raise UnavailableError(Code.RECOVERING, "what there is is being recovered, or is moving to a worker")
    asked, quotas = seen_project(state, project), Quotas.of(state)
    rows = Counter(await quotas.used_here(asked))
    for told in await from_others(state, request, "usage"):
        rows.update({quota: told[quota]["used"] for quota in rows})
    used = {**rows, **({} if came_by_hop(request.scope) else await quotas.stored(asked))}
    limits, own = quotas.limits_of(asked), quotas.own_limits_of(asked)
    usage = {
        quota: {"used": used.get(quota, 0), "limit": limits[quota] or None, "own": quota in own} for quota in QUOTAS
    }
    return json_response({"project": project, "usage": usage})
