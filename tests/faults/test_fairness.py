"""One user's work beside others': files that unpack without end, huge and endless jobs, and what is called off."""

import gzip
import io
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.objects.store import ObjectStore
from schemas.forecasting import CmdStatus
from tests.acceptance.deepar import instance, publish
from tests.faults.figures import CaseFigures
from tests.faults.history import RecordingApi
from tests.faults.load import Job
from tests.faults.verifier import Verifier
from tests.integration.services import READY_S, Service, csv_of, running_service, until

_NEWLINES = 100 * 1024 * 1024  # in a gzip file of 100 KB
_BOMBS = 5  # transform jobs on it
_PROMPT_S = 5.0  # a request beside others' files; idle, the slowest takes 0.1, and the machine of a test may be busy
_STOPPED_S = 10.0  # a stop, likewise: it takes effect within a second on an idle machine
_ELEMENTS = 40_000  # of one PATCH: some seconds of a trainer
_SEARCH = {"name": "epochs_used", "type": "int", "low": 500, "high": 1000}  # a thousand tries of it take minutes
_LONG_S = 1.5  # of a core, by which a search is told from processes that were started for something short
_HEAVY_S = 45.0  # a process for a network is started and trains it; on an idle machine 4


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("fairness")) as running:
        publish(ObjectStore(running.settings.object_store_url), "ep")
        yield running


@pytest.fixture
def http(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.stack.url, timeout=60) as client:
        yield client


def _seconds(call: Callable[[], Any]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def _bomb() -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9) as file:
        for _ in range(_NEWLINES // 2**20):
            file.write(b"\n" * 2**20)
    return packed.getvalue()


def _start_transform(http: httpx.Client, source: str) -> str:
    name = f"t-{uuid.uuid4().hex[:12]}"
    body = {
        "TransformJobName": name,
        "ModelName": "ep",
        "TransformInput": {"DataSource": {"S3DataSource": {"S3Uri": source}}},
        "TransformOutput": {"S3OutputPath": "/outputs/bombs"},
    }
    assert http.post("/transform-jobs", json=body).status_code == 200
    return name


def _status(http: httpx.Client, name: str) -> str:
    return str(http.get(f"/transform-jobs/{name}").json()["TransformJobStatus"])


def _search(api: RecordingApi, count: int) -> tuple[int, list[int]]:
    """A job with searches that take minutes."""
    job_id, ts_ids = api.new_job(csv_of(1, 60))
    element = {
        "ts_id": ts_ids[0], "model_name": "Lstm", "hyper_params": [_SEARCH], "auto_tune": 1, "max_eval": 1000,
        "next_k_prediction": 3,
    }  # fmt: skip
    answer = api.call("PATCH", f"/job/{job_id}/", json=[element] * count)
    assert answer.status_code == 200, answer.text
    return job_id, ts_ids


def _searching(service: Service) -> set[int]:
    """The training processes that compute for long by now."""
    servers = set(_children(service.pid("trainer-1")))  # which fork them, and live on
    return {pid for server in servers for pid in _children(server) if _cpu_s(pid) > _LONG_S}


def _children(pid: int) -> Iterator[int]:
    with suppress(OSError):  # it has ended
        for thread in Path(f"/proc/{pid}/task").iterdir():
            yield from map(int, (thread / "children").read_text().split())


def _cpu_s(pid: int) -> float:
    """Seconds of a core that a process has had; 0 where it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return 0.0 if fields[0] in "ZX" else (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_fault_files_that_unpack_to_newlines(service: Service, http: httpx.Client, figures: CaseFigures) -> None:
    """Five jobs on a hundred million newlines each: everybody's requests are answered, a stop works, the end comes."""
    assert http.put("/uploads/newlines.jsonl.gz", content=_bomb()).status_code == 200
    names = [_start_transform(http, "/uploads/newlines.jsonl.gz") for _ in range(_BOMBS)]
    asked = {"instances": [instance()]}
    slowest = max(
        _seconds(lambda: http.get("/data/").raise_for_status()),
        _seconds(lambda: http.get("/endpoints").raise_for_status()),
        _seconds(lambda: http.post("/endpoints/ep/invocations", json=asked).raise_for_status()),
        _seconds(lambda: http.put("/uploads/other", content=b"x").raise_for_status()),
        _seconds(lambda: http.get("/readyz").raise_for_status()),
    )
    stopped = names[-1]
    took = _seconds(lambda: http.post(f"/transform-jobs/{stopped}/stop"))
    until(lambda: _status(http, stopped) in {"Stopped", "Completed"}, within=_STOPPED_S, why="the job has stopped")
    until(lambda: all(_status(http, name) == "Completed" for name in names[:-1]), why="the others are read to the end")
    figures.time("slowest request", slowest)

    assert max(slowest, took) < _PROMPT_S


def test_fault_a_small_job_beside_a_huge_one(
    service: Service, api: RecordingApi, verifier: Verifier, figures: CaseFigures
) -> None:
    """It is done long before the other, whose commands came first; of the huge one nothing is lost, also by a kill."""
    _small(api, figures, "small job alone")
    huge = Job(api, service.bootstrap, service.topics, csv=csv_of(2, 60))
    huge.submit(("LinearFit",), ts_ids=huge.ts_ids * (_ELEMENTS // 2))
    _small(api, figures, "small job beside")
    assert huge.answered() < _ELEMENTS // 2, "the small job has waited for the huge one"
    service.signal("state", signal.SIGKILL)
    until(service.is_ready, why="the state worker is back")
    huge.close()

    verifier.verify(api, huge, figures=figures)


def _small(api: RecordingApi, figures: CaseFigures, name: str) -> None:
    job_id, ts_ids = api.new_job(csv_of(1, 60))
    began = time.monotonic()
    api.train(job_id, ts_ids, ["SES"])
    assert api.finished(job_id)["status"] == CmdStatus.DONE
    figures.time(name, time.monotonic() - began)


@pytest.mark.parametrize("how", ["stop", "delete"])
def test_fault_searches_that_are_called_off(
    service: Service, api: RecordingApi, http: httpx.Client, figures: CaseFigures, how: str
) -> None:
    """Beside them a network of another job is trained at once; when nobody wants them, their processes end."""
    job_id, ts_ids = _search(api, 6)
    until(lambda: len(_searching(service)) >= 2, why="searches have begun")
    other, others = api.new_job(csv_of(1, 60))
    began = time.monotonic()
    api.train(other, others, ["Lstm"])
    assert api.finished(other, within=_HEAVY_S)["status"] == CmdStatus.DONE
    figures.time("network beside searches", time.monotonic() - began)
    assert http.get(f"/job/{job_id}/").json()["status"] == CmdStatus.COMITTED
    before = _searching(service)
    if how == "stop":
        answer = http.post(f"/job/{job_id}/stop")
        assert answer.json() == {"job_id": job_id, "status": 4, "message": "cancelled"}
    else:
        assert http.delete(f"/job/{job_id}/").status_code == 204
    began = time.monotonic()
    until(lambda: not before & _searching(service), within=_STOPPED_S, why="the searches' processes have ended")
    figures.time("processes ended", time.monotonic() - began)

    if how == "stop":
        shown = http.get(f"/job/{job_id}/job_results/?history=0").json()
        assert [one["error"] for one in shown["results"][0]["results"]] == ["cancelled"] * 6
        api.train(job_id, ts_ids, ["LinearFit"])
        assert api.finished(job_id, within=READY_S)["status"] == CmdStatus.DONE
