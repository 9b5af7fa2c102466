"""Reads the whole log after a fault has healed, and compares it with what was asked: the judge of the fault suite.

It shares no code with the service but the schemas, the topics' names and the codec. What is checked, in this order:

1. the operation log: no write of unknown outcome is left, no 5xx but 503 was ever answered;
2. the groups: committed offsets are nowhere beyond the end of the log, and reach it (lag 0);
3. job-results: every submission (job, n) has an answer for its series and model; repeats are byte for byte the same;
4. series-commands: the same for what was sent to the trainers; metrics: repeats are the same, values as in the results;
5. forecasts: of each series the one of the latest submission is as in its result; likewise the table, asked by HTTP;
6. job-status: only allowed moves, to DONE at last (or what the case expects); the changelogs say what the topics say;
7. GET job_results shows every submission once, as the log has it;
8. dead-letters: as many as the case expects; nothing in any topic that cannot be read.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any, Self

from confluent_kafka import KafkaException, Message

from schemas.coding.codec import Codec
from schemas.coding.wire import UndecodableError
from schemas.forecasting import CmdStatus, JobStatus
from schemas.series import SeriesResult
from streams.topics import Topics
from tests.faults.figures import CaseFigures
from tests.faults.history import RecordingApi
from tests.faults.load import Job
from tests.faults.log import committed, ends, read_topics
from tests.integration.services import Service, until

__all__ = ["ALLOWED_MOVES", "Verifier"]

ALLOWED_MOVES = {
    (CmdStatus.CREATED, CmdStatus.UNCOMITTED),
    (CmdStatus.CREATED, CmdStatus.COMITTED),
    (CmdStatus.UNCOMITTED, CmdStatus.CREATED),  # configured anew
    (CmdStatus.UNCOMITTED, CmdStatus.COMITTED),
    (CmdStatus.COMITTED, CmdStatus.DONE),
    (CmdStatus.COMITTED, CmdStatus.EXCEPTION),
    (CmdStatus.DONE, CmdStatus.COMITTED),
    (CmdStatus.EXCEPTION, CmdStatus.COMITTED),
}
_HEALED_S = 120.0  # for a job to end after the last fault: a machine may be busy, and a group may have to wait
_ASKED = 5  # series of a job whose forecast is asked for by HTTP as well


class Verifier:
    """Judges one installation; `expect_dead_letters` before a case that causes some."""

    def __init__(
        self, bootstrap: str, topics: Topics, *, group_prefix: str = "tidecast-", codec: Codec | None = None
    ) -> None:
        self.bootstrap = bootstrap
        self.topics = topics
        self._codec = codec or Codec()
        self._dead_letters = 0
        # As docs/architecture.md says who reads what.
        self.groups: Mapping[str, Sequence[str]] = {
            f"{group_prefix}state": (
                topics.dataset_commands,
                topics.job_commands,
                topics.job_results,
                topics.forecasts,
                topics.training_commands,
                topics.training_status,
                topics.transform_commands,
                topics.inference_results,
            ),
            f"{group_prefix}trainer": (topics.series_commands, topics.training_runs, topics.inference_requests),
        }

    @classmethod
    def of(cls, service: Service) -> Self:
        """The judge of a running service."""
        return cls(service.bootstrap, service.topics, group_prefix=service.settings.group_prefix, codec=service.codec)

    def expect_dead_letters(self, number: int) -> None:
        """So many more than before are right."""
        self._dead_letters += number

    def verify(self, api: RecordingApi, *jobs: Job, figures: CaseFigures, within: float = _HEALED_S) -> dict[int, Any]:
        """Wait until the jobs have ended, then judge; the bodies of GET job_results by job."""
        try:
            bodies = {job.job_id: api.finished(job.job_id, within=within) for job in jobs}
        except AssertionError:  # the table of figures is to say how much is missing
            with suppress(AssertionError, KafkaException):
                self._count_missing(jobs, figures)
            raise
        until(lambda: not any(self.lag().values()), within=within, why="the groups have read everything")
        log = read_topics(self.bootstrap, [spec.name for spec in self.topics.all])
        results = {job.job_id: _of(log[self.topics.job_results], b"%d" % job.job_id) for job in jobs}
        for job in jobs:
            self._count(job, bodies[job.job_id], results[job.job_id], figures)
        for outcome, number in api.history.counts().items():
            figures.calls[outcome] = figures.calls.get(outcome, 0) + number

        assert api.history.unknown() == []
        assert api.history.server_errors() == []
        self._check_readable(log)
        letters = log[self.topics.dead_letters]
        assert len(letters) == self._dead_letters, [message.headers() for message in letters]
        for job in jobs:
            answers: Mapping[int, SeriesResult] = self._by_number(results[job.job_id])
            assert {n: (answer.ts_id, answer.model_name) for n, answer in answers.items()} == _asked(job)
            self._check_commands(job, answers, log[self.topics.series_commands])
            self._check_metrics(job, answers, log[self.topics.metrics])
            self._check_forecasts(api, job, answers, log[self.topics.forecasts])
            self._check_statuses(job, log[self.topics.job_status])
            self._check_rows(job, results[job.job_id], log)
            _check_shown(job, answers, bodies[job.job_id])
        return bodies

    def lag(self) -> dict[str, int]:
        """Records that each group has not committed yet; AssertionError where it has committed what is not there."""
        found = {}
        for group, topics in self.groups.items():
            done = committed(self.bootstrap, group, topics)
            end = ends(self.bootstrap, topics)  # asked later, so that it is not behind the commits
            for at, offset in done.items():
                assert offset <= end[at], f"{group} has committed {offset} of {at}, which ends at {end[at]}"
            found[group] = sum(offset - done.get(at, 0) for at, offset in end.items())
        return found

    def _count_missing(self, jobs: Iterable[Job], figures: CaseFigures) -> None:
        log = read_topics(self.bootstrap, [self.topics.job_results])[self.topics.job_results]
        for job in jobs:
            found = {self._codec.decode(message.value()).n for message in _of(log, b"%d" % job.job_id)}
            figures.submitted += len(job.submissions)
            figures.lost += len(job.submissions) - len(found)

    def _count(self, job: Job, body: Mapping[str, Any], results: Sequence[Message], figures: CaseFigures) -> None:
        """Before anything is asserted, so that the table shows it also where something is wrong."""
        asked = Counter(job.submissions)
        shown = Counter((entry["ts_id"], one["model_name"]) for entry in body["results"] for one in entry["results"])
        figures.submitted += asked.total()
        figures.visible += shown.total()
        figures.lost += (asked - shown).total()
        figures.duplicated += (shown - asked).total()
        figures.repeated += len(results) - len({self._codec.decode(message.value()).n for message in results})

    def _check_readable(self, log: Mapping[str, Sequence[Message]]) -> None:
        """Every record of every topic can be read, but for what has become a dead letter; tombstones have no value."""
        unreadable = 0
        for spec in self.topics.all:
            for message in log[spec.name] if spec.records else ():
                try:
                    event = None if message.value() is None else self._codec.decode(message.value())
                except UndecodableError:
                    unreadable += 1
                    continue
                assert event is None or type(event).__name__ in spec.records, f"{event} on {spec.name}"
        assert unreadable <= self._dead_letters

    def _by_number(self, messages: Iterable[Message]) -> dict[int, Any]:
        """What answers, or asks for, each submission of one job, after checking that every repeat is the same."""
        values: dict[int, bytes] = {}
        events: dict[int, Any] = {}
        for message in messages:
            event = self._codec.decode(message.value())
            assert values.setdefault(event.n, message.value()) == message.value(), (event, events[event.n])
            events[event.n] = event
        return events

    def _check_commands(self, job: Job, answers: Mapping[int, SeriesResult], messages: Iterable[Message]) -> None:
        """Every series that has a forecast was sent to the trainers, each time with the same bytes."""
        keys = {b"%d" % ts_id for ts_id in job.ts_ids}
        commands = self._by_number(
            message for message in messages if message.key() in keys and message.value() is not None
        )
        sent = {n: (command.ts_id, command.model_name) for n, command in commands.items()}
        asked = _asked(job)
        assert sent.items() <= asked.items()
        assert {n for n, answer in answers.items() if answer.error is None} <= sent.keys()

    def _check_metrics(self, job: Job, answers: Mapping[int, SeriesResult], messages: Iterable[Message]) -> None:
        """The scores of each result are there, whatever was published twice."""
        prefix = b"fj-%d-" % job.job_id
        found: dict[str, dict[str, float | None]] = {}
        for message in messages:
            if message.key() is not None and message.key().startswith(prefix):
                point = self._codec.decode(message.value())
                if not point.metric_name.startswith("tuning_"):  # a trial's loss
                    scores = found.setdefault(point.workload_uid, {})
                    assert scores.setdefault(point.metric_name, point.value) == point.value, point
        assert found == {
            f"fj-{job.job_id}-{answer.ts_id}-{n}": dict(answer.metrics)
            for n, answer in answers.items()
            if answer.error is None and answer.metrics
        }

    def _check_forecasts(
        self, api: RecordingApi, job: Job, answers: Mapping[int, SeriesResult], messages: Iterable[Message]
    ) -> None:
        """Each series' forecast of the latest submission is the one in its result, in the log and by HTTP."""
        expected = {answer.ts_id: (n, answer.predictions) for n, answer in sorted(answers.items()) if not answer.error}
        found: dict[int, tuple[int, Sequence[float]]] = {}
        for message in messages:
            if message.value() is None:
                continue
            forecast = self._codec.decode(message.value())
            if forecast.job_id == job.job_id and forecast.n >= found.get(forecast.ts_id, (0, ()))[0]:
                found[forecast.ts_id] = (forecast.n, forecast.mean)
        assert found == expected
        for ts_id, (n, mean) in list(expected.items())[:_ASKED]:
            shown = api.get(f"/forecasts/{ts_id}")
            assert (shown["n"], shown["mean"]) == (n, mean)

    def _check_statuses(self, job: Job, messages: Iterable[Message]) -> None:
        """A reader that drops what is not above the last sequence sees allowed moves only, to the end at last."""
        seen: list[JobStatus] = []
        by_sequence: dict[int, CmdStatus] = {}
        for message in _of(messages, b"%d" % job.job_id):
            status = self._codec.decode(message.value())
            assert by_sequence.setdefault(status.sequence, status.status) is status.status
            if not seen or status.sequence > seen[-1].sequence:
                seen.append(status)
        moves = [(old.status, new.status) for old, new in pairwise(seen)]
        assert set(moves) <= ALLOWED_MOVES, moves
        assert seen[-1].status is job.ends_as

    def _check_rows(self, job: Job, results: Iterable[Message], log: Mapping[str, Sequence[Message]]) -> None:
        """The tables, as a recovery would read them: the job's end, and each result as it is in its topic."""
        rows = {message.key(): message.value() for message in log[self.topics.results_changelog]}
        own = {
            key: replace(self._codec.decode(row), answered_at=None)
            for key, row in rows.items()
            if key.startswith(b"%d:" % job.job_id)
        }
        events = (self._codec.decode(message.value()) for message in results)
        assert own == {b"%d:%d:%d" % (event.job_id, event.ts_id, event.n): event for event in events}
        records = {message.key(): message.value() for message in log[self.topics.jobs_changelog]}
        record = self._codec.decode(records[b"%d" % job.job_id])
        assert (record.status, record.submitted) == (job.ends_as, len(job.submissions))


def _of(messages: Iterable[Message], key: bytes) -> list[Message]:
    """The records of a key; tombstones are not among them."""
    return [message for message in messages if message.key() == key and message.value() is not None]


def _asked(job: Job) -> dict[int, tuple[int, str]]:
    return dict(enumerate(job.submissions))


def _check_shown(job: Job, answers: Mapping[int, SeriesResult], body: Mapping[str, Any]) -> None:
    """GET shows every series, and of each its results in order of submission, as they are in the log."""
    assert body["status"] == job.ends_as
    shown = {entry["ts_id"]: entry["results"] for entry in body["results"]}
    assert list(shown) == job.ts_ids
    for ts_id, results in shown.items():
        expected = [answers[n] for n in sorted(answers) if answers[n].ts_id == ts_id]
        assert [one.get("error") for one in results] == [answer.error for answer in expected]
        assert [one.get("predictions", []) for one in results] == [answer.predictions for answer in expected]
