"""The HTTP view as one FastAPI application, served in the state worker's own loop after its tables are recovered."""

import asyncio
import errno
import time
from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi_offline import FastAPIOffline
from faust.contrib.asgi import serve_asgi
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.errors import RejectedError
from streams.runtime import StateRuntime
from streams.systems import SYSTEMS, System, named
from streams.telemetry.counters import Metrics
from streams.telemetry.tracing import Traced
from streams.views.operation import asyncapi, health, registry
from streams.views.operation.openapi_document import openapi_document
from streams.views.operation.schema_catalogue import CatalogueError, SchemaCatalogue
from streams.views.serving import TimedProtocol
from streams.views.web.answers import error_response, json_response
from streams.views.web.browsers import BrowserGuard
from streams.views.web.envelopes import refusal_at
from streams.views.web.forwarding import OwnerForwarding
from streams.views.web.invalid_requests import invalid_request
from streams.views.web.limits import BodyLimits
from streams.views.web.reading import BodyRefusedError, SlashPaths

__all__ = ["create_http", "serve"]

log = structlog.get_logger(__name__)

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # full; the quota used up; larger than a file may be
_WALK = """\
A forecast takes four requests, all on this page:

1. `POST /data/` uploads a CSV file;
2. `POST /job/` creates a job on it;
3. `PUT /job/{job_id}/` chooses the columns, and answers with the series;
4. `PATCH /job/{job_id}/` trains them: send `next_k_prediction`, and `refit` 1 to forecast from the end of the history.

Then `GET /job/{job_id}/` tells how far it is, and `GET /job/{job_id}/job_results/` what came of it.

Each write may carry an `Idempotency-Key`: sent again under the same key it takes effect once. Fields that nobody knows
are refused.
"""
_TAGS = {
    "data sets": "CSV files and their previews.",
    "forecasting jobs": "Columns, models, training and results.",
    "forecasts": "The latest forecast of a series.",
    "models": "What a job can ask for.",
    "training jobs": "DeepAR, trained on a file of JSON Lines, in the words of ModelArts.",
    "endpoints": "Trained DeepAR models that can be asked, in the words of SageMaker.",
    "transform jobs": "All lines of a file, forecast by an endpoint.",
    "files": "What training and transform jobs read and write.",
    "schema catalogue": "Avro schemas of all topics, in the words of a schema registry.",
    "operation": "Health and figures.",
}
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def serve(runtime: StateRuntime) -> None:
    """Let the state worker serve the HTTP view."""
    settings = runtime.settings
    serve_asgi(
        runtime.app,
        create_http(runtime),
        host=settings.http_host,
        port=settings.http_port,
        access_log=False,
        server_header=False,
        http=type("Protocol", (TimedProtocol,), {"header_timeout_s": settings.header_timeout_s}),
        ws="none",
    )


def create_http(runtime: StateRuntime, systems: Sequence[System] = SYSTEMS) -> FastAPI:
    """The application; its pages need no network."""
    http = FastAPIOffline(
        title="Tidecast",
        summary="Forecasts from posted series, on Kafka.",
        description=_WALK,
        openapi_tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
        generate_unique_id_function=lambda route: route.name,
        version="0.1.0",
        redirect_slashes=False,
        docs_url="/docs",
        redoc_url=None,
        telemetry={"operation_spans": False},  # a request is one span, where traces are exported
    )
    http.state.runtime = runtime
    http.state.catalogue = SchemaCatalogue(runtime.topics)
    http.state.id_lock = asyncio.Lock()
    views = [*(named(module) for system in systems for module in system.views), registry, asyncapi, health]
    for module in views:
        http.include_router(module.router)
    http.add_api_route("/", _root, include_in_schema=False)
    http.add_exception_handler(RejectedError, _rejected)
    http.add_exception_handler(RequestValidationError, _invalid)
    http.add_exception_handler(HTTPException, _http_error)
    http.add_exception_handler(CatalogueError, _catalogue_error)
    http.add_exception_handler(OSError, _store_failed)
    http.add_exception_handler(Exception, _unexpected)
    # The last one is the outermost: refusals are traced and measured too, and a body is not read before they are made.
    http.add_middleware(OwnerForwarding, runtime=runtime)
    http.add_middleware(BodyLimits, settings=runtime.settings)
    http.add_middleware(SlashPaths)
    http.add_middleware(BrowserGuard, settings=runtime.settings)
    http.add_middleware(_Measured, metrics=runtime.metrics)
    http.add_middleware(Traced)
    http.openapi = lambda: openapi_document(http)  # type: ignore[method-assign]  # FastAPI's documented way to extend it
    return http


class _Measured:
    """Counts requests and the time that their answers take."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            self._metrics.observe_request(scope["method"], status, time.perf_counter() - begun)


async def _root() -> Response:
    return RedirectResponse("/docs")


async def _rejected(_: Request, error: Any) -> Response:
    return error_response(error.status, error.code, error.message, error.place)


async def _catalogue_error(_: Request, error: Any) -> Response:
    return json_response({"error_code": error.error_code, "message": error.message}, error.status)


async def _store_failed(request: Request, error: Any) -> Response:
    """Of all that a file system may say, the one thing that the user can mend; the rest is unexpected."""
    if error.errno not in _NO_SPACE:
        raise error
    text = f"the object store cannot take more ({error.strerror}): free some space, then retry"
    return refusal_at(request.url.path, 507, "insufficient_storage", text)


async def _http_error(request: Request, error: Any) -> Response:
    """What the framework refuses, in our envelope and words."""
    method, path = request.method, request.url.path
    if isinstance(error, BodyRefusedError):
        return refusal_at(path, error.status_code, error.code, error.detail)
    if error.status_code == 404:
        return refusal_at(path, 404, "not_found", f"there is nothing at {path[:200]}: /docs lists the addresses")
    if error.status_code == 405:
        allowed = ", ".join(_allowed(request))
        text = f"{method} is not possible at {path[:200]}: use {allowed}"
        response = refusal_at(path, 405, "method_not_allowed", text)
        response.headers["Allow"] = allowed
        return response
    return refusal_at(path, error.status_code, "invalid_request", str(error.detail))


def _allowed(request: Request) -> list[str]:
    """The methods of an address. Starlette names those of the first route that fits; each of ours has a single one."""
    scope = {"type": "http", "path": request.scope["path"], "root_path": "", "headers": []}
    return [
        method
        for method in _METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("request failed", path=request.url.path, error=repr(error))
    return refusal_at(request.url.path, 500, "internal_error", "the service failed on this request; its log says why")


async def _invalid(_: Request, error: Any) -> Response:
    return invalid_request(error.errors())
