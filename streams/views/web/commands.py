"""Sending a command and waiting until what it changed can be read back (decision 10)."""

import asyncio
import hashlib
import uuid
from collections.abc import Iterable
from typing import Annotated, Any, Protocol

from fastapi import Depends, Header, Request

from connectors.kafka.publisher import DeliveryError, Record
from schemas.forecasting import SubmitJob
from streams.access.caller import caller
from streams.audit.notes import note_subject
from streams.errors import Code, ConflictError, UnavailableError
from streams.runtime import StateRuntime

__all__ = ["BareCommandId", "CommandId", "IdempotencyKey", "command_id_of", "is_repeat", "note_name", "send_command"]

_LONG_SUBMISSION = 500  # elements: encoding them takes longer than the way to a thread and back
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

    @property
    def command_id(self) -> str: ...


def command_id_of(request: Request, key: str | None, content: bytes = b"") -> str:
    """The id of the command that this request sends: the same for the same Idempotency-Key and content."""
    if key is None:
        return str(uuid.uuid4())
    return f"{_name(request, key)}-{hashlib.blake2b(content, digest_size=8).hexdigest()}"


async def _of_body(request: Request, key: IdempotencyKey = None) -> str:
    return command_id_of(request, key, await request.body())


async def _of_address(request: Request, key: IdempotencyKey = None) -> str:
    return command_id_of(request, key)


CommandId = Annotated[str, Depends(_of_body)]
"""The id of the command that a request sends: the same for the same Idempotency-Key and body."""
BareCommandId = Annotated[str, Depends(_of_address)]
"""Likewise, of a request whose address says all: its body counts for nothing."""


def _name(request: Request, key: str) -> uuid.UUID:
    """The same key is another one for another caller, or project: nobody learns what somebody else has created."""
    who = caller()
    own = f"{who.project}={who.name} " if who.project or who.name else ""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{own}{request.method} {request.url.path} {key}")


def is_repeat(command_id: str, known: Iterable[str]) -> bool:
    """Whether the command is among the known ones; RejectedError where only its Idempotency-Key is."""
    for other in known:
        if other == command_id:
            return True
        if other[:_PREFIX] == command_id[:_PREFIX]:
            raise ConflictError(
                Code.IDEMPOTENCY_KEY_REUSED,
                "Idempotency-Key: was sent before with another body; use a new key for a new request",
            )
    return False


def note_name(request: Request, key: str | None) -> str | None:
    """The name of the note of what the request's Idempotency-Key stands for; None without a key."""
    return None if key is None else str(_name(request, key))


async def send_command(
    state: StateRuntime, topic: str, key: int | str, command: Command, *, within_s: float | None = None
) -> Any:
    """Append the command and return what its agent made of it, which it has `within_s` seconds for.

    RejectedError: what the agent says; 503 where the log or the agent does not answer in time. The command may then
    still take effect; a retry with the same Idempotency-Key is safe.
    """
    # In a thread where it is long: other requests get their turn meanwhile.
    long = isinstance(command, SubmitJob) and len(command.elements) > _LONG_SUBMISSION
    value = await asyncio.to_thread(state.codec.encode, command) if long else state.codec.encode(command)
    note_subject(command)
    try:
        with state.waiters.waiting(command.command_id, (value, command) if long else None) as outcome:
            async with asyncio.timeout(within_s or state.settings.write_timeout_s):
                await state.publisher.send([Record(topic, str(key).encode(), value)])
                return await asyncio.shield(outcome)
    except (TimeoutError, DeliveryError):
        raise UnavailableError(
            Code.NOT_CONFIRMED,
            "the write could not be confirmed in time; it may still take effect: "
            "retry with the same Idempotency-Key header",
        ) from None
