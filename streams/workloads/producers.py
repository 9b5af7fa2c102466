"""What the producers of an installation say of their workloads: kind, status, and which job a uid speaks of (M-012).

Nothing is kept for it: a uid tells what it belongs to, `job-status` and `training-status` tell what became of that.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from threading import Lock
from typing import Any, Final, NamedTuple

from connectors.kafka.topic_follower import TopicFollower
from schemas.coding.codec import Codec
from schemas.coding.wire import UndecodableError
from schemas.forecasting import CmdStatus, JobStatus
from schemas.training import TrainingStatus
from streams.access.names import scoped

__all__ = ["Kind", "Origin", "ProducerStates", "WorkloadStatus", "origin_of", "training_status"]

_KEPT: Final = 200_000  # jobs whose last status is remembered
_FORMS: Final = (
    (re.compile(r"fj-(?P<job>\d{1,19})-(?P<part>\d{1,19})-(?P<number>\d{1,19})"), "forecast"),
    (re.compile(r"fj-(?P<job>\d{1,19})-(?P<part>together)-(?P<number>\d{1,19})"), "forecast"),
    (re.compile(r"tj-(?P<job>\d{1,19})-(?P<number>\d{1,19})"), "training-job"),
    (re.compile(r"run-(?P<job>.+)"), "run"),
)


class Kind(StrEnum):
    """Who publishes a workload's points."""

    FORECAST = "forecast"
    TRAINING = "training-job"
    RUN = "run"
    UNKNOWN = "unknown"


class WorkloadStatus(StrEnum):
    """What became of it; of a producer that is none of ours nobody knows."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    PAUSED = "paused"
    UNKNOWN = "unknown"


class Origin(NamedTuple):
    """What a uid says by its form."""

    kind: Kind
    job: str = ""
    part: str = ""
    number: str = ""


def origin_of(uid: str) -> Origin:
    """Of any uid."""
    for form, kind in _FORMS:
        found = form.fullmatch(uid)
        if found is not None:
            return Origin(Kind(kind), **found.groupdict())
    return Origin(Kind.UNKNOWN)


_JOBS: Final = {
    CmdStatus.CREATED: WorkloadStatus.RUNNING,
    CmdStatus.UNCOMITTED: WorkloadStatus.RUNNING,
    CmdStatus.COMITTED: WorkloadStatus.RUNNING,
    CmdStatus.DONE: WorkloadStatus.SUCCEEDED,
    CmdStatus.EXCEPTION: WorkloadStatus.FAILED,
}
# Contract T-041 and T-042: 10 is done; 3, 5, 11 and 14 failed; 12 and 13 were stopped; what is left is under way.
_TRAININGS: Final = {
    10: WorkloadStatus.SUCCEEDED,
    3: WorkloadStatus.FAILED,
    5: WorkloadStatus.FAILED,
    11: WorkloadStatus.FAILED,
    14: WorkloadStatus.FAILED,
    12: WorkloadStatus.STOPPED,
    13: WorkloadStatus.STOPPED,
}


def training_status(status: int) -> WorkloadStatus:
    """What a number of contract T-041 comes to."""
    return _TRAININGS.get(status, WorkloadStatus.RUNNING)


class ProducerStates:
    """The last status of each job and version, as far as this process has read of them."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._states: dict[tuple[Kind, str, str], WorkloadStatus] = {}
        self._lock = Lock()
        self._followers: list[TopicFollower] = []

    def follow(self, bootstrap: str, topics: Sequence[str], partitions: int) -> None:
        """Learn of them from these topics, in threads, from now on."""
        self._followers = [TopicFollower(bootstrap, topic, partitions, self.read) for topic in topics]
        for follower in self._followers:
            follower.start()

    def close(self) -> None:
        """Learn no more."""
        for follower in self._followers:
            follower.close()

    def read(self, records: Sequence[tuple[bytes | None, bytes | None]]) -> None:
        """Take note of statuses; what cannot be read is others' to complain of."""
        for _, value in records:
            try:
                event = self._codec.decode(value)
            except UndecodableError:
                continue
            self.told(event)

    def told(self, event: Any) -> None:
        """Take note of one."""
        if isinstance(event, JobStatus):
            state = WorkloadStatus.STOPPED if event.stopped and event.status is CmdStatus.DONE else _JOBS[event.status]
            self._note((Kind.FORECAST, scoped(event.project, str(event.job_id)), ""), state)
        elif isinstance(event, TrainingStatus):
            self._note(
                (Kind.TRAINING, scoped(event.project, str(event.job_id)), str(event.version_id)),
                training_status(event.status),
            )

    def status(self, origin: Origin, project: str = "") -> WorkloadStatus:
        """What became of a project's workload; scores of a series come with its answer, so that it has succeeded."""
        if origin.kind is Kind.FORECAST and origin.part != "together":
            return WorkloadStatus.SUCCEEDED
        number = origin.number if origin.kind is Kind.TRAINING else ""
        return self._states.get((origin.kind, scoped(project, origin.job), number), WorkloadStatus.UNKNOWN)

    def _note(self, key: tuple[Kind, str, str], state: WorkloadStatus) -> None:
        with self._lock:
            self._states.pop(key, None)
            self._states[key] = state
            if len(self._states) > _KEPT:
                del self._states[next(iter(self._states))]
