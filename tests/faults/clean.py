"""What a judge sees where all is well: two jobs, one configured twice, and one that was deleted, as plain values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from schemas.coding.codec import Codec
from schemas.datasets import AddDataset
from schemas.forecasting import (
    CmdStatus,
    ConfigureJob,
    CreateJob,
    DeleteJob,
    JobRecord,
    JobStatus,
    Submission,
    SubmitJob,
)
from schemas.series import Forecast, SeriesResult, TrainSeries
from schemas.workloads import MetricPoint
from streams.settings import Settings
from streams.topics import Topics
from tests.faults.history import Operation, Outcome
from tests.faults.seen import Asked, LogRecord, Seen

__all__ = ["CODEC", "DATA", "DELETED", "FIRST", "SECOND", "TOPICS", "Clean"]

CODEC = Codec()
TOPICS = Topics(Settings(http_port=0))
DATA, FIRST, SECOND, DELETED = 9, 10, 11, 12
_MODELS = ("LinearFit", "AdaptiveMaxN")


@dataclass(slots=True)
class _Written:
    topic: str
    key: bytes
    says: Any


class Clean:
    """A history with its log; a test changes one of its parts before it asks what was seen."""

    def __init__(self) -> None:
        self.records: list[_Written] = []
        self.history: list[Operation] = []
        self.bodies: dict[int, Any] = {}
        self.asked: list[Asked] = []
        self.listed = {FIRST, SECOND}
        self.datasets = {DATA}
        self.call("POST", "/data/", None, {"data": {"id": DATA}})
        self.write(TOPICS.dataset_commands, DATA, AddDataset("c-data", DATA, "series", "uploads/9", "series.csv"))
        for job_id, ts_ids in ((FIRST, (100, 101)), (SECOND, (200, 201, 202)), (DELETED, (300,))):
            self._job(job_id, ts_ids)
        self._delete()

    def call(self, method: str, path: str, sent: Any, answer: Any, *, key: str = "") -> None:
        """A write that was answered with 2xx."""
        key = key or f"key-{len(self.history)}"
        self.history.append(Operation(method, path, key, Outcome.OK, 200, None, 0.0, 0.1, sent, answer))

    def write(self, topic: str, key: int | str, says: Any) -> None:
        """A record at the end of the log; nothing said: a tombstone."""
        self.records.append(_Written(topic, str(key).encode(), says))

    def change(self, topic: str, chosen: Callable[[Any], bool], **fields: Any) -> None:
        """Change the fields of what is said there."""
        found = self._find(topic, chosen)
        for record in found:
            record.says = replace(record.says, **fields)

    def drop(self, topic: str, chosen: Callable[[Any], bool]) -> None:
        """Lose records."""
        for record in self._find(topic, chosen):
            self.records.remove(record)

    def repeat(self, topic: str, chosen: Callable[[Any], bool], **fields: Any) -> None:
        """Write records again, at the end, with other fields."""
        for record in self._find(topic, chosen):
            self.records.append(replace(record, says=replace(record.says, **fields)))

    def seen(self) -> Seen:
        """What it comes to."""
        log: dict[str, list[LogRecord]] = {spec.name: [] for spec in TOPICS.all}
        for record in self.records:
            value = None if record.says is None else CODEC.encode(record.says)
            log[record.topic].append(LogRecord(record.topic, 0, len(log[record.topic]), record.key, value))
        return Seen(log, self.history, self.bodies, {}, frozenset(self.listed), frozenset(self.datasets))

    def _find(self, topic: str, chosen: Callable[[Any], bool]) -> list[_Written]:
        found = [one for one in self.records if one.topic == topic and one.says is not None and chosen(one.says)]
        assert found, "nothing to change"
        return found

    def _job(self, job_id: int, ts_ids: Sequence[int]) -> None:
        """Created, configured twice, settings stored, and submitted twice: each series once with each model."""
        row = JobRecord(job_id, DATA, None, 1, 1, sequence=1, commands=(f"create-{job_id}",))
        self.call("POST", "/job/", {"data_id": DATA}, {"job_id": job_id, "status": 0})
        self.write(TOPICS.job_commands, job_id, CreateJob(f"create-{job_id}", job_id, DATA))
        self._row(row)
        for first in (ts_ids[0] + 50, ts_ids[0]):
            given = [{"ts_id": first + offset} for offset in range(len(ts_ids))]
            self.call("PUT", f"/job/{job_id}/", {}, {"ts_details": given})
            self.write(TOPICS.job_commands, job_id, ConfigureJob(f"put-{first}", job_id, (1,), (2,)))
            row = replace(row, first_ts_id=first, series_count=len(ts_ids))
            self._row(row)
        asked: list[tuple[int, str]] = []
        for model in _MODELS:
            elements = [{"ts_id": ts_id, "model_name": model, "next_k_prediction": 1} for ts_id in ts_ids]
            self.call("PATCH", f"/job/{job_id}/", elements, {"status": 2})
            self.write(TOPICS.job_commands, job_id, SubmitJob(f"patch-{job_id}-{model}", job_id, ()))
            submission = Submission(f"patch-{job_id}-{model}", len(asked), tuple(range(len(ts_ids))))
            row = replace(row, status=CmdStatus.COMITTED, sequence=row.sequence + 1)
            row = replace(row, submissions=(*row.submissions, submission))
            self._row(row)
            for ts_id in ts_ids:
                self._answer(job_id, ts_id, len(asked), model)
                asked.append((ts_id, model))
            row = replace(row, status=CmdStatus.DONE, sequence=row.sequence + 1)
            self._row(row)
        self.asked.append(Asked(job_id, ts_ids, tuple(asked)))
        shown = [
            {"ts_id": ts_id, "results": [_shown(n, model) for n, (of, model) in enumerate(asked) if of == ts_id]}
            for ts_id in ts_ids
        ]
        self.bodies[job_id] = {"status": 3, "results": shown}

    def _row(self, row: JobRecord) -> None:
        self.write(TOPICS.jobs_changelog, row.job_id, row)
        said = JobStatus(row.job_id, row.status, row.sequence, row.series_count, row.submitted, 0, 0)
        self.write(TOPICS.job_status, row.job_id, said)

    def _answer(self, job_id: int, ts_id: int, n: int, model: str) -> None:
        result = SeriesResult(job_id, ts_id, n, 1, model, {}, (1,), [float(n)], {"mse": 0.5})
        self.write(TOPICS.series_commands, ts_id, TrainSeries(job_id, ts_id, n, model, 0, 1, (1.0, 2.0)))
        self.write(TOPICS.forecasts, ts_id, Forecast(job_id, ts_id, n, "s", model, 1, (1,), [float(n)]))
        workload = f"fj-{job_id}-{ts_id}-{n}"
        self.write(TOPICS.metrics, workload, MetricPoint(workload, "mse", 0.5, 1, 0, "custom"))
        self.write(TOPICS.job_results, job_id, result)
        self.write(TOPICS.results_changelog, f"{job_id}:{ts_id}:{n}", replace(result, answered_at=5))

    def _delete(self) -> None:
        """The last job, of which nothing is left."""
        job = self.asked.pop()
        del self.bodies[job.job_id]
        self.call("DELETE", f"/job/{job.job_id}/", None, None)
        self.write(TOPICS.job_commands, job.job_id, DeleteJob("delete", job.job_id))
        self.write(TOPICS.jobs_changelog, -1, JobRecord(-1, 0, None, 0, 0, first_ts_id=job.ts_ids[0]))
        for topic in (TOPICS.jobs_changelog, TOPICS.job_status):
            self.write(topic, job.job_id, None)
        for n, (ts_id, _) in enumerate(job.submissions):
            self.write(TOPICS.forecasts, ts_id, None)
            self.write(TOPICS.results_changelog, f"{job.job_id}:{ts_id}:{n}", None)


def _shown(n: int, model: str) -> dict[str, Any]:
    return {"model_name": model, "predictions": [float(n)]}
