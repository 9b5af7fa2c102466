"""What each project uses in the rows of all state workers, as a log that all of them read in one order.

A worker appends how much its partition will have before it lets something be made, and reads its own record again: then
it knows all that was appended before, and of two workers that want the last place only one finds it free. All records
of a project are in one partition of the topic, so all workers read them in the same order.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import count
from typing import Any, Final

from schemas.access import ProjectUsage
from streams.rows.tally import Amounts

__all__ = ["Ledger"]

_WITHIN_S: Final = 30.0  # a record that does not come back by then: the broker is away, as for all else

Append = Callable[[ProjectUsage], "asyncio.Future[Any]"]


class Ledger:
    """The log as far as this worker has read it. To be used in one event loop."""

    def __init__(self, append: Append) -> None:
        self._append = append
        self._known: dict[str, dict[int, Amounts]] = {}
        self._awaited: dict[str, asyncio.Future[Mapping[int, Amounts]]] = {}
        self._writer, self._numbers = uuid.uuid4().hex, count()

    def read(self, records: Iterable[ProjectUsage]) -> None:
        """Take note of records in the order of the log."""
        for record in records:
            self._known.setdefault(record.project, {})[record.partition] = record.used
            awaited = self._awaited.pop(record.mark, None)
            if awaited is not None and not awaited.done():
                awaited.set_result(self.of(record.project))

    def of(self, project: str) -> Mapping[int, Amounts]:
        """By partition what the log says that a project uses."""
        return dict(self._known.get(project, {}))

    async def elsewhere(self, partition: int, project: str, used: Amounts, own: Collection[int]) -> Counter[str]:
        """What all but the partitions of this worker use, once all know what it is about to use in this one.

        TimeoutError where the log does not come back.
        """
        mark = f"{self._writer}-{next(self._numbers)}"
        back: asyncio.Future[Mapping[int, Amounts]] = asyncio.get_running_loop().create_future()
        self._awaited[mark] = back
        try:
            await self._append(ProjectUsage(partition, project, dict(used), mark))
            async with asyncio.timeout(_WITHIN_S):
                found = await back
        finally:
            self._awaited.pop(mark, None)
        total: Counter[str] = Counter()
        for other, amounts in found.items():
            if other not in own:
                total.update(amounts)
        return total

    def tell(self, partition: int, project: str, used: Amounts) -> None:
        """Append it, and wait for nothing: what is lost, `settle` appends again."""
        self._append(ProjectUsage(partition, project, dict(used))).add_done_callback(_seen)

    async def settle(self, now: Mapping[tuple[int, str], Amounts], own: Collection[int]) -> None:
        """Append what the log has not, or has otherwise, of this worker's partitions."""
        known = {
            (partition, project): used
            for project, of_project in self._known.items()
            for partition, used in of_project.items()
            if partition in own and used
        }
        changed = {place for place in known.keys() | now.keys() if known.get(place, {}) != now.get(place, {})}
        await asyncio.gather(
            *(self._append(ProjectUsage(*place, dict(now.get(place, {})))) for place in sorted(changed))
        )


def _seen(sent: "asyncio.Future[Any]") -> None:
    if not sent.cancelled():
        sent.exception()  # else the loop tells of an error that nobody has looked at
