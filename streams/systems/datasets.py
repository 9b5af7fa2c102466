"""Data sets: uploaded files, which the other systems read."""

from streams.systems.declaration import DeclaredTopic, System

__all__ = ["DATASETS"]

DATASETS = System(
    name="datasets",
    topics=(
        DeclaredTopic.commands(
            "dataset-commands",
            "AddDataset",
            "DeleteDataset",
            words="Keep or remove a data set.",
            key="The data_id as decimal text.",
        ),
    ),
    state_agents=("agents.datasets",),
    views=("streams.views.forecasting.datasets",),
)
