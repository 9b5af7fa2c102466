"""What a series costs at each stage, in processor time, bytes and memory: the inputs of `benchmarks.scaling_model`.

Processor time, not seconds: it says the same on a busy machine.
"""

import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from benchmarks.end_to_end import patch_to_done, synthetic_csv, training_of
from benchmarks.report import show
from connectors.kafka.topic_reader import read_topic
from streams.settings import Settings
from streams.topics import Topics
from streams.workers.stack import Stack

__all__ = ["run"]

_SERIES, _POINTS = 10_000, 400
_MODEL = "LinearFit"
_TICKS = os.sysconf("SC_CLK_TCK")
_SETTLED_S = 3.0  # the tables' last writes, and the broker's files


def run() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        settings = Settings(home=home, http_port=0, kafka_port=0)
        with Stack(settings, progress=lambda _: None) as stack:
            _measure(stack, settings, Path(folder))


def _measure(stack: Stack, settings: Settings, folder: Path) -> None:
    client = httpx.Client(base_url=stack.url, timeout=300)
    file = folder / "series.csv"
    synthetic_csv(file, _SERIES, _POINTS)
    rows: list[tuple[str, Mapping[str, float]]] = []

    def timed(stage: str, work: Any) -> Any:
        before = _processor_s(stack)
        answer = work()
        time.sleep(_SETTLED_S if stage == "PATCH to DONE" else 0)
        after = _processor_s(stack)
        rows.append((stage, {name: after[name] - before[name] for name in after}))
        return answer

    empty = _memory(stack)
    data_id = timed("upload", lambda: _json(client.post("/data/", files={"upload": file.open("rb")}))["data"]["id"])
    job_id = _json(client.post("/job/", json={"data_id": data_id}))["job_id"]
    columns = {"timestamp_indexs": [1], "target_indexs": [2], "groupby_indexs": [0]}
    details = timed("PUT (split)", lambda: _json(client.put(f"/job/{job_id}/", json=columns))["ts_details"])
    body, probe = training_of(details, _MODEL), details[0]["ts_id"]
    patch_to_done(client, job_id, body, ts_id=probe)
    time.sleep(_SETTLED_S)
    before, logs = _memory(stack), _log_bytes(settings)
    timed("PATCH to DONE", lambda: patch_to_done(client, job_id, body, ts_id=probe))
    show(
        f"Processor time, microseconds a series: {_SERIES} series of {_POINTS} points, {_MODEL}",
        ("stage", "state", "trainer", "broker"),
        [(stage, *(f"{1e6 * used[name] / _SERIES:.0f}" for name in used)) for stage, used in rows],
    )
    _show_bytes(stack, settings, logs)
    _show_memory(stack, empty, before)


def _show_bytes(stack: Stack, settings: Settings, before: Mapping[str, int]) -> None:
    after, topics = _log_bytes(settings), Topics(settings)
    grown = {name: (after[name] - before[name]) / _SERIES for name in after if after[name] - before[name] > _SERIES}
    show(
        "Bytes of the log a series and submission, compressed, one copy",
        ("topic", "bytes"),
        [(name, f"{size:,.0f}") for name, size in sorted(grown.items(), key=lambda one: -one[1])],
    )
    rows: dict[str, dict[bytes, int]] = {}
    for topic in (topics.jobs_changelog, topics.results_changelog, topics.forecasts_changelog):
        found = rows.setdefault(topic.removeprefix(settings.topic_prefix), {})
        for record in read_topic(stack.bootstrap, topic):
            found[record.key or b""] = len(record.value or b"")
    show(
        "Rows of the tables",
        ("changelog", "rows", "bytes a row"),
        [(name, f"{len(found):,}", f"{sum(found.values()) / len(found):,.0f}") for name, found in rows.items()],
    )


def _show_memory(stack: Stack, empty: int, before: int) -> None:
    after = _memory(stack)
    show(
        "Memory of the state worker",
        ("when", "MiB", "bytes a series more"),
        [
            ("empty", f"{empty / 2**20:.0f}", ""),
            ("first submission done", f"{before / 2**20:.0f}", f"{(before - empty) / _SERIES:,.0f}"),
            ("second submission done", f"{after / 2**20:.0f}", f"{(after - before) / _SERIES:,.0f}"),
        ],
    )


def _processor_s(stack: Stack) -> dict[str, float]:
    """Seconds that each process has computed, threads and ended children included."""
    assert stack.broker is not None
    assert stack.broker.pid is not None
    pids = {"state": stack.pid("state"), "trainer": stack.pid("trainer-1"), "broker": stack.broker.pid}
    found = {}
    for name, pid in pids.items():
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
        found[name] = sum(int(field) for field in fields[11:15]) / _TICKS
    return found


def _memory(stack: Stack) -> int:
    lines = Path(f"/proc/{stack.pid('state')}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def _log_bytes(settings: Settings) -> dict[str, int]:
    """Bytes of each topic's segments."""
    found: dict[str, int] = {}
    for path in settings.home.rglob(f"{settings.topic_prefix}*-*/*.log"):
        topic = path.parent.name.rpartition("-")[0].removeprefix(settings.topic_prefix)
        found[topic] = found.get(topic, 0) + path.stat().st_size
    return found


def _json(answer: httpx.Response) -> dict[str, Any]:
    answer.raise_for_status()
    body: dict[str, Any] = answer.json()
    return body
