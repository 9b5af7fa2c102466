"""What is sent to run a script of one's own: it and its data are put to the service, and a config names them."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from streams.cli.console.failure import CommandError

if TYPE_CHECKING:
    from io import BufferedReader

    from streams.cli.service.client import ServiceClient

__all__ = ["is_script", "opened_to_read", "parameters_of", "script_config"]

_SCRIPT: Final = ".py"
_NAMES: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._=-")


def is_script(file: Path) -> bool:
    """Whether the file is code, not a config."""
    return file.suffix == _SCRIPT


def script_config(
    client: "ServiceClient", name: str, script: Path, *, data: Path | None, workers: int
) -> dict[str, Any]:
    """Upload both; a config for them. What the script writes is kept in /uploads/jobs/NAME/out/."""
    folder = f"/uploads/jobs/{_as_key(name)}"
    boot = _put(client, f"{folder}/code", script)
    code = f"{boot.rpartition('/')[0]}/"
    data_url = code if data is None else _put(client, f"{folder}/data", data)  # a config has to name some data
    return {
        "worker_server_num": workers,
        "spec_id": 1,
        "engine_id": 1,
        "app_url": code,
        "boot_file_url": boot,
        "data_url": data_url,
        "train_url": f"{folder}/out/",
    }


def opened_to_read(file: Path) -> "BufferedReader":
    """The open file. CommandError."""
    try:
        return file.open("rb")
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error


def parameters_of(given: Iterable[str]) -> list[dict[str, Any]]:
    """Those of LABEL=VALUE; numbers and truth as such. CommandError."""
    found = []
    for text in given:
        label, sign, value = text.partition("=")
        if not (label and sign):
            raise CommandError(f"--parameter {text}: expected LABEL=VALUE, such as epochs=40")
        found.append({"label": label, "value": _value(value)})
    return found


def _value(text: str) -> str | float | bool:
    try:
        value = json.loads(text, parse_constant=str)
    except ValueError:
        return text
    return value if isinstance(value, int | float) else text


def _put(client: "ServiceClient", folder: str, file: Path) -> str:
    """Where the file is then: no other content ever has this path, so each version keeps what it was made of."""
    with opened_to_read(file) as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()[:12]
    path = f"{folder}/{digest}/{_as_key(file.name)}"
    client.put_file(path, file)
    return path


def _as_key(name: str) -> str:
    """A name as an object may have it."""
    return "".join(letter if letter in _NAMES else "_" for letter in name)
