"""Testing a model before it is a service (contract S-012, S-045 … S-049)."""

import asyncio
import time
from collections.abc import Mapping
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import UploadFile

from connectors.objects import scoring_models
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from models.json_words import BadJsonError, read_json
from schemas.scoring import ModelInput, ModelRecord
from streams.access.names import project_of
from streams.codes.scoring import ScoringCode
from streams.errors import InvalidError, UnavailableError
from streams.runtime import StateRuntime
from streams.scoring import models as scoring
from streams.scoring.calls import ScoringReply, ServedModel
from streams.scoring.form_values import from_file, from_text, records_from_csv
from streams.scoring.state import ScoringState
from streams.serving.errors import InferenceClosedError, InferenceUnavailableError, ModelMissingError
from streams.views.scoring.models import find
from streams.views.scoring.reading import ALIAS, Fields, body_of, fields_of, form_of, text
from streams.views.scoring.replies import TestedModel
from streams.views.web.door import Door, Tag
from streams.views.web.model_service import MODEL_SERVICE
from streams.views.web.reading import ForgivingRoute, State

__all__ = ["DOOR"]

router = APIRouter(route_class=ForgivingRoute)
DOOR = Door(
    router=router,
    prefixes=("/model-test", f"{ALIAS}/model-test"),
    tag=Tag("models of users", "PMML and ONNX files; each address is also below /api/v1."),
    envelope=MODEL_SERVICE,
    slash=False,
    apart=True,
    asks=("model-test",),
)

Sent = Annotated[Fields, Depends(fields_of)]
_BODY: Final = body_of(
    {
        "modelName": {"type": "string"},
        "type": {"type": "string", "enum": list(scoring.KINDS)},
        "data": {
            "description": '`{"X": [{"x1": 1.5}]}`: records by name; or of each variable the values of all records.',
        },
    },
    ("modelName", "data"),
)


async def test_model(state: State, request: Request, fields: Sent) -> Response:
    """What the model answers to the records. A form has a part for each variable, a text or a file.

    `data` as one text is JSON, wherever it is sent.
    """
    record = await find(state, fields)
    if kind := text(fields, "type", required=False):
        scoring.check_type(record, kind)
    form = not isinstance(fields.get("data"), dict | list) or await form_of(request) is not None
    content = await _from_form(record, fields) if form else fields["data"]
    reply = await _asked(state, record, orjson.dumps(content))
    if reply.error is not None:
        raise InvalidError(ScoringCode.BAD_INPUT, reply.error)
    await asyncio.to_thread(_note_tested, state.store, record.name)
    return Response(b'{"data":' + reply.content + b"}", media_type="application/json")


def _note_tested(store: ObjectStore, name: str) -> None:
    scoring_models.note_tested(store, name, round(time.time() * 1000), project_of(name))


async def _from_form(record: ModelRecord, fields: Fields) -> Any:
    inputs = {it.name: it for it in record.inputs}
    for whole in ("data", "X"):
        if whole in fields and whole not in inputs:
            return await _whole(whole, fields[whole], inputs)
    return {"X": {name: await _value(inputs[name], value) for name, value in fields.items() if name in inputs}}


async def _whole(field: str, value: Any, inputs: Mapping[str, ModelInput]) -> Any:
    """All of it in one part: JSON, or a CSV file of records."""
    is_file = isinstance(value, UploadFile)
    content = await value.read() if is_file else value
    if is_file and (value.filename or "").lower().endswith(".csv"):
        return {"X": records_from_csv(content, inputs)}
    if not isinstance(content, str | bytes):
        return {"X": content} if field == "X" else content
    try:
        found = read_json(content)
    except BadJsonError as error:
        raise InvalidError(ScoringCode.BAD_INPUT, f"{field}, {error}") from None
    return {"X": found} if field == "X" else found


async def _value(variable: ModelInput, value: Any) -> Any:
    if isinstance(value, UploadFile):
        return from_file(variable, value.filename or "", await value.read())
    return from_text(variable, value) if isinstance(value, str) else value


async def _asked(state: StateRuntime, record: ModelRecord, call: bytes) -> ScoringReply:
    served = ServedModel(record.name, record.model_key, record.model_type, record.size)
    try:
        return await ScoringState.of(state).trials.ask(served, call)
    except (ModelMissingError, ObjectNotFoundError):
        raise scoring.unknown(record.name) from None
    except (InferenceUnavailableError, InferenceClosedError) as error:
        raise UnavailableError("unavailable", str(error)) from None


for _prefix in ("", ALIAS):
    router.add_api_route(
        f"{_prefix}/model-test",
        test_model,
        methods=["POST"],
        summary="Test a model",
        response_model=TestedModel,
        responses=MODEL_SERVICE.responses(400, 404, 408, 413, 415, 503, 504),
        include_in_schema=not _prefix,
        openapi_extra=_BODY,
    )
