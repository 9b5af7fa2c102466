"""Who waits for points to be kept, and who follows workloads; all of them in the event loop."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager

__all__ = ["Audience"]


class Audience:
    """True where there is anybody, which other threads may ask: the thread that keeps points tells nobody otherwise."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, int, asyncio.Future[None]]] = deque()
        self._listeners: dict[str, set[asyncio.Event]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting or self._listeners)

    async def reached(self, partition: int, offset: int, within_s: float, has: Callable[[], bool]) -> bool:
        """Whether the partition's points are kept up to the offset, in time; `has` says whether they are already."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append((partition, offset, waiting))  # first, as nobody is told where nobody waits
        if has():
            self._waiting.remove((partition, offset, waiting))
            return True
        try:
            async with asyncio.timeout(within_s):
                await waiting
        except TimeoutError:
            return False
        return True

    @contextmanager
    def listening(self, uid: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever something of the workload was kept."""
        event = asyncio.Event()
        self._listeners.setdefault(uid, set()).add(event)
        try:
            yield event
        finally:
            self._listeners[uid].discard(event)
            if not self._listeners[uid]:
                del self._listeners[uid]

    def tell(self, places: Mapping[int, int], uids: Collection[str]) -> None:
        """Points of these workloads were kept; before which offset those of each partition are now."""
        for uid in self._listeners.keys() & set(uids) if self._listeners else ():
            for event in self._listeners[uid]:
                event.set()
        for _ in range(len(self._waiting)):
            partition, offset, waiting = self._waiting.popleft()
            if waiting.done():
                continue
            if places.get(partition, -1) > offset:
                waiting.set_result(None)
            else:
                self._waiting.append((partition, offset, waiting))
