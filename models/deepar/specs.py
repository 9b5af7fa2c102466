"""What DeepAR is called and can be told by a forecasting job. Imports nothing heavy, for every process reads it."""

from typing import Final

from models.hyper_parameters import HyperParameter
from models.model_spec import ModelSpec

__all__ = ["DEEPAR"]

# Defaults as GluonTS has them, except the epochs: on the few series of a usual job the loss stands still before 50.
# The maxima are those of training jobs, where they are smaller than what keeps a training within hours.
_HYPER_PARAMETERS: Final = (
    HyperParameter(
        name="epochs",
        type="int",
        default=50,
        low=10,
        high=200,
        minimum=1,
        maximum=10_000,
        intro="How many times the training goes through its batches, at most; it ends when nothing gets better.",
    ),
    HyperParameter(
        name="context_length",
        type="int",
        default=0,
        low=5,
        high=200,
        minimum=0,
        maximum=10_000,
        intro="How many points the network reads before it forecasts; 0: twice as many as it forecasts, at least 10.",
    ),
    HyperParameter(
        name="likelihood",
        type="list",
        default="auto",
        choice=("auto", "student-t", "gaussian", "negative-binomial", "beta", "deterministic-l1"),
        intro="The distribution of the forecast; auto: by the values, see docs/deepar.md.",
    ),
    HyperParameter(
        name="num_cells",
        type="int",
        default=40,
        low=30,
        high=200,
        minimum=1,
        maximum=1_024,
        intro="How many cells each LSTM layer has.",
    ),
    HyperParameter(
        name="num_layers",
        type="int",
        default=2,
        low=1,
        high=4,
        minimum=1,
        maximum=8,
        intro="How many LSTM layers lie one above the other.",
    ),
    HyperParameter(
        name="learning_rate",
        type="float",
        default=0.001,
        low=0.0001,
        high=0.01,
        minimum=0.000001,
        maximum=1,
        intro="How far a batch moves the weights at first.",
    ),
    HyperParameter(
        name="dropout_rate",
        type="float",
        default=0.1,
        low=0,
        high=0.2,
        minimum=0,
        maximum=0.9,
        intro="Which share of the connections between layers is left out while training.",
    ),
    HyperParameter(
        name="mini_batch_size",
        type="int",
        default=32,
        low=32,
        high=256,
        minimum=1,
        maximum=4_096,
        intro="How many windows the weights are updated for at once.",
    ),
    HyperParameter(
        name="num_batches_per_epoch",
        type="int",
        default=50,
        low=50,
        high=200,
        minimum=1,
        maximum=10_000,
        intro="How many batches make an epoch.",
    ),
    HyperParameter(
        name="embedding_dimension",
        type="int",
        default=10,
        low=1,
        high=50,
        minimum=1,
        maximum=100,
        intro="How many numbers stand for a group of series, at most; one category per group-by column.",
    ),
)

DEEPAR: Final = ModelSpec(
    name="DeepAR",
    intro="One recurrent network for all series of a submission together, whose forecast is a distribution.",
    hyper_parameters=_HYPER_PARAMETERS,
    entry="models.deepar.jobs.alone:forecast",
    heavy=True,
    together=True,
)
