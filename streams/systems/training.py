"""Training jobs (contract 002). What they train is asked at the endpoints of `streams.systems.inference`."""

from streams.systems.declaration import DeclaredTable, DeclaredTopic, Keep, System

__all__ = ["TRAINING"]

TRAINING = System(
    name="training",
    topics=(
        DeclaredTopic(
            name="training-commands",
            records=("TrainDeepAR", "StopTrainingJob", "DeleteTrainingJob"),
            keep=Keep.COMMANDS,
            words="Start, stop or remove a training job.",
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
    ),
    tables=(DeclaredTable("training_jobs", "TrainingJobRecord"),),
    state="streams.training.state:open_state",
    state_agents=("agents.training.jobs",),
    views=("streams.views.training.jobs",),
)
