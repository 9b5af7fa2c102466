"""Two state workers that share the workloads: whoever is asked, the answer is the same, and one alone goes on."""

import json
import threading
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

import httpx
import pytest

from connectors.embedded_kafka.broker import EmbeddedKafka
from tests.acceptance.workloads.workloads_clients import point
from tests.integration.processes import WorkerProcess, environment_of, worker_processes
from tests.integration.services import Api, until

_UIDS: Final = [f"shared-{number}" for number in range(8)]  # of both workers, all but once in a hundred times
_SENT: Final = 4  # of them, while one worker dies
_BATCHES, _BATCH = 40, 25
_KILLED_AT: Final = 10  # batches, so that most come afterwards


@pytest.fixture
def pair(broker: EmbeddedKafka, tmp_path: Path) -> Iterator[Sequence[WorkerProcess]]:
    """Two state workers."""
    environment = environment_of(broker.bootstrap, f"test-{uuid.uuid4().hex[:12]}.", tmp_path)
    with worker_processes(environment, tmp_path, ("state", "state")) as workers:
        until(lambda: all(worker.is_ready() for worker in workers), why="both are ready")
        until(lambda: all(map(_places, workers)), why="both have partitions")
        yield workers


def _places(worker: WorkerProcess) -> bool:
    """Whether all partitions are current, some of them here: the others are asked only for what they have."""
    answer = httpx.get(f"{worker.url}/api/v1/metrics/places", timeout=30)
    if answer.status_code != 200:
        return False
    partitions = [it["partition"] for it in answer.json()["partitions"] if it["current"]]
    return partitions == [0, 1, 2, 3] and _figure(worker, "tidecast_partitions") > 0


def _figure(worker: WorkerProcess, name: str) -> float:
    lines = httpx.get(f"{worker.url}/metrics", timeout=30).text.splitlines()
    return next((float(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0.0)


class Watcher:
    """A live stream as EventSource reads it: where it breaks off, it is asked for again behind the last event."""

    def __init__(self, url: str, uid: str) -> None:
        self.steps: list[int] = []
        self._url = f"{url}/api/v1/workloads/{uid}/metrics/stream"
        self._last = ""
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()  # it ends with its next line, or with the process

    def has(self, count: int) -> bool:
        """Whether so many points have come."""
        return len(self.steps) >= count

    def _watch(self) -> None:
        while not self._end.is_set():
            try:
                headers = {"Last-Event-ID": self._last} if self._last else {}
                with httpx.stream("GET", self._url, headers=headers, timeout=httpx.Timeout(30, read=5)) as answer:
                    if answer.status_code == 200:
                        self._read(answer)
            except httpx.TransportError:  # its owner is away, or has just gone; or there is nothing new
                pass
            self._end.wait(0.2)

    def _read(self, answer: httpx.Response) -> None:
        event: dict[str, str] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if line:
                event[name] = value
            elif "data" in event:
                self.steps += [it["iteration"] for it in json.loads(event["data"])]
                self._last, event = event["id"], {}
            if self._end.is_set():
                return


def _listed(api: Api, query: str = "") -> dict[str, Any]:
    content: dict[str, Any] = api.get(f"/api/v1/workloads{query}")
    return content


def _send(apis: Sequence[Api], uid: str, ready: threading.Event | None = None) -> None:
    """Batches at either worker in turn; where one is away, at the other."""
    for turn in range(_BATCHES):
        points = [point(step) for step in range(turn * _BATCH, (turn + 1) * _BATCH)]
        tries = 0

        def sent(turn: int = turn, points: list[dict[str, Any]] = points) -> bool:
            nonlocal tries
            tries += 1
            url = apis[(turn + tries) % len(apis)].url
            try:
                answer = httpx.post(f"{url}/api/v1/workloads/{uid}/metrics", json={"data": points}, timeout=20)
            except httpx.TransportError:
                return False
            assert answer.status_code in (202, 503), answer.text
            return answer.status_code == 202

        until(sent, why="the points are taken")
        if turn == _KILLED_AT and ready is not None:
            ready.set()


@pytest.mark.timeout(300)
def test_workloads_of_two_workers_outlive_one(pair: Sequence[WorkerProcess]) -> None:
    """Sent to either, read and listed and watched at either; kill -9 of one while points come: each is there once."""
    apis = [Api(worker.url) for worker in pair]
    for number, uid in enumerate(_UIDS):
        answer = apis[number % 2].call("POST", f"/api/v1/workloads/{uid}/metrics", json={"data": [point(0)]})
        assert answer.status_code == 202
    made = [apis[0].call("POST", f"/v1/points-{number}/training-jobs", json=_job()).json() for number in range(4)]
    versions = {f"tj-{it['job_id']}-{it['version_id']}" for it in made}
    for uid in versions:  # of some, one worker has the row and the other one the points
        apis[1].call("POST", f"/api/v1/workloads/{uid}/metrics", json={"data": [point(0)]})

    for uid in _UIDS:
        path = f"/api/v1/workloads/{uid}/metrics"
        assert apis[0].get(f"{path}/data") == apis[1].get(f"{path}/data")
        assert apis[0].get(f"{path}/available") == apis[1].get(f"{path}/available")
        assert apis[0].get(f"{path}/data")["data"] == [point(0)]
    assert _listed(apis[0]) == _listed(apis[1])
    assert {it["workload_uid"] for it in _listed(apis[0])["workloads"]} == {*_UIDS, *versions}
    assert {it["kind"] for it in _listed(apis[0])["workloads"] if it["workload_uid"] in versions} == {"training-job"}
    assert not [it for it in _listed(apis[0])["workloads"] if it["name"] in versions]
    for query in ("", "?limit=1", "?limit=5"):
        assert [_listed(api, query)["total_count"] for api in apis] == [len(_UIDS) + len(versions)] * 2

    ready, expected = threading.Event(), list(range(_BATCHES * _BATCH))
    with ExitStack() as stack, ThreadPoolExecutor(_SENT) as pool:
        watchers = [stack.enter_context(Watcher(pair[1].url, uid)) for uid in _UIDS]
        tasks = [pool.submit(_send, apis, uid, ready) for uid in _UIDS[:_SENT]]
        assert ready.wait(120)
        pair[0].kill()
        for task in tasks:
            task.result(timeout=200)
        for uid, watcher in zip(_UIDS[:_SENT], watchers, strict=False):
            found = apis[1].get(f"/api/v1/workloads/{uid}/metrics/data")["data"]
            assert [it["iteration"] for it in found] == expected
            until(partial(watcher.has, len(expected)), why="all was watched")
            assert watcher.steps == expected
        until(lambda: all(watcher.has(1) for watcher in watchers), why="the others were watched, too")
    assert [watcher.steps for watcher in watchers[_SENT:]] == [[0]] * (len(_UIDS) - _SENT)
    assert _listed(apis[1])["total_count"] == len(_UIDS) + len(versions)


def _job() -> dict[str, Any]:
    parameter = [{"label": "time_freq", "value": "D"}, {"label": "prediction_length", "value": 3}]
    config = {"worker_server_num": 1, "model_id": 5, "data_url": "/uploads/nothing.jsonl", "parameter": parameter}
    return {"job_name": f"points-{uuid.uuid4().hex[:8]}", "config": config}
