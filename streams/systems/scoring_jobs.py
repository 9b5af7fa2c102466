"""Data sets by name, and jobs that score them with a model (contract 003, sections 4 and 5)."""

from streams.systems.declaration import DeclaredTable, DeclaredTopic, Keep, System

__all__ = ["SCORING_JOBS"]

_BY_RUN = "The run_id."
_ROOM = "streams.views.scoring_jobs"

SCORING_JOBS = System(
    name="scoring_jobs",
    topics=(
        DeclaredTopic.commands(
            "scoring-job-commands",
            "GenerateScript",
            "DeployScoringJob",
            "DeleteScoringJob",
            "StartScoringRun",
            "FireScoringJob",
            "OperateScoringRun",
            words="Keep a script that scores a data set, make a job of it, start its runs, stop, pause or delete them.",
            key="The job_name; of GenerateScript the file_name.",
        ),
        DeclaredTopic(
            name="scoring-runs",
            records=("ScoreDataset", "EndScoringRun"),
            keep=Keep.COMMANDS,
            words="Runs that were begun or ended, for the trainers.",
            key=_BY_RUN,
            long=True,
        ),
        DeclaredTopic.events(
            "scoring-run-status",
            "ScoringRunStatus",
            words="How far runs of scoring jobs are, and what they have come to.",
            key="The job_name.",
        ),
    ),
    tables=(DeclaredTable("scoring_jobs", "ScoringJobRecord"), DeclaredTable("scoring_runs", "ScoringRunRecord")),
    state="streams.scoring_jobs.state:open_state",
    state_agents=("agents.scoring_jobs.jobs",),
    trainer_agents=("agents.scoring_jobs.runs",),
    views=(
        f"{_ROOM}.add_dataset",
        f"{_ROOM}.datasets",
        f"{_ROOM}.scripts",
        f"{_ROOM}.jobs",
        f"{_ROOM}.job_addresses",
        f"{_ROOM}.runs",
    ),
    commands=("streams.cli.scoring_jobs.commands",),
)
