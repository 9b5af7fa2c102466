"""The catalogue of our schemas, in the words of the Confluent schema registry API.

And in the two that Apicurio's Kafka Connect converter reads, which knows no other API (2.6): see
connectors/kafka_connect/sinks.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Request, Response

from streams.views.operation.schema_catalogue import SchemaCatalogue
from streams.views.web.answers import json_response
from streams.views.web.door import Door, Tag
from streams.views.web.envelope import Envelope, Refusal
from streams.views.web.reading import PLAIN_ID, ForgivingRoute

__all__ = ["DOOR"]


def _catalogue(request: Request) -> SchemaCatalogue:
    catalogue: SchemaCatalogue = request.app.state.catalogue
    return catalogue


Catalogue = Annotated[SchemaCatalogue, Depends(_catalogue)]
SchemaId = Annotated[int, PLAIN_ID, Path(description="As the first bytes of a record name it.")]
Subject = Annotated[str, Path(description="A topic and -value, such as tidecast.forecasts-value.")]
Version = Annotated[str, Path(description="A number from 1, or latest.")]
SchemaBody = Annotated[dict[str, Any], Body(examples=[{"schema": '"string"'}])]
_READING = (400, 404)
_LOOKING_UP = (*_READING, 408, 409, 413, 415, 422)


def _body(told: Refusal) -> dict[str, Any]:
    """A registry's codes are numbers: its own, where it is one, else the status."""
    code = int(told.code) if told.code.isdecimal() else told.status
    return {"error_code": code, "message": told.message}


REGISTRY = Envelope(
    body=_body,
    shown={
        "type": "object",
        "properties": {"error_code": {"type": "integer"}, "message": {"type": "string"}},
        "required": ["error_code", "message"],
    },
    meanings=dict.fromkeys(_LOOKING_UP, "No such thing, as a schema registry says it."),
)

router = APIRouter(prefix="/registry", route_class=ForgivingRoute)
DOOR = Door(
    apart=True,
    router=router,
    prefixes=("/registry/{part}",),  # the registry's own root is no address of its API
    tag=Tag("schema catalogue", "Avro schemas of all topics, in the words of a schema registry."),
    envelope=REGISTRY,
    asks=("*",),  # what is posted is looked up
)


@router.get("/schemas/ids/{schema_id}", summary="A schema by its id", responses=REGISTRY.responses(*_READING))
async def get_schema(catalogue: Catalogue, schema_id: SchemaId) -> Response:
    """The schema as text."""
    return json_response(catalogue.schema(schema_id))


@router.get("/subjects", summary="The subjects")
async def list_subjects(catalogue: Catalogue) -> Response:
    """Their names."""
    return json_response(catalogue.subjects())


@router.get("/subjects/{subject}/versions", summary="Versions of a subject", responses=REGISTRY.responses(*_READING))
async def list_versions(catalogue: Catalogue, subject: Subject) -> Response:
    """Their numbers."""
    return json_response(catalogue.versions(subject))


@router.get(
    "/subjects/{subject}/versions/{version}",
    summary="One version of a subject",
    responses=REGISTRY.responses(*_READING),
)
async def get_version(catalogue: Catalogue, subject: Subject, version: Version) -> Response:
    """Its id and schema; `latest` is the last one."""
    return json_response(catalogue.version(subject, version))


@router.post(
    "/subjects/{subject}/versions",
    summary="The id of a schema that is here already",
    responses=REGISTRY.responses(*_LOOKING_UP),
)
async def register(catalogue: Catalogue, subject: Subject, body: SchemaBody) -> Response:
    """409 for a schema that is not: the catalogue comes with the release."""
    return json_response(catalogue.register(subject, body))


@router.post("/subjects/{subject}", summary="Look a schema up", responses=REGISTRY.responses(*_LOOKING_UP))
async def find(catalogue: Catalogue, subject: Subject, body: SchemaBody) -> Response:
    """Its subject, version and id."""
    return json_response(catalogue.find(subject, body))


@router.get(
    "/apis/registry/v2/ids/contentIds/{schema_id}",
    summary="A schema by its id, for Apicurio",
    responses=REGISTRY.responses(*_READING),
)
async def get_content(catalogue: Catalogue, schema_id: SchemaId) -> Response:
    """The schema itself."""
    return Response(catalogue.schema(schema_id)["schema"], media_type="application/json")


@router.get(
    "/apis/registry/v2/ids/contentIds/{schema_id}/references",
    summary="What a schema refers to",
    responses=REGISTRY.responses(*_READING),
)
async def list_references(catalogue: Catalogue, schema_id: SchemaId) -> Response:
    """Nothing: our schemas are each whole."""
    catalogue.schema(schema_id)
    return json_response([])
