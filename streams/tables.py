"""The tables of forecasting jobs and of their results."""

import asyncio
from collections.abc import Iterable

import faust

from connectors.publisher import Publisher
from schemas.codec import Codec
from schemas.events import SeriesResult
from schemas.records import JobRecord
from streams.errors import RejectedError
from streams.event_table import EventTable
from streams.jobs import Progress

__all__ = ["JobTable", "ResultTable"]

_ROW_RESERVE = 64 * 1024  # bytes that a job's row may still grow by when its training ends: its status, and an error


class JobTable(EventTable):
    """Jobs by id. Partitioned as the topic job-commands is; one process writes a partition."""

    def __init__(self, app: faust.App, changelog: str, *, partitions: int, publisher: Publisher, codec: Codec) -> None:
        super().__init__(app, "jobs", changelog, partitions=partitions, publisher=publisher)
        self._codec = codec
        self._decoded: dict[int, JobRecord] = {}
        self._highest: dict[int, int] | None = None  # partition → highest first ts_id; None: stale

    def get(self, job_id: int) -> JobRecord | None:
        """The job, or None where this worker does not have it."""
        record = self._decoded.get(job_id)
        if record is None:
            row = self._rows.get(str(job_id).encode())
            if row is None:
                return None
            record = self._decoded[job_id] = self._codec.decode(row)
        return record

    def check_size(self, record: JobRecord) -> None:
        """RejectedError where the job is too large for a row of the changelog, and `put` would fail."""
        size, limit = len(self._codec.encode(record)), self._publisher.max_message_bytes - _ROW_RESERVE
        if size > limit:
            raise RejectedError(
                413,
                "job_too_large",
                f"the settings and submissions of job {record.job_id} take {size} bytes, at most {limit} can be kept: "
                "store shorter settings, or create another job",
            )

    def put(self, partition: int, record: JobRecord) -> "asyncio.Future[None]":
        """Store the job; readers see it at once, the future ends when the changelog has it."""
        self._decoded[record.job_id] = record
        if self._highest is not None:
            self._highest[partition] = max(self._highest.get(partition, 0), record.first_ts_id)
        return self._write(partition, [(str(record.job_id).encode(), self._codec.encode(record))])

    def delete(self, partition: int, job_id: int) -> "asyncio.Future[None]":
        """Remove the job."""
        self._decoded.pop(job_id, None)
        return self._write(partition, [(str(job_id).encode(), None)])

    def ids(self) -> list[int]:
        """Ids of the jobs that this worker has, ascending."""
        return sorted(int(key) for key in self._rows)

    def highest_ts_id(self, partition: int) -> int:
        """The highest first series id that a job of the partition has; 0 where there is none."""
        if self._highest is None:
            self._highest = {}
            partition_of = self._partition_of
            for key in self._rows:
                record = self.get(int(key))
                if record is not None:
                    home = partition_of[key]
                    self._highest[home] = max(self._highest.get(home, 0), record.first_ts_id)
        return self._highest.get(partition, 0)

    async def _recovered(self) -> None:
        self._decoded.clear()
        self._highest = None


class ResultTable(EventTable):
    """Results under `<job_id>:<ts_id>:<n>`: a repeat overwrites itself. Partitioned by job, as job-results is."""

    def __init__(self, app: faust.App, changelog: str, *, partitions: int, publisher: Publisher, codec: Codec) -> None:
        super().__init__(app, "results", changelog, partitions=partitions, publisher=publisher)
        self._codec = codec
        self._by_job: dict[int, dict[int, tuple[int, bytes]]] | None = None  # job → n → (ts_id, result); None: stale
        self._errors: dict[int, dict[int, str]] = {}  # job → n → text; absent: not yet looked for

    def put(self, partition: int, results: Iterable[tuple[SeriesResult, bytes]]) -> "asyncio.Future[None]":
        """Store results with their encoded form; the future ends when the changelog has them."""
        changes: list[tuple[bytes, bytes | None]] = []
        for result, row in results:
            self._answers(result.job_id)[result.n] = (result.ts_id, row)
            errors = self._errors.get(result.job_id)
            if errors is not None:
                errors.pop(result.n, None)
                if result.error is not None:
                    errors[result.n] = result.error
            changes.append((b"%d:%d:%d" % (result.job_id, result.ts_id, result.n), row))
        return self._write(partition, changes)

    def delete(self, partition: int, job_id: int) -> "asyncio.Future[None]":
        """Remove all results of a job."""
        answers = self._answers(job_id)
        changes: list[tuple[bytes, bytes | None]] = [
            (b"%d:%d:%d" % (job_id, ts_id, n), None) for n, (ts_id, _) in answers.items()
        ]
        answers.clear()
        self._errors.pop(job_id, None)
        return self._write(partition, changes)

    def progress(self, job_id: int) -> Progress:
        """The answers a job has so far."""
        answers = self._answers(job_id)
        errors = self._errors.get(job_id)
        if errors is None:
            decoded = {n: self._codec.decode(row) for n, (_, row) in answers.items()}
            errors = self._errors[job_id] = {n: it.error for n, it in decoded.items() if it.error is not None}
        return Progress(answers.keys(), errors)

    def series_of(self, job_id: int) -> set[int]:
        """The series of a job that have results."""
        return {ts_id for ts_id, _ in self._answers(job_id).values()}

    def of_series(self, job_id: int, ts_ids: Iterable[int]) -> dict[int, list[bytes]]:
        """The encoded results of each series asked for, in order of submission."""
        by_series: dict[int, list[bytes]] = {ts_id: [] for ts_id in ts_ids}
        for _, (ts_id, row) in sorted(self._answers(job_id).items()):
            if ts_id in by_series:
                by_series[ts_id].append(row)
        return by_series

    def _answers(self, job_id: int) -> dict[int, tuple[int, bytes]]:
        if self._by_job is None:
            self._by_job = {}
            for key, row in self._rows.items():
                job, ts_id, n = (int(part) for part in key.split(b":"))
                self._by_job.setdefault(job, {})[n] = (ts_id, row)
        return self._by_job.setdefault(job_id, {})

    async def _recovered(self) -> None:
        self._by_job = None
        self._errors.clear()
