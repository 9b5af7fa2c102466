"""Models: uploaded, listed, described, removed (contract 003, section 2)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import UploadFile

from connectors.objects import scoring_models
from schemas.scoring import AddModel, DeleteModel, ModelInput, ModelOutput, ModelRecord
from streams.access.names import shown
from streams.access.visibility import is_own
from streams.codes.scoring import ScoringCode
from streams.errors import Code, InvalidError, TooLargeError
from streams.runtime import StateRuntime
from streams.scoring import models as scoring
from streams.scoring.state import ScoringState
from streams.views.scoring.owners import check_settled, kept_name, owners_answer
from streams.views.scoring.reading import (
    ALIAS,
    Fields,
    answer_at,
    body_of,
    data_response,
    fields_of,
    flag,
    iso_time,
    made_at,
    text,
)
from streams.views.scoring.replies import ModelDescription, ModelList, ModelVariables, UploadedModel
from streams.views.web.commands import IdempotencyKey, command_id_of, send_command
from streams.views.web.door import BodyLimit, Door, Tag
from streams.views.web.files import digest_of, store_upload
from streams.views.web.forwarding import from_others
from streams.views.web.model_service import MODEL_SERVICE, ActionReply
from streams.views.web.reading import ForgivingRoute, State

__all__ = ["DOOR", "find"]

_FORM: Final = 64 * 1024  # bytes of boundaries and text fields around an uploaded file
_NAMES: Final = ("model-upload", "model-info", "operate-model", "model-descript", "model-variable")

router = APIRouter(route_class=ForgivingRoute)
DOOR = Door(
    router=router,
    prefixes=tuple(f"{prefix}/{name}" for name in _NAMES for prefix in ("", ALIAS)),
    tag=Tag("models of users", "PMML and ONNX files; each address is also below /api/v1."),
    envelope=MODEL_SERVICE,
    slash=False,
    apart=True,
    body_limit=BodyLimit("max_model_bytes", around=_FORM),
    asks=("model-descript", "model-variable"),
    watched=("/model-info", f"{ALIAS}/model-info"),
)

Sent = Annotated[Fields, Depends(fields_of)]
_MODEL_NAME: Final = {"modelName": {"type": "string", "description": "The model."}}
_UPLOAD: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "A PMML or ONNX file."},
                        "name": {"type": "string", "description": "1 to 64 of A-Z a-z 0-9 _ . -"},
                        "type": {"type": "string", "enum": ["pmml", "onnx"], "description": "By the suffix if absent."},
                        "descript": {"type": "string", "description": "For people."},
                        "task": {
                            "type": "string",
                            "enum": list(scoring.TASKS),
                            "description": "What the model is for, where the file cannot tell.",
                        },
                    },
                    "required": ["file", "name"],
                }
            }
        },
    }
}


async def upload_model(state: State, request: Request, fields: Sent, key: IdempotencyKey = None) -> Response:
    """The model is kept once it has been read, loaded and has answered a record; else 400, and it is not listed."""
    upload = fields.get("file")
    if not isinstance(upload, UploadFile):
        raise InvalidError(Code.INVALID_REQUEST, "file: is missing: send multipart/form-data with the model as a file")
    name = kept_name(fields, "name", "modelName")
    file_name = (upload.filename or "").encode("utf-8", "replace").decode()  # half a surrogate pair is no text
    command = AddModel(
        command_id="",
        name=name,
        path=scoring_models.incoming_key(),
        model_type=text(fields, "type", "modelType", required=False),
        descript=text(fields, "descript", "description", required=False),
        file_name=file_name,
        task=text(fields, "task", required=False),
    )
    scoring.check_command(command)
    _check_size(state, upload)
    answer = await owners_answer(state, request, name)
    if answer is not None:
        return answer
    known = ScoringState.of(state).models.get(scoring.key_of(name))
    digest = None if key is None else await state.files.whole(upload.size, digest_of, upload)
    content = f"{name} {command.model_type} {command.descript} {file_name} {command.task} {digest}"
    command_id = command_id_of(request, key, content.encode("utf-8", "surrogatepass"))
    if known is not None and known.command_id != command_id:
        raise scoring.taken(name)
    await state.files.whole(upload.size, store_upload, state.store, command.path, upload)
    command = replace(command, command_id=command_id)
    within_s = state.settings.write_timeout_s + state.settings.max_model_inspection_s
    record = await send_command(state, state.topics.model_commands, name, command, within_s=within_s)
    return data_response(
        {
            "modelName": shown(record.name),
            "modelType": record.model_type,
            "descript": record.descript,
            "description": record.descript,
            "updataTime": iso_time(record.created),
            "updateTime": iso_time(record.created),
            "operation": list(scoring.OPERATIONS),
            "status": True,
            "task": record.task,
        }
    )


async def list_user_models(state: State, request: Request) -> Response:
    """All models, newest first, whichever worker has them."""
    check_settled(state)
    table = ScoringState.of(state).models
    rows = [record for key in table.keys() if (record := table.get(key)) is not None]  # noqa: SIM118 - a table
    others = await from_others(state, request, "data", "modelList")
    found = sorted(
        [*(_entry(row) for row in rows if is_own(row.name)), *others],
        key=lambda it: (made_at(it), it["name"]),
        reverse=True,
    )
    return data_response({"modelList": found})


async def operate_model(state: State, request: Request, fields: Sent, key: IdempotencyKey = None) -> Response:
    """`delete` removes the model and its files; 409 while a service uses it, unless `force` is true."""
    name = kept_name(fields, "modelName", "name")
    operation, force = text(fields, "operation", "operationType"), flag(fields, "force")
    if operation not in scoring.OPERATIONS:
        message = f"operation: found {operation[:40]!r}, expected {' or '.join(scoring.OPERATIONS)}"
        raise InvalidError(ScoringCode.UNKNOWN_OPERATION, message)
    answer = await owners_answer(state, request, name)
    if answer is not None:
        return answer
    command = DeleteModel(command_id_of(request, key, f"{name} {force}".encode()), name, force)
    await send_command(state, state.topics.model_commands, name, command)
    return data_response({"status": True})


async def describe_model(state: State, fields: Sent) -> Response:
    """What the model is, and what computes it."""
    record = await find(state, fields)
    return data_response(
        {
            "modelName": shown(record.name),
            "modelType": record.model_type,
            "modelEngine": record.engine,
            "descript": record.descript,
            "description": record.descript,
            "algorithm": record.algorithm,
            "task": record.task,
        }
    )


async def list_variables(state: State, fields: Sent) -> Response:
    """What the model is asked and what it answers, with types, and shapes of tensors (null: any length)."""
    record = await find(state, fields)
    return data_response({"inputVariables": _variables(record.inputs), "targetVariables": _variables(record.targets)})


async def find(state: StateRuntime, fields: Fields) -> ModelRecord:
    """The model that `modelName` names; RejectedError where there is none. Any worker finds any model."""
    name = kept_name(fields, "modelName", "name", field="modelName")
    try:
        return scoring.restored(await asyncio.to_thread(scoring_models.manifest, state.store, name))
    except scoring_models.UnknownModelError:
        raise scoring.unknown(name) from None


def _entry(record: ModelRecord) -> dict[str, Any]:
    return {
        "name": shown(record.name),
        "type": record.model_type,
        "createTime": iso_time(record.created),
        "descript": record.descript,
        "task": record.task,
        "algorithm": record.algorithm,
        "size": record.size,
        "operation": list(scoring.OPERATIONS),
    }


def _variables(variables: Sequence[ModelInput | ModelOutput]) -> list[Mapping[str, Any]]:
    return [{field: value for field, value in _told(it).items() if value is not None} for it in variables]


def _told(it: ModelInput | ModelOutput) -> Mapping[str, Any]:
    shape = None if it.shape is None else [None if size < 0 else size for size in it.shape]
    return {"name": it.name, "type": it.type, "measure": it.measure, "values": list(it.values) or None, "shape": shape}


def _check_size(state: StateRuntime, upload: UploadFile) -> None:
    most = state.settings.max_model_bytes
    if upload.size is not None and upload.size > most:
        message = (
            f"file: has {upload.size} bytes, at most {most} are accepted: send less, or raise TIDECAST_MAX_MODEL_BYTES"
        )
        raise TooLargeError(Code.TOO_LARGE, message)


_route: Final = partial(answer_at, router)


def _both(name: str, view: Any, summary: str, reply: Any) -> None:
    """By POST as the contract says, and by GET as its example does."""
    responses = MODEL_SERVICE.responses(400, 404, 413, 415)
    _route(name, view, "POST", summary, reply, responses=responses, openapi_extra=body_of(_MODEL_NAME, ("modelName",)))
    parameter = {
        "name": "modelName",
        "in": "query",
        "required": True,
        "schema": {"type": "string"},
        "description": "The model.",
    }
    extra = {"parameters": [parameter]}
    responses = MODEL_SERVICE.responses(400, 404)
    by_query = f"{view.__name__}_by_query"
    _route(name, view, "GET", summary, reply, name=by_query, responses=responses, openapi_extra=extra)


_route(
    "model-upload",
    upload_model,
    "POST",
    "Upload a model",
    UploadedModel,
    responses=MODEL_SERVICE.responses(400, 408, 409, 413, 415, 503, 507),
    openapi_extra=_UPLOAD,
)
_route("model-info", list_user_models, "GET", "List the models", ModelList, responses=MODEL_SERVICE.responses(503))
_route(
    "operate-model",
    operate_model,
    "POST",
    "Remove a model",
    ActionReply,
    responses=MODEL_SERVICE.responses(400, 404, 409, 413, 415, 503),
    openapi_extra=body_of(
        {
            **_MODEL_NAME,
            "operation": {"type": "string", "enum": list(scoring.OPERATIONS)},
            "force": {"type": "boolean", "description": "Also where a service uses it."},
        },
        ("modelName", "operation"),
    ),
)
_both("model-descript", describe_model, "Describe a model", ModelDescription)
_both("model-variable", list_variables, "List a model's variables", ModelVariables)
