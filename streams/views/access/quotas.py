"""Quotas of a project's own, given by administrators; which apply to it is told with what it uses (`usage`)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, Field

from schemas.access import ChangeProject
from streams.access.authenticator import project_named
from streams.access.caller import Role
from streams.access.directory import KEY
from streams.access.state import AccessState
from streams.checks import ID_LIMIT
from streams.views.access.session import TAG, seen_project
from streams.views.access.users import done
from streams.views.web.answers import json_response
from streams.views.web.commands import CommandId
from streams.views.web.door import Door, Owned
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import JsonRoute, State, sent_as_json
from streams.views.web.strict import StrictBody

__all__ = ["DOOR"]

router = APIRouter(prefix="/access/projects/{project}/quotas", route_class=JsonRoute)
DOOR = Door(
    apart=True,
    router=router,
    tag=TAG,
    slash=False,
    role=Role.ADMIN,
    owner=lambda _: Owned(KEY, in_tables=False),  # who applies the commands
)

Limit = Annotated[int | None, Field(ge=0, le=ID_LIMIT, strict=True)]
_AS_BEFORE = -1  # what a command says for null


class QuotasRequest(StrictBody):
    """Limits: what is left out stays, null is the limit of the installation's settings, 0 is none."""

    datasets: Limit = Field(None, description="Data sets.")
    jobs: Limit = Field(None, description="Forecasting jobs.")
    series: Limit = Field(None, description="Series of all forecasting jobs.")
    stored_bytes: Limit = Field(None, description="Bytes of data sets, uploads and outputs.")
    services: Limit = Field(None, description="Services.")
    replicas: Limit = Field(None, description="Replicas of all services.")
    training_jobs: Limit = Field(None, description="Training jobs, of each kind.")
    running_versions: Limit = Field(None, description="Versions of training jobs that run at a time.")


class QuotasReply(BaseModel):
    """The limits that the project has of its own."""

    project: str
    quotas: dict[str, int]


Asked = Annotated[str, Path(description="The project's id.", max_length=64)]


@router.get(
    "", summary="Show a project's own quotas", response_model=QuotasReply, responses=PLAIN.responses(401, 403, 404)
)
async def get_quotas(state: State, project: Asked) -> Response:
    """The limits that it has of its own; others are those of the settings."""
    row = AccessState.of(state).directory.get("quotas", seen_project(state, project))
    return json_response({"project": project, "quotas": {} if row is None else dict(row.quotas)})


@router.put(
    "",
    summary="Give a project quotas of its own",
    response_model=QuotasReply,
    responses=PLAIN.responses(400, 401, 403, 404, 409, 413, 415, 503),
    dependencies=[Depends(sent_as_json)],
)
async def put_quotas(state: State, project: Asked, body: QuotasRequest, command_id: CommandId) -> Response:
    """What is there already stays, even beyond a new limit; only more is refused."""
    sent = {name: getattr(body, name) for name in body.model_fields_set}
    quotas = {name: _AS_BEFORE if limit is None else limit for name, limit in sent.items()}
    row = await done(state, ChangeProject(command_id, project_named(project), quotas=quotas))
    return json_response({"project": project, "quotas": dict(row.quotas)})
