"""Trace context: whose request a record came of, in the W3C form, from HTTP through the headers of all records.

What comes with a `traceparent` is passed on with it; what comes without one stays without, and costs nothing. Where
traces are exported (`configure`) there are spans of requests, commands and batches, and records name theirs.
"""

import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from typing import Any, Final

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanContext, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.kafka.publisher import Headers
from streams.messages import Message, WithHeaders

__all__ = [
    "TRACEPARENT",
    "Traced",
    "batch_of",
    "configure",
    "current_headers",
    "flush",
    "following",
    "trace_headers",
    "trace_id_of",
    "traced",
]

log = structlog.get_logger(__name__)

TRACEPARENT: Final = "traceparent"

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_NOTHING: Final = nullcontext()
_FLUSH_MS: Final = 3000  # as long as the publisher has: who stops the service waits for both


def trace_headers(message: WithHeaders) -> Headers:
    """The headers of a consumed message that belong to whatever comes of it; none where it has no trace."""
    if not message.headers:
        return ()
    values = _values(message.headers, TRACEPARENT)
    return _passed_on(values[0]) if len(values) == 1 else ()


def trace_id_of(message: WithHeaders) -> str | None:
    """The id of a consumed message's trace, as logs and viewers write it; None where it has none."""
    if not message.headers:
        return None
    found = _sent_with(message)
    return None if found is None else _id(found)


def current_headers() -> Headers:
    """What marks a record as part of the trace that is current where this is called; none where there is none."""
    found = trace.get_current_span().get_span_context()
    return _written(found) if found.is_valid else ()


@contextmanager
def traced() -> Iterator[str]:
    """Within a trace, a new one where there is none; its id, as logs and viewers write it."""
    found = trace.get_current_span().get_span_context()
    if found.is_valid:
        yield _id(found)
        return
    new = SpanContext(secrets.randbits(128) | 1, secrets.randbits(64) | 1, is_remote=False)  # 0 would be none
    with trace.use_span(trace.NonRecordingSpan(new)), structlog.contextvars.bound_contextvars(trace_id=_id(new)):
        yield _id(new)


def following(message: Message, agent: str) -> AbstractContextManager[Any]:
    """Let the trace of a consumed message be the current one in this block, which does what the message asks for."""
    if not message.headers:
        return _NOTHING
    found = _sent_with(message)
    if found is None:
        return _NOTHING
    return _tracer().start_as_current_span(
        agent, _context_of(found), SpanKind.CONSUMER, {**_place(message), "messaging.message.offset": message.offset}
    )


def batch_of(agent: str, messages: Sequence[Message]) -> AbstractContextManager[Any]:
    """A span of messages that are worked on together, linked to the trace of each. It does not become the current one.

    Where nothing is exported, or no message has a trace, this is nothing.
    """
    if not _exports():
        return _NOTHING
    found = [_sent_with(message) for message in messages if message.headers]
    linked = {(one.trace_id, one.span_id): Link(one) for one in found if one is not None}
    if not linked:
        return _NOTHING
    attributes = {**_place(messages[0]), "messaging.batch.message_count": len(messages)}
    return _ended(_tracer().start_span(agent, Context(), SpanKind.CONSUMER, attributes, tuple(linked.values())))


class Traced:
    """Makes the trace of a request with a `traceparent` the current one while it is answered.

    Where traces are exported FastAPI has done so, with a span of its own; a request without one begins a trace then.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer within the trace; lines that are logged meanwhile name it."""
        found = trace.get_current_span().get_span_context()
        if found.is_valid:
            current: AbstractContextManager[Any] = _NOTHING
        elif parent := _parsed(_values(scope["headers"], TRACEPARENT.encode())) if scope["type"] == "http" else None:
            found, current = parent, trace.use_span(trace.NonRecordingSpan(parent))
        else:
            await self._app(scope, receive, send)
            return
        with current, structlog.contextvars.bound_contextvars(trace_id=_id(found)):
            await self._app(scope, receive, send)


def configure(role: str) -> None:
    """Export traces of this process where OpenTelemetry's own variables name a receiver; to be called once."""
    wanted = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    if _exports() or not any(os.environ.get(name) for name in wanted):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        log.warning("traces_not_exported", reason=str(error), remedy="pip install 'tidecast[otel]'")
        return
    name = os.environ.get("OTEL_SERVICE_NAME") or f"tidecast-{role}"
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def flush() -> None:
    """Send what has not been sent yet; to be called at the end of the process."""
    if _exports():
        force: Any = getattr(trace.get_tracer_provider(), "force_flush", None)
        if force is not None:
            force(_FLUSH_MS)


def _tracer() -> trace.Tracer:
    return trace.get_tracer("tidecast")


def _exports() -> bool:
    """Whether somebody set a provider: `configure`, `opentelemetry-instrument`, or a test."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def _sent_with(message: WithHeaders) -> SpanContext | None:
    return _parsed(_values(message.headers, TRACEPARENT))


def _values(headers: Iterable[tuple[Any, bytes | None]], name: str | bytes) -> list[bytes]:
    return [value or b"" for key, value in headers if key == name]


def _parsed(values: Sequence[bytes]) -> SpanContext | None:
    """None where there is not exactly one, or it is none: W3C has such a request begin anew."""
    if len(values) != 1:
        return None
    context = _PROPAGATOR.extract({TRACEPARENT: values[0].decode("latin-1")}, Context())
    found = trace.get_current_span(context).get_span_context()
    return found if found.is_valid else None


def _context_of(parent: SpanContext) -> Context:
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())


@lru_cache(maxsize=1024)  # the commands of a submission have one
def _passed_on(sent: bytes) -> Headers:
    return _written(_parsed([sent]))


def _written(found: SpanContext | None) -> Headers:
    if found is None:
        return ()
    return ((TRACEPARENT, b"00-%032x-%016x-%02x" % (found.trace_id, found.span_id, found.trace_flags)),)


@contextmanager
def _ended(span: trace.Span) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        span.record_exception(error)
        raise
    finally:
        span.end()


def _place(message: Message) -> dict[str, Any]:
    return {
        "messaging.system": "kafka",
        "messaging.destination.name": message.topic,
        "messaging.destination.partition.id": str(message.partition),
    }


def _id(found: SpanContext) -> str:
    return f"{found.trace_id:032x}"
