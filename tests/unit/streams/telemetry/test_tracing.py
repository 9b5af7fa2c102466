"""Trace context: what comes with a trace is passed on with it, what comes without stays without."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from streams.telemetry import tracing
from streams.telemetry.logs import event_fields
from streams.telemetry.tracing import Traced, batch_of, current_headers, following, trace_headers, trace_id_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
OTHER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
WRONG = [
    b"",
    b"nonsense",
    b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01",
    b"00-0af7651916cd43dd8448eb211c80319c-" + b"0" * 16 + b"-01",
    b"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    b"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01-x",
    b"\xff\xfe",
]


def message(*headers: tuple[str, bytes | None], topic: str = "series-commands", offset: int = 5) -> Any:
    """A consumed message with these headers."""
    return SimpleNamespace(topic=topic, partition=1, offset=offset, headers=headers)


def traced(parent: str = PARENT) -> Any:
    """A message of a trace."""
    return message(("other", b"x"), ("traceparent", parent.encode()))


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What is exported, where traces are exported."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    yield exporter
    provider.shutdown()


class TestMessages:
    """Consumed messages, without an exporter."""

    @pytest.mark.parametrize("parent", [PARENT, OTHER])
    def test_a_trace_is_passed_on_as_it_came(self, parent: str) -> None:
        """Sampled or not; other headers are no part of it."""
        assert trace_headers(traced(parent)) == (("traceparent", parent.encode()),)

    @pytest.mark.parametrize("headers", [(), None, [("other", b"x")], [("traceparent", None)]])
    def test_nothing_comes_of_nothing(self, headers: Any) -> None:
        """Faust gives None, an empty tuple, or a list."""
        without = SimpleNamespace(topic="t", partition=0, offset=0, headers=headers)

        assert trace_headers(without) == ()
        assert trace_id_of(without) is None
        with following(without, "agent"):
            assert current_headers() == ()

    @pytest.mark.parametrize("value", WRONG)
    def test_what_is_no_trace_is_dropped(self, value: bytes) -> None:
        """W3C: whoever cannot read it acts as if it were not there."""
        wrong = message(("traceparent", value))

        assert trace_headers(wrong) == ()
        assert trace_id_of(wrong) is None
        with following(wrong, "agent"):
            assert current_headers() == ()

    def test_two_are_none(self) -> None:
        """W3C, 3.2: more than one is no valid traceparent."""
        assert trace_headers(message(("traceparent", PARENT.encode()), ("traceparent", OTHER.encode()))) == ()

    def test_a_followed_message_is_the_current_trace_in_its_block_alone(self) -> None:
        """One after the other; after an error too."""
        assert current_headers() == ()
        with following(traced(), "agent"):
            assert current_headers() == (("traceparent", PARENT.encode()),)
        assert current_headers() == ()
        with pytest.raises(ZeroDivisionError), following(traced(OTHER), "agent"):
            _ = 1 / 0
        assert current_headers() == ()

    def test_lines_of_a_log_that_speak_of_it_name_the_trace(self) -> None:
        """As all viewers write it; without a trace there is no such field."""
        assert event_fields(traced())["trace_id"] == TRACE
        assert "trace_id" not in event_fields(message())

    def test_nothing_is_spent_on_batches(self) -> None:
        """Nobody would see the span."""
        assert batch_of("train_series", [traced()]) is tracing._NOTHING


class TestExported:
    """The same where spans are exported."""

    def test_a_message_is_a_span_of_its_trace_and_records_come_of_that(self, spans: InMemorySpanExporter) -> None:
        """Trace and parent are the sender's; what is sent names the new span."""
        with following(traced(), "orchestrate_jobs"):
            ((name, sent),) = current_headers()
        (span,) = spans.get_finished_spans()

        assert (span.name, span.kind) == ("orchestrate_jobs", SpanKind.CONSUMER)
        assert span.context is not None
        assert span.parent is not None
        assert f"{span.context.trace_id:032x}" == TRACE
        assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
        assert (name, sent.decode()) == ("traceparent", f"00-{TRACE}-{span.context.span_id:016x}-01")
        assert dict(span.attributes or {}) == {
            "messaging.system": "kafka",
            "messaging.destination.name": "series-commands",
            "messaging.destination.partition.id": "1",
            "messaging.message.offset": 5,
        }

    def test_a_message_without_a_trace_begins_none(self, spans: InMemorySpanExporter) -> None:
        """A replay of the log sends the same records."""
        with following(message(), "orchestrate_jobs"):
            assert current_headers() == ()

        assert spans.get_finished_spans() == ()

    def test_a_batch_is_linked_to_the_traces_in_it(self, spans: InMemorySpanExporter) -> None:
        """Each once; it is no trace for what is sent in it, which names its own."""
        with batch_of("train_series", [traced(), message(), traced(OTHER), traced()]):
            assert current_headers() == ()
        (span,) = spans.get_finished_spans()

        assert span.parent is None
        assert [f"{link.context.trace_id:032x}" for link in span.links] == [TRACE, OTHER.split("-")[1]]
        assert (span.attributes or {})["messaging.batch.message_count"] == 4

    def test_a_batch_that_fails_says_so(self, spans: InMemorySpanExporter) -> None:
        """The span ends all the same."""
        with pytest.raises(ValueError, match="lost"), batch_of("train_series", [traced()]):
            raise ValueError("lost")
        (span,) = spans.get_finished_spans()

        assert [event.name for event in span.events] == ["exception"]

    def test_a_batch_without_traces_is_none(self, spans: InMemorySpanExporter) -> None:
        """Nor is it a span."""
        with batch_of("train_series", [message(), message()]):
            pass

        assert spans.get_finished_spans() == ()


