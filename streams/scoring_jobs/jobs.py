"""Jobs that score data sets: what may be asked for, and how a job's row moves forward (contract S-093 … S-101)."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from schemas.scoring_jobs import DeployScoringJob, GenerateScript, ScoringJobRecord
from streams.access.names import shown
from streams.checks import check_text, invalid_field
from streams.codes.scoring_jobs import ScoringJobsCode
from streams.errors import InvalidError, NotFoundError
from streams.repeats import digest_of
from streams.schedules import POLICIES, Due, Schedule, check_zone
from streams.scoring_jobs.scripts import Script

__all__ = [
    "DEMAND",
    "DISPATCHES",
    "SCHEDULE",
    "begun",
    "check_job_name",
    "check_run_name",
    "check_script",
    "fired",
    "schedule_of",
    "started",
    "starts_at_once",
    "unknown_job",
]

DEMAND: Final = "demand"
SCHEDULE: Final = "schedule"
DISPATCHES: Final = (DEMAND, SCHEDULE)

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")  # S-008
_EXT: Final = re.compile(r"\.[A-Za-z0-9]{1,10}")
_LONGEST_TEXT: Final = 4096  # characters of a description and of arguments
_MOST_VARIABLES: Final = 100
_LONGEST_VARIABLE: Final = 4096


def check_job_name(name: str) -> None:
    """RejectedError unless it, as it is kept, can be a job's (S-008)."""
    _check_name("jobName", shown(name))


def check_run_name(name: str) -> None:
    """RejectedError unless it can be a run's (S-008)."""
    _check_name("runName", name)


def check_script(command: GenerateScript) -> None:
    """RejectedError unless its fields can be what they are; whether there are such data sets is another question."""
    _check_name("fileName", shown(command.file_name))
    _check_ext(command.ext)
    _check_name("outputDataset", command.output_dataset)
    if command.output_dataset == command.input_dataset:
        raise invalid_field("outputDataset", "is the inputDataset, which would be written over: use another name")


def begun(
    command: DeployScoringJob, script: Script, *, at: int, offset: int, environments: Sequence[str]
) -> ScoringJobRecord:
    """The row of a new job; RejectedError names the field that cannot be."""
    check_job_name(command.job_name)
    if command.run_name:
        check_run_name(command.run_name)
    _check_ext(command.ext)
    if command.environment not in environments:
        raise invalid_field(
            "environment", f"found {command.environment[:40]!r}, expected one of {', '.join(environments)}"
        )
    if command.dispatch not in DISPATCHES:
        raise invalid_field("dispatch", f"found {command.dispatch[:40]!r}, expected {' or '.join(DISPATCHES)}")
    if command.missed_runs not in POLICIES:
        raise invalid_field("missedRuns", f"found {command.missed_runs[:40]!r}, expected {' or '.join(POLICIES)}")
    check_text("jobDescription", command.description, longest=_LONGEST_TEXT)
    check_text("args", command.args, longest=_LONGEST_TEXT)
    check_text("timeZone", command.time_zone)
    _check_variables(command)
    record = ScoringJobRecord(
        name=command.job_name,
        command_id=command.command_id,
        created=at,
        description=command.description,
        environment=command.environment,
        variables=dict(command.variables),
        args=command.args,
        dispatch=command.dispatch,
        schedule=command.schedule,
        time_zone=command.time_zone,
        missed_runs=command.missed_runs,
        file_name=script.file_name,
        ext=script.ext,
        model_name=script.model_name,
        input_dataset=script.input_dataset,
        output_dataset=script.output_dataset,
        digest=digest_of(command),
        offset=offset,
    )
    schedule = _schedule(record)
    return record if schedule is None else replace(record, next_due=schedule.after(at))


def _schedule(record: ScoringJobRecord) -> Schedule | None:
    """RejectedError where the dispatch and the schedule do not go together."""
    if record.dispatch == DEMAND:
        if record.schedule:
            raise invalid_field("schedule", "is only for the dispatch schedule: leave it out, or send that")
        check_zone(record.time_zone)
        return None
    if not record.schedule:
        text = "schedule: is missing: send a cron text such as 0 2 * * *, or an interval such as 15m"
        raise InvalidError(ScoringJobsCode.NO_SCHEDULE, text)
    return schedule_of(record)


def schedule_of(record: ScoringJobRecord) -> Schedule:
    """When the job is due."""
    return Schedule.read(record.schedule, record.time_zone, anchor=record.created)


def starts_at_once(command: DeployScoringJob) -> bool:
    """Whether the job has its first run now: always on demand, else where that has been given a name (S-098, S-099)."""
    return command.dispatch == DEMAND or bool(command.run_name)


def started(record: ScoringJobRecord) -> ScoringJobRecord:
    """The row once one more run is begun."""
    return replace(record, runs=record.runs + 1)


def fired(record: ScoringJobRecord, due: Due) -> ScoringJobRecord:
    """The row once a time of its schedule has been dealt with."""
    return replace(record, next_due=due.next)


def unknown_job(name: str) -> NotFoundError:
    """What to raise where there is no such job."""
    return NotFoundError(
        ScoringJobsCode.UNKNOWN_JOB, f"jobName: there is no job {shown(name)[:80]!r}; GET /api/v1/jobs lists them"
    )


def _check_name(field: str, name: str) -> None:
    if not _NAME.fullmatch(name) or not name.strip("."):
        raise invalid_field(field, f"found {name[:80]!r}, expected 1 to 64 of A-Z a-z 0-9 _ . and -")


def _check_ext(ext: str) -> None:
    if not _EXT.fullmatch(ext):
        raise invalid_field("ext", f"found {ext[:40]!r}, expected a suffix such as .py")


def _check_variables(command: DeployScoringJob) -> None:
    if len(command.variables) > _MOST_VARIABLES:
        raise invalid_field("variables", f"has {len(command.variables)}, at most {_MOST_VARIABLES} are kept")
    for name, value in command.variables.items():
        if not name or "=" in name or "\0" in name:
            raise invalid_field("variables", f"found the name {name[:80]!r}, expected one such as LEVEL, without =")
        if "\0" in value:
            raise invalid_field(
                f"variables, {name[:80]}", "its value has a NUL, which no environment variable can have"
            )
        check_text("variables", name)
        check_text(f"variables, {name[:80]}", value, longest=_LONGEST_VARIABLE)
