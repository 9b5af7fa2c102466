"""What the catalogue says of a model, and the shape of its function. Loads neither numpy nor any model."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from models.hyper_parameters import ConfigValue, HyperParameter, HyperParameterError

if TYPE_CHECKING:
    from models.forecasts import Forecasts, SeriesBatch

__all__ = ["ForecastFunction", "ModelSpec"]


class ForecastFunction(Protocol):
    """What every model is: see `models.forecasts`."""

    def __call__(self, batch: "SeriesBatch") -> "Forecasts":
        """Forecast every row of the batch."""
        ...


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model's name, what it does, its hyper-parameters, and where its function lives ("module:function").

    `heavy`: it takes milliseconds or more per series, so it is computed in a process of its own, with a time limit.
    `calendar`: it looks at the calendar of the steps.
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
    calendar: bool = False
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

    @property
    def network(self) -> bool:
        """Whether it trains a network for each series: many train together at little more than the cost of one."""
        return any(parameter.name == "epochs_used" for parameter in self.hyper_parameters)

    def load(self) -> ForecastFunction:
        """Import the model's module, if this is the first use, and return its forecast function."""
        module, _, function = self.entry.partition(":")
        return cast("ForecastFunction", getattr(import_module(module), function))
