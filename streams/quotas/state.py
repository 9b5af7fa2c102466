"""The quotas of a state worker: counts what projects have, and lets things be made where there is room.

Rows are counted in memory as they come and go. What they count for is told to the other workers by a log, so that a
limit is never passed, however many workers make things at once (`streams.quotas.ledger`). While somebody who was
refused for another reason still holds a place, which is for 0.2 s at most, another may be refused in vain.

Data sets and bytes are looked up in the object store: what other workers and trainers store within ten seconds may come
on top of a limit (`streams.quotas.stored`).
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from connectors.kafka.publisher import DeliveryError, Record, partition_for
from connectors.kafka.topic_follower import TopicFollower
from schemas.access import ProjectUsage
from schemas.coding.wire import UndecodableError
from streams.access.caller import DEFAULT_PROJECT
from streams.access.state import AccessState
from streams.checks import ID_LIMIT
from streams.engine.tenure import SupersededError
from streams.quotas.ledger import Ledger
from streams.quotas.limits import QUOTAS, SHARED, limit_of, over
from streams.quotas.stored import StoredThings
from streams.rows.ownership import other_workers
from streams.rows.recovery import is_ready
from streams.rows.tally import Amounts, Tally
from streams.runtime import Part, StateRuntime

__all__ = ["Quotas", "open_state"]

_SETTLE_S: Final = 0.2  # how soon the others know what has become less
_STORED: Final = ("datasets", "stored_bytes")
_AGAIN_S: Final = 1.0  # before something is refused, what others have removed is looked up, as often as that


class Quotas(Part):
    """Asked before anything is made that counts. To be used in one event loop."""

    def __init__(self, runtime: StateRuntime) -> None:
        self._runtime = runtime
        self._pending: dict[str, dict[int, Counter[str]]] = {}
        self._stored = StoredThings(runtime.store)
        self._storing: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._ledger = Ledger(self._append)
        self._follower: TopicFollower | None = None

    def limits_of(self, project: str) -> Mapping[str, int]:
        """The limits of a project by quota; 0: as much as it likes."""
        own = self.own_limits_of(project)
        return {quota: limit_of(quota, self._runtime.settings, own) for quota in QUOTAS}

    def own_limits_of(self, project: str) -> Mapping[str, int]:
        """Those that the project has of its own."""
        row = AccessState.of(self._runtime).directory.get("quotas", project)
        return {} if row is None else row.quotas

    def most(self, project_id: str, quota: str) -> int:
        """The limit of a project that an address names, as a number in any case."""
        project = "" if project_id == DEFAULT_PROJECT else project_id
        return limit_of(quota, self._runtime.settings, self.own_limits_of(project)) or ID_LIMIT

    @asynccontextmanager
    async def room(self, partition: int, project: str, **wanted: int) -> AsyncIterator[None]:
        """Have room for so much more of quotas among `SHARED`, whose rows are of this partition.

        The rows are to be written within the block, which ends in the same turn of the event loop; RejectedError 429,
        and SupersededError where the partition is another worker's by now.
        """
        limits = self._limited(project, wanted)
        if not limits:
            yield
            return
        await self._counted()
        held, pending = {quota: wanted[quota] for quota in limits}, self._pending.setdefault(project, {})
        pending.setdefault(partition, Counter()).update(held)
        try:
            await self._check_room(partition, project, wanted, limits)
            yield
        finally:
            pending[partition].subtract(held)
            if not any(any(amounts.values()) for amounts in pending.values()):
                self._pending.pop(project, None)

    @asynccontextmanager
    async def storage(self, project: str, **wanted: int) -> AsyncIterator[None]:
        """Have room for so many `datasets` and `stored_bytes` more; both count once the block has ended well."""
        limits = self._limited(project, wanted)
        held = Counter(wanted)
        try:
            self._storing[project].update(held)
            if limits:
                await self._check_storage(project, wanted, limits, self._storing[project] - held)
            yield
            self._stored.added(project, wanted)
        finally:
            self._storing[project].subtract(held)

    async def check_storage(self, project: str, **wanted: int) -> None:
        """RejectedError 429 where there is no room for so much more; nothing is held."""
        limits = self._limited(project, wanted)
        if limits:
            await self._check_storage(project, wanted, limits, self._storing[project])

    @asynccontextmanager
    async def upload(self, project: str, declared: int | None) -> AsyncIterator[Callable[[int], None]]:
        """Have room for a file of so many bytes; what it yields is told how many have come, and refuses too many.

        They count once the block has ended well.
        """
        wanted, storing, held = {"stored_bytes": declared or 1}, self._storing[project], 0
        limits = self._limited(project, wanted)
        limit = limits.get("stored_bytes", 0)
        used = (await self._stored_beside(project, wanted, limits, storing))["stored_bytes"] if limit else 0

        def come(size: int) -> None:
            nonlocal held
            more = max(0, size - held)
            if limit and more and used + storing["stored_bytes"] + more > limit:
                raise over("stored_bytes", project, used=used, wanted=size, limit=limit)
            storing["stored_bytes"] += more
            held += more

        try:
            come(declared or 0)
            yield come
            self._stored.added(project, {"stored_bytes": held})
        finally:
            storing["stored_bytes"] -= held

    def removed(self, project: str, **amounts: int) -> None:
        """A data set, and its bytes, are gone."""
        self._stored.added(project, {quota: -amount for quota, amount in amounts.items()})

    async def used_here(self, project: str) -> Mapping[str, int]:
        """What the rows of this worker count for."""
        await self._counted()
        found: Counter[str] = Counter()
        for tally in self._tallies:
            for amounts in tally.of(project).values():
                found.update(amounts)
        return {quota: found[quota] for quota in QUOTAS if quota not in _STORED}

    async def stored(self, project: str) -> Mapping[str, int]:
        """Data sets and bytes, whoever has stored them, as of less than a second ago."""
        found = await self._stored.of(project, within_s=_AGAIN_S)
        return {quota: found[quota] for quota in _STORED}

    async def prepare(self) -> None:
        """Tell the others what has changed, where anything is limited; all along."""
        try:
            while True:
                await asyncio.sleep(_SETTLE_S)
                if not (self._anything_limited() and is_ready(self._runtime.app)):
                    continue
                self._follow()
                await self._counted()
                if is_ready(self._runtime.app):  # still: partitions may move while rows are counted
                    with suppress(DeliveryError):  # the broker is away: what it lacks is sent by the next turn
                        await self._ledger.settle(self._shared_now(), self._own())
        finally:
            if self._follower is not None:
                self._follower.close()

    def _limited(self, project: str, wanted: Mapping[str, int]) -> Mapping[str, int]:
        """The limits that there are for what is wanted."""
        own = self.own_limits_of(project)
        found = {quota: limit_of(quota, self._runtime.settings, own) for quota, more in wanted.items() if more > 0}
        return {quota: limit for quota, limit in found.items() if limit}

    def _anything_limited(self) -> bool:
        settings = self._runtime.settings
        rows = AccessState.of(self._runtime).directory.all("quotas")
        return any(getattr(settings, QUOTAS[quota].setting) for quota in SHARED) or any(row.quotas for row in rows)

    async def _check_room(
        self, partition: int, project: str, wanted: Mapping[str, int], limits: Mapping[str, int]
    ) -> None:
        now, used = self._shared_of(project), Counter[str]()
        for amounts in now.values():
            used.update(amounts)
        if other_workers(self._runtime.app):
            own = self._own()
            if partition not in own:  # a rebalance came between: its new owner tells the others of it
                raise SupersededError
            self._follow()
            used += await self._ledger.elsewhere(partition, project, now.get(partition, {}), own)
        else:  # nobody's record is to be waited for, but whoever joins in a moment must know
            self._ledger.tell(partition, project, now.get(partition, {}))
        used.subtract({quota: wanted[quota] for quota in limits})  # it is held, and so among them
        self._refuse_over(project, used, wanted, limits)

    async def _check_storage(
        self, project: str, wanted: Mapping[str, int], limits: Mapping[str, int], beside: Counter[str]
    ) -> None:
        """RejectedError 429 where it does not fit with what others store at the moment; looked up once more before."""
        used = await self._stored_beside(project, wanted, limits, beside)
        self._refuse_over(project, used + beside, wanted, limits)

    async def _stored_beside(
        self, project: str, wanted: Mapping[str, int], limits: Mapping[str, int], beside: Counter[str]
    ) -> Counter[str]:
        """What is stored: as of a moment ago where, by what was known, there is no room."""
        used = await self._stored.of(project)
        if any((used + beside)[quota] + wanted[quota] > limit for quota, limit in limits.items()):
            used = await self._stored.of(project, within_s=_AGAIN_S)
        return used

    def _refuse_over(
        self, project: str, used: Mapping[str, int], wanted: Mapping[str, int], limits: Mapping[str, int]
    ) -> None:
        for quota, limit in limits.items():
            if used[quota] + wanted[quota] > limit:
                raise over(quota, project, used=max(0, used[quota]), wanted=wanted[quota], limit=limit)

    async def _counted(self) -> None:
        """Until all is counted at one time: a rebalance lets tables forget what they have counted."""
        while not all(tally.is_counted for tally in self._tallies):
            for table in self._runtime.tables:
                await table.counted()

    @property
    def _tallies(self) -> list[Tally]:
        return [table.tally for table in self._runtime.tables if table.tally is not None]

    def _shared_of(self, project: str) -> Mapping[int, Amounts]:
        """What a project uses in this worker's partitions, with what is about to be made."""
        found: defaultdict[int, Counter[str]] = defaultdict(Counter)
        for tally in self._tallies:
            for partition, amounts in tally.of(project).items():
                found[partition].update(amounts)
        for partition, amounts in self._pending.get(project, {}).items():
            found[partition].update(amounts)
        shared = {
            partition: {quota: amounts[quota] for quota in SHARED if amounts[quota]}
            for partition, amounts in found.items()
        }
        return {partition: amounts for partition, amounts in shared.items() if amounts}

    def _shared_now(self) -> Mapping[tuple[int, str], Amounts]:
        """By partition and project, of this worker's partitions."""
        own = self._own()
        projects = {project for tally in self._tallies for project in tally.projects} | self._pending.keys()
        return {
            (partition, project): amounts
            for project in projects
            for partition, amounts in self._shared_of(project).items()
            if partition in own
        }

    def _own(self) -> Collection[int]:
        """The partitions that this worker has."""
        runtime = self._runtime
        topic = runtime.topics.access_commands
        return {tp.partition for tp in runtime.app.consumer.assignment() if tp.topic == topic}

    def _append(self, record: ProjectUsage) -> "asyncio.Future[Any]":
        topics = self._runtime.topics
        place = partition_for(record.project.encode(), topics.partitions)
        key = f"{record.partition}/{record.project}".encode()
        value = self._runtime.codec.encode(record)
        return self._runtime.publisher.send_nowait([Record(topics.project_usage, key, value, partition=place)])

    def _follow(self) -> None:
        """Read what the workers tell one another, from the beginning."""
        if self._follower is not None:
            return
        runtime, loop = self._runtime, asyncio.get_running_loop()

        def read(records: Sequence[tuple[bytes | None, bytes | None]]) -> None:
            found = []
            for _, value in records:
                try:
                    record = runtime.codec.decode(value) if value else None
                except UndecodableError:
                    continue
                if isinstance(record, ProjectUsage):
                    found.append(record)
            try:
                loop.call_soon_threadsafe(self._ledger.read, found)
            except RuntimeError:  # the loop has ended
                return

        topic, partitions = runtime.topics.project_usage, runtime.topics.partitions
        self._follower = TopicFollower(runtime.bootstrap, topic, partitions, read)
        self._follower.start()


def open_state(runtime: StateRuntime) -> Part:
    """The state's part."""
    return Quotas(runtime)
