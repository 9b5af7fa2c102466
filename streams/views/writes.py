"""Sending a command and waiting until what it changed can be read back (decision 10)."""

import asyncio
import uuid
from collections.abc import Callable
from typing import Any, Protocol

from fastapi import Request

from connectors.publisher import DeliveryError, Record
from streams.errors import RejectedError
from streams.runtime import StateRuntime

__all__ = ["command_id_of", "remembered_id", "send_command"]

_LONGEST_KEY = 255  # a UUID or a hash; more is a mistake


class Command(Protocol):
    """What every command has."""

    command_id: str


def command_id_of(request: Request) -> str:
    """The id of the command that this request sends: the same for a retry with the same Idempotency-Key header."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return str(uuid.uuid4())
    if not 1 <= len(key) <= _LONGEST_KEY:
        raise RejectedError(400, "invalid_header", f"Idempotency-Key: use 1 to {_LONGEST_KEY} characters")
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{request.method} {request.url.path} {key}"))


async def remembered_id(state: StateRuntime, request: Request, command_id: str, mint: Callable[[], int]) -> int:
    """A new id for what the request creates, or the one that an earlier try with the same Idempotency-Key got."""
    if "idempotency-key" not in request.headers:
        return mint()
    return await asyncio.to_thread(_remembered, state, command_id, mint)


def _remembered(state: StateRuntime, command_id: str, mint: Callable[[], int]) -> int:
    note = f"idempotency/{command_id}"  # in the object store, which all state workers share
    if state.store.exists(note):
        return int(state.store.read_bytes(note))
    minted = mint()
    state.store.put_bytes(note, str(minted).encode())
    return minted


async def send_command(state: StateRuntime, topic: str, key: int, command: Command) -> Any:
    """Append the command and return what its agent made of it.

    RejectedError: what the agent says; 503 where the log or the agent does not answer in time. The command may then
    still take effect; a retry with the same Idempotency-Key is safe.
    """
    value = state.codec.encode(command)
    outcome = state.waiters.expect(command.command_id)
    try:
        async with asyncio.timeout(state.settings.write_timeout_s):
            await state.publisher.send([Record(topic, b"%d" % key, value)])
            return await asyncio.shield(outcome)
    except (TimeoutError, DeliveryError):
        raise RejectedError(
            503,
            "not_confirmed",
            "the write could not be confirmed in time; it may still take effect: "
            "retry with the same Idempotency-Key header",
        ) from None