async def asked(*values: bytes, kind: str = "http") -> tuple[Any, str | None]:
    """The headers of what a request sends, and what its logs say."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((current_headers(), structlog.contextvars.get_contextvars().get("trace_id")))
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def nothing(*_: Any) -> Any:
        """Neither a body nor a reader."""

    headers = [(b"accept", b"*/*"), *((b"traceparent", value) for value in values)]
    scope = {"type": kind, "method": "GET", "path": "/job/7/", "headers": headers}
    await Traced(app)(scope, nothing, nothing)
    (found,) = seen
    return found  # type: ignore[no-any-return]


class TestRequests:
    """HTTP."""

    async def test_the_trace_of_a_request_is_current_while_it_is_answered(self) -> None:
        """And its logs name it."""
        assert await asked(PARENT.encode()) == ((("traceparent", PARENT.encode()),), TRACE)
        assert current_headers() == ()

    @pytest.mark.parametrize("values", [[], *([value] for value in WRONG), [PARENT.encode()] * 2])
    async def test_a_request_without_a_trace_has_none(self, values: list[bytes]) -> None:
        """Nor does one whose header is wrong."""
        assert await asked(*values) == ((), None)

    async def test_what_is_no_request_is_left_alone(self) -> None:
        """ASGI's start and stop."""
        assert await asked(kind="lifespan") == ((), None)

    async def test_a_request_that_is_a_span_already_stays_that(self, spans: InMemorySpanExporter) -> None:
        """FastAPI makes one where traces are exported."""
        with tracing._tracer().start_as_current_span("PATCH /job/{job_id}/") as span:
            found = span.get_span_context()
            asked_with = await asked(PARENT.encode())

        sent = f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"
        assert asked_with == ((("traceparent", sent.encode()),), f"{found.trace_id:032x}")
        assert len(spans.get_finished_spans()) == 1


class TestConfiguring:
    """The exporter, by OpenTelemetry's own variables."""

    def test_nothing_is_exported_without_a_receiver(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The usual case."""
        monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
        tracing.configure("state")
        tracing.flush()

        assert not tracing._exports()

    @pytest.mark.parametrize(("given", "name"), [(None, "tidecast-state"), ("mine", "mine")])
    def test_a_receiver_gets_the_spans_under_the_roles_name(
        self, monkeypatch: pytest.MonkeyPatch, given: str | None, name: str
    ) -> None:
        """Unless OTEL_SERVICE_NAME says another."""
        made: list[Any] = []
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
        monkeypatch.setattr(trace, "set_tracer_provider", made.append)
        if given:
            monkeypatch.setenv("OTEL_SERVICE_NAME", given)
        tracing.configure("state")
        (provider,) = made
        provider.shutdown()

        assert provider.resource.attributes["service.name"] == name
