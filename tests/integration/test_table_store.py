"""`TIDECAST_TABLE_STORE=rocksdb`: whatever happens to a state worker or its disk, the answers are the same."""

import json
import shutil
import signal
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors.embedded_kafka.broker import EmbeddedKafka
from schemas.forecasting import CmdStatus
from tests.integration.processes import WorkerProcess
from tests.integration.services import Api, Service, csv_of, running_service, until

_SERIES = 200
_MODELS = ("LinearFit", "AdaptiveMaxN", "LinearFit")


def _numbers(body: dict[str, Any]) -> list[tuple[int, int]]:
    """Series and number of answers of each in what GET shows."""
    return [(entry["ts_id"], len(entry["results"])) for entry in body["results"]]


def _read(log: Path) -> list[int]:
    """How many records the worker says it has read from changelogs, at each of its recoveries."""
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines() if line.startswith("{")]
    return [line["records"] for line in lines if line.get("event") == "tables_read"]


def test_a_killed_state_worker_answers_as_before(tmp_path: Path) -> None:
    """kill -9 in the middle of a job, and of an idle worker: every answer once, and the changelog is not read again."""
    with running_service(tmp_path, table_store="rocksdb", batch_size=50) as service:
        job_id, ts_ids = service.api.new_job(csv_of(_SERIES, 30))
        tail = service.tail(service.topics.job_results)
        service.api.train(job_id, ts_ids, _MODELS)
        until(lambda: len(tail.poll()) > 0, why="the first answer")
        service.signal("state", signal.SIGKILL)
        before = service.api.finished(job_id)
        tail.close()
        assert before["status"] == CmdStatus.DONE
        assert _numbers(before) == [(ts_id, len(_MODELS)) for ts_id in ts_ids]

        _kill_idle(service)
        assert service.api.finished(job_id) == before
        assert sum(_read(service.stack.log_folder / "state.log")) < _SERIES
        service.api.train(job_id, ts_ids[:1])
        assert _numbers(service.api.finished(job_id))[0] == (ts_ids[0], len(_MODELS) + 1)


def _kill_idle(service: Service) -> None:
    pid = service.pid("state")
    service.signal("state", signal.SIGKILL)
    until(lambda: service.pid("state") != pid and service.is_ready(), why="the state worker is back")


def _spoil(folder: Path) -> None:
    for path in folder.rglob("*.sst"):
        path.write_bytes(b"x" * path.stat().st_size)
    for path in folder.rglob("MANIFEST*"):
        path.write_bytes(b"nonsense")


@pytest.mark.parametrize("harm", [shutil.rmtree, _spoil], ids=["wiped", "spoilt"])
def test_a_lost_folder_is_filled_from_the_changelog(tmp_path: Path, harm: Any) -> None:
    """Gone, or unreadable; and back in memory, which was the store before: the same answers."""
    with running_service(tmp_path) as service:
        job_id, ts_ids = service.api.new_job(csv_of(_SERIES, 30))
        service.api.train(job_id, ts_ids, _MODELS)
        before = service.api.finished(job_id)
    with running_service(tmp_path, table_store="rocksdb") as service:
        assert service.api.finished(job_id) == before
    assert (tmp_path / "tables").is_dir()
    harm(tmp_path / "tables")
    with running_service(tmp_path, table_store="rocksdb") as service:
        assert service.api.finished(job_id) == before
        assert [job["job_id"] for job in service.api.get("/job/")["jobs"]] == [job_id]
        assert sum(_read(service.stack.log_folder / "state.log")) >= len(_MODELS) * _SERIES


@contextmanager
def _worker(broker: EmbeddedKafka, prefix: str, folder: Path, role: str, name: str) -> Iterator[WorkerProcess]:
    environment = {
        "TIDECAST_HOME": str(folder),
        "TIDECAST_KAFKA_BOOTSTRAP": broker.bootstrap,
        "TIDECAST_TOPIC_PREFIX": prefix,
        "TIDECAST_GROUP_PREFIX": prefix,
        "TIDECAST_TABLE_STORE": "rocksdb",
    }
    worker = WorkerProcess(role, name, environment, folder)
    try:
        yield worker
    finally:
        worker.kill()


def test_another_worker_takes_over_and_hands_back(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """kill -9 of one of two: the other shows its jobs and changes them; back again, the first knows the changes."""
    prefix = f"test-{uuid.uuid4().hex[:12]}."
    with (
        _worker(broker, prefix, tmp_path, "trainer", "1"),
        _worker(broker, prefix, tmp_path, "state", "2") as survivor,
        _worker(broker, prefix, tmp_path, "state", "1") as first,
    ):
        until(lambda: survivor.is_ready() and first.is_ready(), why="both are ready")
        apis = [Api(first.url), Api(survivor.url)]
        data_ids = [api.add_dataset(csv_of(3, 20)) for api in apis]
        jobs = [apis[turn % 2].create_job(data_ids[turn % 2]) for turn in range(8)]
        for job_id in jobs:
            apis[0].train(job_id, apis[0].configure(job_id))
        before = [apis[0].finished(job_id) for job_id in jobs]
        first.kill()
        api = apis[1]
        assert [api.finished(job_id) for job_id in jobs] == before
        assert api.call("DELETE", f"/job/{jobs[0]}/").status_code == 204
        for job_id in jobs[1:]:
            api.train(job_id, [before[jobs.index(job_id)]["results"][0]["ts_id"]])
        changed = [api.finished(job_id) for job_id in jobs[1:]]
        with _worker(broker, prefix, tmp_path, "state", "1") as again:
            until(again.is_ready, why="the first is back")
            for url in (again.url, survivor.url):
                _same(Api(url), jobs, changed)
            survivor.kill()
            _same(Api(again.url), jobs, changed)


def _same(api: Api, jobs: list[int], changed: Iterable[dict[str, Any]]) -> None:
    assert [api.finished(job_id) for job_id in jobs[1:]] == list(changed)
    assert api.call("GET", f"/job/{jobs[0]}/").status_code == 404
    assert [job["job_id"] for job in api.get("/job/")["jobs"]] == sorted(jobs[1:])
