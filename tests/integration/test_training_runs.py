"""Versions of training jobs in a whole service, as their trainer is told of them: algorithms, user code, kill -9."""

import json
import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from connectors.objects.store import ObjectStore
from connectors.objects.training_logs import read_tail
from schemas.training import RunTrainingVersion, StopTrainingJob, TrainingStatus
from tests.integration.services import Service, Tail, csv_of, running_service, until

_PROJECT = "p1"
_SERIES = 7


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("runs")
    with running_service(home, user_code="process", system_metric_interval_s=1.0) as running:
        store = ObjectStore(running.settings.object_store_url)
        store.put_bytes("uploads/sales.csv", csv_of(_SERIES, 60))
        yield running


class _Version:
    """A version, followed in the topics."""

    def __init__(self, service: Service, number: int, **config: Any) -> None:
        self.service, self.number, self.name = service, number, f"job-{number}"
        self._tail: Tail = service.tail(service.topics.training_status)
        text = json.dumps({"worker_server_num": 1, "spec_id": 1, **config})
        command = RunTrainingVersion(uuid.uuid4().hex, _PROJECT, number, number, self.name, "V0001", text)
        self._send(command)

    def stop(self) -> None:
        self._send(StopTrainingJob(uuid.uuid4().hex, _PROJECT, self.number, self.number))

    def _send(self, command: Any) -> None:
        producer = Producer({"bootstrap.servers": self.service.bootstrap, "partitioner": "murmur2_random"})
        producer.produce(self.service.topics.training_runs, self.service.codec.encode(command), b"%d" % self.number)
        assert producer.flush(30) == 0

    def statuses(self) -> list[TrainingStatus]:
        """All that was told of it."""
        told = [self.service.codec.decode(message.value()) for message in self._tail.poll()]
        return [status for status in told if status.version_id == self.number]

    def ends(self) -> list[TrainingStatus]:
        """Those that are ends."""
        return [status for status in self.statuses() if status.status != 8]

    def outcome(self) -> TrainingStatus:
        """Its last status."""
        ended = until(self.ends, within=90, why=f"the end of version {self.number}")
        return ended[0]

    def log(self) -> list[str]:
        """The lines of its log."""
        store = ObjectStore(self.service.settings.object_store_url)
        return list(read_tail(store, _PROJECT, self.number, 0, 1000).lines)

    def logged(self, words: str, *, times: int = 1) -> None:
        """Wait for a line."""
        until(lambda: sum(words in line for line in self.log()) >= times, within=60, why=f"{words} in the log")

    def points(self) -> list[Any]:
        """Its metric points."""
        uid = f"tj-{self.number}-{self.number}".encode()
        found = self.service.read_all(self.service.topics.metrics)
        return [self.service.codec.decode(message.value()) for message in found if message.key() == uid]


def _put(service: Service, name: str, text: str) -> dict[str, Any]:
    """A boot file, and the config that runs it."""
    ObjectStore(service.settings.object_store_url).put_bytes(f"uploads/{name}/boot.py", text.encode())
    return {"app_url": f"/uploads/{name}/", "boot_file_url": f"/uploads/{name}/boot.py"}


def _alive(mark: str) -> bool:
    """Whether a process has this in its command line."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if mark.encode() in (folder / "cmdline").read_bytes():
                    return True
            except OSError:
                continue
    return False


def test_T075_an_algorithm_forecasts_the_series_of_a_file(service: Service) -> None:
    """Results at contract 000's doors, a table in train_url, scores of each series as points, and their means."""
    version = _Version(
        service, 11, model_id=1, data_url="/uploads/sales.csv", train_url="/usr/train/",
        parameter=[{"label": "latest_n", "value": "14"}, {"label": "learning_rate", "value": "0.01"},
                   {"label": "next_k_prediction", "value": 3}, {"label": "eval_metrics", "value": "mse,mae"}],
    )  # fmt: skip
    end = version.outcome()
    results = service.api.get(f"/job/{end.forecast_job_id}/job_results/?history=0")
    points = version.points()
    log = version.log()
    table = ObjectStore(service.settings.object_store_url).read_bytes("usr/train/forecasts.csv").decode().splitlines()

    assert (end.status, end.epoch, end.epochs) == (10, _SERIES, _SERIES), log
    assert set(end.metrics) == {"mse", "mae"}
    assert results["status"] == 3, log
    assert {(point.metric_name, point.iteration) for point in points} == {
        (name, number) for name in ("mse", "mae") for number in range(1, _SERIES + 1)
    }
    mean = sum(point.value for point in points if point.metric_name == "mse") / _SERIES
    assert end.metrics["mse"] == pytest.approx(mean)
    assert len(table) == 1 + 3 * _SERIES
    assert any("learning_rate" in line and "ignored" in line for line in log)
    assert "LinearFit over 7 series (times: 1 day; targets: 2 value; groups: 0 group)" in log
    assert log[-1] == "completed"


def test_T071_data_that_is_not_there(service: Service) -> None:
    """The seed's samples name data sets that do not exist: status 5, and the log says so."""
    version = _Version(
        service, 12, model_id=1, dataset_id="38277e62-9e59-48f4-8d89-c8cf41622c24", dataset_version_id="1"
    )
    end = version.outcome()

    assert end.status == 5
    assert "there is no data set" in version.log()[-1]


def test_user_code_is_run_again_after_a_kill_and_lost_after_two(service: Service) -> None:
    """kill -9 of the trainer: nothing of the program is left; the version begins anew, once, and has one end."""
    mark = f"mark-{time.monotonic_ns()}"
    config = _put(service, "long", f"import sys, time\nprint('begun')\nsys.argv\ntime.sleep(600)  # {mark}\n")
    version = _Version(service, 21, parameter=[{"label": "mark", "value": mark}], **config)
    version.logged("begun")
    service.signal("trainer-1", signal.SIGKILL)
    killed = time.monotonic()
    until(lambda: not _alive(mark), within=10, why="the program is gone")
    gone_s = time.monotonic() - killed
    version.logged("begun", times=2)
    service.signal("trainer-1", signal.SIGKILL)
    end = version.outcome()

    assert gone_s < 3
    assert end.status == 14
    assert any("run again from the start (attempt 2)" in line for line in version.log())
    assert [status.status for status in version.ends()] == [14]
    until(lambda: not _alive(mark), within=10, why="the program is gone")


def test_user_code_outlives_the_state_and_the_broker(service: Service) -> None:
    """kill -9 of both: it goes on, and ends once."""
    text = "import time\nfor n in range(1, 13):\n    print(f'Epoch {n}/12 - loss: {1 / n:.4f}')\n    time.sleep(0.5)\n"
    version = _Version(service, 22, **_put(service, "steady", text))
    version.logged("Epoch 2/12")
    for name in ("state", "broker"):
        os.kill(service.pid(name), signal.SIGKILL)
    end = version.outcome()

    assert (end.status, end.loss) == (10, 0.0833)
    assert len(version.ends()) == 1
    assert {point.iteration for point in version.points()} == set(range(1, 13))


def test_T135_a_stop_ends_it(service: Service) -> None:
    """The status comes when nothing is left of it."""
    mark = f"mark-{time.monotonic_ns()}"
    config = _put(service, "stopped", "import time\nprint('begun')\ntime.sleep(600)\n")
    version = _Version(service, 23, parameter=[{"label": "mark", "value": mark}], **config)
    version.logged("begun")
    begun = time.monotonic()
    version.stop()
    end = version.outcome()

    assert (end.status, _alive(mark)) == (12, False)
    assert time.monotonic() - begun < 4
