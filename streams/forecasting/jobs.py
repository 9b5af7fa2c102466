"""The life of a job as pure functions: record and command in, new record out (contract 000, sections 2, 4 and 6)."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter

from connectors.timestamps.formats import BadFormatError, check_format
from schemas.forecasting import (
    CmdStatus,
    Columns,
    ConfigureJob,
    CreateJob,
    JobRecord,
    JobStatus,
    Planned,
    SeriesConfig,
    StopJob,
    Submission,
    SubmitJob,
)
from streams.checks import check_id, check_name
from streams.codes.forecasting import ForecastingCode
from streams.errors import ConflictError, InvalidError
from streams.forecasting.calendars import checked_calendars
from streams.forecasting.submissions import Training
from streams.repeats import digest_of, with_command

__all__ = [
    "CANCELLED",
    "Progress",
    "cancelled",
    "check_columns",
    "configured",
    "created",
    "finished",
    "is_too_late",
    "series_of",
    "series_statuses",
    "status_event",
    "stopped",
    "stored",
    "submitted",
]

CANCELLED = "cancelled"  # the message of a job that was stopped, and the error of what it had not trained
_LONGEST_MESSAGE = 1000  # characters of a series' error that its job repeats; the result has the whole


@dataclass(frozen=True, slots=True)
class Progress:
    """Answers that a job has so far: the number of each, and of those that are errors with their text."""

    finished: Collection[int]
    errors: Mapping[int, str]


def created(command: CreateJob, *, at: int) -> JobRecord:
    """The new job; `at` is the command's time in milliseconds."""
    check_id("job_id", command.job_id)
    check_name(command.name)
    return JobRecord(
        job_id=command.job_id,
        data_id=command.data_id,
        name=command.name,
        related_user=command.related_user,
        created=at,
        sequence=1,
        commands=(command.command_id,),
        digests=(digest_of(command),),
        project=command.project,
    )


def check_columns(job: JobRecord, command: ConfigureJob, header: Sequence[str]) -> Columns:
    """The chosen columns; RejectedError where the job cannot take them any more or they do not fit (J-052 … J-057)."""
    if job.status >= CmdStatus.COMITTED:
        raise ConflictError(
            ForecastingCode.ALREADY_SUBMITTED,
            f"job {job.job_id} has been submitted: its columns are fixed; create another job",
        )
    for field in ("timestamp_indexs", "target_indexs"):
        indexs = getattr(command, field)
        if len(indexs) != 1:
            raise InvalidError(
                ForecastingCode.INVALID_COLUMNS, f"{field} has {len(indexs)} columns, expected exactly one"
            )
    seen: dict[int, str] = {}
    for field in ("timestamp_indexs", "target_indexs", "groupby_indexs"):
        for index in getattr(command, field):
            if not 0 <= index < len(header):
                raise InvalidError(
                    ForecastingCode.INVALID_COLUMNS,
                    f"{field}: column {index} does not exist; the data set has columns 0 to {len(header) - 1}",
                )
            if index in seen:
                other = f"twice in {field}" if seen[index] == field else f"in {seen[index]} and in {field}"
                raise InvalidError(ForecastingCode.INVALID_COLUMNS, f"column {index} ({header[index]}) is {other}")
            seen[index] = field
    checked_calendars(command.freq, command.time_zone)
    if command.timestamp_format:
        try:
            check_format(command.timestamp_format)
        except BadFormatError as error:
            raise InvalidError(ForecastingCode.BAD_TIMESTAMP_FORMAT, f"timestamp_format: {error}") from None
    return Columns(**{field.name: getattr(command, field.name) for field in fields(Columns)})


def configured(
    job: JobRecord,
    command: ConfigureJob,
    columns: Columns,
    *,
    split: str,
    series_count: int,
    first_ts_id: int,
    column_count: int,
) -> JobRecord:
    """The job with newly made series; settings of the old ones are gone with them, and so is its status.

    Were it UNCOMITTED still, it would say that something is stored for series of which each is CREATED.
    """
    return replace(
        job,
        status=CmdStatus.CREATED,
        sequence=job.sequence + (job.status is not CmdStatus.CREATED),
        settings_at=None,
        columns=columns,
        column_count=column_count,
        split=split,
        first_ts_id=first_ts_id,
        series_count=series_count,
        settings=(),
        **with_command(job, command.command_id, digest_of(command)),
    )


def submitted(
    job: JobRecord, command: SubmitJob, to_train: Sequence[Training], *, at: int, planned: Planned | None = None
) -> JobRecord:
    """The job with the numbers of a submission that `check_elements` has accepted; `at` is the command's time.

    `planned` is how they are trained, where any are. What the submission only stores is added by `stored`.
    """
    status = job.status
    if to_train:
        status = CmdStatus.COMITTED
    elif status is CmdStatus.CREATED:
        status = CmdStatus.UNCOMITTED
    submissions = job.submissions
    if to_train:
        offsets = tuple(training.ts_id - job.first_ts_id for training in to_train)
        submissions = (*submissions, Submission(command.command_id, job.submitted, offsets, at))
    return replace(
        job,
        status=status,
        sequence=job.sequence + (status is not job.status),
        message=None if to_train else job.message,
        submissions=submissions,
        planned=job.planned if planned is None else (*job.planned, replace(planned, first_n=job.submitted)),
        settings_at=at if (job.status, status) == (CmdStatus.CREATED, CmdStatus.UNCOMITTED) else job.settings_at,
    )


