"""Services by the Open Inference Protocol (v2): clients of KServe, MLServer and Triton ask them unchanged."""

import asyncio
from collections.abc import Mapping
from importlib.metadata import version
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel

from connectors.objects import scoring_models
from streams.access.visibility import own
from streams.codes.deployments import DeploymentCode
from streams.deployments import answer_tensors, tensors
from streams.errors import NotFoundError, UnavailableError
from streams.rows.recovery import is_ready
from streams.scoring import models as scoring
from streams.views.deployments.scoring import answer_of, running
from streams.views.web.answers import json_response
from streams.views.web.door import Door, Tag, by_name
from streams.views.web.envelope import Envelope, Refusal
from streams.views.web.reading import ForgivingRoute, QuickPost, State, runtime

__all__ = ["DOOR", "PROTOCOL"]

_HEADER_LENGTH: Final = "inference-header-content-length"
_VERSION: Final = "1"
"""A service has one model at a time."""


class ProtocolError(BaseModel):
    """What went wrong."""

    error: str


def _body(told: Refusal) -> Mapping[str, Any]:
    return {"error": told.message}


PROTOCOL: Final = Envelope(body=_body, shown=ProtocolError)


async def _infer(request: Request) -> Response:
    return await infer(await runtime(request), request, request.path_params["name"])


router = APIRouter(route_class=ForgivingRoute)
DOOR = Door(
    router=router,
    prefixes=("/v2",),
    tag=Tag("inference protocol", "Services by the Open Inference Protocol, version 2."),
    envelope=PROTOCOL,
    owner=lambda path: by_name(3)(path) if path.startswith("/v2/models/") else None,
    slash=False,
    apart=True,
    asks=("infer",),
    quick=[QuickPost("/v2/models/{name}/infer", _infer)],
)

Name = Annotated[str, Path(description="The service.")]


@router.get("/v2/health/live", summary="Tell whether the server is up")
async def live() -> Response:
    """It is."""
    return json_response({"live": True})


@router.get("/v2/health/ready", summary="Tell whether services can be asked", responses=PROTOCOL.responses(503))
async def ready(state: State) -> Response:
    """Whether this worker has its state."""
    if not is_ready(state.app):
        raise UnavailableError("recovering", "the state is being recovered")
    return json_response({"ready": True})


@router.get("/v2", summary="Tell who answers")
async def server_metadata() -> Response:
    """Who answers."""
    return json_response({"name": "tidecast", "version": version("tidecast"), "extensions": ["binary_tensor_data"]})


async def describe_served_model(state: State, request: Request, name: Name) -> Response:
    """What the service's model is asked, and what it answers."""
    _check_version(request)
    record = running(state, own(name)).record
    try:
        found = await asyncio.to_thread(scoring_models.manifest, state.store, record.model_name)
    except scoring_models.UnknownModelError:
        raise scoring.unknown(record.model_name) from None
    model = scoring.restored(found)
    return json_response(
        {
            "name": name,
            "versions": [_VERSION],
            "platform": f"{record.model_type}_tidecast",
            "inputs": tensors.inputs_of(model),
            "outputs": answer_tensors.outputs_of(model),
        }
    )


async def model_ready(state: State, request: Request, name: Name) -> Response:
    """Whether a replica runs."""
    _check_version(request)
    replicas = running(state, own(name))
    if replicas.status != "running":
        raise UnavailableError("unavailable", f"service {name} is {replicas.status}")
    return json_response({"name": name, "ready": True})


def _check_version(request: Request) -> None:
    """RejectedError where the address names a version that there is not."""
    asked = request.path_params.get("version", _VERSION)
    if asked != _VERSION:
        text = f"version: there is no version {asked[:20]!r}: a service has version {_VERSION} alone"
        raise NotFoundError(DeploymentCode.UNKNOWN_VERSION, text)


async def infer(state: State, request: Request, name: Name) -> Response:
    """What the model answers to the records that the tensors hold."""
    body = await request.body()  # first: one that is too large is refused for that, at whatever address
    _check_version(request)
    replicas = running(state, own(name))
    content, binary = tensors.parted(body, request.headers.get(_HEADER_LENGTH))
    call = tensors.call_of(content, binary)
    answer = orjson.loads(await answer_of(replicas, call))
    found = answer_tensors.tensors_of(answer["task"], answer["result"], content.get("outputs"))
    outputs, behind = answer_tensors.packed(found, content)
    told = {"model_name": name, "model_version": _VERSION, "outputs": outputs}
    told |= {"id": content["id"]} if content.get("id") is not None else {}
    if not behind:
        return json_response(told)
    header = orjson.dumps(told)
    lengths = {_HEADER_LENGTH: str(len(header))}
    return Response(header + behind, media_type="application/octet-stream", headers=lengths)


_TENSORS: Final = {
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["inputs"],
                    "properties": {
                        "id": {"type": "string"},
                        "inputs": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["name", "shape", "datatype"],
                                "properties": {
                                    "name": {"type": "string"},
                                    "shape": {"type": "array", "items": {"type": "integer"}},
                                    "datatype": {"type": "string"},
                                    "data": {"type": "array", "items": {}},
                                },
                            },
                        },
                    },
                }
            }
        }
    }
}
for _place in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
    _shown = "{version}" not in _place
    _options: dict[str, Any] = {"include_in_schema": _shown}
    router.add_api_route(
        _place,
        describe_served_model,
        methods=["GET"],
        summary="Describe a service",
        responses=PROTOCOL.responses(404),
        **_options,
    )
    router.add_api_route(
        f"{_place}/ready",
        model_ready,
        methods=["GET"],
        summary="Tell whether a service answers",
        responses=PROTOCOL.responses(404, 503),
        **_options,
    )
    router.add_api_route(
        f"{_place}/infer",
        infer,
        methods=["POST"],
        summary="Ask a service by tensors",
        responses=PROTOCOL.responses(400, 404, 413, 500, 503, 504),
        openapi_extra=_TENSORS,
        **_options,
    )
