"""Training that takes long, in a whole service: limits, killed processes, and a stop in the middle."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.processes import computing, processor_s
from tests.integration.services import Service, csv_of, running_service, until

_SERIES = 3
# About five seconds of one core for each series: long enough to be caught in the middle.
_SLOW = {"lstm_cells_per_layer_used": 100, "epochs_used": 1000, "sample_fold_used": 2, "batch_size_used": 5}


def _submit(service: Service, ts_ids: list[int], job_id: int, model: str, params: dict[str, int]) -> None:
    hyper_params = [{"name": name, "type": "int", "val": value} for name, value in params.items()]
    body = [
        {"ts_id": ts_id, "model_name": model, "hyper_params": hyper_params, "next_k_prediction": 3, "refit": 1}
        for ts_id in ts_ids
    ]
    answer = service.api.call("PATCH", f"/job/{job_id}/", json=body)
    assert answer.status_code == 200, answer.text


def _training_processes(service: Service) -> list[int]:
    """Processes that compute for the trainer, and are busy."""
    return computing(service.pid("trainer-1"), for_s=1)


def test_a_killed_training_process_costs_one_more_try(tmp_path: Path) -> None:
    """kill -9 of the processes that train: the trainer starts others, and every series is answered."""
    with running_service(tmp_path) as service:
        job_id, ts_ids = service.api.new_job(csv_of(_SERIES, 120))
        trainer = service.pid("trainer-1")
        _submit(service, ts_ids, job_id, "LstmLong", _SLOW)
        for pid in until(lambda: _training_processes(service), why="a training process is busy"):
            os.kill(pid, signal.SIGKILL)
        body = service.api.finished(job_id, within=150)

        assert body["status"] == 3, body
        assert [len(entry["results"]) for entry in body["results"]] == [1] * _SERIES
        assert service.pid("trainer-1") == trainer


@pytest.mark.skipif(sys.platform != "linux", reason="niceness is read from /proc")
def test_trainers_give_way_to_the_worker_that_answers_people(tmp_path: Path) -> None:
    """By the kernel's measure, for processes and for the sessions that they are in."""
    with running_service(tmp_path) as service:
        niceness = {name: _niceness(service.pid(name)) for name in ("state", "trainer-1")}

    assert niceness["trainer-1"] > niceness["state"]


def _niceness(pid: int) -> int:
    """The 19th field of proc(5)'s stat; the command in brackets, the second one, may have spaces."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16])


def test_a_stop_in_the_middle_hands_back_the_work(tmp_path: Path) -> None:
    """The service stops in time though networks are being trained; the next start finishes the job."""
    with running_service(tmp_path) as service:
        job_id, ts_ids = service.api.new_job(csv_of(_SERIES, 120))
        _submit(service, ts_ids, job_id, "LstmLong", _SLOW)
        training = until(lambda: _training_processes(service), why="a training process is busy")
        begun = time.monotonic()
    stopped = time.monotonic() - begun
    with running_service(tmp_path) as service:
        body = service.api.finished(job_id, within=150)

    assert stopped < 30
    assert [pid for pid in training if processor_s(pid)] == []
    assert body["status"] == 3
    assert [len(entry["results"]) for entry in body["results"]] == [1] * _SERIES


def test_J163_a_submission_that_takes_too_long_fails_alone(tmp_path: Path) -> None:
    """The job ends with EXCEPTION and says so; a quick series beside it has its forecast."""
    with running_service(tmp_path, max_training_s=1.0) as service:
        job_id, (slow, quick) = service.api.new_job(csv_of(2, 300))
        _submit(service, [slow], job_id, "LstmLong", {**_SLOW, "epochs_used": 900})
        _submit(service, [quick], job_id, "LinearFit", {})
        body: dict[str, Any] = service.api.finished(job_id, within=90)
    (failed,), (good,) = (entry["results"] for entry in body["results"])

    assert body["status"] == 4
    assert "took longer than 1 s" in failed["error"]
    assert "took longer than 1 s" in body["message"]
    assert len(good["predictions"]) == 3
