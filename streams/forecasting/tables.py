"""The tables of forecasting jobs and of their results.

Longer than a module should be: what is remembered of rows is written where they are.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import takewhile
from typing import Any, NamedTuple

import faust

from connectors.kafka.publisher import Publisher
from schemas.coding.codec import Codec
from schemas.forecasting import JobRecord
from schemas.series import SeriesResult
from streams.codes.forecasting import ForecastingCode
from streams.errors import TooLargeError
from streams.forecasting.jobs import Progress
from streams.rows.event_table import EventTable
from streams.rows.row_stores import Row
from streams.rows.tally import Measured, Tally

__all__ = ["Answer", "JobTable", "ResultTable", "error_of"]

_DELETED_KEPT = 10_000  # ids of deleted jobs that are remembered
_DELETED_NOTED = 200  # of each partition those that the next process knows too: 3 KB, written with each deletion
_ROW_RESERVE = 64 * 1024  # bytes that a job's row may still grow by when its training ends: its status, and an error


class JobTable(EventTable):
    """Jobs by id. Partitioned as the topic job-commands is; one process writes a partition."""

    def __init__(self, app: faust.App, changelog: str, *, partitions: int, publisher: Publisher, codec: Codec) -> None:
        super().__init__(app, "jobs", changelog, partitions=partitions, publisher=publisher)
        self._codec = codec
        self._partitions = partitions
        self._decoded: dict[int, JobRecord] = {}
        self._highest: dict[int, int] | None = None  # partition → highest first ts_id; None: stale
        self._deleted: dict[int, str | None] | None = None  # with the command, where it is known; None: stale
        self.tally = Tally(_measured)
        self._changed: set[int] | None = None  # jobs written or removed since somebody took them; None: any may be

    def __len__(self) -> int:
        remembered = sum(self.get(-1 - partition) is not None for partition in range(self._partitions))
        return max(0, super().__len__() - remembered)

    def get(self, job_id: int) -> JobRecord | None:
        """The job, or None where this worker does not have it."""
        record = self._decoded.get(job_id)
        if record is None:
            row = self._rows.get(str(job_id).encode())
            if row is None:
                return None
            record = self._decoded[job_id] = self._codec.decode(row)
        return record

    def look(self, job_id: int) -> JobRecord | None:
        """The job, which is not kept decoded: for who goes through all of them."""
        known = self._decoded.get(job_id)
        row = self._rows.get(str(job_id).encode()) if known is None else None
        return known if row is None else self._codec.decode(row)

    def check_size(self, record: JobRecord) -> None:
        """RejectedError where the job is too large for a row of the changelog, and `put` would fail."""
        size, limit = len(self._codec.encode(record)), self._publisher.max_message_bytes - _ROW_RESERVE
        if size > limit:
            raise TooLargeError(
                ForecastingCode.JOB_TOO_LARGE,
                f"the settings and submissions of job {record.job_id} take {size} bytes, at most {limit} can be kept: "
                "store shorter settings, or create another job",
            )

    def put(self, partition: int, record: JobRecord) -> "asyncio.Future[None]":
        """Store the job; readers see it at once, the future ends when the changelog has it."""
        written = self._write(partition, [(str(record.job_id).encode(), self._codec.encode(record))])
        self._decoded[record.job_id] = record
        if self.tally is not None:
            self.tally.put(partition, b"%d" % record.job_id, record)
        if self._deleted is not None:
            self._deleted.pop(record.job_id, None)
        if self._changed is not None:
            self._changed.add(record.job_id)
        if self._highest is not None:
            self._highest[partition] = max(self._highest.get(partition, 0), record.first_ts_id)
        return written

    def delete(self, partition: int, job_id: int, command_id: str) -> "asyncio.Future[None]":
        """Remove the job; its series' ids are remembered, for they must not be given again, and that it was deleted."""
        job, deleted = self.get(job_id), self._remembered_jobs()
        changes = [] if job is None else [self._remembered(partition, job)]
        self._decoded.pop(job_id, None)
        if self.tally is not None:
            self.tally.delete(b"%d" % job_id)
        if self._changed is not None:
            self._changed.add(job_id)
        deleted.setdefault(job_id, command_id)
        if len(deleted) > _DELETED_KEPT:
            del deleted[next(iter(deleted))]
        return self._write(partition, [*changes, (b"%d" % job_id, None)])

    def _remembered(self, partition: int, job: JobRecord) -> Row:
        """The row that keeps the highest block of the partition's deleted jobs, and the last of their ids.

        Its number is below zero, where no job is; a release that does not know it takes it for an empty job.
        """
        number = -1 - partition
        known = self.get(number) or JobRecord(number, 0, None, 0, 0)
        highest = max(known.first_ts_id, job.first_ts_id)
        noted = (*known.commands, str(job.job_id))[-_DELETED_NOTED:]
        row = self._decoded[number] = replace(known, first_ts_id=highest, commands=noted)
        return b"%d" % number, self._codec.encode(row)

    def _remembered_jobs(self) -> dict[int, str | None]:
        if self._deleted is None:
            rows = (self.get(-1 - partition) for partition in range(self._partitions))
            noted = (int(job_id) for row in rows if row is not None for job_id in row.commands)
            self._deleted = dict.fromkeys(job_id for job_id in noted if self.get(job_id) is None)
        return self._deleted

    def was_deleted(self, job_id: int) -> bool:
        """Whether the job was deleted, by this process or lately by another: trainers may be at it still."""
        return job_id in self._remembered_jobs()

    def may_have_deleted(self, command_id: str, job_id: int) -> bool:
        """Whether the command has deleted the job before; of those that an earlier worker deleted, any may have."""
        deleted = self._remembered_jobs()
        return job_id in deleted and deleted[job_id] in (None, command_id)

    def ids(self) -> list[int]:
        """Ids of the jobs that this worker has, ascending."""
        return sorted(job_id for job_id in map(int, self._rows) if job_id > 0)

    def take_changed(self) -> set[int] | None:
        """Ids of the jobs that were written or removed since the last call; None where rows were read anew: any may be.

        For one caller alone, who has all of them with `ids` then.
        """
        taken, self._changed = self._changed, set()
        return taken

    def highest_ts_id(self, partition: int) -> int:
        """The highest first series id that a job of the partition has or had; 0 where there is none."""
        if self._highest is None:
            self._highest = {}
            for home, key, _ in self._rows.items():
                record = self.get(int(key))
                if record is not None:
                    self._highest[home] = max(self._highest.get(home, 0), record.first_ts_id)
        return self._highest.get(partition, 0)

    def _to_count(self, key: bytes) -> JobRecord | None:
        return self.look(int(key))

    async def _recovered(self) -> None:
        self._decoded.clear()
        self._highest = None
        self._deleted = None
        if self.tally is not None:
            self.tally.forget()
        self._changed = None


