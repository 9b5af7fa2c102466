"""What is said of jobs that score data sets (contract 003, section 5), and the rows that are kept of them.

Times are epoch milliseconds.
"""

from collections.abc import Mapping
from dataclasses import field

from schemas.values import record

__all__ = [
    "TYPES",
    "DeleteScoringJob",
    "DeployScoringJob",
    "EndScoringRun",
    "FireScoringJob",
    "GenerateScript",
    "OperateScoringRun",
    "ScoreDataset",
    "ScoringJobRecord",
    "ScoringRunRecord",
    "ScoringRunStatus",
    "StartScoringRun",
]


@record()
class GenerateScript:
    """Keep a script that scores a data set (S-090, S-091); one of the same name is replaced."""

    command_id: str
    file_name: str
    input_dataset: str
    output_dataset: str
    model_name: str = ""
    ext: str = ".py"


@record()
class DeployScoringJob:
    """Make a job of a script (S-093 … S-100).

    Its first run starts at once where `run_name` is given, or it has no schedule.
    """

    command_id: str
    job_name: str
    file_name: str
    ext: str = ".py"
    description: str = ""
    environment: str = "3.7"
    variables: Mapping[str, str] = field(default_factory=dict)
    args: str = ""
    dispatch: str = "demand"
    run_name: str = ""
    schedule: str = ""
    time_zone: str = "UTC"
    missed_runs: str = "once"


@record()
class DeleteScoringJob:
    """Remove a job with its runs; what they made stays."""

    command_id: str
    job_name: str


@record()
class StartScoringRun:
    """Start a run of a job (S-109)."""

    command_id: str
    job_name: str
    run_name: str = ""


@record()
class FireScoringJob:
    """A job's schedule is due. Said again, or of a time that is no longer the job's next one, it changes nothing."""

    command_id: str
    job_name: str
    due: int


@record()
class OperateScoringRun:
    """Stop, pause, continue or delete a run (S-105)."""

    command_id: str
    job_name: str
    run_id: str
    operation: str


@record(kw_only=True)
class ScoreDataset:
    """For a trainer: score the data set, from where an earlier attempt has come to."""

    run_id: str
    job_name: str
    attempt: int
    model_name: str
    input_dataset: str
    output_dataset: str
    output_id: int


@record(kw_only=True)
class EndScoringRun:
    """For a trainer: attempts up to this one end; with `remove` nothing is kept of them, with `forget` no result."""

    run_id: str
    job_name: str
    attempt: int
    remove: bool = False
    forget: bool = False


@record(kw_only=True)
class ScoringRunStatus:
    """How far a run is, and what it has come to; `status` is running, success or failed."""

    run_id: str
    job_name: str
    attempt: int
    status: str
    at: int
    rows: int = 0
    wrong_rows: int = 0
    reason: str | None = None


@record(kw_only=True)
class ScoringJobRecord:
    """One job in the table `scoring_jobs`; `next_due` is when its schedule is due next, `runs` how many were begun.

    `offset` is where the command lies that made it, -1 where that was not kept.
    """

    name: str
    command_id: str
    created: int
    description: str
    environment: str
    variables: Mapping[str, str]
    args: str
    dispatch: str
    schedule: str
    time_zone: str
    missed_runs: str
    file_name: str
    ext: str
    model_name: str
    input_dataset: str
    output_dataset: str
    next_due: int | None = None
    runs: int = 0
    digest: str = ""
    offset: int = -1


@record(kw_only=True)
class ScoringRunRecord:
    """One run in the table `scoring_runs`.

    `spent` are milliseconds that it ran before `begun`, where the present attempt did. `due` is the time that its
    schedule named. `operation` is the last command that was applied to it, with a digest of what that said.
    """

    run_id: str
    name: str
    job_name: str
    command_id: str
    created: int
    attempt: int
    status: str
    begun: int
    spent: int = 0
    ended: int | None = None
    reason: str | None = None
    rows: int = 0
    wrong_rows: int = 0
    model_name: str
    input_dataset: str
    output_dataset: str
    output_id: int
    due: int | None = None
    operation: str = ""
    operation_digest: str = ""
    offset: int = -1
    digest: str = ""


TYPES: tuple[type, ...] = (
    GenerateScript,
    DeployScoringJob,
    DeleteScoringJob,
    StartScoringRun,
    FireScoringJob,
    OperateScoringRun,
    ScoreDataset,
    EndScoringRun,
    ScoringRunStatus,
    ScoringJobRecord,
    ScoringRunRecord,
)
