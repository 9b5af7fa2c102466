"""What a DeepAR model is told: the hyper-parameters of Amazon SageMaker's DeepAR, under their names there."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from models.deepar.frequency import Frequency
from models.deepar.wording import shown
from models.errors import RejectedInputError

__all__ = ["LIKELIHOODS", "MOST_CATEGORIES", "ConfigError", "DeepARConfig"]

LIKELIHOODS: Final = ("auto", "student-t", "gaussian", "negative-binomial", "beta", "deterministic-l1")
MOST_CATEGORIES: Final = 1_000_000
"""Values of one category: an embedding of 40 MB."""

_NONE: Final = ("", None)  # what says "none" (contract D-071)


class ConfigError(RejectedInputError):
    """A hyper-parameter is missing or cannot be."""


@dataclass(frozen=True, slots=True)
class DeepARConfig:
    """Everything that shapes a model and its training, checked.

    `context_length` is the number of steps that the network reads before it forecasts. `likelihood` ``auto`` is chosen
    by the data (`models.deepar.learning.likelihood_choice`). `cardinality` has the number of values of each category;
    None takes it from the data, () means no categories; likewise `num_dynamic_feat`. An epoch is
    `num_batches_per_epoch` batches of `mini_batch_size` windows. Training ends after `early_stopping_patience` epochs
    without progress on the validation window, which is the last prediction_length steps of each series; None: it ends
    after all `epochs`, and no window is set aside. Where no target that it is trained on is negative no forecast is,
    unless `allow_negative`.
    """

    time_freq: str
    prediction_length: int
    context_length: int
    epochs: int = 100
    likelihood: str = "auto"
    cardinality: tuple[int, ...] | None = None
    num_dynamic_feat: int | None = None
    num_cells: int = 40
    num_layers: int = 2
    dropout_rate: float = 0.1
    embedding_dimension: int = 10
    mini_batch_size: int = 32
    num_batches_per_epoch: int = 50
    learning_rate: float = 1e-3
    early_stopping_patience: int | None = 10
    seed: int = 0
    allow_negative: bool = False

    @property
    def frequency(self) -> Frequency:
        """The step of the time axis."""
        return Frequency.parse(self.time_freq)

    @classmethod
    def from_hyper_parameters(cls, given: Mapping[str, object]) -> tuple["DeepARConfig", tuple[str, ...]]:
        """The configuration, and the names that it has no use for. Values may be texts. ConfigError names the field."""
        fields: dict[str, Any] = {
            "time_freq": Frequency.kept_name(_given(given, "time_freq"), "time_freq"),
            "prediction_length": _whole(given, "prediction_length", 1, 10_000),
        }
        fields["context_length"] = _whole(given, "context_length", 1, 10_000, default=fields["prediction_length"])
        defaults = {field.name: field.default for field in dataclasses.fields(cls)}
        for name, low, high in (
            ("epochs", 1, 100_000),
            ("num_cells", 1, 1_024),
            ("num_layers", 1, 8),
            ("embedding_dimension", 1, 100),
            ("mini_batch_size", 1, 4_096),
            ("num_batches_per_epoch", 1, 100_000),
            ("seed", 0, 2**63 - 1),
            ("early_stopping_patience", 1, 100_000),
        ):
            fields[name] = _whole(given, name, low, high, default=defaults[name])
        if given.get("early_stopping_patience", 0) in _NONE:
            fields["early_stopping_patience"] = None
        fields["allow_negative"] = bool(_whole(given, "allow_negative", 0, 1, default=0))
        fields["dropout_rate"] = _number(given, "dropout_rate", 0.0, 0.9, default=defaults["dropout_rate"])
        fields["learning_rate"] = _number(given, "learning_rate", 1e-6, 1.0, default=defaults["learning_rate"])
        fields["likelihood"] = _likelihood(given.get("likelihood", "auto"))
        fields["cardinality"] = _cardinality(given.get("cardinality", "auto"))
        features = given.get("num_dynamic_feat", "auto")
        if features == "auto":
            fields["num_dynamic_feat"] = None
        else:
            fields["num_dynamic_feat"] = 0 if features in _NONE else _whole(given, "num_dynamic_feat", 0, 1_000)
        return cls(**fields), tuple(name for name in given if name not in fields)

    def as_dict(self) -> dict[str, Any]:
        """The fields as JSON can say them; `from_dict` takes them back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "DeepARConfig":
        """What `as_dict` gave."""
        cardinality = fields["cardinality"]
        return cls(**{**fields, "cardinality": None if cardinality is None else tuple(cardinality)})


def _given(given: Mapping[str, object], name: str) -> object:
    if name not in given or given[name] in _NONE:
        raise ConfigError(name, f"{name} is missing: DeepAR cannot be trained without it")
    return given[name]


def _whole(given: Mapping[str, object], name: str, low: int, high: int, *, default: Any = None) -> int:
    value = _number(given, name, low, high, default=default)
    if value != int(value):
        raise ConfigError(name, f"{name} is {shown(given[name])}, expected a whole number from {low} to {high}")
    return int(value)


def _number(given: Mapping[str, object], name: str, low: float, high: float, *, default: Any = None) -> float:
    value = given.get(name, default)
    if value in _NONE:
        value = _given(given, name) if default is None else default
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise TypeError
        number = _read(value)
        if not (math.isfinite(number) and low <= number <= high):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise ConfigError(name, f"{name} is {shown(value)}, expected a number from {low:g} to {high:g}") from None
    return number


def _read(value: float | str) -> float:
    """A whole number stays exact: as a float a long seed would be another one."""
    try:
        return value if isinstance(value, int | float) else int(value)
    except ValueError:
        return float(value)


def _likelihood(value: object) -> str:
    name = value.lower().replace("_", "-") if isinstance(value, str) else ""
    if name not in LIKELIHOODS:
        raise ConfigError("likelihood", f"likelihood is {shown(value)}, expected one of {', '.join(LIKELIHOODS)}")
    return name


def _cardinality(value: object) -> tuple[int, ...] | None:
    """From what SageMaker's clients send: ``auto``, empty, a number, ``[2, 3]`` as a list or as a text."""
    if value == "auto":
        return None
    if value in _NONE:
        return ()
    parts: object = value
    if isinstance(value, str):
        parts = [part.strip() for part in value.strip().removeprefix("[").removesuffix("]").split(",") if part.strip()]
    elif isinstance(value, int):
        parts = [value]
    if not isinstance(parts, list | tuple):
        raise ConfigError("cardinality", f'cardinality is {shown(value)}, expected "auto", "" or a list such as [2, 3]')
    return tuple(_whole({"cardinality": part}, "cardinality", 1, MOST_CATEGORIES) for part in parts)
