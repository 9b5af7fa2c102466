"""The two workers that the agents live in, without a broker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.objects.layout import FOLDERS
from streams.rows import lost_commands
from streams.settings import Settings
from streams.workers import apps
from tests.agents.bench import FakePublisher, Log, Worker


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> FakePublisher:
    """The publisher of whatever worker the test makes."""
    publisher = FakePublisher()
    monkeypatch.setattr(apps, "Publisher", lambda *_, **__: publisher)
    return publisher


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """An installation of its own, whose object store has no folders but those that are known."""
    yield Settings(home=tmp_path, max_message_bytes=1024 * 1024, max_next_k_prediction=50, max_elements=20)
    objects = tmp_path / "objects"
    assert {one.name for one in (objects.iterdir() if objects.is_dir() else ())} <= {one.name for one in FOLDERS}


@pytest.fixture
async def state(settings: Settings, publisher: FakePublisher) -> Worker:
    """A state worker."""
    return Worker(apps.create_state(settings, "127.0.0.1:1"), publisher)


@pytest.fixture
async def trainer(settings: Settings, publisher: FakePublisher) -> Worker:
    """A trainer."""
    return Worker(apps.create_trainer(settings, "127.0.0.1:1"), publisher)


@pytest.fixture
def log(state: Worker, monkeypatch: pytest.MonkeyPatch) -> Log:
    """A log that nothing is gone from, of which all answers have been read."""
    made = Log(state.runtime.topics)
    monkeypatch.setattr(
        lost_commands, "owned_offsets", lambda app, _: (app.consumer_generation_id, dict.fromkeys(range(4), made.read))
    )
    return made
