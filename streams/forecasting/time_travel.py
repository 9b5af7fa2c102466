"""Time travel: a job as it stood at some time, by the times that its rows keep of the log."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile

from schemas.coding.codec import Codec
from schemas.forecasting import CmdStatus, JobRecord
from schemas.series import SeriesResult
from streams.codes.forecasting import ForecastingCode
from streams.errors import NotFoundError
from streams.forecasting import jobs
from streams.forecasting.jobs import Progress
from streams.forecasting.tables import error_of

__all__ = ["Rows", "as_of"]

Rows = Mapping[int, Sequence[bytes]]
"""Encoded results by series, those of a series in order of submission."""


def as_of(codec: Codec, job: JobRecord, rows: Rows, at: int) -> tuple[JobRecord, Rows]:
    """The job as it was at `at` (milliseconds), and those of its results that were there; RejectedError before it was.

    `rows` has the results of all its series. What a command or an answer changed counts from the time at which the log
    got it. Where a row is from before that was noted, it counts as long as the job. What is settled was there as soon
    as its answer; the results that are kept of it are few.
    """
    if job.created > at:
        raise NotFoundError(
            ForecastingCode.UNKNOWN_JOB,
            f"as_of: there was no job {job.job_id} at {at}; it was created at {job.created}",
        )
    submissions = tuple(takewhile(lambda submission: submission.at <= at, job.submissions))
    past = replace(job, status=CmdStatus.CREATED, message=None, submissions=submissions)
    found: dict[int, list[bytes]] = {}
    numbers: dict[int, int] = {}
    errors: dict[int, str] = {}
    for ts_id, encoded in rows.items():
        found[ts_id] = []
        for row in encoded:
            fields = codec.outline_of(row, SeriesResult)
            n, error, answered_at = fields["n"], error_of(fields), fields["answered_at"]
            if n < past.submitted and (answered_at is None or answered_at <= at):
                found[ts_id].append(row)
                numbers[n] = ts_id
                if error is not None:
                    errors[n] = error
    if submissions or any(n < job.settled for n in numbers):
        past = replace(past, status=CmdStatus.COMITTED)
    elif job.status is CmdStatus.UNCOMITTED if job.settings_at is None else job.settings_at <= at:
        past = replace(past, status=CmdStatus.UNCOMITTED)
    listed = sum(n >= job.settled for n in numbers)
    return jobs.finished(past, Progress(numbers, errors, listed, numbers)), found
