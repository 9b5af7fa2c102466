"""A message whose handling fails must not stop the others: its tries are counted, and after the third it is given up.

What an agent raises unexpectedly about one message is counted against that message, in a note in the object store, so
that restarts and other workers go on counting. Nothing is written, and nothing looked up, where all goes well. A batch
that fails is handled again message by message, so that only the one that raises is tried again. Given up means: 1. what
waits for the message ends as failed, 2. the message becomes a dead letter, 3. the partition goes on.

Trouble that is not the message's own (the broker, the disk, the store, a time limit) is not counted: it is raised, the
worker ends and the next one begins with the same messages.
"""

import asyncio
import errno
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from gzip import BadGzipFile
from typing import TYPE_CHECKING, Any, Final

import structlog
from aiokafka.errors import KafkaError

from connectors.kafka.publisher import DeliveryError, MessageTooLargeError
from connectors.objects.layout import TRIES
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from streams.engine.tenure import SupersededError, is_current
from streams.engine.transport import Batch
from streams.errors import Code, RejectedError
from streams.messages import Event, Message, time_of
from streams.telemetry.logs import event_fields

if TYPE_CHECKING:
    from streams.runtime import TrainerRuntime

__all__ = [
    "MOST_TRIES",
    "GivenUpError",
    "Tries",
    "guarded",
    "is_infrastructure",
    "reason_of",
    "together",
    "tried",
    "work_on",
]

log = structlog.get_logger(__name__)

MOST_TRIES: Final = 3  # contract: decision 21
_PAUSES_S: Final = (0.1, 0.5)  # before the second and the third try: what was busy may be free by then
_NOTES_KEPT_S: Final = 8 * 86_400  # a day longer than commands are kept
_LONGEST_REASON: Final = 500  # characters; the log has all of it

# What is wrong with one file, not with the disk. That the note can be written proves that the store works.
_OF_ONE_FILE: Final = frozenset(
    {
        errno.EACCES,
        errno.EEXIST,
        errno.EINVAL,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.ENOTEMPTY,
        errno.EPERM,
    }
)
_CLIENTS: Final = ("aiobotocore", "aiohttp", "botocore", "confluent_kafka", "redis", "rocksdict", "s3fs", "urllib3")

Ended = Callable[[Event, "GivenUpError"], Awaitable[Any]]
"""Ends what waits for a message that is given up."""


class GivenUpError(RejectedError):
    """A message has failed as often as it may; the text is for users and has neither paths nor a traceback."""

    status = 500
    called = "GivenUpError"

    def __init__(self, error: BaseException) -> None:
        text = f"it could not be handled ({reason_of(error)}) and was given up; the service's log says more"
        super().__init__(Code.GIVEN_UP, text)


class Tries:
    """The notes of how often messages have failed, in the object store, which all workers share."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        #: Messages that are not tried again, with why: those that have ended the process. Mostly empty.
        self.condemned: dict[tuple[str, int, int], tuple[int, str]] = {}

    def count(self, message: Message, reason: str) -> int:
        """Note one more failure of the message; how many there were. OSError where the store does not work."""
        key, at = _key(message.topic, message.partition, message.offset), time_of(message)
        tries = self._tries(key, at) + 1
        note = {"at": at, "tries": tries, "reason": reason, "noted": round(time.time())}
        self._store.put_bytes(key, json.dumps(note).encode())
        return tries

    def given_up(self, reason: str) -> dict[tuple[str, int, int], int]:
        """Messages that have had their tries, for this reason, with their times; removes notes of what is not kept."""
        found = {}
        for key in self._store.keys(TRIES.name) if self._store.exists(TRIES.name) else ():
            note = self._read(key)
            if note is None or note.get("noted", 0) < time.time() - _NOTES_KEPT_S:
                self._store.delete(key)
            elif note.get("tries", 0) >= MOST_TRIES and note.get("reason") == reason:
                _, topic, place = key.split("/")
                partition, offset = place.split("-")
                found[topic, int(partition), int(offset)] = int(note["at"])
        return found

    def has_condemned(self, events: Sequence[Event]) -> bool:
        """Whether one of the messages is not to be tried again."""
        return bool(self.condemned) and any(_place(event.message) in self.condemned for event in events)

    def _tries(self, key: str, at: int) -> int:
        note = self._read(key)
        # Another time: another message, in a log that began anew.
        return int(note.get("tries", 0)) if note is not None and note.get("at") == at else 0

    def _read(self, key: str) -> dict[str, Any] | None:
        try:
            note = json.loads(self._store.read_bytes(key))
        except (ObjectNotFoundError, ValueError):  # torn by a power failure: counted anew
            return None
        return note if isinstance(note, dict) else None


def is_infrastructure(error: BaseException) -> bool:
    """Whether the error says nothing about the message: handled a minute later, or elsewhere, it may do well."""
    if isinstance(error, MessageTooLargeError):
        return False
    if isinstance(error, DeliveryError | KafkaError | TimeoutError | ConnectionError):
        return True
    if isinstance(error, OSError):
        return error.errno not in _OF_ONE_FILE and not isinstance(error, BadGzipFile)
    # RocksDB's errors are plain Exceptions: its disk. Those of clients are about who they talk to.
    return type(error) is Exception or type(error).__module__.partition(".")[0] in _CLIENTS


def reason_of(error: BaseException) -> str:
    """What happened, for users: the kind of error and its words, without the paths of this machine."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}…"


