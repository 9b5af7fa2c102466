"""Model endpoints and their invocations: contract 001, sections 1 and 2."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

import structlog
from fastapi import APIRouter, Path, Request, Response
from starlette.requests import ClientDisconnect

from connectors.objects.endpoints import Endpoint, UnknownEndpointError
from streams.access.caller import caller
from streams.access.names import shown
from streams.access.visibility import own
from streams.codes.inference import InferenceCode
from streams.errors import Code, ConflictError, NotFoundError, UnavailableError, UnsupportedError
from streams.inference.calls import InferenceCall, InferenceClosedError, InferenceReply, InferenceUnavailableError
from streams.inference.state import InferenceProcesses
from streams.rows.recovery import is_ready
from streams.runtime import StateRuntime
from streams.views.inference.endpoint_bodies import (
    ANSWER,
    REQUEST,
    EndpointReply,
    EndpointsReply,
    ExecutionParametersReply,
)
from streams.views.inference.envelope import INVOCATIONS
from streams.views.web.answers import json_response
from streams.views.web.door import Door, Tag
from streams.views.web.reading import ForgivingRoute, State, content_type

__all__ = ["DOOR"]

log = structlog.get_logger(__name__)

_FORMS: Final[dict[str, Literal["json", "jsonlines"]]] = {
    "": "json",
    "application/json": "json",
    "application/jsonlines": "jsonlines",
}
_GONE: Final = 499  # as nginx notes it in its log; nobody reads the answer
_VARIANT: Final = {"x-amzn-invoked-production-variant": "AllTraffic"}  # SageMaker's clients may ask for it
_RETRY_AFTER: Final = {503: {"Retry-After": "2"}}  # seconds; a process is there again within that time


router = APIRouter(route_class=ForgivingRoute)
DOOR = Door(
    router=router,
    prefixes=("/endpoints", "/invocations", "/ping", "/execution-parameters"),
    tag=Tag("endpoints", "Trained DeepAR models that can be asked, in the words of SageMaker."),
    envelope=INVOCATIONS,
    slash=False,
    apart=True,
    watched=("/endpoints",),
    open=("GET /ping",),
    asks=("invocations",),
)

Name = Annotated[str, Path(description="The endpoint: the name of the training job that made it.")]
_INVOCATION: Final[dict[str, Any]] = {
    "response_class": Response,
    "responses": ANSWER | INVOCATIONS.responses(400, 404, 408, 413, 415, 500, 503, 504),
    "openapi_extra": REQUEST,
}


@router.post("/endpoints/{name}/invocations", summary="Forecast with an endpoint's model", **_INVOCATION)
async def invoke(state: State, request: Request, name: Name) -> Response:
    """One forecast for each series of the request, in order, in the content type of the request."""
    return await _invoke(state, request, own(name))


@router.post(
    "/invocations",
    summary="Forecast with the only endpoint's model",
    **{**_INVOCATION, "responses": _INVOCATION["responses"] | INVOCATIONS.responses(409)},
)
async def invoke_only(state: State, request: Request) -> Response:
    """One forecast for each series of the request, by the only endpoint there is; 409 where there are several."""
    endpoints, project = InferenceProcesses.of(state).endpoints, caller().project
    name = await endpoints.only(project)
    if name is None and await endpoints.of(project):
        raise ConflictError(
            InferenceCode.SEVERAL_ENDPOINTS,
            "there are several endpoints: use /endpoints/{name}/invocations; GET /endpoints lists them",
        )
    if name is None:
        raise NotFoundError(InferenceCode.NO_ENDPOINT, "there is no endpoint: train a model, and its endpoint appears")
    return await _invoke(state, request, name)


@router.get("/ping", summary="Can endpoints be asked?", response_class=Response, responses=INVOCATIONS.responses(503))
async def ping(state: State) -> Response:
    """200 with an empty body when this worker is ready."""
    if not is_ready(state.app):
        raise UnavailableError(Code.RECOVERING, "the worker is starting or its partitions are moving")
    return Response()


@router.get("/execution-parameters", summary="How batches are best sent", response_model=ExecutionParametersReply)
async def execution_parameters(state: State) -> Response:
    """How many requests at a time, how large and of how much each, in SageMaker's words."""
    return json_response(
        {
            "MaxConcurrentTransforms": InferenceProcesses.of(state).pool.most_processes,
            "BatchStrategy": "SINGLE_RECORD",
            "MaxPayloadInMB": max(1, state.settings.max_body_bytes // 2**20),
        }
    )


@router.get("/endpoints", summary="List the endpoints", response_model=EndpointsReply)
async def list_endpoints(state: State) -> Response:
    """All endpoints by name, with what their requests must look like."""
    found = await InferenceProcesses.of(state).endpoints.of(caller().project)
    return json_response({"endpoints": [_shown(endpoint) for endpoint in found]})


@router.get(
    "/endpoints/{name}",
    summary="Describe an endpoint",
    response_model=EndpointReply,
    responses=INVOCATIONS.responses(404),
)
async def get_endpoint(state: State, name: Name) -> Response:
    """What its requests must look like: frequency, length of the forecast, categories and features."""
    with _refusals(name):
        return json_response(_shown(await InferenceProcesses.of(state).endpoints.get(own(name))))


async def _invoke(state: StateRuntime, request: Request, name: str) -> Response:
    """Hand the body on as it came: a large one would keep this loop from everything else while it is read.

    `name` is the endpoint's as it is kept.
    """
    form = _FORMS.get(content_type(request))
    if form is None:
        raise UnsupportedError(
            Code.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Type is {content_type(request)[:80]}: send application/json or application/jsonlines",
        )
    endpoints = InferenceProcesses.of(state).endpoints
    with _refusals(name):
        endpoint = await endpoints.get(name)
    try:
        body = await request.body()
    except ClientDisconnect:
        return Response(status_code=_GONE)
    # The environment of the model sets what JSON Lines ask for (D-054, D-066); a JSON request says it itself (D-028).
    defaults = None
    if form == "jsonlines":
        defaults = endpoint.environment.get("DEEPAR_INFERENCE_CONFIG", state.settings.deepar_inference_config)
    with _refusals(name):
        reply = await _unless_gone(request, endpoints.ask(name, InferenceCall(body, form, defaults)))
    if reply is None:
        return Response(status_code=_GONE)
    if reply.detail:
        log.error("inference_failed", endpoint=name, status=reply.status, detail=reply.detail)
    headers = {**_VARIANT, **_RETRY_AFTER.get(reply.status, {}), **reply.headers}
    return Response(reply.content, reply.status, headers, reply.media_type)


async def _unless_gone(request: Request, asking: Any) -> InferenceReply | None:
    """What comes of `asking`, which is cancelled when the client closes the connection; then None."""
    task, gone = asyncio.ensure_future(asking), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        return await task if task.done() else None
    finally:
        gone.cancel()
        task.cancel()


async def _gone(request: Request) -> None:
    """Wait until the client has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


@contextmanager
def _refusals(name: str) -> Iterator[None]:
    """What goes wrong with an endpoint, as what its user is told."""
    try:
        yield
    except UnknownEndpointError as error:
        raise NotFoundError(InferenceCode.UNKNOWN_ENDPOINT, str(error)) from None
    except (InferenceUnavailableError, InferenceClosedError) as error:
        log.warning("inference_unavailable", endpoint=name, error=str(error))
        raise UnavailableError(InferenceCode.UNAVAILABLE, f"{error}: ask again later") from None


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    fields = asdict(endpoint)
    del fields["model_key"]
    return {"name": shown(fields.pop("name")), "status": "InService", **fields}
