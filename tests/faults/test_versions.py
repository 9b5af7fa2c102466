"""kill -9 of trainer, state and broker while twenty versions run: each ends once, and its log is whole (55, 57, 66)."""

import signal
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx
import psutil
import pytest

from tests.faults.figures import CaseFigures
from tests.faults.log import read_topics
from tests.faults.points import points_of, send_points
from tests.faults.seen import LogRecord
from tests.faults.version_judge import ENDS, AskedVersion, version_findings
from tests.integration.services import Api, Service, csv_of, running_service, until

_LINES: Final = 20
_COUNTING: Final = """import time
for number in range({lines}):
    print(f'line {{number}}', flush=True)
    time.sleep(0.1)
"""
_ENDLESS: Final = """import os, subprocess, sys, time
child = "import os, time; os.setsid(); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", child])
print("line 0", flush=True)
while True: time.sleep(0.1)
"""
_COUNTED, _FORECAST, _STEADY = 14, 4, 2
_AT_ONCE: Final = 6
_ENDED_S: Final = 240.0
_BY_ITSELF: Final = frozenset((10, 14))
_PROJECT: Final = "default"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(
        tmp_path_factory.mktemp("versions"),
        user_code="process",
        training_processes=_AT_ONCE,
        max_running_versions=_COUNTED + _FORECAST + _STEADY,
    ) as running:
        yield running


class _Version:
    """A version of a job of its own."""

    def __init__(self, api: Api, config: dict[str, Any], ends_as: frozenset[int] = _BY_ITSELF, lines: int = 0) -> None:
        sent = {"job_name": f"j-{uuid.uuid4().hex[:12]}", "config": {"worker_server_num": 1, "spec_id": 1, **config}}
        answer = api.call("POST", f"/v1/{_PROJECT}/training-jobs", json=sent)
        assert answer.status_code == 200, answer.text
        self.ids = answer.json()["job_id"], answer.json()["version_id"]
        self.path = f"/v1/{_PROJECT}/training-jobs/{self.ids[0]}/versions/{self.ids[1]}"
        self._api = api
        self._ends_as = ends_as
        self._lines = lines

    def status(self) -> int | None:
        answer = self._api.call("GET", self.path)
        return int(answer.json()["status"]) if answer.status_code == 200 else None

    def log(self) -> bytes:
        """All of it, piece by piece."""
        whole, at = b"", 0
        while True:
            answer = self._api.call("GET", f"{self.path}/aom-log", params={"offset": at})
            if answer.status_code == 404 or answer.json()["next_offset"] == at:
                return whole
            whole += answer.json()["content"].encode()
            at = answer.json()["next_offset"]

    def seen(self) -> AskedVersion:
        return AskedVersion(_PROJECT, *self.ids, self._ends_as, self.status(), self.log(), self._lines)


def _boot(api: Api, text: str) -> dict[str, Any]:
    folder = f"/uploads/{uuid.uuid4().hex}"
    assert api.call("PUT", f"{folder}/boot.py", content=text.encode()).status_code == 200
    return {"app_url": f"{folder}/", "boot_file_url": f"{folder}/boot.py", "data_url": f"{folder}/"}


def _kill(service: Service, name: str) -> None:
    """And wait until the next one has begun its work."""
    before = service.pid(name)
    service.signal(name, signal.SIGKILL)
    until(lambda: service.pid(name) != before, why=f"another {name} is there")
    until(service.is_ready, why="the service is ready again")


def _left(service: Service) -> list[str]:
    """Command lines of processes of users' programs."""
    folder, found = str(service.settings.home / "runs"), []
    for process in psutil.process_iter():
        try:
            words = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if folder in words:
            found.append(words)
    return found


def _log_of(service: Service) -> dict[str, Sequence[LogRecord]]:
    topics = service.topics
    names = topics.training_status, topics.training_versions_changelog, topics.training_logs, topics.dead_letters
    read = read_topics(service.bootstrap, names)
    return {topic: [LogRecord.of(message) for message in messages] for topic, messages in read.items()}


