"""The first administrator: made where there is no user, told in a file of the home that only its user can read."""

import asyncio
import json
import secrets
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import structlog

from connectors.kafka.publisher import DeliveryError, Record
from schemas.access import AddKey, AddUser
from streams.access.authenticator import AK_SK, TOKEN
from streams.access.directory import KEY, Directory
from streams.access.keys import new_key
from streams.access.passwords import hash_password
from streams.access.vault import Vault
from streams.rows.ownership import owner_elsewhere
from streams.rows.recovery import is_ready
from streams.runtime import StateRuntime

__all__ = ["FILE", "make_first_administrator", "taken_note"]

log = structlog.get_logger(__name__)

FILE: Final = "first-administrator.json"
_NAME: Final = "admin"
_LOOK_S: Final = 0.2
_AGAIN_S: Final = 5.0  # in which a command is surely applied, unless something is wrong


async def make_first_administrator(runtime: StateRuntime, directory: Directory, vault: Vault) -> None:
    """Add one if there are no users and this worker would apply the command. A killed try is gone on with.

    1. the note, under a name that nobody reads yet, 2. the user, 3. the note's own name.
    """
    note = runtime.settings.home / FILE
    begun = note.with_suffix(".new")
    while not directory.all("user"):
        if is_ready(runtime.app) and owner_elsewhere(runtime.app, KEY) is None:
            told = await asyncio.to_thread(_begun, begun, vault, runtime.settings.auth_ways)
            with suppress(DeliveryError, TimeoutError):
                async with asyncio.timeout(_AGAIN_S):
                    await runtime.publisher.send(_commands(runtime, vault, told))
                    await directory.until(lambda: bool(directory.all("user")))
        else:
            await asyncio.sleep(_LOOK_S)
    if begun.exists():
        user = directory.get("user", _NAME)
        if user is not None and user.command_id == json.loads(begun.read_text("utf-8"))["command_id"]:
            begun.replace(note)
            log.info("first_administrator_made", user=_NAME, told_in=str(note))
        else:  # another worker's came first
            begun.unlink()


def taken_note(home: Path) -> dict[str, str] | None:
    """What the file says; it is gone then, so that it is told once."""
    note = home / FILE
    try:
        told: dict[str, str] = json.loads(note.read_text("utf-8"))
        note.unlink()
    except (OSError, ValueError):
        return None
    return told


def _begun(path: Path, vault: Vault, ways: frozenset[str]) -> dict[str, str]:
    with suppress(OSError, ValueError):
        found: dict[str, str] = json.loads(path.read_text("utf-8"))
        return found
    password = secrets.token_urlsafe(18)
    told = {"user": _NAME, "command_id": str(uuid.uuid4()), "password_hash": hash_password(password)}
    if TOKEN in ways:  # else nobody knows it, and nobody is asked for it
        told["password"] = password
    if AK_SK in ways:
        told["access_key"], told["secret"] = new_key(vault, told["command_id"])
    path.touch(mode=0o600)
    path.write_text(json.dumps(told), "utf-8")
    return told


def _commands(runtime: StateRuntime, vault: Vault, told: dict[str, str]) -> list[Record]:
    made: list[Any] = [AddUser(told["command_id"], _NAME, told["password_hash"], role="admin")]
    if "access_key" in told:
        secret = vault.encrypted(told["secret"])
        made.append(AddKey(f"{told['command_id']}-key", told["access_key"], secret, _NAME))
    return [Record(runtime.topics.access_commands, KEY, runtime.codec.encode(command)) for command in made]
