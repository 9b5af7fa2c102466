"""Observations: rows of data sets that come after the upload."""

from streams.systems.declaration import DeclaredTopic, Keep, System

__all__ = ["OBSERVATIONS"]

OBSERVATIONS = System(
    name="observations",
    topics=(
        DeclaredTopic(
            name="observations",
            records=("Observation",),
            keep=Keep.EVENTS,
            words="New and corrected rows of data sets; of several for one time of a series the last one wins.",
            key="The data_id as decimal text, so that all of a data set keep their order.",
            action="receive",
        ),
    ),
    state_agents=("agents.observations.keeping",),
    views=("streams.views.observations.rows", "streams.views.observations.refreshing"),
    commands=("streams.cli.observations.commands",),
)
