"""The life of a job as pure functions: record and command in, new record out (contract 000, sections 2, 4 and 6)."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

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
from streams.forecasting.submissions import Training
from streams.repeats import digest_of, with_command
from streams.standing.elements import only_ends, with_elements
from streams.standing.shadows import without_pair

__all__ = [
    "CANCELLED",
    "Progress",
    "cancelled",
    "configured",
    "created",
    "finished",
    "is_too_late",
    "series_of",
    "series_statuses",
    "settled",
    "status_event",
    "stopped",
    "stored",
    "submitted",
]

CANCELLED = "cancelled"  # the message of a job that was stopped, and the error of what it had not trained
_LONGEST_MESSAGE = 1000  # characters of a series' error that its job repeats; the result has the whole


@dataclass(frozen=True, slots=True)
class Progress:
    """Answers that a job has so far: the number of each, and of those that are errors with their text.

    `count` is how many are numbered from the job's `settled` on, None: all; `series` has their series by their numbers.
    """

    finished: Collection[int]
    errors: Mapping[int, str]
    count: int | None = None
    series: Mapping[int, int] = field(default_factory=dict)

    def listed(self) -> int:
        """How many submissions that the job lists are answered."""
        return len(self.finished) if self.count is None else self.count


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
        seen=-1,
        split_seen=-1,
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
    elif status is CmdStatus.CREATED and not all(map(only_ends, command.elements)):
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


def stored(
    job: JobRecord,
    command: SubmitJob,
    to_store: Iterable[SeriesConfig],
    digest: str,
    *,
    at: int,
    pack: Callable[[SeriesConfig], bytes],
) -> JobRecord:
    """The job with what stays of a submission: settings, elements that stand (their bytes by `pack`), its command."""
    known = with_command(job, command.command_id, digest)
    standing = with_elements(job, command.elements, pack, at=at)
    return without_pair(replace(job, settings=_merged(job.settings, to_store), standing=standing, **known))


def stopped(job: JobRecord, command: StopJob) -> JobRecord:
    """The job after a command to stop: what has no answer is cancelled, and nothing is refreshed any more.

    Where nothing is trained, nothing else changes.
    """
    known = with_command(job, command.command_id, digest_of(command))
    job = without_pair(replace(job, standing=(), **known))
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
    if job.status is not CmdStatus.COMITTED or progress.listed() < job.submitted - job.settled:
        return job
    failed = {ts_id: progress.errors[n] for ts_id, n in _failures(job, progress).items()}
    if not failed:
        return replace(job, status=CmdStatus.DONE, sequence=job.sequence + 1, message=None, planned=())
    first = min(failed, key=lambda ts_id: (failed[ts_id] == CANCELLED, ts_id))  # a stop before hides no error since
    text = failed[first] if len(failed[first]) <= _LONGEST_MESSAGE else f"{failed[first][:_LONGEST_MESSAGE]}…"
    others = f" ({len(failed)} series failed in all)" if len(failed) > 1 else ""
    return replace(
        job,
        status=CmdStatus.EXCEPTION,
        sequence=job.sequence + 1,
        message=CANCELLED if text == CANCELLED else f"series {first}: {text}{others}",
        planned=(),
    )


def series_statuses(job: JobRecord, progress: Progress) -> dict[int, CmdStatus]:
    """Status of every series, ascending by ts_id."""
    statuses = dict.fromkeys(job.ts_ids, CmdStatus.CREATED)
    statuses |= {setting.ts_id: CmdStatus.UNCOMITTED for setting in job.settings}
    if job.settled:
        statuses |= {ts_id: CmdStatus.DONE for n, ts_id in progress.series.items() if n < job.settled}
    statuses |= dict.fromkeys(_latest_numbers(job), CmdStatus.DONE)
    statuses |= dict.fromkeys(_failures(job, progress), CmdStatus.EXCEPTION)
    return statuses | dict.fromkeys(_unfinished(job, progress), CmdStatus.COMITTED)


def status_event(job: JobRecord, progress: Progress) -> JobStatus:
    """What the public topic says of the job."""
    return JobStatus(
        job_id=job.job_id,
        status=job.status,
        sequence=job.sequence,
        series=job.series_count,
        submitted=job.submitted,
        finished=job.settled + progress.listed(),
        failed=len(progress.errors),
        message=job.message,
        stopped=job.stopped,
        first_ts_id=job.first_ts_id,
        project=job.project,
    )


def settled(job: JobRecord, progress: Progress) -> JobRecord:
    """The job, all of whose submissions are answered, without a list of them: else its row grew with every refresh."""
    return replace(
        job,
        settled=job.submitted,
        failed=tuple(sorted(_failures(job, progress).values())),
        submissions=(),
        planned=(),
    )


def _failures(job: JobRecord, progress: Progress) -> dict[int, int]:
    """Of each series whose latest PATCH failed, the number of the first of its elements that did."""
    if not progress.errors:
        return {}
    found = {progress.series[n]: n for n in job.failed if n in progress.errors and n in progress.series}
    for ts_id, numbers in _latest_numbers(job).items():
        found.pop(ts_id, None)
        failed = next((n for n in numbers if n in progress.errors), None)
        if failed is not None:
            found[ts_id] = failed
    return found


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
    left = job.submitted - job.settled - progress.listed()
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
