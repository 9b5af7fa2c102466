"""What standing jobs cost while nothing changes: a look of the watch over 100,000 elements, without a broker."""

import asyncio
import gc
import os
import tempfile
import time
from pathlib import Path
from unittest import mock

from agents.forecasting import refresh_watch
from benchmarks.report import show
from connectors.datasets.added_rows import AddedRow, append
from schemas.forecasting import CmdStatus, JobRecord, Standing
from streams.forecasting.state import ForecastingState
from streams.runtime import StateRuntime
from streams.settings import Settings
from streams.workers import apps

__all__ = ["run"]

_ELEMENTS, _LOOKS = 100_000, 50
_JOBS = (1_000, 10_000, 100_000)  # that have them; as many data sets, but for the last, which have as many as the first
_DATA_SETS = (1_000, 10_000, 1_000)
_SEEN = 5
_NOW, _LATER = 1_700_000_000_000, 2_000_000_000_000


def run() -> None:
    """Measure and print; processor time, as it says the same on a busy machine."""
    rows = [asyncio.run(_measured(jobs, data_sets)) for jobs, data_sets in zip(_JOBS, _DATA_SETS, strict=True)]
    show(
        "Standing jobs that wait",
        ["jobs", "elements of each", "data sets", "first look, ms", "idle look, ms", "memory, MiB"],
        rows,
    )


async def _measured(jobs: int, data_sets: int) -> list[str]:
    with tempfile.TemporaryDirectory() as home, mock.patch.object(apps, "Publisher"):
        state = apps.create_state(Settings(home=Path(home)), "127.0.0.1:1")
        _fill(state, jobs, data_sets)
        owned = 1, dict.fromkeys(range(state.topics.partitions))
        with mock.patch.object(refresh_watch, "owned_offsets", return_value=owned):
            watch = refresh_watch.RefreshWatch(state, lambda: _NOW)
            gc.collect()
            before, begun = _resident(), time.process_time()
            await watch.look()
            first = time.process_time() - begun
            gc.collect()
            memory, begun = _resident() - before, time.process_time()
            for _ in range(_LOOKS):
                await watch.look()
            idle = (time.process_time() - begun) / _LOOKS
    of_job = _ELEMENTS // jobs
    return [f"{jobs:,}", f"{of_job}", f"{data_sets:,}", f"{first * 1e3:.0f}", f"{idle * 1e3:.2f}", f"{memory:.0f}"]


def _fill(state: StateRuntime, jobs: int, data_sets: int) -> None:
    """Half of the elements wait for data, half for a time."""
    for data_id in range(1, data_sets + 1):
        append(state.store, data_id, [AddedRow(_SEEN, _SEEN, ("a",), 1, "2020-01-01", {"sold": 1.0})])
    rows = ForecastingState.of(state).jobs._rows  # noqa: SLF001 - a table's own writing needs a broker
    for job_id in range(1, jobs + 1):
        standing = tuple(
            Standing(number, None, "SES", "data", 10.0, "", "", b"settings")
            if (job_id + number) % 2
            else Standing(number, None, "SES", "cron", 10.0, "0 6 * * *", "", b"settings", _LATER)
            for number in range(_ELEMENTS // jobs)
        )
        job = JobRecord(
            job_id, job_id % data_sets + 1, None, 1, 1, CmdStatus.DONE, split="s", standing=standing, seen=_SEEN
        )
        rows.write(0, [(b"%d" % job_id, state.codec.encode(job))])


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
