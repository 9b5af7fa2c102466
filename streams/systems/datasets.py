"""Data sets: uploaded files, which the other systems read."""

from streams.systems.declaration import DeclaredTopic, Keep, System

__all__ = ["DATASETS"]

DATASETS = System(
    name="datasets",
    topics=(
        DeclaredTopic(
            name="dataset-commands",
            records=("AddDataset", "DeleteDataset"),
            keep=Keep.COMMANDS,
            words="Keep or remove a data set.",
            key="The data_id as decimal text.",
            action="receive",
        ),
    ),
    state_agents=("agents.datasets",),
    views=("streams.views.forecasting.datasets",),
)
