"""For programs: what is wrong with data sets by name, scripts, scoring jobs and their runs; CamelCase on the wire."""

from enum import StrEnum

__all__ = ["ScoringJobsCode"]


class ScoringJobsCode(StrEnum):
    """Beside those of `streams.errors`."""

    JOB_EXISTS = "job_exists"
    NO_SCHEDULE = "no_schedule"
    REMOTE_FAILED = "remote_failed"
    REMOTE_FORBIDDEN = "remote_forbidden"
    RUN_EXISTS = "run_exists"
    RUN_NOT_FINISHED = "run_not_finished"
    RUN_STATE = "run_state"
    SEVERAL_RUNS = "several_runs"
    TOO_MANY_JOBS = "too_many_jobs"
    UNKNOWN_DATASET = "unknown_dataset"
    UNKNOWN_JOB = "unknown_job"
    UNKNOWN_MODEL = "unknown_model"
    UNKNOWN_RUN = "unknown_run"
    UNKNOWN_SCRIPT = "unknown_script"
    UNSUPPORTED_DATASET = "unsupported_dataset"
