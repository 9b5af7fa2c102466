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
from schemas.commands import SubmitJob
from streams.errors import RejectedError
from streams.ownership import owner_elsewhere
from streams.runtime import StateRuntime

__all__ = ["IdempotencyKey", "command_id_of", "free_key", "is_repeat", "minted_id", "noted_id", "send_command"]

_DRAWS = 2000  # with n workers an id is ours once in n draws; 64 partitions allow 64 workers
_LONG_SUBMISSION = 500  # elements: encoding them takes longer than the way to a thread and back
_PREFIX = 36  # characters of a command id that stand for the key; what follows stands for the content
_CREATED = "created"  # ends the note of an id under which something was there

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
    return f"{_name(request, key)}-{hashlib.blake2b(content, digest_size=8).hexdigest()}"


def _name(request: Request, key: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{request.method} {request.url.path} {key}")


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
    state: StateRuntime, request: Request, command_id: str, *, is_there: Callable[[int], bool] | None = None
) -> AsyncIterator[int]:
    """The id of what the request creates: a new one, or that of an earlier try with the same Idempotency-Key.

    A refusal within the block frees the key, so that a mended request may carry it. With `is_there`, asked in a thread,
    the id of what was created and is there no more is not given again: the same request makes a new one then.
    """
    if "idempotency-key" not in request.headers:
        yield _own_id(state)
        return
    note = _note(command_id[:_PREFIX])
    async with request.app.state.id_lock:  # two tries at the same time, one id
        minted, created = await asyncio.to_thread(_remembered, state, note, command_id, is_there)
    try:
        yield minted
    except RejectedError as error:
        if error.status != 503:
            await asyncio.to_thread(state.store.delete, note)
        raise
    if is_there is not None and not created:
        await asyncio.to_thread(state.store.put_bytes, note, f"{minted} {command_id} {_CREATED}".encode())


async def free_key(state: StateRuntime, command_id: str) -> None:
    """Let the Idempotency-Key of this command, if it had one, name a new write: what it created is no more."""
    await asyncio.to_thread(state.store.delete, _note(command_id[:_PREFIX]))


def noted_id(store: ObjectStore, request: Request) -> int | None:
    """The id that an earlier try with the request's Idempotency-Key was given, None where there was none."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    note = _note(str(_name(request, key)))
    return int(store.read_bytes(note).split()[0]) if store.exists(note) else None


def _note(name: str) -> str:
    """Where the id is noted: in the object store, which all state workers share."""
    return f"idempotency/{name}"


def _remembered(
    state: StateRuntime, note: str, command_id: str, is_there: Callable[[int], bool] | None
) -> tuple[int, bool]:
    """The id, and whether something is known to have been created under it.

    Without that knowledge an id is kept although nothing is there: the first try's command may still be on its way.
    """
    if state.store.exists(note):
        minted, known, *created = state.store.read_bytes(note).decode().split()
        is_repeat(command_id, [known])
        if not created or is_there is None or is_there(int(minted)):
            return int(minted), bool(created)
    new = _own_id(state)
    state.store.put_bytes(note, f"{new} {command_id}".encode())
    return new, False


def _own_id(state: StateRuntime) -> int:
    """A new id that this worker owns: its agent will apply the command, and here its sender waits."""
    for _ in range(_DRAWS):
        new = state.ids.mint()
        if owner_elsewhere(state.app, b"%d" % new) is None:
            return new
    raise RejectedError(503, "recovering", "no partition belongs to this worker at the moment")


async def send_command(state: StateRuntime, topic: str, key: int | str, command: Command) -> Any:
    """Append the command and return what its agent made of it.

    RejectedError: what the agent says; 503 where the log or the agent does not answer in time. The command may then
    still take effect; a retry with the same Idempotency-Key is safe.
    """
    # In a thread where it is long: other requests get their turn meanwhile.
    long = isinstance(command, SubmitJob) and len(command.elements) > _LONG_SUBMISSION
    value = await asyncio.to_thread(state.codec.encode, command) if long else state.codec.encode(command)
    try:
        with state.waiters.waiting(command.command_id, (value, command) if long else None) as outcome:
            async with asyncio.timeout(state.settings.write_timeout_s):
                await state.publisher.send([Record(topic, str(key).encode(), value)])
                return await asyncio.shield(outcome)
    except (TimeoutError, DeliveryError):
        raise RejectedError(
            503,
            "not_confirmed",
            "the write could not be confirmed in time; it may still take effect: "
            "retry with the same Idempotency-Key header",
        ) from None
