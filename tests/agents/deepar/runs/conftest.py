"""A trainer whose pool does what the test says."""

import pytest

from agents.training import runs as training_runs
from tests.agents.bench import Worker
from tests.agents.deepar.runs.samples import FakePool


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> FakePool:
    """The pool of whatever trainer the test makes."""
    pool = FakePool()
    monkeypatch.setattr(training_runs, "TrainingPool", lambda *_: pool)
    return pool


@pytest.fixture
async def worker(trainer: Worker, pool: FakePool) -> Worker:
    """A trainer, and the file of which it hears."""
    for name in ("sales.jsonl", "sales.jsonl.gz"):
        trainer.runtime.store.put_bytes(f"uploads/{name}", b"")
    return trainer
