"""What a consumer keeps of a partition: its open offsets, and the fetched records on their way to agents."""

from collections import deque
from collections.abc import Sequence
from typing import Any

from streams.messages import Event

__all__ = ["Lane", "Offsets", "put_all"]

_CHUNK = 100  # messages of a partition delivered before others get a turn: about 3 ms of the event loop


class Offsets:
    """The offsets of one partition that were delivered, in order, and are not yet known to be done."""

    __slots__ = ("committable", "outstanding")

    def __init__(self) -> None:
        self.committable: int | None = None
        self.outstanding: deque[int] = deque()

    def advance(self, acked: set[int]) -> int | None:
        """Move over what is acknowledged up to the first offset that is not; holes in the log cost nothing."""
        outstanding = self.outstanding
        while outstanding and outstanding[0] in acked:
            offset = outstanding.popleft()
            acked.discard(offset)
            self.committable = offset + 1
        if not outstanding:
            acked.clear()  # left-overs from an assignment that has ended
        return self.committable


class Lane:
    """Fetched records of one partition on their way to the queues of its agents."""

    __slots__ = ("offsets", "queues", "raw", "records")

    def __init__(self, records: Sequence[Any], queues: Sequence[Any], *, raw: bool, offsets: Offsets | None) -> None:
        self.records = deque(records)
        self.queues = queues
        self.raw = raw
        self.offsets = offsets

    def ready(self) -> int:
        """How many records can be delivered now without waiting."""
        room = min((queue.maxsize - queue.qsize() for queue in self.queues if queue.maxsize), default=_CHUNK)
        return min(room, len(self.records), _CHUNK)


def put_all(queue: Any, events: Sequence[Event]) -> None:
    """What `queue.force_put_nowait` does, for many."""
    queue._queue.extend(events)
    queue._unfinished_tasks += len(events)
    queue._finished.clear()
    for _ in range(min(len(events), len(queue._getters))):
        queue._wakeup_next(queue._getters)
