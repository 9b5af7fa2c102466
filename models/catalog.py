"""Which models exist and what each can be told. Importing this loads neither numpy nor any model.

To add a model, write one file in `models/` with a function of the shape of `ForecastFunction`, and add one `ModelSpec`
to `_MODELS` below. Nothing else has to change: validation, listings and batching all read the catalogue.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from numbers import Integral
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol, cast

from models.errors import RejectedInputError

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

ConfigValue = int | float | str
"""A hyper-parameter's value, as it stands in a request and in a result."""

_LARGEST_INT = 2**53 - 1  # the largest whole number that every JSON reader takes in unchanged
_LONGEST_SHOWN = 40  # characters of a refused value that a message repeats


class HyperParameterError(RejectedInputError):
    """A hyper-parameter has an unknown name or an impossible value."""


class UnknownModelError(RejectedInputError):
    """No model of that name is in the catalogue."""


class ForecastFunction(Protocol):
    """What every model is: see `models.forecasts`."""

    def __call__(self, batch: "SeriesBatch") -> "Forecasts":
        """Forecast every row of the batch."""
        ...


@dataclass(frozen=True, slots=True)
class HyperParameter:
    """One thing a model can be told.

    `low` and `high` are the range worth searching when tuning (both included); `minimum` is the hard limit, where there
    is one. A parameter of type "list" takes one of `choice` instead.
    """

    name: str
    type: Literal["int", "float", "list"]
    default: ConfigValue
    low: int | float | None = None
    high: int | float | None = None
    choice: tuple[ConfigValue, ...] = ()
    intro: str = ""
    minimum: int | float | None = None

    def validate(self, value: object, model_name: str) -> ConfigValue:
        """Return `value` in its proper type (5.0 becomes 5 for an int), or raise HyperParameterError."""
        if self.type == "int":
            return self._whole_number(value, model_name)
        if self.type == "float":
            return self._number(value, model_name)
        if isinstance(value, (int, float, str)):
            for option in self.choice:
                if value == option and isinstance(value, bool) == isinstance(option, bool):
                    return option
        raise self._refuse(value, model_name, "one of " + ", ".join(repr(option) for option in self.choice))

    def _whole_number(self, value: object, model_name: str) -> int:
        lowest = -_LARGEST_INT if self.minimum is None else self.minimum
        rule = f"a whole number from {lowest} to {_LARGEST_INT}"
        if isinstance(value, bool) or not isinstance(value, (float, Integral)):
            raise self._refuse(value, model_name, rule)
        if isinstance(value, float) and not value.is_integer():  # also true of NaN and the infinities
            raise self._refuse(value, model_name, rule)
        number = int(value)
        if not lowest <= number <= _LARGEST_INT:
            raise self._refuse(value, model_name, rule)
        return number

    def _number(self, value: object, model_name: str) -> float:
        rule = "a finite number" if self.minimum is None else f"a finite number of at least {self.minimum}"
        if isinstance(value, bool) or not isinstance(value, (float, Integral)):
            raise self._refuse(value, model_name, rule)
        try:
            number = float(value)
        except OverflowError as error:
            raise self._refuse(value, model_name, rule) from error
        if not math.isfinite(number) or (self.minimum is not None and number < self.minimum):
            raise self._refuse(value, model_name, rule)
        return number

    def _refuse(self, value: object, model_name: str, rule: str) -> HyperParameterError:
        # A message for people: a pasted document helps nobody, and Python refuses to print ints of over 4300 digits.
        huge = isinstance(value, int) and abs(value) > _LARGEST_INT
        shown = "so large a number" if huge else repr(value)
        if len(shown) > _LONGEST_SHOWN:
            shown = shown[:_LONGEST_SHOWN] + "..."
        message = f"hyper-parameter {self.name} of {model_name} must be {rule}, not {shown}"
        return HyperParameterError(self.name, message)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model's name, what it does, its hyper-parameters, and where its function lives ("module:function")."""

    name: str
    intro: str
    hyper_parameters: tuple[HyperParameter, ...]
    entry: str

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


_MODELS = (
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
        entry="models.linear_fit:forecast",
    ),
    ModelSpec(
        name="AdaptiveMaxN",
        intro="The largest of the latest points, repeated.",
        hyper_parameters=(_latest_n("the maximum is taken over"),),
        entry="models.adaptive:forecast_max",
    ),
    ModelSpec(
        name="AdaptiveAverageN",
        intro="The mean of the latest points, repeated.",
        hyper_parameters=(_latest_n("are averaged"),),
        entry="models.adaptive:forecast_average",
    ),
)

CATALOG: Mapping[str, ModelSpec] = MappingProxyType({spec.name: spec for spec in _MODELS})
"""Every model by its name, in the order in which listings show them."""
