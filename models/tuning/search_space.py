"""What a search may try: each hyper-parameter fixed, one of some options, or anywhere in a range."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from numbers import Integral
from typing import Literal

from models.errors import RejectedInputError
from models.hyper_parameters import ConfigValue, HyperParameter
from models.model_spec import ModelSpec
from models.scores.names import metric_names

__all__ = ["Axis", "Dimension", "Search", "Space", "search_space"]


@dataclass(frozen=True, slots=True)
class Dimension:
    """What may be tried for one hyper-parameter, in exactly one of three forms (J-080 … J-082).

    `val` fixes it; `low` and `high`, both included, are a range; `choice` lists options. Whether it makes sense is
    checked when the search begins.
    """

    name: str
    type: Literal["int", "float", "list"]
    low: int | float | None = None
    high: int | float | None = None
    choice: tuple[ConfigValue, ...] = ()
    val: ConfigValue | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """Look for the configuration of the smallest loss, with at most `max_eval` trials unless all can be tried at once.

    Hyper-parameters that are not in `space` keep the value of the request, or the model's default. `metric` is what is
    made small: as it is, but large for r2 and mda, and near zero for me, bias, mpe and mre (J-087).
    """

    space: tuple[Dimension, ...]
    max_eval: int = 100
    metric: str = "mse"


@dataclass(frozen=True, slots=True)
class Axis:
    """One hyper-parameter: its `options` in the order in which ties are decided, or None and a range of real numbers.

    `default` is what is used when nothing can be tried: the model's default, or what is allowed and nearest to it.
    """

    name: str
    options: Sequence[ConfigValue] | None
    low: float
    high: float
    default: ConfigValue


@dataclass(frozen=True, slots=True)
class Space:
    """Every hyper-parameter of a model, in the catalogue's order."""

    spec: ModelSpec
    axes: tuple[Axis, ...]

    @property
    def real(self) -> tuple[Axis, ...]:
        """The axes that cannot be listed."""
        return tuple(axis for axis in self.axes if axis.options is None)

    @property
    def count(self) -> int:
        """How many combinations the other axes have."""
        return math.prod(len(axis.options) for axis in self.axes if axis.options is not None)

    def cells(self) -> Iterator[dict[str, ConfigValue]]:
        """Yield these combinations, the first axis changing slowest; real axes stand at the low end of their range."""
        lists = [(axis.low,) if axis.options is None else axis.options for axis in self.axes]
        for values in product(*lists):
            yield self.config(dict(zip((axis.name for axis in self.axes), values, strict=True)))

    def config(self, values: Mapping[str, ConfigValue]) -> dict[str, ConfigValue]:
        """The complete configuration with these values, each in its parameter's own type."""
        return self.spec.resolve(values)

    def default(self) -> dict[str, ConfigValue]:
        """The model's defaults, or what the space allows that is nearest to them."""
        return self.config({axis.name: axis.default for axis in self.axes})


def search_space(spec: ModelSpec, search: Search, config: Mapping[str, object]) -> Space:
    """Check a search and complete it with `config` and the model's defaults; RejectedInputError says what is wrong."""
    if not isinstance(search, Search) or not isinstance(search.space, tuple):
        raise RejectedInputError("search", "the search must be a Search whose space is a tuple of Dimensions")
    whole = isinstance(search.max_eval, Integral) and not isinstance(search.max_eval, bool)
    if not whole or search.max_eval < 1:
        raise RejectedInputError("max_eval", f"max_eval must be a whole number of at least 1, not {search.max_eval!r}")
    metric_names([search.metric])
    dimensions: dict[str, Dimension] = {}
    for dimension in search.space:
        if not isinstance(dimension, Dimension):
            raise RejectedInputError("search", "the search space must consist of Dimensions")
        if dimension.name in dimensions:
            raise RejectedInputError(dimension.name, f"hyper-parameter {dimension.name} is given twice; keep one")
        dimensions[dimension.name] = dimension
    known = {parameter.name for parameter in spec.hyper_parameters}
    fixed = spec.resolve(
        {name: value for name, value in config.items() if name not in dimensions or name not in known}
        | {name: dimension.val for name, dimension in dimensions.items() if name not in known}  # resolve refuses them
    )
    return Space(
        spec,
        tuple(
            _axis(parameter, dimensions[parameter.name], spec.name)
            if parameter.name in dimensions
            else _fixed(parameter.name, fixed[parameter.name])
            for parameter in spec.hyper_parameters
        ),
    )


def _axis(parameter: HyperParameter, dimension: Dimension, model_name: str) -> Axis:
    def refuse(problem: str) -> RejectedInputError:
        return RejectedInputError(parameter.name, f"hyper-parameter {parameter.name} of {model_name} {problem}")

    if dimension.type not in ("int", "float", "list"):
        raise refuse(f"has the type {dimension.type!r}; it must be int, float or list")
    ranged = dimension.low is not None or dimension.high is not None
    if ranged + bool(dimension.choice) + (dimension.val is not None) != 1:
        raise refuse("must have exactly one of val, low with high, or a choice of at least one option")
    if dimension.val is not None:
        return _fixed(parameter.name, parameter.validate(dimension.val, model_name))
    if dimension.choice:
        allowed = (parameter.validate(option, model_name) for option in dimension.choice)
        options = tuple(dict.fromkeys(allowed))
        return Axis(parameter.name, options, 0.0, 0.0, _nearest_option(parameter.default, options))
    if dimension.low is None or dimension.high is None:
        raise refuse("needs both low and high")
    if "list" in (parameter.type, dimension.type):
        raise refuse("cannot take a range as a list; send a choice")
    return _range(parameter, dimension.type, (dimension.low, dimension.high), model_name, refuse)


def _range(
    parameter: HyperParameter,
    kind: str,
    bounds: tuple[float, float],
    model_name: str,
    refuse: Callable[[str], RejectedInputError],
) -> Axis:
    if parameter.type == "int" and kind != "int":
        raise refuse("takes whole numbers; send its range with type int")
    low, high = (parameter.validate(bound, model_name) for bound in bounds)
    assert not isinstance(low, str)  # numbers stay numbers
    assert not isinstance(high, str)
    if low > high:
        raise refuse(f"has a low of {low} above its high of {high}; swap them")
    if kind == "int":
        if low != int(low) or high != int(high):
            raise refuse("has type int, so low and high must be whole numbers")
        integers = range(int(low), int(high) + 1)
        return Axis(parameter.name, integers, 0.0, 0.0, _within(parameter.default, integers[0], integers[-1]))
    if low == high:
        return _fixed(parameter.name, low)
    low, high = low + 0.0, high + 0.0  # -0.0 becomes 0.0
    return Axis(parameter.name, None, low, high, _within(parameter.default, low, high))


def _fixed(name: str, value: ConfigValue) -> Axis:
    return Axis(name, (value,), 0.0, 0.0, value)


def _nearest_option(default: ConfigValue, options: tuple[ConfigValue, ...]) -> ConfigValue:
    """The default if it is an option, else the nearest number, else the first option."""
    if default in options or isinstance(default, str):
        return default if default in options else options[0]
    return min(options, key=lambda option: math.inf if isinstance(option, str) else abs(option - default))


def _within(default: ConfigValue, low: float, high: float) -> ConfigValue:
    return low if isinstance(default, str) else min(max(default, low), high)
