"""What a process does that trains models on many series. It loads TensorFlow: a trainer only names it."""

from collections.abc import Callable

from agents.deepar.job_calls import TrainingRun
from agents.deepar.job_training import train_job
from agents.deepar.together_calls import TogetherRun
from agents.deepar.together_training import train_together

__all__ = ["train"]


def train(argument: object, report: Callable[[object], None]) -> object:
    """The answer to what was asked for, whose class tells what that is."""
    match argument:
        case TrainingRun():
            return train_job(argument, report)
        case TogetherRun():
            return train_together(argument, report)
    raise TypeError(f"{type(argument).__name__} is nothing that can be trained")
