"""Requests of contract 003 as their clients send them: a field may be in a JSON body, a form or the query (S-007)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from fastapi import Request, Response
from starlette.datastructures import UploadFile

from models.json_words import json_problem
from streams.errors import Code, InvalidError, UnsupportedError
from streams.views.web.answers import json_response
from streams.views.web.reading import content_type, has_body

__all__ = ["ALIAS", "Fields", "body_of", "data_response", "fields_of", "flag", "iso_time", "made_at", "text"]

ALIAS: Final = "/api/v1"
"""All addresses of the contract are there as well as at the root (S-006)."""
_FORMS: Final = ("multipart/form-data", "application/x-www-form-urlencoded")
_LONGEST_SHOWN: Final = 60
_KINDS: Final = {list: "an array", dict: "an object", UploadFile: "a file"}
Fields = Mapping[str, Any]


async def fields_of(request: Request) -> Fields:
    """What was sent, by name: the query, and over it the body. RejectedError where the body cannot be read."""
    fields: dict[str, Any] = dict(request.query_params)
    if has_body(request):
        kind = content_type(request)
        if kind in _FORMS:
            fields |= dict((await request.form()).items())
        elif kind and "json" not in kind and kind not in ("text/plain", "application/octet-stream"):
            text = f"Content-Type is {kind[:_LONGEST_SHOWN]}: send application/json, or a form"
            raise UnsupportedError(Code.UNSUPPORTED_MEDIA_TYPE, text)
        else:
            body = await request.body()
            if body.strip():
                fields |= _object(body)
    return fields


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        message = f"body, byte {error.pos}: not valid JSON: {json_problem(error)}"
        raise InvalidError(Code.INVALID_REQUEST, message) from None
    if not isinstance(content, dict):
        raise InvalidError(Code.INVALID_REQUEST, "body: expected an object")
    return content


def text(fields: Fields, *names: str, required: bool = True) -> str:
    """A field that is a text, under the first of its names that was sent; empty where it need not be there."""
    for name in names:
        value = fields.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            shown = _KINDS.get(type(value)) or str(value).lower()[:_LONGEST_SHOWN]  # deep nesting cannot be written out
            raise InvalidError(Code.INVALID_REQUEST, f"{name}: expected a text, not {shown}")
        return value
    if required:
        raise InvalidError(Code.INVALID_REQUEST, f"{names[0]}: is missing")
    return ""


def flag(fields: Fields, name: str) -> bool:
    """A field that is true or false, or not there."""
    value = fields.get(name, False)
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false", "1", "0", ""):
        return value.lower() in ("true", "1")
    raise InvalidError(Code.INVALID_REQUEST, f"{name}: expected true or false")


def made_at(entry: Mapping[str, Any]) -> datetime:
    """When what an entry of a list tells of was made, to sort by: as texts times do not sort across daylight saving."""
    return datetime.fromisoformat(entry["createTime"])


def iso_time(milliseconds: int) -> str:
    """A time as the contract writes it: ISO-8601 with its offset, here that of the machine (S-035)."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone().isoformat(timespec="milliseconds")


def data_response(content: Mapping[str, Any], status: int = 200) -> Response:
    """`{"data": …}`, as every answer (S-003)."""
    return json_response({"data": content}, status)


def body_of(properties: Mapping[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads its fields so."""
    schema = {"type": "object", "properties": dict(properties), "required": list(required)}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}
