"""The curve of the demo's training job."""

import json

import httpx
import pytest
from rich.console import Console

from streams.cli.console.failure import CommandError
from streams.cli.demo import curve
from streams.cli.demo.curve import show_curve
from streams.cli.service.client import ServiceClient
from streams.cli.service.session import Session

JOB = {"job_id": 7, "version_id": 9, "job_name": "flights", "epoch": 3}


def shown(answers: list[list[float | None]]) -> str:
    """What is printed where the service tells these points, one list after another."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.raw_path == b"/api/v1/workloads/tj-7-9/metrics/data?metrics=loss"
        points = answers.pop(0) if len(answers) > 1 else answers[0]
        return httpx.Response(200, text=json.dumps({"data": [{"value": value} for value in points]}))

    results = Console(record=True, width=200)
    with ServiceClient("http://127.0.0.1:1", transport=httpx.MockTransport(answer)) as client:
        show_curve(Session(client, watch=lambda: None, embedded=False), JOB, results)
    return results.export_text()


def test_it_is_printed_once_all_epochs_are_there() -> None:
    """The last point may be seen later than the job's end."""
    assert "flights: 3 epochs, loss 4.000 █▆▁ 1.000" in shown([[], [4.0, 3.0], [4.0, 3.0, 1.0]])


def test_a_missing_curve_ends_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while."""
    monkeypatch.setattr(curve, "_SEEN_WITHIN_S", 0.0)
    with pytest.raises(CommandError, match="1 values of its loss, expected one for each of 3 epochs"):
        shown([[4.0, None]])
