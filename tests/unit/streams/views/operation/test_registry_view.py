"""The schema catalogue over HTTP, in the words of Apicurio's converter; Confluent's are in the acceptance tests."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from schemas.catalogue import locked_schemas
from streams.settings import Settings
from streams.topics import Topics
from streams.views.operation import registry
from streams.views.operation.schema_catalogue import CatalogueError, SchemaCatalogue
from streams.views.web.answers import json_response


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.catalogue = SchemaCatalogue(Topics(Settings()))
    app.include_router(registry.router)
    app.add_exception_handler(CatalogueError, lambda _, error: json_response({}, status=error.status))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://catalogue") as client:
        yield client


async def test_apicurios_converter_gets_every_schema_by_its_id(client: httpx.AsyncClient) -> None:
    """The body is the schema itself, and it refers to nothing."""
    for locked in locked_schemas():
        path = f"/registry/apis/registry/v2/ids/contentIds/{locked.schema_id}"
        schema, references = await client.get(path), await client.get(f"{path}/references")

        assert (schema.status_code, json.loads(schema.text)) == (200, locked.schema)
        assert (references.status_code, references.json()) == (200, [])


async def test_an_unknown_id_is_404(client: httpx.AsyncClient) -> None:
    """As a registry says it; the converter then takes the record for unreadable."""
    for path in ("9999", "9999/references"):
        answer = await client.get(f"/registry/apis/registry/v2/ids/contentIds/{path}")

        assert answer.status_code == 404
