"""Runs of experiment trackers' clients (contract 004): W&B's and MLflow's, pointed at this service."""

from streams.systems.declaration import DeclaredTable, DeclaredTopic, System

__all__ = ["TRACKING"]

TRACKING = System(
    name="tracking",
    topics=(
        DeclaredTopic.commands(
            "tracking-commands",
            "CreateExperiment",
            "TrackRun",
            words="Begin an experiment or a run, or say what is new of a run.",
            key="The run's workload_uid, the experiment's id.",
        ),
    ),
    tables=(DeclaredTable("experiments", "ExperimentRecord"), DeclaredTable("tracked_runs", "TrackedRun")),
    state="streams.tracking.state:open_state",
    state_agents=("agents.tracking.commands",),
    views=(
        "streams.views.tracking.wandb",
        "streams.views.tracking.wandb_dropped",
        "streams.views.tracking.mlflow_experiments",
        "streams.views.tracking.mlflow_runs",
    ),
    commands=("streams.cli.workloads.imports",),
)
