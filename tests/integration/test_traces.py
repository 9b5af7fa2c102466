"""Spans of a whole service, at a receiver that speaks OTLP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.integration.services import csv_of, running_service, until

_TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_a_request_is_one_trace_through_all_processes(
    received: list[tuple[str, Any]], tmp_path: Path, kafka_jars: Path
) -> None:
    """Request, command and the end of the job are spans of it; the batch that trained is linked to it."""
    with running_service(tmp_path / "home") as service:
        api = service.api
        job_id, ts_ids = api.new_job(csv_of(2, 20))
        elements = [
            {"ts_id": one, "model_name": "LinearFit", "hyper_params": [], "next_k_prediction": 3} for one in ts_ids
        ]
        parent = {"traceparent": f"00-{_TRACE}-b7ad6b7169203331-01"}
        assert api._client.patch(f"/job/{job_id}/", json=elements, headers=parent).status_code == 200
        api.finished(job_id)
        sent = set(_sent_with(service.read_all(service.topics.job_results)))

        def of_trace() -> dict[str, Any]:
            return {span.name: (role, span) for role, span in list(received) if span.trace_id.hex() == _TRACE}

        until(
            lambda: {"PATCH /job/{job_id}/", "orchestrate_jobs", "track_results"} <= set(of_trace()),
            why="the spans arrive",
        )
        trained = until(
            lambda: [(role, span) for role, span in list(received) if _is_linked(span)], why="the batch's span arrives"
        )

    spans = of_trace()
    request, command = spans["PATCH /job/{job_id}/"][1], spans["orchestrate_jobs"][1]
    assert request.parent_span_id.hex() == "b7ad6b7169203331"
    assert command.parent_span_id == request.span_id
    assert sent == {f"00-{_TRACE}-{command.span_id.hex()}-01"}
    assert {role for role, _ in spans.values()} == {"tidecast-state"}
    assert {(role, span.name) for role, span in trained} == {("tidecast-trainer", "train_series")}


def _is_linked(span: Any) -> bool:
    return any(link.trace_id.hex() == _TRACE for link in span.links)


def _sent_with(messages: Any) -> Iterator[str]:
    for message in messages:
        yield dict(message.headers())["traceparent"].decode()
