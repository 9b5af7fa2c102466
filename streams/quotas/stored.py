"""Data sets and bytes of each project in the object store, looked at now and then, and told of what is added between.

Every worker writes there, and trainers do, so no table counts it. A look lists the files; of a data set that was seen
before nothing is read again.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from connectors.datasets import manifests
from connectors.objects.layout import DATASETS, OUTPUTS, PROJECTS, UPLOADS, named
from connectors.objects.store import ObjectStore
from streams.rows.tally import Amounts

__all__ = ["StoredThings"]

_FRESH_S: Final = 10.0
"""So long a look is good for; what other workers and trainers store meanwhile is not counted."""
_MOST_ADDED: Final = 10_000


class _Added(NamedTuple):
    at: float
    project: str
    amounts: Amounts


class StoredThings:
    """Counts by project: `datasets` and `stored_bytes`."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._project_of: dict[int, str] = {}
        self._found: Mapping[str, Counter[str]] = {}
        self._added: list[_Added] = []
        self._looked = float("-inf")
        self._looking = asyncio.Lock()

    async def of(self, project: str, *, within_s: float = _FRESH_S) -> Counter[str]:
        """What a project has by a look that is not older, and what this worker has added since."""
        async with self._looking:
            if time.monotonic() - self._looked > within_s:
                begun = time.monotonic()
                self._found = await asyncio.to_thread(self._look)
                self._looked = begun
                self._added = [one for one in self._added if one.at >= begun]
        total = Counter(self._found.get(project, {}))
        for one in self._added:
            if one.project == project:
                total.update(one.amounts)
        return total

    def added(self, project: str, amounts: Amounts) -> None:
        """Something was stored, or removed where amounts are below zero."""
        if len(self._added) >= _MOST_ADDED:
            self._looked = float("-inf")
        if self._looked == float("-inf"):  # the next look will see it
            self._added.clear()
        else:
            self._added.append(_Added(time.monotonic(), project, amounts))

    def _look(self) -> Mapping[str, Counter[str]]:
        """Blocks."""
        found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        sizes: Counter[int] = Counter()
        there = set()
        for key, size in self._store.sizes(DATASETS.name):
            _, data_id, name = (*key.split("/", 2), "", "")[:3]
            if data_id.isdigit():
                sizes[int(data_id)] += size
                if name == manifests.MANIFEST:
                    there.add(int(data_id))
        for known in there:
            project = self._whose(known)
            if project is not None:
                found[project].update({"datasets": 1, "stored_bytes": sizes[known]})
        for gone in self._project_of.keys() - there:
            del self._project_of[gone]
        for folder in (UPLOADS.name, OUTPUTS.name, PROJECTS.name):
            for key, size in self._store.sizes(folder):
                found[named(key)[0]]["stored_bytes"] += size
        return found

    def _whose(self, data_id: int) -> str | None:
        known = self._project_of.get(data_id)
        if known is None:
            with suppress(manifests.UnknownDatasetError):
                known = self._project_of[data_id] = manifests.load(self._store, data_id).project
        return known
