"""Reads the whole log after a fault has healed, and what HTTP shows, and asks the judge what is wrong.

Before that the groups must have read everything: committed offsets are nowhere beyond the end of the log, and reach it.
"""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Self

from confluent_kafka import KafkaException

from schemas.coding.codec import Codec
from streams.topics import Topics
from tests.faults.figures import CaseFigures
from tests.faults.history import RecordingApi
from tests.faults.judge import Judge
from tests.faults.load import Job
from tests.faults.log import committed, ends, read_topics
from tests.faults.seen import Finding, LogRecord, Seen
from tests.integration.services import Service, until

__all__ = ["Verifier"]

_HEALED_S = 120.0  # for a job to end after the last fault: a machine may be busy, and a group may have to wait
_ASKED = 5  # series of a job whose forecast is asked for by HTTP as well
_PAUSE_S = 0.5
_NAMED = 20  # findings that a failure names; the others are mostly of the same kind


class Verifier:
    """Judges one installation; `expect_dead_letters` before a case that causes some."""

    def __init__(
        self, bootstrap: str, topics: Topics, *, group_prefix: str = "tidecast-", codec: Codec | None = None
    ) -> None:
        self.bootstrap = bootstrap
        self.topics = topics
        self._judge = Judge(topics, codec=codec)
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

    def verify(
        self,
        api: RecordingApi,
        *jobs: Job,
        figures: CaseFigures,
        within: float = _HEALED_S,
        mended_within: float = 0.0,
        posted: Collection[int] = (),
    ) -> Mapping[int, Mapping[str, Any]]:
        """Wait until the jobs have ended, then judge; the bodies of GET job_results by job.

        `mended_within` is for a case whose fault leaves something in the log that the service mends by itself;
        `posted` are jobs that the case created by a command of its own.
        """
        try:
            bodies = {job.job_id: api.finished(job.job_id, within=within) for job in jobs}
        except AssertionError:  # the table of figures is to say how much is missing
            with suppress(AssertionError, KafkaException):
                self._count_missing(jobs, figures)
            raise
        deadline = time.monotonic() + mended_within
        while True:
            until(lambda: not any(self.lag().values()), within=within, why="the groups have read everything")
            seen = self._seen(api, jobs, bodies)
            found = self._findings(seen, jobs, posted)
            if not found or time.monotonic() >= deadline:
                break
            time.sleep(_PAUSE_S)
        self._count(seen, jobs, figures)
        for outcome, number in api.history.counts().items():
            figures.calls[outcome] = figures.calls.get(outcome, 0) + number
        kinds = Counter(finding.rule for finding in found)
        assert not found, f"{dict(kinds)}\n" + "\n".join(map(str, found[:_NAMED]))
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

    def _seen(self, api: RecordingApi, jobs: Iterable[Job], bodies: Mapping[int, Mapping[str, Any]]) -> Seen:
        asked = [ts_id for job in jobs for ts_id in list(dict(job.submissions))[:_ASKED]]
        forecasts = {ts_id: api.call("GET", f"/forecasts/{ts_id}").json() for ts_id in asked}
        listed = frozenset(job["job_id"] for job in api.get("/job/")["jobs"])
        datasets = frozenset(data["id"] for data in api.get("/data/")["data"])
        return Seen(self._log(), tuple(api.history.operations), bodies, forecasts, listed, datasets)

    def _log(self, *topics: str) -> Mapping[str, Sequence[LogRecord]]:
        log = read_topics(self.bootstrap, topics or [spec.name for spec in self.topics.all])
        return {topic: [LogRecord.of(message) for message in messages] for topic, messages in log.items()}

    def _findings(self, seen: Seen, jobs: Iterable[Job], posted: Collection[int]) -> list[Finding]:
        asked = [job.asked for job in jobs]
        return self._judge.findings(seen, *asked, dead_letters=self._dead_letters, posted=frozenset(posted))

    def _count_missing(self, jobs: Iterable[Job], figures: CaseFigures) -> None:
        self._count(Seen(self._log(self.topics.job_results)), jobs, figures)

    def _count(self, seen: Seen, jobs: Iterable[Job], figures: CaseFigures) -> None:
        for job in jobs:
            for name, number in asdict(self._judge.count(seen, job.asked)).items():
                setattr(figures, name, getattr(figures, name) + number)
