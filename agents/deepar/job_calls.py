"""What a trainer and a process that trains a DeepAR model tell each other. Imports no TensorFlow."""

from dataclasses import dataclass, field

from models.deepar.config import DeepARConfig

__all__ = ["Begun", "EpochDone", "OutOfMemoryError", "Refused", "StoreUnavailableError", "Trained", "TrainingRun"]


class OutOfMemoryError(RuntimeError):
    """The process may not have as much memory as the training takes."""


class StoreUnavailableError(RuntimeError):
    """The object store cannot be read or written now; nothing is wrong with what was asked for."""


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """Train a model on the JSON Lines file `data_key`, of `data_limit` bytes unpacked at most.

    It goes on from the checkpoint, if there is one of the same training. `epoch` is how far it is known to have come.
    """

    store_url: str = field(repr=False)  # it may hold a password
    data_key: str
    data_limit: int
    config: DeepARConfig
    checkpoint_key: str
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class EpochDone:
    """An epoch is done and in the checkpoint. `at` is when, in epoch milliseconds: the same whenever it is told."""

    epoch: int
    epochs: int
    loss: float
    validation_loss: float | None
    at: int


@dataclass(frozen=True, slots=True)
class Begun:
    """The data is read, and the training goes on after the last of these epochs; there may have been more before."""

    epochs: int
    at: int
    done: tuple[EpochDone, ...] = ()
    pid: int = 0
    """Of the process that trains; 0 where nobody may look at it."""


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """The model's file."""

    model: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """No model can be trained of this; the text says what to change."""

    text: str
