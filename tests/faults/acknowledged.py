"""What the service has acknowledged to the client must be in its state afterwards, once, under ids of its own.

1. A write that was answered with 2xx is there: job, columns, settings, submissions, data set; what was deleted is gone.
2. One Idempotency-Key made one thing: one id is answered under it, and nothing is there that no answer named.
3. A series' id was given once, whatever was deleted in between.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from schemas.datasets import AddDataset, DeleteDataset
from schemas.forecasting import CreateJob, DeleteJob, JobRecord
from streams.topics import Topics
from tests.faults.history import Operation, Outcome
from tests.faults.seen import Decoded, Finding, Seen

__all__ = ["judge_acknowledged"]

_TRAINING = frozenset({"next_k_prediction", "max_eval", "auto_tune", "eval_metrics"})  # contract J-088


@dataclass(slots=True)
class _Job:
    """What the client was told of one job."""

    ts_ids: Sequence[int] | None = None
    all_ts_ids: set[int] = field(default_factory=set)  # those of former columns too
    submissions: list[tuple[int, str]] = field(default_factory=list)
    stored: dict[int, str] = field(default_factory=dict)
    deleted: bool = False


@dataclass(slots=True)
class _Told:
    """What the client was told in all, each key once."""

    jobs: dict[int, _Job] = field(default_factory=dict)
    datasets: dict[int, bool] = field(default_factory=dict)  # whether it was deleted
    used: set[int] = field(default_factory=set)  # data sets that jobs were made on


def judge_acknowledged(topics: Topics, seen: Seen, log: Decoded, posted: frozenset[int]) -> Iterator[Finding]:
    """All that is wrong with what was acknowledged."""
    told = _told(seen.history)
    rows = log.last(topics.jobs_changelog)
    for job_id, job in told.jobs.items():
        row = rows.get(b"%d" % job_id)
        if job.deleted:
            yield from _gone(topics, seen, log, job_id, job)
        elif row is None:
            yield Finding("acknowledged write lost", "the job was answered with 2xx and has no row", job_id)
        else:
            yield from _kept(job, row)
            if seen.jobs is not None and job_id not in seen.jobs:
                yield Finding("acknowledged write lost", "GET /job/ does not list it", job_id)
    for data_id, deleted in told.datasets.items():
        if seen.datasets is not None and (data_id in seen.datasets) is deleted:
            yield Finding("acknowledged write lost", f"data set {data_id}, {'deleted' if deleted else 'added'}")
    yield from _once_per_key(topics, seen.history, log)
    yield from _named(topics, told, log, posted)
    yield from _own_series(topics, seen.history, log)


def _told(history: Sequence[Operation]) -> _Told:
    told = _Told()
    for call in _acknowledged(history):
        match call.method, call.path.strip("/").split("/"):
            case "POST", ["data"]:
                told.datasets[_made(call)] = False
            case "DELETE", ["data", data_id]:
                told.datasets[int(data_id)] = True
            case "POST", ["job"]:
                told.jobs.setdefault(_made(call), _Job())
                told.used.add(call.sent["data_id"])
            case method, ["job", job_id] if job_id.isdecimal():
                _tell(told.jobs.setdefault(int(job_id), _Job()), method, call)
    return told


def _acknowledged(history: Sequence[Operation]) -> list[Operation]:
    """The first acknowledgement of each key."""
    first: dict[str, Operation] = {}
    for call in history:
        if call.outcome is Outcome.OK and call.method != "GET":
            first.setdefault(call.key, call)
    return list(first.values())


def _tell(job: _Job, method: str, call: Operation) -> None:
    match method:
        case "PUT":
            job.ts_ids = [series["ts_id"] for series in call.answer["ts_details"]]
            job.all_ts_ids.update(job.ts_ids)
            job.stored.clear()
        case "PATCH":
            for element in call.sent:
                if _TRAINING & element.keys():
                    job.submissions.append((element["ts_id"], element.get("model_name", "the stored model")))
                elif "model_name" in element:
                    job.stored[element["ts_id"]] = element["model_name"]
        case "DELETE":
            job.deleted = True


def _kept(job: _Job, row: JobRecord) -> Iterator[Finding]:
    """The row has the columns, settings and submissions that were acknowledged."""
    rule = "acknowledged write lost"
    if job.ts_ids is not None and list(row.ts_ids) != list(job.ts_ids):
        yield Finding(rule, f"the PUT's series were {job.ts_ids}, the row has {list(row.ts_ids)}", row.job_id)
    left = Counter(row.first_ts_id + offset for one in row.submissions for offset in one.ts_offsets)
    for n, (ts_id, model) in enumerate(job.submissions):
        left[ts_id] -= 1
        if left[ts_id] < 0:
            yield Finding(rule, f"{model} was answered with 2xx and is not in the job's row", row.job_id, ts_id, n)
    settings = {setting.ts_id: setting.model_name for setting in row.settings}
    for ts_id, model in job.stored.items():
        if settings.get(ts_id) != model:
            yield Finding(rule, f"{model} was stored, the row has {settings.get(ts_id)}", row.job_id, ts_id)


def _gone(topics: Topics, seen: Seen, log: Decoded, job_id: int, job: _Job) -> Iterator[Finding]:
    """Nothing is left of a job whose deletion was acknowledged."""
    rule, own, prefix = "deleted, and there", b"%d" % job_id, b"%d:" % job_id
    if seen.jobs is not None and job_id in seen.jobs:
        yield Finding(rule, "GET /job/ lists it", job_id)
    for topic in (topics.jobs_changelog, topics.job_status):
        if log.last(topic).get(own) is not None:
            yield Finding(rule, f"{topic} ends with its record", job_id)
    for key, row in log.last(topics.results_changelog).items():
        if row is not None and key is not None and key.startswith(prefix):
            yield Finding(rule, f"{topics.results_changelog} keeps an answer", job_id, row.ts_id, row.n)
    last = log.last(topics.forecasts)
    for ts_id in job.all_ts_ids:
        forecast = last.get(b"%d" % ts_id)
        if forecast is not None and forecast.job_id == job_id:
            yield Finding(rule, f"{topics.forecasts} ends with its forecast", job_id, ts_id, forecast.n)


def _once_per_key(topics: Topics, history: Sequence[Operation], log: Decoded) -> Iterator[Finding]:
    """Of one key, or of one command, there is one thing; after a deletion the key may make another one."""
    made, deleted = _commanded(topics, log)
    for call in history:
        if call.outcome is Outcome.OK and call.method == "POST" and call.path in ("/job/", "/data/"):
            made.setdefault(f"key {call.key}", {})[_made(call)] = call.path
    for name, things in made.items():
        there = [number for number in things if number not in deleted]
        if len(there) > 1:
            paths = sorted(set(things.values()))
            job_id = there[-1] if paths == ["/job/"] else None
            yield Finding("one key, two things", f"{name} made {there} by POST {paths}", job_id)


def _commanded(topics: Topics, log: Decoded) -> tuple[dict[str, dict[int, str]], set[int]]:
    """What each command in the log makes, by which path, and all that is to be deleted."""
    made: dict[str, dict[int, str]] = {}
    deleted = set()
    for topic in (topics.job_commands, topics.dataset_commands):
        for _, says in log[topic]:
            match says:
                case CreateJob():
                    made.setdefault(f"command {says.command_id}", {})[says.job_id] = "/job/"
                case AddDataset():
                    made.setdefault(f"command {says.command_id}", {})[says.data_id] = "/data/"
                case DeleteJob():
                    deleted.add(says.job_id)
                case DeleteDataset():
                    deleted.add(says.data_id)
    return made, deleted


def _named(topics: Topics, told: _Told, log: Decoded, posted: frozenset[int]) -> Iterator[Finding]:
    """Every job on the client's data sets is one that an answer has named."""
    own = told.datasets.keys() | told.used
    for row in log.last(topics.jobs_changelog).values():
        if row is not None and row.job_id > 0 and row.data_id in own and row.job_id not in told.jobs.keys() | posted:
            yield Finding("nobody was told", f"it is there, on data set {row.data_id}", row.job_id)


def _own_series(topics: Topics, history: Sequence[Operation], log: Decoded) -> Iterator[Finding]:
    """Rows of all times, and the answers to PUT, give each id to one job, and to one choice of columns."""
    rule = "series id given twice"
    blocks = {
        (says.first_ts_id, says.first_ts_id + says.series_count, says.job_id)
        for _, says in log[topics.jobs_changelog]
        if says is not None and says.job_id > 0 and says.series_count
    }
    for (_, end, one), (first, _, other) in pairwise(sorted(blocks)):
        if first < end:
            yield Finding(rule, f"job {one} has or had it too", other, first)
    given: dict[int, tuple[str, int]] = {}
    for call in _acknowledged(history):
        if call.method == "PUT" and call.path.startswith("/job/"):
            job_id = int(call.path.strip("/").rpartition("/")[2])
            for series in call.answer["ts_details"]:
                key, before = given.setdefault(series["ts_id"], (call.key, job_id))
                if key != call.key:
                    yield Finding(rule, f"an earlier PUT on job {before} got it too", job_id, series["ts_id"])


def _made(call: Operation) -> int:
    """The id that a POST was answered with."""
    answer: Any = call.answer
    return int(answer["job_id"] if call.path == "/job/" else answer["data"]["id"])
