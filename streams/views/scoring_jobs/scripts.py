"""Scripts: `/generate-script` (contract S-090, S-091)."""

import uuid
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response

from schemas.scoring_jobs import GenerateScript
from streams.access.visibility import own
from streams.errors import Code, UnavailableError
from streams.rows.ownership import owner_elsewhere
from streams.runtime import StateRuntime
from streams.views.scoring.owners import check_settled, owners_answer
from streams.views.scoring.reading import ALIAS, Fields, answers_post, body_of, data_response, fields_of, text
from streams.views.scoring_jobs.replies import GeneratedScript
from streams.views.scoring_jobs.shown import content_of, ext_of
from streams.views.web.commands import IdempotencyKey, command_id_of, send_command
from streams.views.web.door import Door, Tag
from streams.views.web.model_service import MODEL_SERVICE
from streams.views.web.reading import ForgivingRoute, State

__all__ = ["DOOR", "JOBS"]

_DRAWS: Final = 2000  # with n workers a name is ours once in n draws
JOBS: Final = Tag("scoring jobs", "Data sets scored by a model: by demand, or by a schedule.")

router = APIRouter(route_class=ForgivingRoute)
DOOR = Door(
    router=router,
    prefixes=("/generate-script", f"{ALIAS}/generate-script"),
    tag=JOBS,
    envelope=MODEL_SERVICE,
    slash=False,
    apart=True,
)

_BODY: Final[dict[str, Any]] = {
    "inputDataset": {"type": "string", "description": "The data set that is read."},
    "outputDataset": {"type": "string", "description": "The data set that is written; ends in .csv or .jsonl."},
    "modelName": {"type": "string", "description": "The model; absent: the one that was uploaded or tested last."},
    "fileName": {"type": "string", "description": "Under which the script is kept; made if absent."},
    "ext": {"type": "string", "description": "Its suffix; .py if absent."},
}


@answers_post(
    router,
    "/generate-script",
    summary="Generate a script that scores a data set",
    response_model=GeneratedScript,
    responses=MODEL_SERVICE.responses(400, 404, 408, 409, 413, 415, 503),
    openapi_extra=body_of(_BODY, ("inputDataset", "outputDataset")),
)
async def generate_script(
    state: State, request: Request, fields: Annotated[Fields, Depends(fields_of)], key: IdempotencyKey = None
) -> Response:
    """A program that does what a run does. One of the same name is replaced; jobs keep what they were made of."""
    command_id = command_id_of(request, key, content_of(fields))
    name = text(fields, "fileName", required=False)
    if name:
        answer = await owners_answer(state, request, own(name))
        if answer is not None:
            return answer
    command = GenerateScript(
        command_id=command_id,
        file_name=own(name),
        input_dataset=text(fields, "inputDataset"),
        output_dataset=text(fields, "outputDataset"),
        model_name=text(fields, "modelName", required=False),
        ext=ext_of(fields),
    )
    command = command if name else replace(command, file_name=_own_name(state))
    script = await send_command(state, state.topics.scoring_job_commands, command.file_name, command)
    return data_response(
        {
            "status": True,
            "code": script.code,
            "fileName": script.file_name,
            "ext": script.ext,
            "inputDataset": script.input_dataset,
            "outputDataset": script.output_dataset,
            "modelName": script.model_name,
        }
    )


def _own_name(state: StateRuntime) -> str:
    """A new name that this worker owns: its agent applies the command, and here its sender waits."""
    check_settled(state)
    for _ in range(_DRAWS):
        name = own(f"score-{uuid.uuid4().hex[:12]}")
        if owner_elsewhere(state.app, name.encode()) is None:
            return name
    raise UnavailableError(Code.RECOVERING, "no partition belongs to this worker at the moment")
