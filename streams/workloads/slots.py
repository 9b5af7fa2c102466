"""The series that points come for, numbered, so that points of one that is known cost a look-up and no more."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from connectors.point_store.store import KeptWorkload, PointStore, TooManySeriesError
from schemas.coding.wire import decode_text, encode_long
from streams.access.names import shown
from streams.codes.workloads import WorkloadsCode
from streams.errors import Code, InvalidError
from streams.workloads.points import check_point, check_uid

__all__ = ["NOBODY", "Seen", "Slots"]

NOBODY: Final = -1

Seen = tuple[int, bytes | None, bytes, bytes]
"""Partition and key of a record, and its bytes of workload and metric, and of the source."""


class _Numbers:
    """Whole numbers, appended one by one and looked up many at a time.

    Made anew from a list for each batch they would cost as much as there are series, however small the batch is.
    """

    def __init__(self) -> None:
        self._kept = np.zeros(1024, np.int64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, number: int) -> None:
        if self._count == len(self._kept):
            self._kept = np.concatenate([self._kept, np.zeros_like(self._kept)])
        self._kept[self._count] = number
        self._count += 1

    def at(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those at some places; whatever there is where a place is no one's."""
        return self._kept[places]


class Slots:
    """A slot is the number of a series of a workload; in memory until `let_go`."""

    def __init__(self, store: PointStore, home: Callable[[bytes], int]) -> None:
        """`home` says to which partition records of a key belong."""
        self._store = store
        self._home = home
        self._begin()

    def _begin(self) -> None:
        self._slots: dict[Seen, int] = {}  # what records of one series have in common → its slot
        self._owners, self._series = _Numbers(), _Numbers()  # of each slot: its workload, and its series within that
        self._workloads: list[KeptWorkload] = []
        self._ordinals: dict[tuple[int, bytes], int] = {}  # partition and key → the place of the workload in the list

    def __len__(self) -> int:
        return len(self._owners)

    def let_go(self) -> None:
        """Have none in memory any more, and no workload; slots given before must not be used again."""
        self._begin()
        self._store.let_go()

    def owners(self, slots: NDArray[np.int64]) -> tuple[list[KeptWorkload], NDArray[np.int64]]:
        """The workloads that these slots are of, and the place among them for each slot."""
        present, places = np.unique(self._owners.at(slots), return_inverse=True)
        return [self._workloads[number] for number in present.tolist()], places

    def by_names(self, key: bytes | None, uid: str, metric: str, source: str, partition: int, heard_at: int) -> int:
        """The number of a series of a workload; InvalidError, WrongPointError or TooManySeriesError."""
        check_uid(shown(uid))
        if key != uid.encode():
            raise InvalidError(Code.WRONG_KEY, f"the record's key must be the workload_uid, {uid}")
        _check_names(metric, source)
        return self._slot(self._ordinal(key, uid, partition, heard_at), metric, source)

    def by_bytes(self, key: bytes, head: bytes, tail: bytes, partition: int, heard_at: int) -> int:
        """The number of a series, as `by_names` gives it, by the bytes of its names: quicker.

        `NOBODY` where it is not the workload that the key says, or not its partition; and the errors of `by_names`.
        """
        written = encode_long(len(key)) + key
        if not head.startswith(written):
            return NOBODY
        names = _names(head[len(written) :], tail)
        ordinal = self._ordinals.get((partition, key))
        if ordinal is None:
            if self._home(key) != partition:
                return NOBODY
            uid = str(key, "utf-8")
            check_uid(shown(uid))
            ordinal = self._ordinal(key, uid, partition, heard_at)
        return self._slot(ordinal, *names)

    def _ordinal(self, key: bytes, uid: str, partition: int, heard_at: int) -> int:
        ordinal = self._ordinals.get((partition, key))
        if ordinal is None:
            ordinal = self._ordinals[partition, key] = len(self._workloads)
            self._workloads.append(self._store.workload(uid, partition, heard_at))
        return ordinal

    def _slot(self, ordinal: int, metric: str, source: str) -> int:
        try:
            series = self._store.series_of(self._workloads[ordinal], metric, source)
        except TooManySeriesError as error:
            raise InvalidError(WorkloadsCode.TOO_MANY_METRICS, str(error)) from None
        self._owners.append(ordinal)
        self._series.append(series)
        return len(self._owners) - 1

    def known(self, seen: Sequence[Seen]) -> NDArray[np.int64]:
        """The slot of each record, `NOBODY` where none like it was seen before."""
        slots = self._slots
        return np.array([slots.get(each, NOBODY) for each in seen], np.int64)

    def known_one(self, seen: Seen) -> int:
        """The slot of one record."""
        return self._slots.get(seen, NOBODY)

    def remember(self, seen: Seen, slot: int) -> None:
        """Let records like this one find their series at once."""
        self._slots[seen] = slot

    def series_at(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """The series of each of these slots within its workload; any number for `NOBODY`."""
        return self._series.at(slots)


@lru_cache(4096)
def _check_names(metric: str, source: str) -> None:
    check_point(metric, None, 0, 0, source)


@lru_cache(4096)
def _names(metric: bytes, source: bytes) -> tuple[str, str]:
    """What these bytes say, checked: the metric and the source."""
    names = decode_text(metric, 0)[0], decode_text(source, 0)[0]
    _check_names(*names)
    return names
