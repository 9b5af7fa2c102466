"""Which models exist and what each can be told. Importing this loads neither numpy nor any model.

To add a model, write one file in `models/` with a function of the shape of `ForecastFunction`, and add one `ModelSpec`
to `_MODELS` below. Nothing else has to change: validation, listings and batching all read the catalogue.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, cast

from models.deepar.hyper_parameters import HYPER_PARAMETERS
from models.errors import RejectedInputError
from models.hyper_parameters import ConfigValue, HyperParameter, HyperParameterError

if TYPE_CHECKING:
    from models.forecasts import Forecasts, SeriesBatch

__all__ = [
    "CATALOG",
    "ConfigValue",
    "ForecastFunction",
    "HyperParameter",
    "HyperParameterError",
    "ModelSpec",
    "UnknownModelError",
    "model_spec",
]


class UnknownModelError(RejectedInputError):
    """No model of that name is in the catalogue."""


class ForecastFunction(Protocol):
    """What every model is: see `models.forecasts`."""

    def __call__(self, batch: "SeriesBatch") -> "Forecasts":
        """Forecast every row of the batch."""
        ...


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model's name, what it does, its hyper-parameters, and where its function lives ("module:function").

    `heavy`: it takes milliseconds or more per series, so it is computed in a process of its own, with a time limit.
    `grid`: so quick that tuning tries every value instead of searching. `covariates`: it makes use of features.
    `together`: it learns from many series, so a job trains it once on all of a submission; it is not tuned.
    `point_s`: seconds of a core that a point of a single series takes with it, as measured; see `models.costs`.
    """

    name: str
    intro: str
    hyper_parameters: tuple[HyperParameter, ...]
    entry: str
    heavy: bool = False
    grid: bool = False
    covariates: bool = False
    together: bool = False
    point_s: float = 1e-8

    def resolve(self, config: Mapping[str, object]) -> dict[str, ConfigValue]:
        """Return the complete configuration in catalogue order, defaults filled in; may raise HyperParameterError."""
        known = [parameter.name for parameter in self.hyper_parameters]
        for name in config:
            if name not in known:
                choice = ", ".join(known) or "none"
                raise HyperParameterError(name, f"{self.name} has no hyper-parameter {name!r}; it has: {choice}")
        return {
            parameter.name: parameter.validate(config.get(parameter.name, parameter.default), self.name)
            for parameter in self.hyper_parameters
        }

    def load(self) -> ForecastFunction:
        """Import the model's module, if this is the first use, and return its forecast function."""
        module, _, function = self.entry.partition(":")
        return cast("ForecastFunction", getattr(import_module(module), function))


def model_spec(name: str) -> ModelSpec:
    """Look a model up by its exact name; raises UnknownModelError listing the names there are."""
    spec = CATALOG.get(name)
    if spec is None:
        raise UnknownModelError("model_name", f"there is no model {name!r}; choose one of: {', '.join(CATALOG)}")
    return spec


def _latest_n(use: str) -> HyperParameter:
    # Default, low and high are those of the contract's samples; a longer window is allowed.
    return HyperParameter(
        name="latest_n", type="int", default=5, low=1, high=5, minimum=1, intro=f"How many of the latest points {use}."
    )


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


def _season_length() -> HyperParameter:
    return HyperParameter(
        name="season_length",
        type="int",
        default=0,
        low=1,
        high=52,
        minimum=0,
        intro="After how many steps the pattern repeats; 0 takes it from the data's step, 1 means no season.",
    )


