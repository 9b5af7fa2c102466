"""Training jobs (contract 002). What they train is asked at the endpoints of `streams.systems.inference`."""

from streams.systems.declaration import DeclaredTable, DeclaredTopic, System

__all__ = ["TRAINING"]

TRAINING = System(
    name="training",
    topics=(
        DeclaredTopic.commands(
            "training-commands",
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
            words="Create, change, stop or remove training jobs, their versions, configurations and visualizations.",
            key="The project_id.",
        ),
        DeclaredTopic.events(
            "training-status",
            "TrainingStatus",
            words="What training jobs have come to, one event per epoch.",
            key="The project_id.",
        ),
        DeclaredTopic.events(
            "training-logs",
            "TrainingLogChunk",
            words="What the workers of training jobs print, piece by piece.",
            key="The version_id as decimal text.",
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
