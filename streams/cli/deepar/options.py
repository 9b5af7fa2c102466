"""What was typed after `tidecast deepar`, checked before anything is started or sent."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from models.deepar.config import ConfigError, DeepARConfig
from models.errors import RejectedInputError
from streams.cli.console.failure import CommandError, did_you_mean
from streams.cli.deepar.csv_series import Columns
from streams.cli.forecasting.columns import check_targets

__all__ = [
    "check_levels",
    "check_parameters",
    "columns_of_training",
    "given_parameters",
    "model_name",
    "target_and_series",
]

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_STEM: Final = 60  # of a file's name, so that "-2" can follow
# The hyper-parameters that have an option of their own, for messages.
_OPTIONS: Final = {
    "time_freq": "--freq", "prediction_length": "--horizon", "context_length": "--context", "epochs": "--epochs",
}  # fmt: skip
_INFERENCE_CONFIG: Final = "DEEPAR_INFERENCE_CONFIG"  # no hyper-parameter, but goes with them (contract D-060)


def columns_of_training(
    path: Path,
    timestamp: str | None,
    targets: Sequence[str],
    group_by: Sequence[str],
    features: Sequence[str],
    freq: str | None,
    *,
    wide: bool = False,
) -> Columns:
    """The columns of a CSV file to train on; several `targets`, or all others of a `wide` one, are a series each."""
    if timestamp is None or not (targets or wide):
        missing = "--timestamp COLUMN" if timestamp is None else "--target COLUMN (or --wide)"
        raise CommandError(f"{path} is no JSON Lines file, and to read it as CSV {missing} is missing")
    target, series = target_and_series(targets, wide=wide)
    return Columns(timestamp, target, tuple(group_by), tuple(features), freq, series=series)


def target_and_series(targets: Sequence[str], *, wide: bool) -> tuple[str, tuple[str, ...] | None]:
    """The column of the values, and of a file where several columns have them these, none for every other one."""
    check_targets(targets, wide=wide)
    if wide or len(targets) > 1:
        return "value", tuple(targets)
    return targets[0], None


def model_name(given: str | None, path: Path) -> str:
    """The name given, else one made of the file's."""
    if given is None:
        return re.sub(r"[^A-Za-z0-9_-]+", "-", path.name.partition(".")[0]).strip("-")[:_LONGEST_STEM] or "model"
    if not _NAME.fullmatch(given):
        raise CommandError(f"--name {given}: use 1 to 64 of A-Z, a-z, 0-9, _ and -")
    return given


def given_parameters(texts: Iterable[str], **own: str | int | None) -> dict[str, Any]:
    """Hyper-parameters from texts like likelihood=student-t, and from options of their own (None: not given)."""
    found: dict[str, Any] = {name: value for name, value in own.items() if value is not None}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise CommandError(f"--param {text}: write it as NAME=VALUE, for example likelihood=student-t")
        if name in found:
            twice = f" ({_OPTIONS[name]})" if name in _OPTIONS else ""
            raise CommandError(f"--param {name} is given twice{twice}: once is enough")
        found[name] = value.strip()
    return found


def check_parameters(given: dict[str, Any]) -> None:
    """CommandError for a hyper-parameter that cannot be, or that there is not: the service would leave it out."""
    try:
        config, unknown = DeepARConfig.from_hyper_parameters(given)
    except ConfigError as error:
        raise CommandError(f"{_OPTIONS.get(error.field, '--param')}: {error}") from None
    except RejectedInputError as error:  # of the frequency
        raise CommandError(f"--freq: {error}") from None
    known = list(config.as_dict())
    for name in unknown:
        if name != _INFERENCE_CONFIG:
            guess = did_you_mean(name, known) or "."
            raise CommandError(f"--param {name}: there is no such hyper-parameter{guess} There are: {', '.join(known)}")


def check_levels(given: Sequence[str]) -> tuple[str, ...]:
    """The quantiles as they were given; CommandError for what is no number between 0 and 1."""
    for text in given:
        try:
            right = 0 < float(text) < 1
        except ValueError:
            right = False
        if not right:
            raise CommandError(f"--quantile {text}: expected a number between 0 and 1, such as 0.9")
    return tuple(dict.fromkeys(given))
