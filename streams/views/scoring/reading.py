"""Requests of contract 003 as their clients send them: a field may be in a JSON body, a form or the query (S-007)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData, ImmutableMultiDict, UploadFile

from models.json_words import BadJsonError, read_json, shown
from streams.errors import Code, InvalidError, UnsupportedError
from streams.views.web.answers import json_response
from streams.views.web.reading import content_type, has_body

__all__ = [
    "ALIAS",
    "Fields",
    "answer_at",
    "answers_post",
    "body_of",
    "data_response",
    "fields_of",
    "flag",
    "form_of",
    "iso_time",
    "made_at",
    "text",
]

ALIAS: Final = "/api/v1"
"""All addresses of the contract are there as well as at the root (S-006)."""
_PLAIN_FORM: Final = "application/x-www-form-urlencoded"
_MAY_BE_JSON: Final = ("", "text/plain", "application/octet-stream", _PLAIN_FORM)
_LONGEST_SHOWN: Final = 60
Fields = Mapping[str, Any]
_View = TypeVar("_View", bound=Callable[..., Any])


def answer_at(router: APIRouter, at: str, view: Any, method: str, summary: str, reply: Any, **options: Any) -> None:
    """Let a view answer at the root, and below /api/v1, where the API document does not show it a second time."""
    for prefix in ("", ALIAS):
        router.add_api_route(
            f"{prefix}/{at}",
            view,
            methods=[method],
            summary=summary,
            response_model=reply,
            include_in_schema=not prefix,
            **options,
        )


def answers_post(router: APIRouter, at: str, **told: Any) -> Callable[[_View], _View]:
    """Likewise a view of the contract's POSTs, as a decorator; below /api/v1 it has the name `<view>_v1`."""

    def add(view: _View) -> _View:
        router.add_api_route(at, view, methods=["POST"], **told)
        name = f"{view.__name__}_v1"
        router.add_api_route(f"{ALIAS}{at}", view, methods=["POST"], include_in_schema=False, name=name)
        return view

    return add


async def fields_of(request: Request) -> Fields:
    """What was sent, by name: the query, and over it the body.

    RejectedError where the body cannot be read, or the query or a form has a name twice: one would be passed over.
    """
    fields = _once(request.query_params)
    if has_body(request):
        kind, form = content_type(request), await form_of(request)
        if form is not None:
            fields |= _once(form)
        elif kind not in _MAY_BE_JSON and "json" not in kind:
            text = f"Content-Type is {kind[:_LONGEST_SHOWN]}: send application/json, or a form"
            raise UnsupportedError(Code.UNSUPPORTED_MEDIA_TYPE, text)
        else:
            body = await request.body()
            if body.strip():
                fields |= _object(body)
    return fields


def _once(sent: ImmutableMultiDict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in sent.multi_items():
        if name in found:
            raise InvalidError(Code.INVALID_REQUEST, f"{name[:_LONGEST_SHOWN]}: is there more than once; send it once")
        found[name] = value
    return found


async def form_of(request: Request) -> FormData | None:
    """What was sent as a form; None where it is none.

    `curl -d` calls JSON a form unless it is told otherwise. No form begins with a brace or a bracket: they are encoded.
    """
    kind = content_type(request)
    if kind == _PLAIN_FORM and (await request.body()).lstrip()[:1] in (b"{", b"["):
        return None
    return await request.form() if kind in ("multipart/form-data", _PLAIN_FORM) else None


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        content = read_json(body)
    except BadJsonError as error:
        raise InvalidError(Code.INVALID_REQUEST, f"body, {error}") from None
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
            came = "a file" if isinstance(value, UploadFile) else shown(value)
            raise InvalidError(Code.INVALID_REQUEST, f"{name}: expected a text, not {came}")
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
