"""How much each project has among a table's rows, by partition: kept as rows come and go, counted once.

Nothing is kept until somebody asks. Then the rows that there are get counted in short turns of the event loop, while
others come and go; what is asked between is right all the same, once `counted` has ended.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

__all__ = ["Amounts", "Measured", "Tally"]

_IN_ONE_TURN: Final = 50  # rows that are decoded: some milliseconds

Amounts = Mapping[str, int]
"""How much of each quota, by its name."""


class Measured(NamedTuple):
    """What a row counts for, and whose it is."""

    project: str
    amounts: Amounts


class Tally:
    """Of one table. `measure` says what a record counts for; None: for nothing."""

    def __init__(self, measure: Callable[[Any], Measured | None]) -> None:
        self._measure = measure
        self._rows: dict[bytes, tuple[int, Measured]] | None = None
        self._left: list[tuple[int, bytes]] = []  # partitions and keys of rows that have not been counted yet
        self._totals: dict[str, dict[int, Counter[str]]] = {}

    def put(self, partition: int, key: bytes, record: Any) -> None:
        """Take note of a row."""
        if self._rows is None:
            return
        self.delete(key)
        measured = self._measure(record)
        if measured is not None:
            self._rows[key] = partition, measured
            of_project = self._totals.setdefault(measured.project, {})
            of_project.setdefault(partition, Counter()).update(measured.amounts)

    def delete(self, key: bytes) -> None:
        """It is gone."""
        known = None if self._rows is None else self._rows.pop(key, None)
        if known is None:
            return
        partition, measured = known
        of_project = self._totals[measured.project]
        of_project[partition].subtract(measured.amounts)
        if not any(of_project[partition].values()):
            del of_project[partition]
        if not of_project:
            del self._totals[measured.project]

    def forget(self) -> None:
        """All rows were read anew."""
        self._rows, self._left = None, []
        self._totals.clear()

    async def counted(self, rows: Callable[[], Iterable[tuple[int, bytes]]], get: Callable[[bytes], Any]) -> None:
        """Have all rows counted, of which `rows` tells partitions and keys; again where they were read anew."""
        while not self.is_counted:
            if self._rows is None:
                self._rows, self._left = {}, list(rows())
            turn = list(islice(reversed(self._left), _IN_ONE_TURN))
            del self._left[len(self._left) - len(turn) :]
            for partition, key in turn:
                if key not in self._rows and (record := get(key)) is not None:
                    self.put(partition, key, record)
            if self._left:
                await asyncio.sleep(0)

    @property
    def is_counted(self) -> bool:
        """Whether nothing is left to be counted."""
        return self._rows is not None and not self._left

    @property
    def projects(self) -> Collection[str]:
        """Those that have anything."""
        return self._totals.keys()

    def of(self, project: str) -> Mapping[int, Amounts]:
        """By partition what a project has; where it has nothing is not among them."""
        return self._totals.get(project, {})
