"""What a trainer and a process that trains one model for a forecasting job tell each other. Imports no TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.answers import SeriesAnswer
from models.hyper_parameters import ConfigValue
from models.options import PLAIN, Options

__all__ = ["Loss", "SeriesForecast", "TogetherRun"]


@dataclass(frozen=True, slots=True)
class TogetherRun:
    """Train one model on all series of a split, and forecast those at `places`, counted from 0.

    `config` is complete, the names of the metrics are the contract's. `seed` is that of the training.
    """

    store_url: str = field(repr=False)  # it may hold a password
    split: str
    places: tuple[int, ...]
    config: Mapping[str, ConfigValue]
    next_k_prediction: int
    eval_metrics: tuple[str, ...]
    refit: bool
    seed: int
    allow_negative: bool = False
    options: Options = PLAIN


@dataclass(frozen=True, slots=True)
class Loss:
    """What an epoch has come to; `epoch` counts on where the model is fitted again."""

    epoch: int
    loss: float
    validation_loss: float | None


@dataclass(frozen=True, slots=True)
class SeriesForecast:
    """The answer for a series, its name, its step and the times of its last values in milliseconds.

    `freq` is its calendar where the model counts in the same steps, else empty.
    """

    answer: SeriesAnswer
    item_id: str
    step: int
    times: tuple[int, ...]
    freq: str = ""
    group_keys: tuple[str, ...] = ()
