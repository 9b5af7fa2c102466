"""Stored configurations as values, and those that are shipped (contract T-150 … T-160)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from models.catalog import CATALOG
from schemas.training import CreateTrainingConfiguration, UpdateTrainingConfiguration
from schemas.training_rows import TrainingConfigurationRecord
from streams.codes.training import TrainingCode
from streams.errors import InvalidError, NotFoundError, RejectedError
from streams.repeats import digest_of
from streams.training.algorithms import DEEPAR, MODEL_IDS
from streams.training.config_values import wrong
from streams.training.configs import Limits, checked_config, config_of, config_text, merged
from streams.training.jobs import check_description, check_project

__all__ = [
    "SAMPLES",
    "check_fields",
    "check_new",
    "created",
    "key_of_configuration",
    "unknown_configuration",
    "updated",
]

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OF_JOBS: Final = ("create_version", "pre_version_id")  # mean nothing in a configuration
_RELEASED: Final = 1_796_000_000_000  # when the samples were written


def key_of_configuration(project_id: str, name: str) -> bytes:
    """The key of a configuration's row; it lies in the partition of its project."""
    return f"{project_id}/{name}".encode()


def check_fields(config: Mapping[str, Any], limits: Limits) -> None:
    """RejectedError where a field cannot be what it is, by the field's name alone: they lie beside the name."""
    checked_config(config, limits, place="")


def created(command: CreateTrainingConfiguration, limits: Limits, *, at: int) -> TrainingConfigurationRecord:
    """The row of a new configuration; RejectedError where it cannot be. It need not be complete: jobs add the rest."""
    check_project(command.project_id, command.command_id)
    if not _NAME.fullmatch(command.config_name):
        raise wrong("config_name", f"found {command.config_name[:80]!r}, expected 1 to 64 of A-Z a-z 0-9 _ -")
    check_description(command.config_desc, "config_desc")
    return TrainingConfigurationRecord(
        project_id=command.project_id,
        config_name=command.config_name,
        command_id=command.command_id,
        create_time=at,
        config=_checked(config_of(command.config), limits),
        config_desc=command.config_desc,
        digest=digest_of(command),
    )


def check_new(name: str, known: Iterable[str], *, most: int) -> None:
    """RejectedError where the project has a configuration of this name, or as many as it may have."""
    names = set(known)
    if name in names:
        raise InvalidError(TrainingCode.NAME_TAKEN, f"Config name:{name} is existed")
    if len(names) >= most:
        text = f"the project has {len(names)} training configurations, the most there may be: delete some first"
        raise InvalidError(TrainingCode.LIMIT_REACHED, text)


def updated(
    record: TrainingConfigurationRecord, command: UpdateTrainingConfiguration, limits: Limits
) -> TrainingConfigurationRecord:
    """The row after a change (decision 23); name and time of creation stay. RejectedError."""
    if command.config_desc is not None:
        check_description(command.config_desc, "config_desc")
        record = replace(record, config_desc=command.config_desc)
    config = merged(config_of(record.config), config_of(command.config))
    return replace(record, config=_checked(config, limits))


def unknown_configuration(name: str) -> RejectedError:
    """The refusal of what is asked about a configuration that is not there."""
    text = f"there is no configuration {name[:80]!r}"
    if name in SAMPLES:  # T-159
        text = f"{name} is shipped, and read-only: GET it with config_type=sample, or POST one of your own of this name"
    return NotFoundError(TrainingCode.FAILED_OPERATION, f"config_name: {text}")


def _checked(config: Mapping[str, Any], limits: Limits) -> str:
    checked = checked_config(config, limits, place="")
    return config_text({name: value for name, value in checked.items() if name not in _OF_JOBS})


def _sample(name: str) -> TrainingConfigurationRecord:
    """A config that trains an algorithm with its defaults, on whatever data a job adds."""
    spec = CATALOG[name]
    settings: dict[str, Any] = {
        parameter.name: parameter.default for parameter in spec.hyper_parameters if parameter.default not in (None, "")
    }
    settings |= {"time_freq": "D", "prediction_length": 7} if MODEL_IDS[name] == DEEPAR else {"next_k_prediction": 5}
    config = {
        "worker_server_num": 1,
        "model_id": MODEL_IDS[name],
        "spec_id": 1,
        "engine_id": 1,
        "parameter": [{"label": label, "value": value} for label, value in settings.items()],
    }
    return TrainingConfigurationRecord(
        project_id="",
        config_name=f"sample-{name}",
        command_id="",
        create_time=_RELEASED,
        config=config_text(config),
        config_desc=spec.intro[:256],
    )


SAMPLES: Final[Mapping[str, TrainingConfigurationRecord]] = {
    sample.config_name: sample for sample in map(_sample, CATALOG)
}
"""Shipped configurations by name, one per built-in algorithm (T-159)."""
