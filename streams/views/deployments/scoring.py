"""Asking a service: at once, or later (contract S-067 … S-070)."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import WithJsonSchema

from schemas.deployments import ScoringAnswerRecord, ScoringRequest
from streams.access.names import shown
from streams.access.visibility import own
from streams.codes.scoring import ScoringCode
from streams.deployments import requests, services
from streams.deployments.replicas import Replicas
from streams.deployments.state import DeploymentsState
from streams.errors import Code, InvalidError, UnavailableError
from streams.runtime import StateRuntime
from streams.serving.errors import InferenceClosedError
from streams.views.deployments.replies import Accepted, AskedLater
from streams.views.deployments.services import TAG
from streams.views.scoring.reading import body_of, data_response, form_of
from streams.views.scoring.replies import TestedModel
from streams.views.web.commands import IdempotencyKey, command_id_of, send_command
from streams.views.web.door import Door, by_name
from streams.views.web.model_service import MODEL_SERVICE
from streams.views.web.reading import ForgivingRoute, QuickPost, State, runtime

__all__ = ["DOOR", "answer_of", "running"]

_PREFIXES: Final = tuple(f"/api/v1/{word}/{kind}" for word in ("scv", "svc") for kind in ("pmml", "onnx"))
_FALSE: Final = ("false", "0", "no")
_TRUE: Final = ("true", "1", "yes", "")


async def _score_at_once(request: Request) -> Response:
    content, state = await _content(request), await runtime(request)
    return await _answered(running(state, request.path_params["name"]), content)


router = APIRouter(route_class=ForgivingRoute)
DOOR = Door(
    router=router,
    prefixes=_PREFIXES,
    tag=TAG,
    envelope=MODEL_SERVICE,
    owner=by_name(5),
    slash=False,
    apart=True,
    asks=("*",),
    quick=[QuickPost(f"{prefix}/{{name}}", _score_at_once) for prefix in _PREFIXES],
)

Name = Annotated[str, Path(description="The service.")]
RequestId = Annotated[str, Path(description="As the call that did not wait was answered.")]
Wait = Annotated[
    str,
    Query(description="false: answer 202 at once; so does the header `Prefer: respond-async`."),
    WithJsonSchema({"type": "boolean", "default": True}),
]


def running(state: StateRuntime, name: str) -> Replicas:
    """The replicas of a service, named as it is kept; RejectedError where there is none of this name."""
    replicas = DeploymentsState.of(state).running.of(services.key_of(name))
    if replicas is None:
        raise services.unknown(name)
    return replicas


async def answer_of(replicas: Replicas, content: bytes) -> bytes:
    """The JSON that a service answers to a call's JSON; RejectedError where there is none."""
    try:
        reply = await replicas.ask(content)
    except InferenceClosedError:
        raise UnavailableError("unavailable", "the service has just been removed, or moves: ask again") from None
    if reply.error is not None:
        raise InvalidError(ScoringCode.BAD_INPUT, reply.error)
    return reply.content


async def score(
    state: State, request: Request, name: Name, key: IdempotencyKey = None, wait: Wait = "true"
) -> Response:
    """What the model answers to the records, in their order; with `wait=false` later, under a request id."""
    content, name = await _content(request), own(name)
    replicas = running(state, name)
    if not _waits(request, wait):
        replicas.check_open()
        asked = ScoringRequest(command_id_of(request, key, content), name, _text_of(content))
        requests.check_request(asked, most_bytes=state.settings.max_body_bytes)
        record = await send_command(state, state.topics.scoring_requests, name, asked)
        return data_response({"status": True, "requestId": record.request_id, "state": "running"}, 202)
    return await _answered(replicas, content)


async def _answered(replicas: Replicas, content: bytes) -> Response:
    return Response(b'{"data":' + await answer_of(replicas, content) + b"}", media_type="application/json")


async def describe(state: State, name: Name) -> Response:
    """Whether the service answers, and what it is asked."""
    replicas = running(state, own(name))
    pods = [{"name": shown(name), "status": status} for name, status in replicas.statuses]
    record = replicas.record
    told = {"serviceName": shown(record.name), "modelName": shown(record.model_name), "modelType": record.model_type}
    return data_response({**told, "status": replicas.status, "podList": pods})


async def find_answer(state: State, name: Name, request_id: RequestId) -> Response:
    """The answer to a request that was not waited for; it is kept for a time."""
    part, settings, name = DeploymentsState.of(state), state.settings, own(name)
    record = part.scoring_answers.get(requests.key_of(name, request_id))
    if record is None:
        if part.services.get(services.key_of(name)) is None:
            raise services.unknown(name)
        raise requests.unknown(name, request_id, settings.scoring_answers_kept_s)
    return data_response(_told(record))


def _told(record: ScoringAnswerRecord) -> dict[str, Any]:
    told: dict[str, Any] = {"status": True, "requestId": record.request_id, "state": "running"}
    if record.ended is None:
        return told
    if record.result is None:
        return {**told, "status": False, "state": "failed", "message": record.error}
    return {**told, **orjson.loads(record.result), "state": "success"}


def _text_of(content: bytes) -> str:
    """As it can be kept until it is asked; RejectedError where a waiting call would be refused for its letters."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidError(ScoringCode.BAD_INPUT, f"body, byte {error.start}: is not UTF-8") from None


def _waits(request: Request, asked: str) -> bool:
    """Whether the answer is waited for; RejectedError where `asked` is neither true nor false."""
    if asked.lower() in _FALSE:
        return False
    if asked.lower() not in _TRUE:
        text = f"wait: found {asked[:40]!r}, expected true, or false for a request id at once"
        raise InvalidError(Code.INVALID_REQUEST, text)
    preferred = ",".join(request.headers.getlist("prefer")).lower().split(",")
    return all(one.partition(";")[0].strip() != "respond-async" for one in preferred)


async def _content(request: Request) -> bytes:
    """The JSON of a call, as it came: the model's process reads it."""
    form = await form_of(request)
    if form is None:
        return await request.body()
    for name, begin, end in (("data", b"", b""), ("X", b'{"X":', b"}")):
        value = form.get(name)
        if isinstance(value, str) and value:
            return begin + value.encode("utf-8", "surrogatepass") + end
    raise InvalidError(ScoringCode.BAD_INPUT, 'data: is missing: send JSON, such as {"X": [{"x1": 1.5}]}')


_BODY: Final = body_of({"X": {"description": 'Records by name, `[{"x1": 1.5}]`; or of each input its values.'}}, ("X",))
for _prefix in _PREFIXES:
    _shown = _prefix == _PREFIXES[0]
    router.add_api_route(
        f"{_prefix}/{{name}}",
        score,
        methods=["POST"],
        summary="Ask a service",
        response_model=TestedModel,
        responses={
            202: {"model": Accepted, "description": "It is answered later."},
            **MODEL_SERVICE.responses(400, 404, 408, 413, 500, 503, 504),
        },
        include_in_schema=_shown,
        openapi_extra=_BODY,
    )
    router.add_api_route(
        f"{_prefix}/{{name}}",
        describe,
        methods=["GET"],
        summary="Show whether a service answers",
        responses=MODEL_SERVICE.responses(404, 503),
        include_in_schema=_shown,
    )
    router.add_api_route(
        f"{_prefix}/{{name}}/requests/{{request_id}}",
        find_answer,
        methods=["GET"],
        summary="Read the answer to a request that was not waited for",
        response_model=AskedLater,
        responses=MODEL_SERVICE.responses(404, 503),
        include_in_schema=_shown,
    )
