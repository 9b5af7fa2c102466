"""What a model can be told: a hyper-parameter's type, default, range and limits."""

import math
from dataclasses import dataclass
from numbers import Integral
from typing import Final, Literal

from models.errors import RejectedInputError

__all__ = ["SEASON_LENGTH", "ConfigValue", "HyperParameter", "HyperParameterError"]

ConfigValue = int | float | str
"""A hyper-parameter's value, as it stands in a request and in a result."""

_LARGEST_INT = 2**53 - 1  # the largest whole number that every JSON reader takes in unchanged
_LONGEST_SHOWN = 40  # characters of a refused value that a message repeats


class HyperParameterError(RejectedInputError):
    """A hyper-parameter has an unknown name or an impossible value."""


@dataclass(frozen=True, slots=True)
class HyperParameter:
    """One thing a model can be told.

    `low` and `high` are the range worth searching when tuning (both included); `minimum` and `maximum` are the hard
    limits, where there are any. A parameter of type "list" takes one of `choice` instead, or another name of one that
    is in `aliases`, beside the name that it stands for.
    """

    name: str
    type: Literal["int", "float", "list"]
    default: ConfigValue
    low: int | float | None = None
    high: int | float | None = None
    choice: tuple[ConfigValue, ...] = ()
    intro: str = ""
    minimum: int | float | None = None
    maximum: int | float | None = None
    aliases: tuple[tuple[str, str], ...] = ()

    def validate(self, value: object, model_name: str) -> ConfigValue:
        """Return `value` in its proper type (5.0 becomes 5 for an int), or raise HyperParameterError."""
        if self.type == "int":
            return self._whole_number(value, model_name)
        if self.type == "float":
            return self._number(value, model_name)
        if isinstance(value, (int, float, str)):
            value = dict(self.aliases).get(value, value) if isinstance(value, str) else value
            for option in self.choice:
                if value == option and isinstance(value, bool) == isinstance(option, bool):
                    return option
        raise self._refuse(value, model_name, "one of " + ", ".join(repr(option) for option in self.choice))

    def _whole_number(self, value: object, model_name: str) -> int:
        lowest = -_LARGEST_INT if self.minimum is None else self.minimum
        highest = _LARGEST_INT if self.maximum is None else self.maximum
        rule = f"a whole number from {lowest} to {highest}"
        if isinstance(value, bool) or not isinstance(value, (float, Integral)):
            raise self._refuse(value, model_name, rule)
        if isinstance(value, float) and not value.is_integer():  # also true of NaN and the infinities
            raise self._refuse(value, model_name, rule)
        number = int(value)
        if not lowest <= number <= highest:
            raise self._refuse(value, model_name, rule)
        return number

    def _number(self, value: object, model_name: str) -> float:
        lowest = -math.inf if self.minimum is None else self.minimum
        highest = math.inf if self.maximum is None else self.maximum
        limits = [] if self.minimum is None else [f"at least {lowest}"]
        limits += [] if self.maximum is None else [f"at most {highest}"]
        rule = "a finite number" + (" of " + " and ".join(limits) if limits else "")
        if isinstance(value, bool) or not isinstance(value, (float, Integral)):
            raise self._refuse(value, model_name, rule)
        try:
            number = float(value)
        except OverflowError as error:
            raise self._refuse(value, model_name, rule) from error
        if not math.isfinite(number) or not lowest <= number <= highest:
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


SEASON_LENGTH: Final = HyperParameter(
    name="season_length",
    type="int",
    default=0,
    low=1,
    high=52,
    minimum=0,
    intro="After how many steps the pattern repeats; 0 takes it from the data's step, 1 means no season.",
)
"""Of every model that can repeat a season."""
