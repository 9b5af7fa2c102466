"""What a config may say (contract T-054 … T-079), by whichever door it comes, and what a version needs of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from models.deepar.config import DeepARConfig
from models.deepar.serving.inference_config import parse_text
from models.errors import RejectedInputError
from models.json_words import BadJsonError, read_json
from streams.checks import nearest_name
from streams.training.algorithms import DEEPAR, INFERENCE_CONFIG, MODEL_IDS, model_name, unused_labels
from streams.training.config_fields import CONFIG_FIELDS, DATA_FIELDS
from streams.training.config_values import CHECKS, LARGEST, VERY_NEAR, wrong

__all__ = [
    "LONGEST_TEXT",
    "Limits",
    "check_complete",
    "checked_config",
    "config_of",
    "config_text",
    "jsonl_of",
    "merged",
    "note_on",
    "parameters_of",
    "planned_epochs",
    "sent_config",
]

LONGEST_TEXT: Final = 65_536
"""Characters of a config: a row has to fit into a small record."""

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TABLES: Final = (".csv", ".csv.gz", ".zip", ".tsv", ".txt")  # names of files that are no JSON Lines
_SLIPS: Final = ("dataset_version", "dataset_name", "dataset_version_name", "engine_name", "pool_name", "model_name")


@dataclass(frozen=True, slots=True)
class Limits:
    """What this installation allows."""

    most_workers: int
    most_samples: int


def config_of(text: str, field: str = "config") -> dict[str, Any]:
    """The object that a config's text is."""
    if len(text) > LONGEST_TEXT:
        raise wrong(field, f"expected at most {LONGEST_TEXT} characters")
    try:
        found = read_json(text)
    except BadJsonError as error:
        raise wrong(field, f"expected a JSON object; {error}") from None
    if not isinstance(found, dict):
        raise wrong(field, "expected a JSON object")
    return found


def config_text(config: Mapping[str, Any]) -> str:
    """A config as commands and rows carry it."""
    try:
        return orjson.dumps(config).decode()
    except TypeError as error:  # half a surrogate pair, or a number of more than 64 bits
        raise wrong("config", f"cannot be kept as JSON: {error}") from None


def sent_config(config: Mapping[str, Any], limits: Limits, *, place: str = "config, ") -> str:
    """The same of what comes as an object: checked, lest a field that cannot be written has no name, but as sent."""
    checked_config(config, limits, place=place)
    return config_text(config)


def checked_config(given: Mapping[str, Any], limits: Limits, *, place: str = "config, ") -> dict[str, Any]:
    """The fields that are given, each checked by itself: numbers as numbers, nothing for null and "".

    `place` is what the field's name is preceded by in a refusal.
    """
    for name in given.keys() - CONFIG_FIELDS.keys():
        absent = [known for known in CONFIG_FIELDS if known not in given]
        meant = nearest_name(name, absent, VERY_NEAR) if name not in _SLIPS else None
        if meant is not None:
            raise wrong(f"{place}{name[:60]}", f"is unknown; did you mean {meant}?")
    config = {}
    for name, field in CONFIG_FIELDS.items():
        value = given.get(name)
        if value is None or value == "":  # clients send "" for what they leave out
            continue
        config[name] = CHECKS[field.kind](f"{place}{name}", value)
    _check_numbers(config, limits, place)
    if "user_image_url" in config:
        _check_variables(config, place)
    if len(config_text(config)) > LONGEST_TEXT:
        raise wrong(place.rstrip(", ") or "body", f"expected at most {LONGEST_TEXT} characters in all")
    forms = _forms_of(config)
    if bool(config.get("dataset_id")) != bool(config.get("dataset_version_id")):
        raise wrong(f"{place}dataset_id", "send it with dataset_version_id, always together")
    if len(forms) > 1:
        raise wrong(f"{place}data_url", _ONE_FORM.format(f"{len(forms)} of them"))
    return config


_ONE_FORM: Final = "send one of data_url, dataset_id with dataset_version_id, and data_source, found {}"


def check_complete(config: Mapping[str, Any], limits: Limits) -> None:
    """RejectedError where a checked config lacks what a version needs. Whether its data is there shows when it runs."""
    if "worker_server_num" not in config:
        raise wrong("config, worker_server_num", "is missing: send how many workers are to run, such as 1")
    if "model_id" not in config:
        _check_code(config)
    if not _forms_of(config):
        raise wrong("config, data_url", _ONE_FORM.format("none of them"))
    jsonl = jsonl_of(config)
    if "spec_id" not in config and "pool_id" not in config and jsonl is None:
        raise wrong("config, spec_id", "is missing: send it, or pool_id")
    if jsonl is not None:
        _deepar_config(config, limits)