def _measured(job: JobRecord) -> Measured | None:
    """A row below zero is no job's."""
    return Measured(job.project, {"jobs": 1, "series": job.series_count}) if job.job_id > 0 else None


class Answer(NamedTuple):
    """A result's key, its error and its encoded form."""

    job_id: int
    ts_id: int
    n: int
    error: str | None
    row: bytes


class ResultTable(EventTable):
    """Results under `<job_id>:<ts_id>:<n>`: a repeat overwrites itself. Partitioned by job, as job-results is."""

    def __init__(self, app: faust.App, changelog: str, *, partitions: int, publisher: Publisher, codec: Codec) -> None:
        super().__init__(app, "results", changelog, partitions=partitions, publisher=publisher)
        self._codec = codec
        self._by_job: dict[int, dict[int, int]] = {}  # job → n → ts_id of what is there; absent: not yet asked for
        self._errors: dict[int, dict[int, str]] = {}  # job → n → text; absent: not yet looked for
        self._numbers: dict[int, dict[int, list[int]]] = {}  # job → ts_id → n, as they came; absent: not yet asked for
        self._counts: dict[int, tuple[int, int]] = {}  # job → number, and how many answers there are from it on

    def put(self, partition: int, answers: Iterable[Answer]) -> "asyncio.Future[None]":
        """Store results, a repeat with the time of the first answer; the future ends when the changelog has them."""
        changes: dict[bytes, bytes | None] = {}
        for job_id, ts_id, n, error, given in answers:
            of_job = self._answers(job_id)
            numbers = self._numbers.get(job_id)
            key = _key(job_id, ts_id, n)
            known = (changes.get(key) or self._rows.get(key)) if n in of_job else None
            row = given if known is None else self._at_first_time(given, known)
            if n not in of_job:
                if numbers is not None:
                    numbers.setdefault(ts_id, []).append(n)
                since, count = self._counts.get(job_id, (0, 0))
                if n < since:  # its row was lost with the process that had it: they stay in order
                    self._by_job[job_id] = of_job = dict(sorted([*of_job.items(), (n, ts_id)]))
                elif count:
                    self._counts[job_id] = since, count + 1
            of_job[n] = ts_id
            errors = self._errors.get(job_id)
            if errors is not None:
                errors.pop(n, None)
                if error is not None:
                    errors[n] = error
            changes[key] = row
        return self._write(partition, list(changes.items()))

    def delete(self, partition: int, job_id: int) -> "asyncio.Future[None]":
        """Remove all results of a job."""
        answers = self._answers(job_id)
        changes = [(_key(job_id, ts_id, n), None) for n, ts_id in answers.items()]
        answers.clear()
        self._errors.pop(job_id, None)
        self._numbers.pop(job_id, None)
        self._counts.pop(job_id, None)
        return self._write(partition, changes)

    def forget(
        self, partition: int, job_id: int, ts_ids: Iterable[int], *, below: int, keep: int
    ) -> "asyncio.Future[None]":
        """Of each series' results numbered `below` this keep the newest; the others are removed."""
        answers, numbers, errors = self._answers(job_id), self._numbers_of(job_id), self._errors.get(job_id, {})
        changes: list[Row] = []
        for ts_id in ts_ids:
            old = sorted(n for n in numbers.get(ts_id, ()) if n < below)[:-keep]
            if old:
                numbers[ts_id] = [n for n in numbers[ts_id] if n not in set(old)]
            for n in old:
                changes.append((_key(job_id, ts_id, n), None))
                answers.pop(n, None)
                errors.pop(n, None)
        return self._write(partition, changes)

    def progress(self, job_id: int, settled: int = 0) -> Progress:
        """The answers a job has so far, of which those numbered below `settled` are listed no more."""
        answers = self._answers(job_id)
        errors = self._errors.get(job_id)
        if errors is None:
            rows = ((n, self._row(job_id, ts_id, n)) for n, ts_id in answers.items())
            found = {n: error_of(self._codec.outline_of(row, SeriesResult)) for n, row in rows}
            errors = self._errors[job_id] = {n: error for n, error in found.items() if error is not None}
        return Progress(answers.keys(), errors, self._count(job_id, settled, answers), answers)

    def _count(self, job_id: int, since: int, answers: dict[int, int]) -> int:
        """How many answers there are from a number on. They came behind the others, and are counted as they come."""
        if not since:
            return len(answers)
        known = self._counts.get(job_id)
        if known is None or known[0] != since or not known[1]:
            count = sum(1 for _ in takewhile(lambda n: n >= since, reversed(answers)))
            known = self._counts[job_id] = since, count
        return known[1]

    def series_of(self, job_id: int) -> set[int]:
        """The series of a job that have results."""
        return set(self._answers(job_id).values())

    def of_series(self, job_id: int, ts_ids: Iterable[int]) -> dict[int, list[bytes]]:
        """The encoded results of each series asked for, in order of submission."""
        numbers = self._numbers_of(job_id)
        return {ts_id: [self._row(job_id, ts_id, n) for n in sorted(numbers.get(ts_id, ()))] for ts_id in ts_ids}

    def _numbers_of(self, job_id: int) -> dict[int, list[int]]:
        numbers = self._numbers.get(job_id)
        if numbers is None:
            numbers = self._numbers[job_id] = {}
            for n, ts_id in self._answers(job_id).items():
                numbers.setdefault(ts_id, []).append(n)
        return numbers

    def _row(self, job_id: int, ts_id: int, n: int) -> bytes:
        row = self._rows.get(_key(job_id, ts_id, n))
        assert row is not None  # the index names what is there
        return row

    def _at_first_time(self, row: bytes, known: bytes) -> bytes:
        """The answer of a repeat, as old as the one that is known: see `streams.forecasting.time_travel`."""
        first = self._codec.outline_of(known, SeriesResult)["answered_at"]
        return self._codec.encode(replace(self._codec.decode(row), answered_at=first))

    def _answers(self, job_id: int) -> dict[int, int]:
        known = self._by_job.get(job_id)
        if known is None:
            keys = (key.split(b":") for key in self._rows.beginning_with(b"%d:" % job_id))
            known = self._by_job[job_id] = dict(sorted((int(n), int(ts_id)) for _, ts_id, n in keys))
        return known

    async def _recovered(self) -> None:
        self._by_job.clear()
        self._errors.clear()
        self._numbers.clear()
        self._counts.clear()


def error_of(fields: Mapping[str, Any]) -> str | None:
    """The error of a result, of which these are fields, for its job: what fails in the shadow does not fail it."""
    error: str | None = None if fields.get("shadow") else fields["error"]
    return error


def _key(job_id: int, ts_id: int, n: int) -> bytes:
    return b"%d:%d:%d" % (job_id, ts_id, n)
