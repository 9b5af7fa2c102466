"""What a forecast is asked for: sample paths, kinds of output, quantiles (contract D-015 … D-018, D-028 … D-030)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from models.deepar.wording import kind_of, shown
from models.errors import RejectedInputError
from models.json_words import json_problem

__all__ = ["DEFAULTS", "ConfigurationError", "InferenceConfiguration", "parse_configuration", "parse_text"]

_KINDS: Final = ("mean", "quantiles", "samples")
_LARGEST_SEED: Final = 2**63 - 1
_MOST_QUANTILES: Final = 999  # more than there are samples to tell them apart
_NINE: Final = tuple(f"0.{place}" for place in range(1, 10))


class ConfigurationError(RejectedInputError):
    """A configuration cannot be followed."""


@dataclass(frozen=True, slots=True)
class InferenceConfiguration:
    """Paths to draw, what to answer with, the quantiles' names as sent, and the seed, None for a fresh draw."""

    num_samples: int = 100
    output_types: tuple[str, ...] = ("mean", "quantiles")
    quantiles: tuple[str, ...] = _NINE
    seed: int | None = None

    @property
    def levels(self) -> tuple[float, ...]:
        """The quantiles as numbers."""
        return tuple(map(float, self.quantiles))


DEFAULTS: Final = InferenceConfiguration()
"""Contract D-050."""


def parse_configuration(
    given: object, defaults: InferenceConfiguration = DEFAULTS, *, max_samples: int
) -> InferenceConfiguration:
    """The configuration, what is not given taken from the defaults, field by field; ConfigurationError."""
    if given is None:
        return defaults
    if not isinstance(given, Mapping):
        raise ConfigurationError("configuration", f"configuration is {kind_of(given)}, expected an object")
    given = {name: value for name, value in given.items() if value is not None}
    kinds = _output_types(given.get("output_types", defaults.output_types))
    levels = given.get("quantiles", ()) if "quantiles" in kinds else ()  # ignored, whatever they are (D-029)
    return InferenceConfiguration(
        num_samples=_num_samples(given.get("num_samples", defaults.num_samples), max_samples),
        output_types=kinds,
        quantiles=_quantiles(levels) or defaults.quantiles,
        seed=_seed(given.get("seed", defaults.seed)),
    )


def parse_text(text: str | None, *, max_samples: int) -> InferenceConfiguration:
    """DEEPAR_INFERENCE_CONFIG (contract D-054, D-055); None or empty: the defaults. ConfigurationError."""
    defaults = replace(DEFAULTS, num_samples=min(DEFAULTS.num_samples, max_samples))
    if text is None or not text.strip():
        return defaults
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        problem = json_problem(error, text)
        raise ConfigurationError(
            "DEEPAR_INFERENCE_CONFIG",
            f"DEEPAR_INFERENCE_CONFIG is not JSON: {problem.words}, at character {problem.character + 1}",
        ) from None
    try:
        if not isinstance(given, dict):
            raise ConfigurationError("configuration", f"it is {kind_of(given)}, expected an object")
        return parse_configuration(given, defaults, max_samples=max_samples)
    except ConfigurationError as error:
        raise ConfigurationError("DEEPAR_INFERENCE_CONFIG", f"DEEPAR_INFERENCE_CONFIG: {error}") from None


def _num_samples(value: Any, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ConfigurationError(
            "num_samples", f"num_samples is {shown(value)}, expected a whole number from 1 to {most}"
        )
    return value


def _output_types(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value:
        found = "empty" if value in ([], ()) else shown(value)
        raise ConfigurationError(
            "output_types", f"output_types is {found}, expected an array with any of {', '.join(_KINDS)}"
        )
    for kind in value:
        if kind not in _KINDS:
            raise ConfigurationError(
                "output_types", f"output_types has {shown(kind)}, expected any of {', '.join(_KINDS)}"
            )
    return tuple(dict.fromkeys(value))


def _quantiles(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigurationError("quantiles", f'quantiles is {shown(value)}, expected an array such as ["0.1", "0.9"]')
    if len(value) > _MOST_QUANTILES:
        raise ConfigurationError(
            "quantiles", f"quantiles has {len(value)} values, at most {_MOST_QUANTILES} are possible"
        )
    for level in value:
        try:
            if isinstance(level, bool) or not isinstance(level, int | float | str) or not 0 < float(level) < 1:
                raise ValueError
        except (ValueError, OverflowError):
            raise ConfigurationError(
                "quantiles", f"quantiles has {shown(level)}, expected numbers between 0 and 1, both excluded"
            ) from None
    return tuple(dict.fromkeys(map(str, value)))


def _seed(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST_SEED:
        raise ConfigurationError("seed", f"seed is {shown(value)}, expected a whole number from 0 to 2^63 - 1")
    return value
