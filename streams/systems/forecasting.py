"""Forecasting jobs (contract 000), their forecasts added up, and what they would be with other features."""

from streams.systems.declaration import DeclaredTable, DeclaredTopic, Keep, System

__all__ = ["FORECASTING", "SUMS", "WHAT_IF"]

_BY_JOB = "The job_id as decimal text."
_BY_SERIES = "The ts_id as decimal text."

FORECASTING = System(
    name="forecasting",
    topics=(
        DeclaredTopic.commands(
            "job-commands",
            "CreateJob",
            "ConfigureJob",
            "SubmitJob",
            "StopJob",
            "DeleteJob",
            "RefreshJob",
            "StartShadow",
            "SwitchShadow",
            "StopShadow",
            words="Create, configure, submit, stop, refresh or delete a job; start, switch or stop its shadow.",
            key=_BY_JOB,
        ),
        DeclaredTopic.commands(
            "series-commands",
            "TrainSeries",
            words="Train one series and forecast it; the command carries its history.",
            key=_BY_SERIES,
            reply="job-results",
        ),
        DeclaredTopic.events(
            "forecasts",
            "Forecast",
            words="The latest forecast of every series: of a job's the one of most switches, of those the highest n.",
            key=_BY_SERIES,
            keep=Keep.LATEST,
        ),
        DeclaredTopic(
            name="job-results",
            records=("SeriesResult",),
            keep=Keep.EVENTS,
            words="One answer per submitted series, a forecast or an error.",
            key=_BY_JOB,
        ),
        DeclaredTopic.events(
            "job-status",
            "JobStatus",
            words="The status of every job; an empty record where the job was deleted.",
            key=_BY_JOB,
            keep=Keep.STATUS,
        ),
    ),
    tables=(
        DeclaredTable("jobs", "JobRecord"),
        DeclaredTable("results", "SeriesResult"),
        DeclaredTable("forecasts", "Forecast"),
    ),
    state="streams.forecasting.state:open_state",
    trainer="streams.forecasting.state:open_trainer",
    state_agents=("agents.forecasting.jobs", "agents.forecasting.forecasts"),
    trainer_agents=("agents.series.training",),
    views=(
        "streams.views.forecasting.jobs",
        "streams.views.forecasting.forecasts",
        "streams.views.forecasting.models",
    ),
    commands=(
        "streams.cli.demo.command",
        "streams.cli.forecasting.compare",
        "streams.cli.forecasting.forecast",
        "streams.cli.forecasting.job",
        "streams.cli.replay.command",
    ),
)

SUMS = System(name="sums", views=("streams.views.sums.sums",), commands=("streams.cli.sums.command",))

WHAT_IF = System(
    name="what-if",
    state="streams.what_if.state:open_state",
    views=("streams.views.what_if.what_if", "streams.views.what_if.explanations"),
    commands=("streams.cli.what_if.command", "streams.cli.what_if.explain"),
)
