"""Values of the fields of a config, each checked by itself, whatever the others are."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from connectors.objects import layout
from streams.checks import nearest_name, path_key
from streams.codes.training import TrainingCode
from streams.errors import InvalidError, RejectedError
from streams.training.config_fields import Kind

__all__ = ["CHECKS", "LARGEST", "VERY_NEAR", "wrong"]

LARGEST: Final = 2**63 - 1
"""Whole numbers as events and answers carry them."""

_LONGEST_PATH: Final = 1024
_MOST_ITEMS: Final = 1000  # of an array
VERY_NEAR: Final = 0.87
"""Of a name's letters: `dataset_version` is not that near to dataset_version_id."""
_DIGITS: Final = re.compile(r"-?[0-9]{1,40}", re.ASCII)  # Python reads no more than 4300


def wrong(field: str, text: str) -> RejectedError:
    """What to raise of a field that cannot be what it is."""
    return InvalidError(TrainingCode.WRONG_PARAMETER, f"{field}: {text}")


def _whole(field: str, value: Any) -> int:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if type(value) is not int:
        raise wrong(field, f"found {_shown(value)}, expected a whole number")
    return value


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise wrong(field, f"found {_shown(value)}, expected a text")
    return value


def _path(field: str, value: Any) -> str:
    """T-193: not out of the data root, nor to what is the service's own."""
    path = _text(field, value)
    if len(path) > _LONGEST_PATH:
        raise wrong(field, f"expected at most {_LONGEST_PATH} characters")
    if path.strip("/") == "":
        return path
    try:
        key = path_key(field, path)
    except RejectedError as error:
        raise InvalidError(TrainingCode.WRONG_PARAMETER, error.message) from None
    if layout.is_own(key):
        raise wrong(field, f"found {path[:80]!r}, the service's own: use a path below /uploads/ or /outputs/")
    return path


def _flag(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise wrong(field, f"found {_shown(value)}, expected true or false")
    return value


def _items(field: str, value: Any) -> list[Mapping[str, Any]]:
    if not isinstance(value, list):
        raise wrong(field, f"found {_shown(value)}, expected an array of objects")
    for number, item in enumerate(value, 1):
        if not isinstance(item, dict):
            raise wrong(f"{field}, element {number}", f"found {_shown(item)}, expected an object")
    if len(value) > _MOST_ITEMS:
        raise wrong(field, f"has {len(value)} elements, at most {_MOST_ITEMS} are allowed")
    return value


def _check_names(place: str, item: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse a slip: `readonly` for read_only would leave a volume to be written to, and nobody would be told."""
    absent = [name for name in known if name not in item]
    for name, value in item.items():
        if value in (None, "") or name in known:
            continue
        meant = nearest_name(name, absent, VERY_NEAR)
        if meant is not None:
            raise wrong(f"{place}, {name[:60]}", f"is unknown; did you mean {meant}?")


def _parameters(field: str, value: Any) -> list[dict[str, Any]]:
    found: dict[str, Any] = {}
    for number, item in enumerate(_items(field, value), 1):
        _check_names(f"{field}, element {number}", item, ("label", "value"))
        label, setting = item.get("label"), item.get("value")
        if not isinstance(label, str) or label == "":
            raise wrong(field, f"element {number}: label is missing or empty, expected a text")
        if not isinstance(setting, str | int | float | bool):
            raise wrong(field, f"{label[:80]}: value is {_shown(setting)}, expected a text, a number, true or false")
        if isinstance(setting, int) and abs(setting) > LARGEST:
            raise wrong(field, f"{label[:80]} is too large a number")
        if label in found:
            raise wrong(field, f"the label {label[:80]} is there twice")
        found[label] = setting
    return [{"label": label, "value": setting} for label, setting in found.items()]


def _sources(field: str, value: Any) -> list[dict[str, Any]]:
    """T-064."""
    sources = []
    for number, item in enumerate(_items(field, value), 1):
        place, kind = f"{field}, element {number}", item.get("type")
        needed = {"obs": ("data_url",), "dataset": ("dataset_id", "dataset_version")}.get(
            kind if isinstance(kind, str) else ""
        )
        if needed is None:
            raise wrong(place, f"type is {_shown(kind)}, expected obs or dataset")
        _check_names(place, item, ("type", *needed))  # before what is missing because of a slip
        source = {"type": kind}
        for name in needed:
            if not item.get(name):
                raise wrong(place, f"{name} is missing: type {kind} has {' and '.join(needed)}")
            check = _path if name == "data_url" else _text
            source[name] = check(f"{place}, {name}", item[name])
        sources.append(source)
    return sources


def _volumes(field: str, value: Any) -> list[dict[str, Any]]:
    """T-076 … T-079: kept and shown."""
    names = {"nfs": ("id", "src_path", "dest_path"), "host_path": ("src_path", "dest_path")}
    volumes = []
    for number, item in enumerate(_items(field, value), 1):
        volume: dict[str, Any] = {}
        for kind, known in names.items():
            if (given := item.get(kind)) is None:
                continue
            place = f"{field}, element {number}, {kind}"
            if not isinstance(given, dict):
                raise wrong(place, f"found {_shown(given)}, expected an object")
            _check_names(place, given, (*known, "read_only"))
            texts = {name: _text(f"{place}, {name}", given[name]) for name in known if given.get(name) is not None}
            read_only = given.get("read_only")
            volume[kind] = {
                **texts,
                "read_only": False if read_only is None else _flag(f"{place}, read_only", read_only),
            }
        if not volume:
            raise wrong(f"{field}, element {number}", "expected nfs or host_path")
        volumes.append(volume)
    return volumes


def _shown(value: Any) -> str:
    """What came, as briefly as a message can say it."""
    if value is None:
        return "nothing"
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    return str(value).lower() if isinstance(value, bool) else repr(value)[:80]


CHECKS: Final[Mapping[Kind, Callable[[str, Any], Any]]] = {
    Kind.WHOLE: _whole,
    Kind.TEXT: _text,
    Kind.PATH: _path,
    Kind.FLAG: _flag,
    Kind.PARAMETERS: _parameters,
    Kind.SOURCES: _sources,
    Kind.VOLUMES: _volumes,
}
"""What takes a field's name, for its refusal, and the value as sent, and gives the value as it is kept."""
