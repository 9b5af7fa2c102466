"""What contract 003 answers about scripts, jobs and runs, for the API document. Further keys may be added."""

from typing import Any

from pydantic import Field

from streams.views.scoring.replies import Reply

__all__ = ["GeneratedScript", "JobList", "OperatedRun", "RunList", "ScoringJobReply", "StartedRun"]


class GeneratedScriptData(Reply):
    status: bool
    code: str = Field(description="The program's text.")
    file_name: str = Field(description="Under which the service keeps it.")
    ext: str
    input_dataset: str
    output_dataset: str
    model_name: str


class GeneratedScript(Reply):
    """A script."""

    data: GeneratedScriptData


class RunEntry(Reply):
    """One run."""

    id: str
    name: str
    job_name: str
    create_time: str
    duration: int = Field(description="Milliseconds that it has run.")
    status: str = Field(description="running, paused, success or failed.")
    reason: str | None = Field(description="Why it failed; stopped where it was told to.")
    rows: int = Field(description="Rows that are scored.")
    wrong_rows: int = Field(description="Those that could not be: they have an error in the output.")
    due_time: str | None = Field(description="Which time of the schedule it stands for.")


class ScoringJob(Reply):
    job_name: str
    url: str = Field(description="POST there starts another run.")
    create_time: str
    environment: str
    dispatch: str
    job_description: str
    file_name: str
    ext: str
    variables: dict[str, str]
    args: str
    schedule: str | None
    time_zone: str
    missed_runs: str
    next_run_time: str | None
    model_name: str
    input_dataset: str
    output_dataset: str


class ScoringJobWithRuns(ScoringJob):
    run_list: list[RunEntry]


class ScoringJobReply(Reply):
    """A job with its runs, the oldest first."""

    data: ScoringJobWithRuns


class JobListData(Reply):
    job_list: list[ScoringJob]


class JobList(Reply):
    """All jobs, the newest first."""

    data: JobListData


class RunListData(Reply):
    run_list: list[RunEntry]


class RunList(Reply):
    """Runs, the oldest first."""

    data: RunListData


class StartedRunData(Reply):
    status: bool
    id: str
    name: str


class StartedRun(Reply):
    """A run that was started."""

    data: StartedRunData


class OperatedRunData(Reply):
    status: bool
    result: list[dict[str, Any]] | None = Field(None, description="Of a result: its first rows.")
    url: str | None = Field(None, description="Of a result: where all of it is.")
    rows: int | None = None
    wrong_rows: int | None = None


class OperatedRun(Reply):
    """It has been done."""

    data: OperatedRunData
