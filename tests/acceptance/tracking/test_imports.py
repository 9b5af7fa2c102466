"""`tidecast metrics import` against the service: event files and logs, once however often."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.integration.services import Service, until
from tests.unit.connectors.metric_sources.event_samples import event, event_file, simple


def _tidecast(service: Service, *words: object) -> str:
    ran = subprocess.run(
        [Path(sys.executable).parent / "tidecast", "metrics", *map(str, words), "--url", service.stack.url],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def _points(http: httpx.Client, uid: str) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = http.get(f"/api/v1/workloads/{uid}/metrics/data").json()["data"]
    return data


def test_M061_event_files_and_logs_are_imported_once(service: Service, http: httpx.Client, tmp_path: Path) -> None:
    """Each with its source; a second import adds nothing, and a name that cannot be kept costs nothing else."""
    events = [
        event(1704067200.0 + n, n, simple("loss", n / 4), simple("lr\x07" if n == 7 else "lr", 0.5))
        for n in range(2000)
    ]
    event_file(tmp_path / "logs" / "train", events)
    log = tmp_path / "train.log"
    log.write_text("".join(f"2024-01-01T00:00:{n:02}Z step {n}: loss={n / 2} acc=nan\n" for n in range(60)), "utf-8")
    for _ in range(2):
        told = _tidecast(service, "import", tmp_path / "logs", "-w", "imported-1")
        _tidecast(service, "import", log, "-w", "imported-2")
    until(
        lambda: len(_points(http, "imported-1")) >= 3999 and len(_points(http, "imported-2")) >= 120, why="all are kept"
    )
    first, second = _points(http, "imported-1"), _points(http, "imported-2")

    assert "3,999 points of 2 metrics to workload imported-1" in told
    assert len(first) == 3999
    assert [it["value"] for it in first if it["metric_name"] == "train/loss"] == [n / 4 for n in range(2000)]
    assert {it["data_source"] for it in first} == {"tensorflow"}
    assert [(it["value"], it["iteration"], it["timestamp"]) for it in second if it["metric_name"] == "loss"] == [
        (n / 2, n, 1704067200000 + 1000 * n) for n in range(60)
    ]
    assert [it["value"] for it in second if it["metric_name"] == "acc"] == [None] * 60
    assert {it["data_source"] for it in second} == {"log"}
