"""kill -9 of any process, and of all of them, in the middle of a job: nothing is lost and nothing is shown twice."""

import signal
import time
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from schemas.events import CmdStatus, JobStatus, SeriesResult
from tests.integration.services import Service, Tail, csv_of, running_service, until

_SERIES = 300
_MODELS = ("LinearFit", "AdaptiveMaxN", "LinearFit", "AdaptiveMaxN")  # 1200 results per submission, in 12 batches
_PER_SUBMISSION = _SERIES * len(_MODELS)
_EVERYTHING = ("trainer-1", "state", "broker")
_ALLOWED = {
    (CmdStatus.CREATED, CmdStatus.UNCOMITTED),
    (CmdStatus.CREATED, CmdStatus.COMITTED),
    (CmdStatus.UNCOMITTED, CmdStatus.COMITTED),
    (CmdStatus.COMITTED, CmdStatus.DONE),
    (CmdStatus.COMITTED, CmdStatus.EXCEPTION),
    (CmdStatus.DONE, CmdStatus.COMITTED),
    (CmdStatus.EXCEPTION, CmdStatus.COMITTED),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterable[Service]:
    with running_service(tmp_path_factory.mktemp("kills"), batch_size=100) as running:
        yield running


class _Job:
    """A job under fire: what was asked of it, and how many answers are in the log."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.job_id, self.ts_ids = service.api.new_job(csv_of(_SERIES, 30))
        self.submissions: list[tuple[int, str]] = []
        self.tail: Tail = service.tail(service.topics.job_results)

    def submit(self) -> None:
        self.service.api.train(self.job_id, self.ts_ids, _MODELS)
        self.submissions += [(ts_id, model) for model in _MODELS for ts_id in self.ts_ids]

    def answered(self) -> int:
        """Distinct answers in the log so far."""
        key = b"%d" % self.job_id
        decode = self.service.codec.decode
        return len({decode(message.value()).n for message in self.tail.poll() if message.key() == key})

    def caught_in_the_middle(self) -> int:
        """Submit, and stop the trainer while some answers are in the log and many are missing; how many are there."""
        for _ in range(5):  # on a busy machine the trainer may have finished before we look
            before = self.answered()
            self.submit()
            until(lambda: self.answered() > before, why="the first answer")  # noqa: B023  # called in this round only
            self.service.signal("trainer-1", signal.SIGSTOP)
            answered = self.answered()
            if answered < len(self.submissions):
                return answered
            self.service.signal("trainer-1", signal.SIGCONT)
        raise AssertionError("the trainer is too quick for this test: make the submissions larger")

    def verify(self) -> dict[str, Any]:
        """What the topics say from their beginning, compared with what GET shows; the body of GET."""
        body = self.service.api.finished(self.job_id, within=90)
        answers = _answers(self.service, self.job_id)

        assert body["status"] == CmdStatus.DONE
        assert sorted(answers) == list(range(len(self.submissions)))
        assert [(answers[n].ts_id, answers[n].model_name) for n in sorted(answers)] == self.submissions
        shown = {entry["ts_id"]: entry["results"] for entry in body["results"]}
        assert list(shown) == self.ts_ids
        for ts_id, results in shown.items():
            expected = [answers[n].predictions for n in sorted(answers) if answers[n].ts_id == ts_id]
            assert [result["predictions"] for result in results] == expected
        _check_statuses(self.service, self.job_id)
        assert self.service.read_all(self.service.topics.dead_letters) == []
        return body


def _answers(service: Service, job_id: int) -> dict[int, SeriesResult]:
    """The answers of a job by number, after checking that every repeat is byte for byte the same."""
    values: dict[int, bytes] = {}
    answers: dict[int, SeriesResult] = {}
    for message in service.read_all(service.topics.job_results):
        result = service.codec.decode(message.value())
        if result.job_id != job_id:
            continue
        assert message.key() == b"%d" % job_id
        assert values.setdefault(result.n, message.value()) == message.value()
        answers[result.n] = result
    return answers


def _check_statuses(service: Service, job_id: int) -> None:
    """A reader that drops what is not above the last sequence sees allowed moves only, to DONE at last."""
    seen: list[JobStatus] = []
    by_sequence: dict[int, CmdStatus] = {}
    for message in service.read_all(service.topics.job_status):
        if message.key() != b"%d" % job_id:
            continue
        status = service.codec.decode(message.value())
        assert by_sequence.setdefault(status.sequence, status.status) is status.status
        if not seen or status.sequence > seen[-1].sequence:
            seen.append(status)
    moves = [(old.status, new.status) for old, new in pairwise(seen)]

    assert set(moves) <= _ALLOWED, moves
    assert seen[-1].status is CmdStatus.DONE


@pytest.mark.parametrize("victims", [("trainer-1",), ("state",), ("broker",), _EVERYTHING], ids="+".join)
def test_a_killed_process_loses_nothing_and_each_result_is_shown_once(
    service: Service, victims: Sequence[str], record_property: Any
) -> None:
    """kill -9 while answers are missing: the job reaches DONE, each answer is in the log and shown exactly once."""
    job = _Job(service)
    answered = job.caught_in_the_middle()
    for victim in victims:
        service.signal(victim, signal.SIGKILL)
    if "trainer-1" not in victims:
        service.signal("trainer-1", signal.SIGCONT)
    killed = time.monotonic()
    until(lambda: job.answered() > answered, why="the first answer after the kill")
    record_property("seconds_to_progress", round(time.monotonic() - killed, 2))
    job.verify()
    job.tail.close()


def test_jobs_and_results_survive_a_restart_of_everything(tmp_path: Path) -> None:
    """Stop in order and start on the same home, at other ports: the same jobs, series and results."""
    with running_service(tmp_path, batch_size=100) as service:
        job = _Job(service)
        job.submit()
        before = job.verify()
        listed, details = service.api.get("/job/"), service.api.get(f"/job/{job.job_id}/ts_details/")
        job.tail.close()
    (tmp_path / "http.port").unlink()
    with running_service(tmp_path, batch_size=100) as service:
        after = service.api.finished(job.job_id)
        assert after == before
        assert service.api.get("/job/") == listed
        assert service.api.get(f"/job/{job.job_id}/ts_details/") == details