def work_on(
    runtime: "TrainerRuntime",
    agent: str,
    batch: Batch,
    handle: Callable[[Sequence[Event]], Awaitable[Any]],
    ended: Ended | None = None,
) -> None:
    """Let `handle` do a batch, which is acknowledged when all of it is done or given up.

    `handle` may have an effect more than once. Where it returns a future, no task is made.
    """
    events = batch.events
    otherwise = partial(_one_by_one, runtime, agent, events, handle, ended)
    if runtime.tries.has_condemned(events):
        batch.ack_when(asyncio.ensure_future(otherwise(None)))
        return
    try:
        done = asyncio.ensure_future(handle(events))
    except Exception as error:  # noqa: BLE001 - see `_one_by_one`
        batch.ack_when(asyncio.ensure_future(otherwise(error)))
        return
    batch.ack_when(done, otherwise)


def guarded(
    runtime: "TrainerRuntime", agent: str, handle: Callable[[Event], Awaitable[Any]], ended: Ended | None = None
) -> Callable[[Event], Awaitable[None]]:
    """Handle single messages with tries counted against each, in the form that `handle_by_key` calls."""

    async def handle_one(event: Event) -> None:
        await tried(runtime, agent, event, partial(handle, event), ended)

    return handle_one


async def together(
    runtime: "TrainerRuntime",
    agent: str,
    events: Sequence[Event],
    handle: Callable[[Sequence[Event]], Awaitable[Any]],
    ended: Ended | None = None,
) -> None:
    """Handle a batch and wait for it, with tries counted: where it fails, message by message."""
    failed: Exception | None = None
    if not runtime.tries.has_condemned(events):
        try:
            await handle(events)
        except Exception as error:  # noqa: BLE001 - see `_one_by_one`
            failed = error
        else:
            return
    await _one_by_one(runtime, agent, events, handle, ended, failed)


async def _one_by_one(
    runtime: "TrainerRuntime",
    agent: str,
    events: Sequence[Event],
    handle: Callable[[Sequence[Event]], Awaitable[Any]],
    ended: Ended | None,
    failed: BaseException | None,
) -> None:
    if failed is not None and (isinstance(failed, SupersededError) or is_infrastructure(failed)):
        raise failed
    first = failed if len(events) == 1 else None
    for event in events:
        await tried(runtime, agent, event, partial(_alone, handle, event), ended, failed=first)


async def _alone(handle: Callable[[Sequence[Event]], Awaitable[Any]], event: Event) -> None:
    await handle([event])


async def tried(
    runtime: "TrainerRuntime",
    agent: str,
    event: Event,
    work: Callable[[], Awaitable[Any]],
    ended: Ended | None = None,
    *,
    failed: BaseException | None = None,
    is_ours: Callable[[], bool] | None = None,
) -> None:
    """Do the work for one message until it is done, or has failed as often as it may and the message is given up.

    `failed` is what a first try has raised. What is not counted is raised; SupersededError where the message is another
    worker's by now.
    """
    message, tries = event.message, runtime.tries
    condemned = tries.condemned.get(_place(message))
    if condemned and condemned[0] == time_of(message):
        await _give_up(runtime, event, GivenUpError(RuntimeError(condemned[1])), ended)
        return
    error = failed
    while True:
        if error is None:
            try:
                await work()
            except Exception as raised:  # noqa: BLE001 - whatever it is, it must not stop the partition
                error = raised
            else:
                return
        if isinstance(error, SupersededError) or is_infrastructure(error) or runtime.app.should_stop:
            raise error
        if not (is_current(runtime.app, event) if is_ours is None else is_ours()):
            raise SupersededError from error
        number = await _counted(runtime, agent, message, error)
        if number >= MOST_TRIES:
            await _give_up(runtime, event, GivenUpError(error), ended)
            return
        await asyncio.sleep(_PAUSES_S[number - 1])
        error = None


async def _counted(runtime: "TrainerRuntime", agent: str, message: Message, error: BaseException) -> int:
    """How often the message has failed by now; the error itself where that cannot be noted: then the store is away."""
    try:
        number = await asyncio.to_thread(runtime.tries.count, message, reason_of(error))
    except Exception as trouble:
        log.warning("failure_not_noted", agent=agent, reason=str(trouble))
        raise error from trouble
    log.error("message_failed", agent=agent, **event_fields(message), tries=number, exc_info=error)
    if isinstance(error, MessageTooLargeError) and error.limit is not None:  # it would be so again
        return MOST_TRIES
    return number


async def _give_up(runtime: "TrainerRuntime", event: Event, error: GivenUpError, ended: Ended | None) -> None:
    """1. end what waits for the message, as far as that can be done, 2. keep it as a dead letter."""
    if ended is not None:
        try:
            await ended(event, error)
        except Exception as failed:
            if isinstance(failed, SupersededError) or is_infrastructure(failed):
                raise
            log.exception("end_not_told", **event_fields(event.message))
    await runtime.publisher.send([runtime.dead_letter(event.message, error)])


def _place(message: Message) -> tuple[str, int, int]:
    return message.topic, message.partition, message.offset


def _key(topic: str, partition: int, offset: int) -> str:
    return TRIES.key(topic, f"{partition}-{offset}")
