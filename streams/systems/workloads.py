"""Training metrics (contract 004): points of every training, one topic for all systems."""

from streams.systems.declaration import DeclaredTopic, Keep, System

__all__ = ["WORKLOADS"]

WORKLOADS = System(
    name="workloads",
    topics=(
        DeclaredTopic(
            name="metrics",
            records=("MetricPoint",),
            keep=Keep.EVENTS,
            words="Metrics of trainings, point by point.",
            key="The workload_uid.",
            action="send",
        ),
    ),
    state="streams.workloads.state:open_state",
    commands=("streams.cli.workloads.commands",),
    views=("streams.views.workloads.metrics", "streams.views.workloads.view"),
)
