"""The topics as an AsyncAPI document, as `/openapi.json` is for HTTP."""

from typing import Any

from fastapi import APIRouter, Request, Response
from yarl import URL

from streams.runtime import StateRuntime
from streams.views.operation.asyncapi_document import asyncapi_document
from streams.views.web.answers import json_response
from streams.views.web.door import OPERATION, Door
from streams.views.web.reading import JsonRoute, State

__all__ = ["DOOR"]

router = APIRouter(route_class=JsonRoute)
DOOR = Door(router=router, apart=True, prefixes=("/asyncapi.json",), tag=OPERATION)


@router.get("/asyncapi.json", summary="The topics, as an AsyncAPI document", response_model=dict[str, Any])
async def asyncapi(request: Request, state: State) -> Response:
    """Channels, keys, clean-up and Avro schemas of the topics, with what may be sent to which."""
    settings = state.settings
    return json_response(
        asyncapi_document(
            state.topics,
            version=request.app.version,
            servers=state.bootstrap.split(","),
            registry_url=_registry(state),
            replicas=settings.replication_factor,
        )
    )


def _registry(state: StateRuntime) -> str:
    """Where the schemas of the ids are found; never with the password that the setting may hold."""
    if state.settings.registry_url is None:
        return str(state.app.conf.canonical_url / "registry")
    return str(URL(state.settings.registry_url.get_secret_value()).with_user(None).with_query(None))
