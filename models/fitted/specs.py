"""What the fitted models are called and can be told. Imports nothing heavy: every process reads the catalogue."""

from typing import Final

from models.hyper_parameters import SEASON_LENGTH, HyperParameter
from models.model_spec import ModelSpec

__all__ = ["ARIMA", "CES", "ETS", "HOLT_WINTERS", "LIGHTGBM", "MSTL", "REGRESSION", "THETA"]


HOLT_WINTERS: Final = ModelSpec(
    name="HoltWinters",
    intro="Level, trend and additive season, each smoothed exponentially.",
    hyper_parameters=(
        SEASON_LENGTH,
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
)

ETS: Final = ModelSpec(
    name="ETS",
    intro="The best exponential smoothing model, with or without trend and season, chosen for each series.",
    hyper_parameters=(
        SEASON_LENGTH,
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
)

THETA: Final = ModelSpec(
    name="Theta",
    intro="A straight line and a smoothed level, combined with a fitted weight, after removing the season.",
    hyper_parameters=(SEASON_LENGTH,),
    entry="models.fitted.theta:forecast",
    point_s=3.5e-4,
    heavy=True,
)

ARIMA: Final = ModelSpec(
    name="ARIMA",
    intro="Autoregression, differences and moving averages of orders chosen for each series; uses features.",
    hyper_parameters=(SEASON_LENGTH,),
    entry="models.fitted.arima:forecast",
    point_s=2e-4,
    heavy=True,
    covariates=True,
)

LIGHTGBM: Final = ModelSpec(
    name="LightGBM",
    intro="Regression trees over the latest values, the place in the season and the features.",
    hyper_parameters=(
        SEASON_LENGTH,
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
)

CES: Final = ModelSpec(
    name="CES",
    intro="Complex exponential smoothing: follows trends and seasons without being told which kind they are.",
    hyper_parameters=(SEASON_LENGTH,),
    entry="models.fitted.complex_smoothing:forecast",
    point_s=1.5e-4,
    heavy=True,
)

MSTL: Final = ModelSpec(
    name="MSTL",
    intro="Several seasons taken off, such as day and week of hourly values, and exponential smoothing of the rest.",
    hyper_parameters=(
        SEASON_LENGTH,
        HyperParameter(
            name="long_season",
            type="int",
            default=0,
            minimum=0,
            intro="A second, longer season in steps, such as 168 hours; 0 takes those that the data's step suggests.",
        ),
    ),
    entry="models.fitted.several_seasons:forecast",
    calendar=True,
    point_s=1e-4,
    heavy=True,
)

REGRESSION: Final = ModelSpec(
    name="Regression",
    intro="What features, season and a line explain by least squares, and errors that follow one another.",
    hyper_parameters=(SEASON_LENGTH,),
    entry="models.fitted.regression:forecast",
    point_s=1e-5,
    heavy=True,
    covariates=True,
)
