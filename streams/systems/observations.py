"""Observations: rows of data sets that come after the upload, and forecasts judged by them."""

from streams.systems.declaration import DeclaredTopic, Keep, System

__all__ = ["ACCURACY", "OBSERVATIONS", "SHADOW"]

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
        DeclaredTopic(
            name="dataset-changes",
            records=("DatasetGrown",),
            keep=Keep.COMMANDS,
            words="Which observations have become rows of a data set; told to each partition, for its jobs.",
            key="The data_id as decimal text.",
        ),
    ),
    state_agents=("agents.observations.keeping",),
    views=("streams.views.observations.rows", "streams.views.observations.refreshing"),
    commands=("streams.cli.observations.commands",),
)

ACCURACY = System(
    name="accuracy",
    topics=(
        DeclaredTopic.events(
            "alerts",
            "Alert",
            words="What wants somebody to look; alert_id is the same whenever the same is told again.",
            key="The job_id as decimal text.",
            long=True,
        ),
    ),
    state="streams.accuracy.state:open_state",
    state_agents=("agents.accuracy.judging", "agents.accuracy.webhook"),
    commands=("streams.cli.accuracy.alerts", "streams.cli.accuracy.scores"),
    views=("streams.views.accuracy.accuracy", "streams.views.accuracy.anomalies", "streams.views.accuracy.alerts"),
)

SHADOW = System(name="shadow", views=("streams.views.shadow.shadow",), commands=("streams.cli.accuracy.shadow",))
