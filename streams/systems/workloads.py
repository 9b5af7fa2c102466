"""Training metrics (contract 004): points of every training, one topic for all systems."""

from streams.systems.declaration import DeclaredTopic, System

__all__ = ["WORKLOADS"]

WORKLOADS = System(
    name="workloads",
    topics=(
        DeclaredTopic.events(
            "metrics", "MetricPoint", words="Metrics of trainings, point by point.", key="The workload_uid."
        ),
    ),
    state="streams.workloads.state:open_state",
    commands=("streams.cli.workloads.commands",),
    views=("streams.views.workloads.metrics", "streams.views.workloads.view"),
)
