"""Keeps the points of the partitions that this worker has: reads the topic `metrics`, in a thread of its own.

How far the log is in the store stands in the store itself, so nothing is committed to Kafka, and whatever was read and
not written is read again. A partition is current once the store has what the log had when the partition came.
"""

import asyncio
import threading
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import structlog

from connectors.kafka.admin import topic_id
from connectors.kafka.batch_reader import BatchReader
from connectors.kafka.publisher import Record
from connectors.point_store.reading import PointReader
from connectors.point_store.store import PointStore, folder_of_log, wipe
from streams.codes.workloads import WorkloadsCode
from streams.errors import UnavailableError
from streams.rows.recovery import is_ready
from streams.runtime import StateRuntime
from streams.workloads.audience import Audience
from streams.workloads.groups import group_of
from streams.workloads.intake import Consumed, Intake

__all__ = ["PartitionPlace", "PointKeeper"]

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 10_000  # records: some 25 ms of work, in which others get their turn every millisecond
_LONGEST_WAIT_S: Final = 0.1  # for records; also until a change of the partitions is seen
_MORE_S: Final = 0.005  # for what comes with the first record
_MORE_BEHIND_S: Final = 0.05  # while nobody can read the points
_MANY, _MOST = 50, 2_000  # records that came together: more will follow, but not too many have come yet
_MANY_S: Final = (
    0.1  # for those: a thousand at once take half the time of a hundred, and of the processor's of all others
)
_LOOK_S: Final = 0.01  # between looks whether somebody waits
_FOLLOW_S: Final = 0.1  # between looks at which partitions this worker has
_PAUSES_S: Final = (0.5, 2.0, 5.0, 15.0)  # after an error, the last one again and again
_SENT_S: Final = 60.0  # in which the broker must have taken what cannot be kept
_LETTERS: Final = 500  # dead letters that are sent at once
_TIDYING_S: Final = 3600.0  # between looks for workloads that the log has nothing of any more


class PartitionPlace(NamedTuple):
    """How far the store is with a partition."""

    partition: int
    place: int
    end: int
    current: bool


@dataclass
class _Held:
    """A partition that this worker has; `target` is the end that its log had when it came."""

    place: int
    target: int


