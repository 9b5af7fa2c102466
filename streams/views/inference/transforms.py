"""Transform jobs: contract 001, section 3."""

from dataclasses import replace
from operator import itemgetter
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from schemas.inference import StopTransform, TransformRecord
from streams.access.visibility import is_own, own
from streams.codes.inference import InferenceCode
from streams.errors import ConflictError, NotFoundError
from streams.inference import transforms
from streams.inference.state import TransformState
from streams.runtime import StateRuntime
from streams.views.inference.envelope import SERVING
from streams.views.inference.transform_bodies import (
    TransformBody,
    TransformReply,
    TransformsReply,
    TransformStartedReply,
)
from streams.views.inference.transform_summaries import description, summary
from streams.views.web import forwarding
from streams.views.web.answers import json_response
from streams.views.web.commands import BareCommandId, CommandId, is_repeat, send_command
from streams.views.web.creations import create_once
from streams.views.web.door import Door, Tag, by_name
from streams.views.web.files import file_response
from streams.views.web.reading import ForgivingRoute, State, sent_as_json

__all__ = ["DOOR"]

router = APIRouter(prefix="/transform-jobs", route_class=ForgivingRoute)
DOOR = Door(
    router=router,
    tag=Tag("transform jobs", "All lines of a file, forecast by an endpoint."),
    envelope=SERVING,
    owner=by_name(2),
    slash=False,
    apart=True,
    watched=("/transform-jobs", "/transform-jobs/{name}"),
)

Name = Annotated[str, Path(description="The job: its TransformJobName.")]


@router.post(
    "",
    summary="Forecast every line of a file",
    response_model=TransformStartedReply,
    responses=SERVING.responses(400, 404, 408, 409, 413, 415, 429, 503, 507),
    dependencies=[Depends(sent_as_json)],
)
async def start_transform(state: State, request: Request, body: TransformBody, command_id: CommandId) -> Response:
    """The job's name; it goes on by itself. A wrong line or configuration shows in its status."""
    name = body.TransformJobName
    kept = own(name)
    elsewhere = await forwarding.passed_on(state, request, kept.encode())
    if elsewhere is not None:
        return elsewhere
    command = body.to_event(command_id)
    command = replace(command, name=kept, model_name=own(command.model_name))

    async def create(_: int) -> Response:
        known = TransformState.of(state).transforms.get(kept.encode())
        if known is None:
            transforms.begun(command, at=0)  # refused here, it need not take the way through the log
            await send_command(state, state.topics.transform_commands, kept, command)
        elif not is_repeat(command.command_id, [known.command_id]):
            raise ConflictError(
                InferenceCode.TRANSFORM_EXISTS,
                f"TransformJobName: there is a transform job {name} already, use another name",
            )
        return json_response({"TransformJobName": name, "TransformJobStatus": transforms.IN_PROGRESS})

    # Its note says that the key stands for this body: another one may name another job, which knows nothing of it.
    return await create_once(state, request, command.command_id, create, owned_by_id=False)


@router.get("", summary="List the transform jobs", response_model=TransformsReply, responses=SERVING.responses(503))
async def list_transforms(state: State, request: Request) -> Response:
    """All jobs, the newest first."""
    names = TransformState.of(state).transforms.keys()
    here = (TransformState.of(state).transforms.get(name) for name in names)
    listed = [summary(record) for record in here if record is not None and is_own(record.name)]
    listed += await forwarding.from_others(state, request, "TransformJobSummaries")
    return json_response({"TransformJobSummaries": sorted(listed, key=itemgetter("CreationTime"), reverse=True)})


@router.get(
    "/{name}", summary="Describe a transform job", response_model=TransformReply, responses=SERVING.responses(404, 503)
)
async def get_transform(state: State, name: Name) -> Response:
    """Its status, what was asked for and how far it is."""
    return json_response(description(_record(state, name)))


@router.get(
    "/{name}/output",
    summary="The output of a transform job",
    response_class=Response,
    responses=SERVING.responses(404, 409, 503)
    | {
        200: {
            "description": "One prediction per line, in the order of the input.",
            "content": {"application/jsonlines": {"schema": {"type": "string"}}},
        }
    },
)
async def get_transform_output(state: State, name: Name) -> Response:
    """The output file of a completed job."""
    record = _record(state, name)
    if record.status != transforms.COMPLETED:
        reason = "" if record.failure_reason is None else f": {record.failure_reason}"
        raise ConflictError(
            InferenceCode.NO_OUTPUT,
            f"transform job {name} is {record.status}, only a completed one has an output{reason}",
        )
    return await file_response(state.store, record.output_key, "application/jsonlines")


@router.post(
    "/{name}/stop",
    summary="Stop a transform job",
    response_model=TransformStartedReply,
    responses=SERVING.responses(400, 404, 408, 409, 503),
)
async def stop_transform(state: State, name: Name, command_id: BareCommandId) -> Response:
    """No further lines are forecast; Stopping soon becomes Stopped. What is stopped already stays so."""
    _record(state, name)
    command = StopTransform(command_id, own(name))
    await send_command(state, state.topics.transform_commands, command.name, command)
    return json_response({"TransformJobName": name, "TransformJobStatus": _record(state, name).status})


def _record(state: StateRuntime, name: str) -> TransformRecord:
    record = TransformState.of(state).transforms.get(own(name).encode("utf-8", "replace"))
    if record is None:
        raise NotFoundError(
            InferenceCode.UNKNOWN_TRANSFORM, f"there is no transform job {name[:80]!r}; GET /transform-jobs lists them"
        )
    return record
