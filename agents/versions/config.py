"""The config of a version (contract T-054 … T-069) as a run needs it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.versions.run import RunFailedError
from schemas.values import ParameterValue
from streams.training.jobs import TrainingState

__all__ = ["Data", "RunConfig", "not_runnable", "read_config"]


@dataclass(frozen=True, slots=True)
class Data:
    """One of the places where a version's data are: a path, or a data set's id."""

    path: str = ""
    dataset_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """What a version is to run, on what, and where the results go."""

    model_id: int | None = None
    app_url: str = ""
    boot_file_url: str = ""
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    data: tuple[Data, ...] = ()
    train_url: str = ""
    log_url: str = ""
    workers: int = 1
    user_image_url: str = ""
    user_command: str = ""


def not_runnable(text: str) -> RunFailedError:
    """What to raise of a config that cannot be run: status 5 of contract T-042."""
    return RunFailedError(text, TrainingState.SUBMIT_FAILED)


def read_config(text: str) -> RunConfig:
    """The config of a command; RunFailedError where it is none. Numbers may be texts (T-035)."""
    try:
        fields = json.loads(text)
        assert isinstance(fields, dict)
        return RunConfig(
            model_id=None if fields.get("model_id") is None else int(fields["model_id"]),
            app_url=_text(fields, "app_url"),
            boot_file_url=_text(fields, "boot_file_url"),
            parameters={str(one["label"]): one["value"] for one in fields.get("parameter") or ()},
            data=_data(fields),
            train_url=_text(fields, "train_url"),
            log_url=_text(fields, "log_url"),
            workers=int(fields.get("worker_server_num") or 1),
            user_image_url=_text(fields, "user_image_url"),
            user_command=_text(fields, "user_command"),
        )
    except (ValueError, TypeError, KeyError, AttributeError, AssertionError, RecursionError):
        raise not_runnable("config: expected a JSON object with the fields of a training job") from None


def _text(fields: Mapping[str, Any], name: str) -> str:
    return str(fields.get(name) or "")


def _data(fields: Mapping[str, Any]) -> tuple[Data, ...]:
    if fields.get("data_source"):
        return tuple(_source(one) for one in fields["data_source"])
    if fields.get("dataset_id"):
        return (Data(dataset_id=str(fields["dataset_id"])),)
    return (Data(path=str(fields["data_url"])),) if fields.get("data_url") else ()


def _source(element: Mapping[str, Any]) -> Data:
    if element.get("type") == "dataset":
        return Data(dataset_id=str(element["dataset_id"]))
    return Data(path=str(element["data_url"]))