_MODELS = (
    # The first five have the numbers of contract T-075; a new model comes last, so that numbers stay.
    ModelSpec(
        name="LinearFit",
        intro="A straight line through the latest points, continued; optionally raised by a share of their scatter.",
        hyper_parameters=(
            _latest_n("the line is fitted to"),
            HyperParameter(
                name="add_std_factor",
                type="float",
                default=0.1,
                low=0,
                high=0.5,
                intro="How many standard deviations of the points around the line are added to the forecast.",
            ),
        ),
        entry="models.quick.linear_fit:forecast",
        grid=True,
    ),
    ModelSpec(
        name="AdaptiveMaxN",
        intro="The largest of the latest points, repeated.",
        hyper_parameters=(_latest_n("the maximum is taken over"),),
        entry="models.quick.adaptive:forecast_max",
        grid=True,
    ),
    _lstm_spec(
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
    ),
    _lstm_spec(
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
    ),
    ModelSpec(
        name="DeepAR",
        intro="One recurrent network for all series of a submission together, whose forecast is a distribution.",
        hyper_parameters=HYPER_PARAMETERS,
        entry="models.deepar.jobs.alone:forecast",
        heavy=True,
        together=True,
    ),
    ModelSpec(
        name="AdaptiveAverageN",
        intro="The mean of the latest points, repeated.",
        hyper_parameters=(_latest_n("are averaged"),),
        entry="models.quick.adaptive:forecast_average",
        grid=True,
    ),
    ModelSpec(
        name="SeasonalNaive",
        intro="The value of one season ago; without a season, the last value.",
        hyper_parameters=(_season_length(),),
        entry="models.quick.naive:forecast_seasonal",
        point_s=6e-8,
        grid=True,
    ),
    ModelSpec(
        name="Drift",
        intro="The straight line from the first to the last point, continued.",
        hyper_parameters=(),
        entry="models.quick.naive:forecast_drift",
        point_s=1.2e-7,
        grid=True,
    ),
    ModelSpec(
        name="SES",
        intro="Simple exponential smoothing: a weighted mean in which older points count less and less.",
        hyper_parameters=(),
        entry="models.quick.simple_smoothing:forecast",
        point_s=8e-5,
        grid=True,
    ),
    ModelSpec(
        name="HoltWinters",
        intro="Level, trend and additive season, each smoothed exponentially.",
        hyper_parameters=(
            _season_length(),
            HyperParameter(
                name="trend",
                type="list",
                default="damped",
                choice=("damped", "linear", "none"),
                intro="How the trend goes on: levelling off, as a straight line, or not at all.",
            ),
        ),
        entry="models.fitted.exponential_smoothing:forecast_holt_winters",
        point_s=1e-4,
        heavy=True,
    ),
    ModelSpec(
        name="ETS",
        intro="The best exponential smoothing model, with or without trend and season, chosen for each series.",
        hyper_parameters=(
            _season_length(),
            HyperParameter(
                name="components",
                type="list",
                default="additive",
                choice=("additive", "all"),
                intro="What is chosen from: additive parts only, or also errors and seasons that grow with the level.",
            ),
        ),
        entry="models.fitted.exponential_smoothing:forecast_ets_model",
        point_s=1.5e-4,
        heavy=True,
    ),
    ModelSpec(
        name="Theta",
        intro="A straight line and a smoothed level, combined with a fitted weight, after removing the season.",
        hyper_parameters=(_season_length(),),
        entry="models.fitted.theta:forecast",
        point_s=3.5e-4,
        heavy=True,
    ),
    ModelSpec(
        name="ARIMA",
        intro="Autoregression, differences and moving averages of orders chosen for each series; uses features.",
        hyper_parameters=(_season_length(),),
        entry="models.fitted.arima:forecast",
        point_s=2e-4,
        heavy=True,
        covariates=True,
    ),
    ModelSpec(
        name="LightGBM",
        intro="Regression trees over the latest values, the place in the season and the features.",
        hyper_parameters=(
            _season_length(),
            HyperParameter(
                name="lags",
                type="int",
                default=0,
                low=3,
                high=28,
                minimum=0,
                maximum=1_000,
                intro="How many values before it explain a value; 0: one season of them, else 7.",
            ),
            HyperParameter(
                name="trees",
                type="int",
                default=60,
                low=20,
                high=200,
                minimum=1,
                maximum=2_000,
                intro="How many trees.",
            ),
            HyperParameter(
                name="leaves",
                type="int",
                default=7,
                low=3,
                high=31,
                minimum=2,
                maximum=1_000,
                intro="How many leaves a tree has at most.",
            ),
            HyperParameter(
                name="learning_rate",
                type="float",
                default=0.1,
                low=0.02,
                high=0.3,
                minimum=0.0001,
                maximum=1,
                intro="How much of what is left a tree explains.",
            ),
        ),
        entry="models.fitted.gradient_boosting:forecast",
        point_s=1e-5,
        heavy=True,
        covariates=True,
    ),
    ModelSpec(
        name="Auto",
        intro="The mean of those quick models that would have forecast each series' last steps best.",
        hyper_parameters=(
            _season_length(),
            HyperParameter(
                name="combine",
                type="int",
                default=3,
                low=1,
                high=5,
                minimum=1,
                maximum=8,
                intro="How many of the best models are averaged, at most.",
            ),
        ),
        entry="models.auto:forecast",
        point_s=1.3e-3,
        heavy=True,
    ),
)

CATALOG: Mapping[str, ModelSpec] = MappingProxyType({spec.name: spec for spec in _MODELS})
"""Every model by its name, in the order in which listings show them."""
