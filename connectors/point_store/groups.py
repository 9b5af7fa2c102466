"""Workloads by groups: the newest of each, and how many there are, at the cost of those that are asked for."""

from collections.abc import Callable
from typing import Any, Final

from rocksdict import Rdict, WriteBatch

from connectors.point_store import keys
from connectors.point_store.reading import StoredWorkload

__all__ = ["Groups", "group_by_age"]

_AT_ONCE: Final = 10_000  # keys of an earlier release in one write


class Groups:
    """What one write changes of them: entries and counts are written together with all the rest, or not at all."""

    def __init__(self, db: Rdict, batch: WriteBatch, group_of: Callable[[str], str]) -> None:
        self._db = db
        self._batch = batch
        self._group_of = group_of
        self._more: dict[bytes, int] = {}

    def add(self, workload: StoredWorkload) -> None:
        """One that was not there before."""
        group = self._group_of(workload.uid)
        key = keys.group_key(group, workload.created, workload.uid.encode())
        self._batch.put(key, keys.packed_partition(workload.partition))
        self._count(workload.partition, group, 1)

    def remove(self, workload: StoredWorkload) -> None:
        """One that was there."""
        group = self._group_of(workload.uid)
        self._batch.delete(keys.group_key(group, workload.created, workload.uid.encode()))
        self._count(workload.partition, group, -1)

    def put_counts(self) -> None:
        """To be called once, at the end."""
        for key, more in self._more.items():
            found: bytes | None = self._db.get(key)
            self._batch.put(key, (int.from_bytes(found or b"", "big") + more).to_bytes(8, "big"))

    def _count(self, partition: int, group: str, more: int) -> None:
        key = keys.count_key(partition, group)
        self._more[key] = self._more.get(key, 0) + more


def group_by_age(db: Rdict, group_of: Callable[[str], str]) -> None:
    """Put the workloads of an earlier release, which were in one line by age, into their groups; once."""
    at: Any = db.iter()
    while True:
        at.seek(keys.AGE)
        batch, left = WriteBatch(raw_mode=True), _AT_ONCE
        groups = Groups(db, batch, group_of)
        while left and at.valid() and (key := at.key()).startswith(keys.AGE):
            uid = keys.of_age(key)[1]
            row: bytes | None = db.get(keys.WORKLOAD + uid)
            if row is not None:
                groups.add(StoredWorkload.of_row(uid.decode(), row))
            batch.delete(key)
            left -= 1
            at.next()
        if left == _AT_ONCE:
            return
        groups.put_counts()
        db.write(batch)
        at = db.iter()
