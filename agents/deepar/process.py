"""What a process does that trains models on many series. Its first call loads TensorFlow: a trainer only names it."""

from collections.abc import Callable

from agents.deepar.job_calls import Refused, TrainingRun
from agents.deepar.together_calls import TogetherRun
from models.deepar.wording import NO_TENSORFLOW

__all__ = ["train"]


def train(argument: object, report: Callable[[object], None]) -> object:
    """The answer to what was asked for, whose class tells what that is; Refused where TensorFlow is not installed."""
    try:
        match argument:
            case TrainingRun():
                from agents.deepar.job_training import train_job  # noqa: PLC0415 - loads TensorFlow

                return train_job(argument, report)
            case TogetherRun():
                from agents.deepar.together_training import train_together  # noqa: PLC0415 - likewise

                return train_together(argument, report)
    except ModuleNotFoundError as error:
        if error.name != "tensorflow":
            raise
        return Refused(NO_TENSORFLOW)
    raise TypeError(f"{type(argument).__name__} is nothing that can be trained")
