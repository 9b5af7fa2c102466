"""Dead letters over HTTP: what could not be read or applied, why, and its way back."""

import asyncio
import dataclasses
import heapq
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from connectors.kafka.admin import BrokerUnreachableError
from connectors.kafka.publisher import DeliveryError, MessageTooLargeError
from connectors.kafka.topic_reader import StoredRecord, TopicMissingError, read_record, read_topic
from schemas.coding.wire import UndecodableError
from streams.access.caller import Role
from streams.checks import invalid_field
from streams.engine.letters import Letter, StrayLetterError, letter_of, place_of, sent_again
from streams.errors import Code, ConflictError, NotFoundError, UnavailableError
from streams.runtime import StateRuntime
from streams.views.web.answers import json_response
from streams.views.web.door import OPERATION, Door
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import JsonRoute, State

__all__ = ["DOOR"]

_NEWEST: Final = 1000  # of each partition that are looked at
_SHOWN_BYTES: Final = 64 * 1024  # of an event that is shown; larger ones the command line has
_LONGEST_TEXT: Final = 500
_Read = TypeVar("_Read")

router = APIRouter(prefix="/dead-letters", route_class=JsonRoute)
DOOR = Door(router=router, apart=True, tag=OPERATION, slash=False, role=Role.ADMIN)  # it tells of everybody's work

LetterId = Annotated[str, Path(description="PARTITION-OFFSET, as the list has it.")]


class LetterItem(BaseModel):
    """A dead letter."""

    id: str
    time: int = Field(description="When it was kept, epoch milliseconds.")
    topic: str = Field(description="Where it came from.")
    key: str = Field(description="Its key as text: of a job's command, the job.")
    error_class: str
    error: str = Field(description="Why it is here.")
    size: int = Field(description="Bytes of the event.")


class LettersReply(BaseModel):
    """The newest dead letters."""

    dead_letters: list[LetterItem]
    total_count: int = Field(description=f"That fit, of the newest {_NEWEST} of each partition.")


class LetterReply(LetterItem):
    """A dead letter and its event."""

    event_type: str | None = Field(description="The record type; null where it cannot be read.")
    event: dict[str, Any] | None = Field(description="Its fields; null likewise, or where it is large.")
    problem: str | None = Field(description="Why the event is not shown.")


class RequeuedReply(BaseModel):
    """It was sent again."""

    id: str
    topic: str


@router.get("", summary="List the dead letters", response_model=LettersReply, responses=PLAIN.responses(400, 503))
async def list_dead_letters(
    state: State,
    limit: Annotated[int, Query(ge=1, le=1000, description="Only so many, the newest.")] = 100,
    topic: Annotated[str, Query(max_length=249, description="Only those that came from this topic.")] = "",
    key: Annotated[str, Query(max_length=1000, description="Only those of this key: of a job, its id.")] = "",
) -> Response:
    """The newest first."""
    found = await _asked(state, lambda: _listed(state, topic, key))
    newest = heapq.nlargest(limit, found, key=lambda letter: letter.at_ms)
    return json_response({"dead_letters": [_shown(letter) for letter in newest], "total_count": len(found)})


@router.get(
    "/{letter_id}", summary="Show a dead letter", response_model=LetterReply, responses=PLAIN.responses(400, 404, 503)
)
async def get_dead_letter(state: State, letter_id: LetterId) -> Response:
    """With its event, where that can be read."""
    record = await _found(state, letter_id)
    event, kind, problem = _event(state, record)
    return json_response({**_shown(letter_of(record)), "event_type": kind, "event": event, "problem": problem})


@router.post(
    "/{letter_id}/requeue",
    summary="Send a dead letter again",
    response_model=RequeuedReply,
    responses=PLAIN.responses(400, 404, 409, 503),
)
async def requeue_dead_letter(state: State, letter_id: LetterId) -> Response:
    """Byte for byte to where it came from, after the cause is mended: what still cannot be applied comes back here.

    Commands have ids: one that was applied meanwhile has no second effect. The letter stays until it expires.
    """
    record = await _found(state, letter_id)
    try:
        again = sent_again(record, {spec.name for spec in state.topics.all} - {state.topics.dead_letters})
        await state.publisher.send([again])
    except (StrayLetterError, MessageTooLargeError) as error:
        raise ConflictError(Code.INVALID_REQUEST, str(error)) from None
    except DeliveryError as error:
        raise UnavailableError(Code.BROKER_UNREACHABLE, f"{letter_id} was not taken by the broker: {error}") from None
    return json_response({"id": letter_id, "topic": again.topic})


def _listed(state: StateRuntime, topic: str, key: str) -> Sequence[Letter]:
    letters = map(letter_of, read_topic(state.bootstrap, state.topics.dead_letters, newest=_NEWEST))
    return [letter for letter in letters if topic in ("", letter.topic) and key in ("", letter.key)]


async def _found(state: StateRuntime, letter_id: str) -> StoredRecord:
    place = place_of(letter_id)
    if place is None:
        raise invalid_field("letter_id", f"found {letter_id[:40]!r}, expected PARTITION-OFFSET, such as 2-15")
    record = await _asked(state, lambda: read_record(state.bootstrap, state.topics.dead_letters, *place))
    if record is None:
        days = state.settings.dead_letter_retention_days
        raise NotFoundError(Code.NOT_FOUND, f"there is no dead letter {letter_id}: they are kept for {days} days")
    return record


async def _asked(state: StateRuntime, read: Callable[[], _Read]) -> _Read:
    """In a thread: the broker is asked."""
    try:
        return await asyncio.to_thread(read)
    except BrokerUnreachableError as error:
        raise UnavailableError(Code.BROKER_UNREACHABLE, str(error)) from None
    except TopicMissingError:
        raise UnavailableError(Code.RECOVERING, f"there is no topic {state.topics.dead_letters} yet") from None


def _shown(letter: Letter) -> dict[str, Any]:
    shown = letter._asdict()
    return {"id": shown.pop("letter_id"), "time": shown.pop("at_ms"), **shown}


def _event(state: StateRuntime, record: StoredRecord) -> tuple[dict[str, Any] | None, str | None, str | None]:
    """Fields and type of the event, or why they are not shown."""
    value = record.value
    if value is None:
        return None, None, "it has no value"
    if len(value) > _SHOWN_BYTES:
        return None, None, f"it has {len(value)} bytes: tidecast dead-letters show {record.partition}-{record.offset}"
    try:
        event = state.codec.decode(value)
    except UndecodableError as error:
        return None, None, str(error)
    return _plain(dataclasses.asdict(event)), type(event).__name__, None


def _plain(value: Any) -> Any:
    """For JSON: bytes as text, long texts cut."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
    return f"{text[:_LONGEST_TEXT]}…" if isinstance(text, str) and len(text) > _LONGEST_TEXT else text
