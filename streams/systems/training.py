"""Training jobs (contract 002). What they train is asked at the endpoints of `streams.systems.inference`."""

from streams.systems.declaration import DeclaredTable, DeclaredTopic, Keep, System

__all__ = ["TRAINING"]

TRAINING = System(
    name="training",
    topics=(
        DeclaredTopic(
            name="training-commands",
            records=(
                "TrainDeepAR",
                "CreateTrainingJob",
                "CreateTrainingVersion",
                "UpdateTrainingJob",
                "StopTrainingJob",
                "DeleteTrainingVersion",
                "DeleteTrainingJob",
                "CreateTrainingConfiguration",
                "UpdateTrainingConfiguration",
                "DeleteTrainingConfiguration",
                "CreateVisualizationJob",
                "UpdateVisualizationJob",
                "StopVisualizationJob",
                "RestartVisualizationJob",
                "DeleteVisualizationJob",
            ),
            keep=Keep.COMMANDS,
            words="Create, change, stop or remove training jobs, their versions, configurations and visualizations.",
            key="The project_id.",
            action="receive",
        ),
        DeclaredTopic(
            name="training-status",
            records=("TrainingStatus",),
            keep=Keep.EVENTS,
            words="What training jobs have come to, one event per epoch.",
            key="The project_id.",
            action="send",
        ),
        DeclaredTopic(
            name="training-logs",
            records=("TrainingLogChunk",),
            keep=Keep.EVENTS,
            words="What the workers of training jobs print, piece by piece.",
            key="The version_id as decimal text.",
            action="send",
        ),
    ),
    tables=(
        DeclaredTable("training_jobs", "TrainingJobRecord"),
        DeclaredTable("training_versions", "TrainingVersionRecord"),
        DeclaredTable("training_configurations", "TrainingConfigurationRecord"),
        DeclaredTable("visualization_jobs", "VisualizationJobRecord"),
    ),
    state="streams.training.state:open_state",
    trainer="streams.training.user_code:open_trainer",
    state_agents=("agents.training.jobs",),
    views=(
        "streams.views.training.jobs",
        "streams.views.training.versions",
        "streams.views.training.configurations",
        "streams.views.training.visualizations",
        "streams.views.training.catalogue",
    ),
    commands=("streams.cli.training.commands",),
)
