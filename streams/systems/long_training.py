"""Trainings that take minutes, each in a process of its own: of training jobs, and of a job's series together."""

from streams.systems.declaration import DeclaredTopic, Keep, System

__all__ = ["LONG_TRAINING"]

LONG_TRAINING = System(
    name="long_training",
    topics=(
        DeclaredTopic(
            name="training-runs",
            records=(
                "TrainDeepAR",
                "RunTrainingVersion",
                "StopTrainingJob",
                "DeleteTrainingVersion",
                "DeleteTrainingJob",
                "TrainTogether",
            ),
            keep=Keep.COMMANDS,
            words="Trainings that were accepted, for the trainers.",
            key="The job_id as decimal text.",
            long=True,
        ),
    ),
    trainer_agents=("agents.training.runs",),
)
