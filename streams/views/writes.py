"""Sending a command and waiting until what it changed can be read back (decision 10)."""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Annotated, Any, Protocol

from fastapi import Header, Request

from connectors.object_store import ObjectStore
from connectors.publisher import DeliveryError, Record
from streams.errors import RejectedError
from streams.runtime import StateRuntime

__all__ = ["IdempotencyKey", "command_id_of", "is_repeat", "minted_id", "send_command"]

_PREFIX = 36  # characters of a command id that stand for the key; what follows stands for the content

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,  # a UUID or a hash; more is a mistake
        description="A name that you choose for this write: sent again under the same name, it takes effect once.",
    ),
]


class Command(Protocol):
    """What every command has."""

    command_id: str


def command_id_of(request: Request, key: str | None, content: bytes = b"") -> str:
    """The id of the command that this request sends: the same for the same Idempotency-Key and content."""
    if key is None:
        return str(uuid.uuid4())
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{request.method} {request.url.path} {key}")
    return f"{name}-{hashlib.blake2b(content, digest_size=8).hexdigest()}"


def is_repeat(command_id: str, known: Iterable[str]) -> bool:
    """Whether the command is among the known ones; RejectedError where only its Idempotency-Key is."""
    for other in known:
        if other == command_id:
            return True
        if other[:_PREFIX] == command_id[:_PREFIX]:
            raise RejectedError(
                409,
                "idempotency_key_reused",
                "Idempotency-Key: was sent before with another body; use a new key for a new request",
            )
    return False


@asynccontextmanager
async def minted_id(
    state: StateRuntime, request: Request, command_id: str, mint: Callable[[], int]
) -> AsyncIterator[int]:
    """The id of what the request creates: a new one, or that of an earlier try with the same Idempotency-Key.

    A refusal within the block frees the key, so that a mended request may carry it.
    """
    if "idempotency-key" not in request.headers:
        yield mint()
        return
    note = f"idempotency/{command_id[:_PREFIX]}"  # in the object store, which all state workers share
    async with request.app.state.id_lock:  # two tries at the same time, one id
        minted = await asyncio.to_thread(_remembered, state.store, note, command_id, mint)
    try:
        yield minted
    except RejectedError as error:
        if error.status != 503:
            await asyncio.to_thread(state.store.delete, note)
        raise


def _remembered(store: ObjectStore, note: str, command_id: str, mint: Callable[[], int]) -> int:
    if store.exists(note):
        minted, known = store.read_bytes(note).decode().split()
        is_repeat(command_id, [known])
        return int(minted)
    new = mint()
    store.put_bytes(note, f"{new} {command_id}".encode())
    return new


async def send_command(state: StateRuntime, topic: str, key: int, command: Command) -> Any:
    """Append the command and return what its agent made of it.

    RejectedError: what the agent says; 503 where the log or the agent does not answer in time. The command may then
    still take effect; a retry with the same Idempotency-Key is safe.
    """
    value = state.codec.encode(command)
    try:
        with state.waiters.waiting(command.command_id) as outcome:
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
