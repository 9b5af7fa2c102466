"""The service that removes notes of Idempotency-Keys while a state worker runs."""

import asyncio
from pathlib import Path

import pytest

from connectors.objects.store import ObjectStore
from streams.workers import note_sweep
from streams.workers.note_sweep import NoteSweep


async def test_old_notes_go_while_a_worker_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From all folders, one after the other, and those that are not old stay."""
    store = ObjectStore(str(tmp_path))
    for number in range(256):
        store.put_bytes(f"idempotency/{number:02x}/{number:02x}3e", b"{}")
    monkeypatch.setattr(note_sweep, "_EVERY_S", 0.0)
    young = NoteSweep(store, 1)
    await young.start()
    await asyncio.sleep(0.05)
    await young.stop()
    assert len(store.keys("idempotency")) == 256

    sweep = NoteSweep(store, -1)
    await sweep.start()
    async with asyncio.timeout(60):
        while store.keys("idempotency"):
            await asyncio.sleep(0.01)
    await sweep.stop()
