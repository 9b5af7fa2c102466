"""A state worker whose points are kept as they are published, without a broker."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.kafka.publisher import partition_for
from connectors.point_store.store import PointStore
from streams.settings import Settings
from streams.views.application import create_http
from streams.views.web import forwarding
from streams.workers import apps
from streams.workloads.groups import group_of
from streams.workloads.intake import Intake
from streams.workloads.keeper import _Held
from streams.workloads.state import WorkloadsState
from tests.agents.bench import FakePublisher, Worker
from tests.unit.streams.workloads.workloads_samples import Told


class Keeping:
    """The worker, its HTTP client, and a log of `metrics` that is taken in when it is told to be."""

    def __init__(self, state: Worker, folder: Path) -> None:
        self.state = state
        self.part = WorkloadsState.of(state.runtime)
        self.keeper = self.part.keeper
        self.store = PointStore(folder, most_series=state.runtime.settings.max_workload_metrics, group_of=group_of)
        self._intake = Intake(self.store, state.runtime.codec, state.runtime.topics.partitions)
        self._ends = dict.fromkeys(range(state.runtime.topics.partitions), 0)
        self._taken = 0
        self.keeper._store = self.store
        self.keeper._wanted = frozenset(self._ends)
        self.keeper._held = {partition: _Held(0, 0) for partition in self._ends}

    def keep(self) -> None:
        """Take in what was published since the last time."""
        records = [it for it in self.state.publisher.log if it.topic == self.state.runtime.topics.metrics]
        told = []
        for record in records[self._taken :]:
            partition = partition_for(record.key or b"", len(self._ends))
            told.append(Told(record.key, record.value, self._ends[partition], partition))
            self._ends[partition] += 1
        self._taken = len(records)
        if told:
            taken = self._intake.write(self._intake.prepare(told))
            for partition, place in taken.places.items():
                self.keeper._held[partition].place = place
            self.keeper.audience.tell(taken.places, taken.uids)


@pytest.fixture
async def keeping(
    settings: Settings, publisher: FakePublisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Keeping]:
    """The worker, ready."""
    monkeypatch.setattr(forwarding, "is_ready", lambda _: True)
    monkeypatch.setattr(forwarding, "owner_elsewhere", lambda *_: None)
    monkeypatch.setattr(forwarding, "other_workers", lambda _: [])
    it = Keeping(Worker(apps.create_state(settings, "127.0.0.1:1"), publisher), tmp_path / "points")
    yield it
    it.store.close()


@pytest.fixture
async def http(keeping: Keeping) -> AsyncIterator[httpx.AsyncClient]:
    """Its client."""
    app: Any = create_http(keeping.state.runtime)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client
