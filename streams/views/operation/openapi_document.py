"""The document `/openapi.json`: FastAPI's, made to say what is so and to read well on the API page."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from streams.views.web.door import Doors

__all__ = ["openapi_document"]

_BROWSERS: Final = {
    "Misdirected": {"description": "The Host is none of this service's names: see TIDECAST_ALLOWED_HOSTS."},
    "ForeignPage": {"description": "A web page of another site may change nothing here (Origin, Sec-Fetch-Site)."},
}
_GUARDED: Final = {
    "Unauthenticated": {"description": "It is not known who asks: send a token, or sign the request."},
    "Forbidden": {"description": "Whoever asks may not do that."},
}
_SHOWN: Final = {
    "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token", "description": "Of POST /v3/auth/tokens."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same, as Authorization: Bearer."},
}
_NOT_NULL: Final = ({"type": "null"},)
_FASTAPIS_WORDS: Final = "Successful Response"


def openapi_document(http: FastAPI) -> dict[str, Any]:
    """The document of the application, made once."""
    if http.openapi_schema is None:
        document = get_openapi(
            title=http.title,
            version=http.version,
            summary=http.summary,
            description=http.description,
            tags=http.openapi_tags,
            routes=http.routes,
            servers=[{"url": "/"}],
            contact={"name": "Tidecast"},
            license_info={"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        )
        document["components"]["responses"] = _BROWSERS
        schemas = document["components"]["schemas"]
        for door in http.state.doors:
            schemas |= door.envelope.schemas()
        for path in document["paths"].values():
            for method, operation in path.items():
                _refine(operation, schemas, reads=method == "get")
        if http.state.runtime.settings.auth_ways:
            _guard(document, http.state.doors)
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        http.openapi_schema = document
    return http.openapi_schema


def _refine(operation: dict[str, Any], schemas: dict[str, Any], *, reads: bool) -> None:
    """What every door answers; nothing of FastAPI's 422, as we answer 400; no null where text alone can be sent."""
    answers = operation["responses"]
    answers["421"] = {"$ref": "#/components/responses/Misdirected"}
    if not reads:
        answers["403"] = {"$ref": "#/components/responses/ForeignPage"}
    schema = answers.get("422", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if schema.get("$ref", "").endswith("/HTTPValidationError"):
        del answers["422"]
    for status, answer in answers.items():
        if answer.get("description") == _FASTAPIS_WORDS:
            answer["description"] = "Done." if status == "204" else "Done; the answer is as below."
    for parameter in operation.get("parameters", ()):
        _without_null(parameter["schema"])
    form = operation.get("requestBody", {}).get("content", {}).get("multipart/form-data")
    if form:
        schema = form["schema"]  # a view that reads its form itself has it there, others by name
        named = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        for field in named["properties"].values():
            _without_null(field)
            if "contentMediaType" in field:
                field["format"] = "binary"  # as generators of clients know files, from OpenAPI 3.0


def _guard(document: dict[str, Any], doors: Doors) -> None:
    """With access control on: how it is shown who asks, and what is answered to whom that is not enough for."""
    parts = document["components"]
    parts["securitySchemes"] = _SHOWN
    parts["responses"] = parts["responses"] | _GUARDED
    document["security"] = [{name: []} for name in _SHOWN]
    for path, methods in document["paths"].items():
        door = doors.at(path)
        for method, operation in methods.items():
            if door is not None and door.is_open(method.upper(), path):
                operation["security"] = []
                continue
            operation["responses"].setdefault("401", {"$ref": "#/components/responses/Unauthenticated"})
            operation["responses"].setdefault("403", {"$ref": "#/components/responses/Forbidden"})


def _without_null(schema: dict[str, Any]) -> None:
    """Of "this or null", this: a header, a query or a form has no null, it is left out."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind not in _NOT_NULL]
    if len(kinds) == 1:
        del schema["anyOf"]
        schema.update(kinds[0])