def stored(job: JobRecord, command: SubmitJob, to_store: Iterable[SeriesConfig], digest: str) -> JobRecord:
    """The job with a submission's settings, and its command among those that are done; `digest` is the command's."""
    return replace(job, settings=_merged(job.settings, to_store), **with_command(job, command.command_id, digest))


def stopped(job: JobRecord, command: StopJob) -> JobRecord:
    """The job after a command to stop: what has no answer is cancelled. Where nothing is trained, nothing changes."""
    job = replace(job, **with_command(job, command.command_id, digest_of(command)))
    if job.status is not CmdStatus.COMITTED:
        return job
    return replace(
        job,
        status=CmdStatus.EXCEPTION,
        sequence=job.sequence + 1,
        message=CANCELLED,
        stopped=job.submitted,
    )


def cancelled(job: JobRecord) -> JobRecord:
    """The job once everything that it was stopped at has its answer: how it would have been trained can go."""
    planned = tuple(one for one in job.planned if one.first_n >= job.stopped)
    return job if planned == job.planned else replace(job, planned=planned)


def is_too_late(job: JobRecord, n: int, progress: Progress) -> bool:
    """Whether an answer counts no more: the job was stopped, and the submission has an answer, if only that."""
    return n < job.stopped and n in progress.finished


def series_of(job: JobRecord, n: int) -> int | None:
    """The series that submission number `n` trains; None where there is no such number."""
    index = bisect_right(job.submissions, n, key=attrgetter("first_n"))
    if index == 0 or n >= job.submitted:
        return None
    submission = job.submissions[index - 1]
    return job.first_ts_id + submission.ts_offsets[n - submission.first_n]


def finished(job: JobRecord, progress: Progress) -> JobRecord:
    """The job moved to DONE or EXCEPTION once every submission is answered; the same record before (J-018, J-019).

    A series counts as failed when any element of the latest PATCH that names it failed, so that a second try can mend
    a job.
    """
    if job.status is not CmdStatus.COMITTED or len(progress.finished) < job.submitted:
        return job
    failed = progress.errors and {
        ts_id: progress.errors[n]
        for ts_id, numbers in _latest_numbers(job).items()
        for n in reversed(numbers)
        if n in progress.errors
    }
    if not failed:
        return replace(job, status=CmdStatus.DONE, sequence=job.sequence + 1, message=None, planned=())
    first = min(failed)
    text = failed[first] if len(failed[first]) <= _LONGEST_MESSAGE else f"{failed[first][:_LONGEST_MESSAGE]}…"
    others = f" ({len(failed)} series failed in all)" if len(failed) > 1 else ""
    return replace(
        job,
        status=CmdStatus.EXCEPTION,
        sequence=job.sequence + 1,
        message=CANCELLED if CANCELLED in failed.values() else f"series {first}: {text}{others}",
        planned=(),
    )


def series_statuses(job: JobRecord, progress: Progress) -> dict[int, CmdStatus]:
    """Status of every series, ascending by ts_id."""
    statuses = dict.fromkeys(job.ts_ids, CmdStatus.CREATED)
    statuses |= {setting.ts_id: CmdStatus.UNCOMITTED for setting in job.settings}
    latest = _latest_numbers(job)
    statuses |= dict.fromkeys(latest, CmdStatus.DONE)
    if progress.errors:
        for ts_id, numbers in latest.items():
            if any(n in progress.errors for n in numbers):
                statuses[ts_id] = CmdStatus.EXCEPTION
    return statuses | dict.fromkeys(_unfinished(job, progress), CmdStatus.COMITTED)


def status_event(job: JobRecord, progress: Progress) -> JobStatus:
    """What the public topic says of the job."""
    return JobStatus(
        job_id=job.job_id,
        status=job.status,
        sequence=job.sequence,
        series=job.series_count,
        submitted=job.submitted,
        finished=len(progress.finished),
        failed=len(progress.errors),
        message=job.message,
        stopped=job.stopped,
        first_ts_id=job.first_ts_id,
        project=job.project,
    )


def _latest_numbers(job: JobRecord) -> dict[int, list[int]]:
    """The numbers that the latest PATCH with a series gave it, by ts_id."""
    latest: dict[int, list[int]] = {}
    for submission in reversed(job.submissions):
        of_patch: dict[int, list[int]] = {}
        for n, offset in enumerate(submission.ts_offsets, submission.first_n):
            of_patch.setdefault(job.first_ts_id + offset, []).append(n)
        latest = of_patch | latest
        if len(latest) == job.series_count:  # what lies before is outdated, and may be long
            break
    return latest


def _unfinished(job: JobRecord, progress: Progress) -> list[int]:
    """The series of the submissions that have no answer yet; mostly late ones, so they are sought from the end."""
    found: list[int] = []
    left = job.submitted - len(progress.finished)
    for submission in reversed(job.submissions):
        if not left:
            break
        missing = [
            job.first_ts_id + offset
            for n, offset in enumerate(submission.ts_offsets, submission.first_n)
            if n not in progress.finished
        ]
        left -= len(missing)
        found += missing
    return found


def _merged(stored: Iterable[SeriesConfig], new: Iterable[SeriesConfig]) -> tuple[SeriesConfig, ...]:
    return tuple(one for _, one in sorted({setting.ts_id: setting for setting in (*stored, *new)}.items()))