def merged(kept: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """A config after what is given replaces what is kept (decision 23): null clears, what is left out stays.

    The three forms of data are one field.
    """
    replaced = any(given.get(name) not in (None, "", []) for name in DATA_FIELDS)
    stays = {name: value for name, value in kept.items() if not (replaced and name in DATA_FIELDS)}
    return {**stays, **given}


def parameters_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Values by label; truth values as texts, as events carry them."""
    return {
        item["label"]: str(item["value"]).lower() if isinstance(item["value"], bool) else item["value"]
        for item in config.get("parameter", ())
    }


def jsonl_of(config: Mapping[str, Any]) -> str | None:
    """The file of JSON Lines that DeepAR is to be trained on; None where something else is asked for."""
    if config.get("model_id") != DEEPAR:
        return None
    path = config.get("data_url")
    match config.get("data_source"):
        case [{"type": "obs", "data_url": str(path)}]:
            pass
    return path if isinstance(path, str) and not path.lower().endswith(_TABLES) else None


def note_on(config: Mapping[str, Any], limits: Limits) -> str | None:
    """What a version ignores (T-075), for the user; None where that is nothing."""
    name = model_name(config.get("model_id", 0))
    if name is None:
        return None
    if jsonl_of(config) is not None:
        _, unused = _deepar_config(config, limits)
    else:
        unused = tuple(unused_labels(name, parameters_of(config)))
    return f"{name} has no use for: {', '.join(unused)}" if unused else None


def planned_epochs(config: Mapping[str, Any], limits: Limits) -> int:
    """How many epochs will be trained, as far as that is known before; else 0."""
    return _deepar_config(config, limits)[0].epochs if jsonl_of(config) is not None else 0


def _forms_of(config: Mapping[str, Any]) -> list[str]:
    return [name for name in ("data_url", "dataset_id", "data_source") if config.get(name)]


def _check_numbers(config: Mapping[str, Any], limits: Limits, place: str) -> None:
    workers = config.get("worker_server_num", 1)
    if not 1 <= workers <= limits.most_workers:
        text = f"found {workers}, expected 1 to {limits.most_workers}"
        raise wrong(f"{place}worker_server_num", f"{text} (TIDECAST_USER_CODE_WORKERS)")
    if "model_id" in config and model_name(config["model_id"]) is None:
        known = f"expected 1 to {len(MODEL_IDS)}, as GET /model/ numbers the algorithms"
        raise wrong(f"{place}model_id", f"found {config['model_id']}, {known}")
    for name in ("engine_id", "spec_id", "pre_version_id"):
        if not 0 <= config.get(name, 0) <= LARGEST:
            raise wrong(f"{place}{name}", f"found {config[name]}, expected 0 to {LARGEST}")


def _check_variables(config: Mapping[str, Any], place: str) -> None:
    """T-073."""
    for label in parameters_of(config):
        if not _VARIABLE.fullmatch(label):
            text = "the image gets it as an environment variable: use letters, digits and _, no digit first"
            raise wrong(f"{place}parameter", f"found the label {label[:80]!r}, {text}")


def _check_code(config: Mapping[str, Any]) -> None:
    """T-055, T-056."""
    for name in ("app_url", "boot_file_url"):
        if name not in config:
            raise wrong(f"config, {name}", "is missing: send it, or the model_id of a built-in algorithm")
    folder = config["app_url"].rstrip("/") + "/"
    if not config["boot_file_url"].startswith(folder) or config["boot_file_url"] == folder:
        text = f"found {config['boot_file_url'][:200]!r}, expected a file inside app_url, {folder[:200]}"
        raise wrong("config, boot_file_url", text)


def _deepar_config(config: Mapping[str, Any], limits: Limits) -> tuple[DeepARConfig, tuple[str, ...]]:
    """What the parameters mean to DeepAR, and the labels of those that mean nothing (T-075)."""
    settings = parameters_of(config)
    asked = settings.pop(INFERENCE_CONFIG, None)
    try:
        if asked is not None and not isinstance(asked, str):
            raise wrong(f"config, {INFERENCE_CONFIG}", "expected JSON as a text, with its quotation marks escaped")
        parse_text(asked, max_samples=limits.most_samples)
        return DeepARConfig.from_hyper_parameters(settings)
    except RejectedInputError as error:
        raise wrong("config, parameter", error.message) from None