class PointKeeper:
    """Made with the process; connects when it gets its first partitions."""

    def __init__(self, runtime: StateRuntime, folder: Path) -> None:
        self._runtime = runtime
        self._folder = folder
        self._wanted: frozenset[int] = frozenset()
        self._held: dict[int, _Held] = {}
        self._store: PointStore | None = None
        self._wiping = False
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()  # while a reader is made, the store is not closed
        self.audience = Audience()
        self._tidied = -_TIDYING_S
        self.kept = 0
        self.refused = 0
        self.forgotten = 0

    async def follow(self) -> None:
        """Have the partitions that this worker has of the state's topics, as long as it lasts."""
        app = self._runtime.app
        while True:
            if is_ready(app):
                self.hold({tp.partition for tp in app.consumer.assignment()})
            await asyncio.sleep(_FOLLOW_S)

    def hold(self, partitions: Collection[int]) -> None:
        """Keep these partitions and no others from now on; to be called in the event loop."""
        self._wanted = frozenset(partitions)
        if self._thread is None and self._wanted:
            loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._work, args=(loop,), name="keep-points", daemon=True)
            self._thread.start()

    async def close(self) -> None:
        """End the thread, and let another process open the store."""
        self._end.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, _SENT_S)

    def rebuild(self) -> None:
        """Forget everything and read the topic again from its beginning."""
        self._wiping = True
        self._held = {}

    def is_rebuilding(self) -> bool:
        """Whether that was asked for and has not begun."""
        return self._wiping

    @property
    def places(self) -> Sequence[PartitionPlace]:
        """How far each partition is."""
        held = dict(self._held)
        found = [PartitionPlace(p, it.place, max(it.target, it.place), it.place >= it.target) for p, it in held.items()]
        missing = [PartitionPlace(partition, 0, 0, False) for partition in self._wanted - held.keys()]
        return sorted(found + missing)

    @property
    def current(self) -> frozenset[int]:
        """The partitions whose points can be read."""
        return frozenset(place.partition for place in self.places if place.current)

    def reader(self, partition: int | None = None) -> PointReader:
        """The points as they are now; UnavailableError while the partition, or any of them, is not current (M-072)."""
        with self._lock:
            current = self.current
            ready = current and current >= self._wanted if partition is None else partition in current
            if self._store is None or not ready or self._wiping:
                behind = sum(place.end - place.place for place in self.places)
                raise UnavailableError(
                    WorkloadsCode.CATCHING_UP, f"the points are being read from the log, {behind} to go: ask again soon"
                )
            return self._store.reader()

    async def reached(self, partition: int, offset: int, within_s: float) -> bool:
        """Whether the store has got as far as the offset, in time."""

        def has() -> bool:
            held = self._held.get(partition)
            return held is not None and held.place > offset

        return await self.audience.reached(partition, offset, within_s, has)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """The thread: until the end, whatever fails in between."""
        failures = 0
        while not self._end.is_set():
            began = time.monotonic()
            try:
                self._keep(loop)
            except Exception:  # the edge of the thread: the broker, the disk, or a mistake of ours
                failures = 0 if time.monotonic() - began > _SENT_S else failures + 1
                log.exception("points_not_kept", again_in_s=_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])
                self._end.wait(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])
        with self._lock, suppress(Exception):
            if self._store is not None:
                self._store.close()

    def _keep(self, loop: asyncio.AbstractEventLoop) -> None:
        runtime = self._runtime
        self._held = {}
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None
            folder = folder_of_log(self._folder, topic_id(runtime.bootstrap, runtime.topics.metrics))
            if self._wiping:
                wipe(folder)
                self._wiping = False
            self._store = PointStore(folder, most_series=runtime.settings.max_workload_metrics, group_of=group_of)
        intake = Intake(self._store, runtime.codec, runtime.topics.partitions)
        reader = BatchReader(
            runtime.bootstrap, runtime.topics.metrics, max_message_bytes=runtime.settings.max_message_bytes
        )
        try:
            while not self._end.is_set() and not self._wiping:
                self._hold_wanted(reader, self._store)
                records = self._read(reader)
                if records:
                    self._take(intake, records, loop)
                self._tidy(intake, reader)
        finally:
            reader.close()

    def _read(self, reader: BatchReader) -> list[Any]:
        """What has come; of many that come one after the other as many as come in a while, if nobody waits for any."""
        records = reader.read(_AT_ONCE, _LONGEST_WAIT_S, _MORE_BEHIND_S if self._is_behind else _MORE_S)
        if self._is_behind or not _MANY <= len(records) <= _MOST:
            return records
        end = time.monotonic() + _MANY_S
        while time.monotonic() < end and not (self.audience or self._wiping or self._end.wait(_LOOK_S)):
            pass
        return records + reader.read(_AT_ONCE - len(records), 0.0, 0.0)

    def _hold_wanted(self, reader: BatchReader, store: PointStore) -> None:
        """Begin with partitions that have come, where the store is with them, and leave those that have gone."""
        wanted = self._wanted
        if wanted == self._held.keys():
            return
        held = {partition: it for partition, it in self._held.items() if partition in wanted}
        for partition in wanted - held.keys():
            low, high = reader.bounds(partition)
            place = store.place(partition)
            if place is not None and place > high:
                self._wiping = True  # the log is shorter than what is kept of it: it is another log
                log.warning("points_of_another_log", partition=partition, place=place, end=high)
                return
            held[partition] = _Held(max(low, place or 0), high)
        reader.read_from({partition: it.place for partition, it in held.items()})
        self._held = held
        if wanted:
            log.info(
                "keeping points",
                partitions=sorted(wanted),
                to_read=sum(max(0, it.target - it.place) for it in held.values()),
            )

    def _take(self, intake: Intake, records: Sequence[Any], loop: asyncio.AbstractEventLoop) -> None:
        """1. What cannot be kept goes to the broker, 2. the rest and the places to the store, 3. who waits is told."""
        batch = intake.prepare(records)
        moved = [
            it for index in batch.elsewhere if (it := self._runtime.moved(Consumed.of(records[index]))) is not None
        ]
        letters = [self._runtime.dead_letter(Consumed.of(records[index]), error) for index, error in batch.refused]
        self._send([*moved, *letters])
        taken = intake.write(batch)
        self.kept += taken.points
        self.refused += len(letters)
        for partition, place in taken.places.items():
            held = self._held.get(partition)
            if held is not None:
                held.place = place
        if self.audience:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self.audience.tell, taken.places, taken.uids)

    @property
    def _is_behind(self) -> bool:
        """Whether points are being read that were in the log when a partition came."""
        return any(it.place < it.target for it in self._held.values())

    def _tidy(self, intake: Intake, reader: BatchReader) -> None:
        """Forget workloads of which the log has nothing any more, once an hour: a rebuild would not find them either.

        Not before the log is read, for it may have something newer of them.
        """
        now = time.monotonic()
        if now - self._tidied < _TIDYING_S or self.current != self._wanted:
            return
        self._tidied = now
        count = intake.forget_silent(reader.begins(range(self._runtime.topics.partitions)))
        if count:
            self.forgotten += count
            log.info("silent_workloads_forgotten", workloads=count)

    def _send(self, records: Sequence[Record]) -> None:
        for first in range(0, len(records), _LETTERS):
            self._runtime.publisher.enqueue(records[first : first + _LETTERS]).result(_SENT_S)
