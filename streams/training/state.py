"""What the state has for training jobs."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.training_rows import (
    TrainingConfigurationRecord,
    TrainingJobRecord,
    TrainingVersionRecord,
    VisualizationJobRecord,
)
from streams.access.caller import DEFAULT_PROJECT
from streams.rows.event_table import RecordTable
from streams.rows.tally import Measured, Tally
from streams.runtime import Part, StateRuntime
from streams.training.configs import config_of
from streams.training.configurations import SAMPLES, key_of_configuration, unknown_configuration
from streams.training.earlier import is_earlier, job_of, version_of
from streams.training.jobs import key_of
from streams.training.states import ENDED
from streams.training.versions import key_of_version

__all__ = ["TrainingJobsState", "VersionTable", "open_state"]


class VersionTable(RecordTable[TrainingVersionRecord]):
    """Rows of versions, and by project those that have not ended and all their ids: a change need not look at all."""

    _open: dict[str, set[bytes]] | None = None
    _ids: dict[str, set[int]]

    def put(self, partition: int, key: bytes, record: TrainingVersionRecord) -> "asyncio.Future[None]":
        """Store the record; readers see it at once, the future ends when the changelog has it."""
        written = super().put(partition, key, record)
        self._note(key, record)
        return written

    def delete(self, partition: int, key: bytes) -> "asyncio.Future[None]":
        """Remove the record."""
        if self._open is not None:
            project_id, _, rest = key.decode().partition("/")
            self._open.get(project_id, set()).discard(key)
            self._ids.get(project_id, set()).discard(int(rest.rpartition("/")[2]))
        return super().delete(partition, key)

    def open_of(self, project_id: str) -> list[TrainingVersionRecord]:
        """The versions of a project that have not ended."""
        found = (self.get(key) for key in list(self._opened().get(project_id, ())))
        return [record for record in found if record is not None and record.status not in ENDED]

    def projects_with_open(self) -> list[str]:
        """The projects that have such versions."""
        return list(self._opened())

    def has_id(self, project_id: str, version_id: int) -> bool:
        """Whether a version of the project has this id (T-114)."""
        self._opened()
        return version_id in self._ids.get(project_id, ())

    def _opened(self) -> dict[str, set[bytes]]:
        if self._open is None:  # the first look after a recovery
            self._open, self._ids = {}, {}
            for key in self.keys():
                record = self.get(key)
                if record is not None:
                    self._note(key, record)
        return self._open

    def _note(self, key: bytes, record: TrainingVersionRecord) -> None:
        if self._open is None:
            return
        self._ids.setdefault(record.project_id, set()).add(record.version_id)
        if record.status not in ENDED:
            self._open.setdefault(record.project_id, set()).add(key)
        elif (known := self._open.get(record.project_id)) is not None:
            known.discard(key)
            if not known:
                del self._open[record.project_id]

    async def _recovered(self) -> None:
        await super()._recovered()
        self._open = None


@dataclass(frozen=True, kw_only=True)
class TrainingJobsState(Part):
    """Rows of training jobs, of their versions, of configurations and of visualization jobs.

    Read here, a job of an earlier release, whose row has its version in itself, is one like any other.
    """

    jobs: RecordTable[TrainingJobRecord]
    versions: VersionTable
    configurations: RecordTable[TrainingConfigurationRecord]
    visualizations: RecordTable[VisualizationJobRecord]

    def job(self, project_id: str, job_id: int) -> TrainingJobRecord | None:
        """A job; None where there is none."""
        row = self.jobs.get(key_of(project_id, job_id))
        return job_of(row) if row is not None and is_earlier(row) else row

    def jobs_of(self, project_id: str) -> list[TrainingJobRecord]:
        """All jobs of a project that this worker owns."""
        return [job_of(row) if is_earlier(row) else row for row in self.jobs.group(f"{project_id}/".encode())]

    def version(self, project_id: str, job_id: int, version_id: int) -> TrainingVersionRecord | None:
        """A version of a job; None where there is none."""
        record = self.versions.get(key_of_version(project_id, job_id, version_id))
        if record is None:
            row = self.jobs.get(key_of(project_id, job_id))
            if row is not None and is_earlier(row) and row.version_id == version_id:
                return version_of(row)
        return record

    def versions_of(self, project_id: str, job_id: int) -> Sequence[TrainingVersionRecord]:
        """All versions of a job, the newest first (T-119)."""
        row = self.jobs.get(key_of(project_id, job_id))
        if row is None or is_earlier(row):
            return [] if row is None else [version_of(row)]
        found = self.versions.group(f"{project_id}/{job_id}/".encode())
        return sorted(found, key=lambda record: record.number, reverse=True)

    def all_versions_of(self, project_id: str) -> list[TrainingVersionRecord]:
        """All versions of all jobs of a project that this worker owns."""
        rows = self.jobs.group(f"{project_id}/".encode())
        return [*map(version_of, filter(is_earlier, rows)), *self.versions.group(f"{project_id}/".encode())]

    def configuration(self, project_id: str, name: str) -> TrainingConfigurationRecord | None:
        """A configuration of a project, else the shipped one of this name; None where there is none."""
        return self.own_configuration(project_id, name) or SAMPLES.get(name)

    def own_configuration(self, project_id: str, name: str) -> TrainingConfigurationRecord | None:
        """A configuration of a project; None where there is none."""
        return self.configurations.get(key_of_configuration(project_id, name))

    def stored_config(self, project_id: str, name: str) -> dict[str, Any]:
        """What a configuration has, for a job that names it; empty where none is named. RejectedError."""
        if name == "":
            return {}
        record = self.configuration(project_id, name)
        if record is None:
            raise unknown_configuration(name)
        return config_of(record.config)

    def configurations_of(self, project_id: str) -> list[TrainingConfigurationRecord]:
        """All configurations of a project that this worker owns."""
        return list(self.configurations.group(f"{project_id}/".encode()))

    def visualization(self, project_id: str, job_id: int) -> VisualizationJobRecord | None:
        """A visualization job; None where there is none."""
        return self.visualizations.get(key_of(project_id, job_id))

    def visualizations_of(self, project_id: str) -> list[VisualizationJobRecord]:
        """All visualization jobs of a project that this worker owns."""
        return list(self.visualizations.group(f"{project_id}/".encode()))

    def earlier(self) -> Iterator[TrainingJobRecord]:
        """Rows of earlier releases, which are still to be written anew."""
        return filter(is_earlier, self.jobs.group(b""))


def _project(project_id: str) -> str:
    return "" if project_id == DEFAULT_PROJECT else project_id


def _measured(version: TrainingVersionRecord) -> Measured | None:
    runs = version.given and version.status not in ENDED
    return Measured(_project(version.project_id), {"running_versions": 1}) if runs else None


def open_state(runtime: StateRuntime) -> Part:
    """The state's part."""
    app, topics, options = runtime.app, runtime.topics, runtime.table_options
    jobs: RecordTable[TrainingJobRecord] = RecordTable(app, "training_jobs", topics.training_jobs_changelog, **options)
    versions = VersionTable(app, "training_versions", topics.training_versions_changelog, **options)
    jobs.tally = Tally(lambda job: Measured(_project(job.project_id), {"training_jobs": 1}))
    versions.tally = Tally(_measured)
    return TrainingJobsState(
        jobs=jobs,
        versions=versions,
        configurations=RecordTable(app, "training_configurations", topics.training_configurations_changelog, **options),
        visualizations=RecordTable(app, "visualization_jobs", topics.visualization_jobs_changelog, **options),
    )