@pytest.mark.timeout(400)
def test_fault_55_57_twenty_versions_over_kills(service: Service, figures: CaseFigures) -> None:
    """The trainer dies, then the state, then the broker; one version is stopped and one deleted in between."""
    api = service.api
    assert api.call("PUT", "/uploads/sales.csv", content=csv_of(20, 60)).status_code == 200
    counting, endless = _boot(api, _COUNTING.format(lines=_LINES)), _boot(api, _ENDLESS)
    forecast = {"model_id": 1, "data_url": "/uploads/sales.csv"}
    stopped = _Version(api, endless, frozenset((12, 14)))
    deleted = _Version(api, endless)
    versions = [stopped, deleted]
    versions += [_Version(api, counting, lines=_LINES) for _ in range(_COUNTED)]
    versions += [_Version(api, forecast) for _ in range(_FORECAST)]
    until(lambda: b"line 0" in stopped.log() and b"line 0" in deleted.log(), why="both run")
    until(lambda: sum(one.status() == 8 for one in versions) > _STEADY, why="several run")

    begun = time.monotonic()
    _kill(service, "trainer-1")
    until(lambda: any(b"attempt 2" in one.log() for one in versions), why="a version is run again")
    _kill(service, "state")
    assert api.call("POST", f"{stopped.path}/stop").status_code in (200, 400)  # it may be lost already
    assert api.call("DELETE", deleted.path).status_code == 200
    _kill(service, "broker")
    kept = [one for one in versions if one is not deleted]
    until(lambda: all(one.status() in ENDS for one in kept), within=_ENDED_S, why="each version has ended")
    figures.time("killed three times, to the last end", time.monotonic() - begun)
    until(lambda: not _left(service), why="no process of a program is left")
    figures.submitted = figures.visible = len(kept)

    seen = [one.seen() for one in versions]
    found = version_findings(service.topics, _log_of(service), seen, service.codec)
    assert not found, "\n".join(map(str, found))
    figures.notes.append(f"ends: {sorted(one.status for one in seen if one.status is not None)}")
    assert httpx.get(f"{service.stack.url}{deleted.path}").status_code == 404


def test_fault_57_stop_and_delete_at_any_moment(service: Service) -> None:
    """Before the start, twice, after the end; of another job, of a job that is gone: one word for each, no 5xx."""
    api = service.api
    endless = _boot(api, _ENDLESS)
    one, other = _Version(api, endless), _Version(api, endless)
    foreign = f"/v1/{_PROJECT}/training-jobs/{other.ids[0]}/versions/{one.ids[1]}"
    first = api.call("POST", f"{one.path}/stop")
    again = api.call("POST", f"{one.path}/stop")
    until(lambda: one.status() in (12, 13), why="it is stopped")
    late = api.call("POST", f"{one.path}/stop")
    assert (first.status_code, late.status_code) == (200, 400)
    assert again.status_code == (200 if again.json()["is_success"] else 400)
    assert {api.call(method, foreign).status_code for method in ("GET", "DELETE")} == {404}

    until(lambda: b"line 0" in other.log(), why="it runs")
    assert api.call("DELETE", f"/v1/{_PROJECT}/training-jobs/{other.ids[0]}").status_code == 200
    assert api.call("POST", f"{other.path}/stop").status_code == 404
    until(lambda: not _left(service), within=30, why="its whole tree is gone, also who left its session")


_STREAMS, _POINTS, _POSTED_TOGETHER = 4, 1_000_000, 5_000
_LONG: Final = 100  # lines of a version: it lasts longer than one kill


@pytest.mark.timeout(900)
def test_fault_66_a_million_points_beside_twenty_versions_over_kills(service: Service, figures: CaseFigures) -> None:
    """Four trainers post while twenty versions run, and each process dies: each point once, each version one end."""
    api, url = service.api, service.stack.url
    counting = _boot(api, _COUNTING.format(lines=_LONG))
    versions = [_Version(api, counting, lines=_LONG) for _ in range(_COUNTED + _FORECAST + _STEADY)]
    uids = [f"w-{uuid.uuid4().hex}" for _ in range(_STREAMS)]
    posted: list[int] = []

    def post(uid: str) -> None:
        for first in range(0, _POINTS // _STREAMS, _POSTED_TOGETHER):
            send_points(url, uid, range(first, first + _POSTED_TOGETHER))
            posted.append(_POSTED_TOGETHER)

    until(lambda: any(b"line 0" in one.log() for one in versions), why="a version runs")
    begun = time.monotonic()
    with ThreadPoolExecutor(_STREAMS) as pool:
        tasks = [pool.submit(post, uid) for uid in uids]
        for number, process in enumerate(("trainer-1", "state", "broker", "state"), 1):
            until(lambda number=number: sum(posted) >= _POINTS * number // 6, within=_ENDED_S, why="points stream")
            _kill(service, process)
        for task in tasks:
            task.result(timeout=2 * _ENDED_S)
    figures.time("all points posted over four kills", time.monotonic() - begun)
    until(lambda: all(one.status() in ENDS for one in versions), within=2 * _ENDED_S, why="each version has ended")
    figures.submitted = figures.visible = len(versions)

    for uid in uids:
        assert [point["iteration"] for point in points_of(url, uid)] == list(range(_POINTS // _STREAMS))
    found = version_findings(service.topics, _log_of(service), [one.seen() for one in versions], service.codec)
    assert not found, "\n".join(map(str, found))
