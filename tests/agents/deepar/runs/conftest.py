"""A trainer whose pool does what the test says."""

import pytest

from tests.agents.bench import Worker
from tests.agents.deepar.runs.samples import FakePool, pool_of_trainers


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> FakePool:
    """The pool of whatever trainer the test makes."""
    return pool_of_trainers(monkeypatch)


@pytest.fixture
async def worker(trainer: Worker, pool: FakePool) -> Worker:
    """A trainer, and the file of which it hears."""
    for name in ("sales.jsonl", "sales.jsonl.gz"):
        trainer.runtime.store.put_bytes(f"uploads/{name}", b"")
    return trainer
