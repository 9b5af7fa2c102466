"""Which message a process has in hand, in a file that outlives it: so a message that kills processes is found out.

A handler that raises is counted where it raises (`streams.engine.tries`). One that ends the process (a segmentation
fault, a kill for want of memory) leaves only this: where exactly one message was in hand, the next start counts a try
against it, and after the third it is condemned. Where several were, nobody knows which it was; after two such deaths in
a row, each soon after its start, the third process takes one message at a time until it has lived long enough.

Writing costs a microsecond: the file is mapped into memory, and the system keeps it whatever ends the process.
"""

import asyncio
import json
import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import structlog

from streams.messages import Event
from streams.topics import Topics

if TYPE_CHECKING:
    from streams.runtime import TrainerRuntime
    from streams.settings import Settings

__all__ = ["Hands", "take_up"]

log = structlog.get_logger(__name__)

_SIZE: Final = 1024
_PLACE: Final = ("topic", "partition", "offset", "timestamp")
_LONG_S: Final = 5.0  # what is in hand for longer is waiting for others: another process, the broker
_HEALTHY_S: Final = 10.0  # who lives so long is not in a row of deaths
_CAREFUL_AFTER: Final = 2  # deaths in a row
_KILLS: Final = "the worker that handled it ended at once, three times"


class Hands:
    """The messages in hand of one process. To be used from its event loop; `open` may block for a moment."""

    def __init__(self, path: Path, left_out: Sequence[str] = ()) -> None:
        """`left_out` are topics whose messages are in hand for hours and whose work other processes do."""
        self._path = path
        self._left_out = frozenset(left_out)
        self._file: mmap.mmap | None = None
        self._held: dict[object, tuple[Sequence[Any], asyncio.TimerHandle]] = {}
        self._written: tuple[object, ...] = ()
        self._emptied = asyncio.Event()
        self._deaths = 0
        #: Whether one message is to be taken at a time.
        self.careful = False

    @classmethod
    def of(cls, settings: "Settings", role: str) -> "Hands":
        """Those of a worker."""
        left_out = [topic.name for topic in Topics(settings).all if topic.declared.long]
        return cls(settings.home / "hands" / f"{role}-{settings.worker_id}.json", left_out)

    def open(self) -> dict[str, Any] | None:
        """Begin; the message that the process before had in hand alone when it died, if any."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            before = json.loads(self._path.read_bytes().rstrip(b"\0") or b"{}")
        except (OSError, ValueError):  # there was none, or it was torn
            before = {}
        with self._path.open("wb+") as file:
            file.truncate(_SIZE)
            self._file = mmap.mmap(file.fileno(), _SIZE)
        self._deaths = before.get("deaths", 0) + 1 if before.get("held") else 0
        self.careful = self._deaths >= _CAREFUL_AFTER
        self._write()
        if self.careful:
            log.warning("one_message_at_a_time", deaths=self._deaths)
        alone = before.get("alone")
        return alone if isinstance(alone, dict) else None

    def healthy(self) -> None:
        """The process has lived long enough: the row of deaths has ended."""
        self._deaths, self.careful = 0, False
        self._write()
        self._emptied.set()

    def close(self) -> None:
        """Leave nothing: the process ends in order."""
        self._held.clear()
        self._write()
        if self._file is not None:
            self._file.close()
            self._file = None

    async def empty(self) -> None:
        """Wait until nothing is in hand."""
        while self._held and self.careful:
            self._emptied.clear()
            await self._emptied.wait()

    def took(self, batch: object, events: Sequence[Event]) -> None:
        """Some messages are being handled from now on."""
        if self._file is None or events[0].message.topic in self._left_out:
            return
        self._held[batch] = events, asyncio.get_running_loop().call_later(_LONG_S, self.put_down, batch)
        self._write()

    def put_down(self, batch: object) -> None:
        """They are done, or are waited for only."""
        held = self._held.pop(batch, None)
        if held is not None:
            held[1].cancel()
            self._write()
            if not self._held:
                self._emptied.set()

    def _write(self) -> None:
        alone: tuple[str, int, int, float] | None = None
        if len(self._held) == 1:
            ((events, _),) = self._held.values()
            if len(events) == 1:
                message = events[0].message
                alone = message.topic, message.partition, message.offset, message.timestamp
        state = self._deaths, bool(self._held), alone
        if self._file is not None and state != self._written:
            self._written = state
            named = None if alone is None else dict(zip(_PLACE, alone, strict=True))
            content = {"deaths": self._deaths, "held": state[1], "alone": named}
            self._file[:] = json.dumps(content).encode().ljust(_SIZE, b"\0")


class _Found:
    """As much of a message as `Tries.count` needs."""

    def __init__(self, topic: str, partition: int, offset: int, timestamp: float) -> None:
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp


async def take_up(runtime: "TrainerRuntime", hands: Hands) -> None:
    """Count a try against what the process before had in hand alone, and condemn what has had its tries."""
    found = await asyncio.to_thread(hands.open)
    asyncio.get_running_loop().call_later(_HEALTHY_S, hands.healthy)
    tries = runtime.tries
    if found is not None:
        message = _Found(**found)
        number = await asyncio.to_thread(tries.count, cast("Any", message), _KILLS)
        log.error("worker_died_with_message", **found, tries=number)
    for place, at in (await asyncio.to_thread(tries.given_up, _KILLS)).items():
        tries.condemned[place] = at, _KILLS
