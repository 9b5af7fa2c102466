"""What the quick models are called and can be told. Imports nothing heavy: every process reads the catalogue."""

from typing import Final

from models.hyper_parameters import SEASON_LENGTH, HyperParameter
from models.model_spec import ModelSpec

__all__ = ["ADAPTIVE_AVERAGE_N", "ADAPTIVE_MAX_N", "CROSTON", "DRIFT", "LINEAR_FIT", "SEASONAL_NAIVE", "SES", "TSB"]


def _latest_n(use: str) -> HyperParameter:
    # Default, low and high are those of the contract's samples; a longer window is allowed.
    return HyperParameter(
        name="latest_n", type="int", default=5, low=1, high=5, minimum=1, intro=f"How many of the latest points {use}."
    )


LINEAR_FIT: Final = ModelSpec(
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
)

ADAPTIVE_MAX_N: Final = ModelSpec(
    name="AdaptiveMaxN",
    intro="The largest of the latest points, repeated.",
    hyper_parameters=(_latest_n("the maximum is taken over"),),
    entry="models.quick.adaptive:forecast_max",
    grid=True,
)

ADAPTIVE_AVERAGE_N: Final = ModelSpec(
    name="AdaptiveAverageN",
    intro="The mean of the latest points, repeated.",
    hyper_parameters=(_latest_n("are averaged"),),
    entry="models.quick.adaptive:forecast_average",
    grid=True,
)

SEASONAL_NAIVE: Final = ModelSpec(
    name="SeasonalNaive",
    intro="The value of one season ago; without a season, the last value.",
    hyper_parameters=(SEASON_LENGTH,),
    entry="models.quick.naive:forecast_seasonal",
    point_s=6e-8,
    grid=True,
)

DRIFT: Final = ModelSpec(
    name="Drift",
    intro="The straight line from the first to the last point, continued.",
    hyper_parameters=(),
    entry="models.quick.naive:forecast_drift",
    point_s=1.2e-7,
    grid=True,
)

SES: Final = ModelSpec(
    name="SES",
    intro="Simple exponential smoothing: a weighted mean in which older points count less and less.",
    hyper_parameters=(),
    entry="models.quick.simple_smoothing:forecast",
    point_s=8e-5,
    grid=True,
)


def _weight(name: str, what: str) -> HyperParameter:
    return HyperParameter(
        name=name,
        type="float",
        default=0.1,
        low=0.05,
        high=0.3,
        minimum=0.0,
        maximum=1.0,
        intro=f"How much a new value counts for {what}: 0 not at all, 1 alone.",
    )


CROSTON: Final = ModelSpec(
    name="Croston",
    intro="For demand that is mostly zero: the mean size of a demand by the mean number of steps between two.",
    hyper_parameters=(
        _weight("weight", "size and interval of demand"),
        HyperParameter(
            name="variant",
            type="list",
            default="sba",
            choice=("sba", "classic"),
            intro="sba lowers the forecast by half of the weight, which takes out its bias; classic does not.",
        ),
    ),
    entry="models.quick.intermittent:forecast_croston",
    point_s=1.5e-5,
)

TSB: Final = ModelSpec(
    name="TSB",
    intro="For demand that is mostly zero and may end: the mean size of a demand by how likely there is one.",
    hyper_parameters=(
        _weight("weight", "the size of demand"),
        _weight("probability_weight", "how likely there is demand"),
    ),
    entry="models.quick.intermittent:forecast_tsb",
    point_s=1.5e-5,
)
