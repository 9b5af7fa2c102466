"""What the LSTM models are called and can be told. Imports nothing heavy: every process reads the catalogue."""

from typing import Final

from models.hyper_parameters import HyperParameter
from models.model_spec import ModelSpec

__all__ = ["LSTM", "LSTM_LONG"]


def _lstm_spec(name: str, *, intro: str, entry: str, samples: tuple[HyperParameter, ...]) -> ModelSpec:
    # Defaults are the published ones. The maxima keep one fit within seconds and far from exhausting memory.
    return ModelSpec(
        name=name,
        intro=intro,
        hyper_parameters=(
            HyperParameter(
                name="batch_size_used",
                type="int",
                default=5,
                low=5,
                high=10,
                minimum=1,
                maximum=1_000,
                intro="How many samples the weights are updated for at once.",
            ),
            HyperParameter(
                name="epochs_used",
                type="int",
                default=100,
                low=100,
                high=150,
                minimum=1,
                maximum=1_000,
                intro="How many times the training goes through all samples.",
            ),
            HyperParameter(
                name="loss_used",
                type="list",
                default="mean_squared_error",
                choice=("mean_squared_error", "mean_absolute_error", "huber"),
                aliases=(("mse", "mean_squared_error"), ("mae", "mean_absolute_error")),
                intro="What the training makes small; mean_absolute_error heeds outliers less.",
            ),
            HyperParameter(
                name="lstm_cells_per_layer_used",
                type="int",
                default=100,
                low=5,
                high=100,
                minimum=1,
                maximum=500,
                intro="How many cells the LSTM layer has.",
            ),
            *samples,
        ),
        entry=entry,
        heavy=True,
    )


LSTM: Final = _lstm_spec(
    "Lstm",
    intro="A small LSTM network per series that sees the latest few points.",
    entry="models.lstm.forecast:forecast",
    samples=(
        HyperParameter(
            name="sample_num",
            type="int",
            default=5,
            low=5,
            high=20,
            minimum=2,
            maximum=1_000,
            intro="How many of the newest points are training samples.",
        ),
        HyperParameter(
            name="feature_length_used",
            type="int",
            default=5,
            low=2,
            high=20,
            minimum=1,
            maximum=1_000,
            intro="From how many points before it a value is forecast.",
        ),
    ),
)

LSTM_LONG: Final = _lstm_spec(
    "LstmLong",
    intro="A small LSTM network per series that sees a long part of its past at once.",
    entry="models.lstm.forecast:forecast_long",
    samples=(
        HyperParameter(
            name="sample_fold_used",
            type="int",
            default=2,
            low=2,
            high=8,
            minimum=2,
            maximum=1_000,
            intro="One in how many points, the newest ones, is a training sample; the others are what it is told.",
        ),
    ),
)
