"""The HTTP view as one FastAPI application, served in the state worker's own loop after its tables are recovered."""

import asyncio
import time
from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from faust.contrib.asgi import serve_asgi
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.audit.log import AuditLog
from streams.runtime import StateRuntime
from streams.telemetry.counters import Metrics
from streams.telemetry.tracing import Traced
from streams.views.doors import doors_of
from streams.views.operation.openapi_document import openapi_document
from streams.views.operation.schema_catalogue import SchemaCatalogue
from streams.views.serving import TimedProtocol
from streams.views.web.admission.auditing import Audited, TracedWrites
from streams.views.web.admission.authentication import Authentication
from streams.views.web.admission.cors import OtherPages
from streams.views.web.admission.rates import RequestRates
from streams.views.web.answers import streams_of
from streams.views.web.browsers import BrowserGuard
from streams.views.web.door import DoorRoute, Doors
from streams.views.web.forwarding import OwnerForwarding
from streams.views.web.limits import BodyLimits
from streams.views.web.reading import HeadAsGet, SlashPaths
from streams.views.web.refusals import answer_refusals

__all__ = ["create_http", "serve"]

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
        proxy_headers=False,  # whoever is on this machine would say which address it asks from
        http=type("Protocol", (TimedProtocol,), {"header_timeout_s": settings.header_timeout_s}),
        ws="none",
    )


def create_http(runtime: StateRuntime, doors: Doors | None = None) -> FastAPI:
    """The application with these doors, else with all; its pages need no network."""
    doors = doors_of() if doors is None else doors
    http = FastAPIOffline(
        title="Tidecast",
        summary="Forecasts from posted series, on Kafka.",
        description=_WALK,
        openapi_tags=[
            {"name": tag.name, "description": tag.words} for tag in dict.fromkeys(door.tag for door in doors)
        ],
        version=version("tidecast"),
        redirect_slashes=False,
        docs_url="/docs",
        redoc_url=None,
        telemetry={"operation_spans": False},  # a request is one span, where traces are exported
    )
    http.state.runtime = runtime
    http.state.doors = doors
    streams_of(runtime)  # before the process begins: then it ends them, too
    http.state.catalogue = SchemaCatalogue(runtime.topics)
    http.state.id_lock = asyncio.Lock()
    http.router.routes.extend(route for door in doors for route in door.quick)
    http.router.routes.append(DoorRoute(doors))
    http.router.routes.extend(route for door in doors for route in door.routes)
    answer_refusals(http, doors)
    settings = runtime.settings
    # The last one is the outermost: refusals are traced and measured too, and a body is not read before they are made.
    http.add_middleware(HeadAsGet)
    http.add_middleware(OwnerForwarding, runtime=runtime, doors=doors)
    http.add_middleware(BodyLimits, settings=runtime.settings, doors=doors)
    http.add_middleware(SlashPaths, doors=doors)
    audited = settings.audited and AuditLog in runtime.parts
    if audited:
        http.add_middleware(TracedWrites)
    if settings.requests_per_s:
        http.add_middleware(RequestRates, runtime=runtime, doors=doors)
    http.add_middleware(Authentication, runtime=runtime, doors=doors)
    if audited:
        http.add_middleware(Audited, audit=AuditLog.of(runtime), doors=doors)
    if settings.cors_origin_list:
        http.add_middleware(OtherPages, origins=settings.cors_origin_list)
    http.add_middleware(BrowserGuard, settings=runtime.settings, doors=doors)
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
