"""What the watch over standing jobs looks at: what has changed, and nothing else."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agents.forecasting import refresh_watch
from agents.forecasting.refresh_watch import RefreshWatch
from connectors.datasets.added_rows import AddedRow, append
from schemas.forecasting import CmdStatus, JobRecord, Standing
from schemas.observations import DatasetGrown
from streams.forecasting.state import ForecastingState
from tests.agents.bench import Worker

_JOBS = range(1, 101)
_MS = 1_600_000_000_000


def job(job_id: int, on: str = "data", next_due: int | None = None) -> JobRecord:
    """A standing job on a data set of its own."""
    standing = Standing(0, "all", "SES", on, 2.0, "0 6 * * *" if on == "cron" else "", "", b"", next_due)
    return JobRecord(job_id, 1000 + job_id, None, 1, 1, CmdStatus.DONE, standing=(standing,), seen=5)


def grow(worker: Worker, data_id: int, offset: int) -> None:
    """A row comes to a data set."""
    append(worker.runtime.store, data_id, [AddedRow(offset, offset, ("a",), 1, "2020-01-01", {"y": float(offset)})])


class Bench:
    """The watch with a clock of its own, at a worker that owns what the test says; and what it has looked at."""

    def __init__(self, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
        self.worker = worker
        self.jobs = ForecastingState.of(worker.runtime).jobs
        self.now = _MS
        self.owned = (7, dict.fromkeys(range(4)))
        self.looked: Counter[str] = Counter()
        monkeypatch.setattr(refresh_watch, "owned_offsets", lambda *_: self.owned)
        monkeypatch.setattr(refresh_watch, "latest", self._counting("data sets", refresh_watch.latest))
        monkeypatch.setattr(self.jobs, "look", self._counting("rows", self.jobs.look))
        self.watch = RefreshWatch(worker.runtime, lambda: self.now)

    def _counting(self, what: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            self.looked[what] += 1
            return call(*arguments)

        return counted

    async def said(self) -> list[int]:
        """The jobs that a look says are due."""
        self.looked.clear()
        await self.watch.look()
        found = [one.job_id for one in self.worker.events(self.worker.runtime.topics.job_commands)]
        self.worker.forget()
        return found


@pytest.fixture
async def bench(state: Worker, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A hundred jobs, of which nothing is new."""
    made = Bench(state, monkeypatch)
    for job_id in _JOBS:
        grow(state, 1000 + job_id, 5)
        made.jobs.put(0, job(job_id))
    state.forget()
    assert await made.said() == []
    assert made.looked["rows"] >= len(_JOBS)
    assert made.looked["data sets"] == len(_JOBS)
    return made


async def test_where_nothing_changes_few_files_are_listed(bench: Bench) -> None:
    """And no row is read; in turn every data set is looked at, for who tells that one has grown may be behind."""
    assert await bench.said() == []
    assert (bench.looked["rows"], bench.looked["data sets"]) == (0, refresh_watch._LOOKED_AT)

    grow(bench.worker, 1050, 6)
    for _ in range(len(_JOBS) // refresh_watch._LOOKED_AT + 1):
        assert await bench.said() == []
    bench.now += 2000
    assert await bench.said() == [50]


async def test_what_is_told_is_seen_at_once(bench: Bench) -> None:
    """By the event that tells every partition of a data set that has grown."""
    bench.watch._in_turn.clear()
    grow(bench.worker, 1050, 6)
    topic = bench.worker.runtime.topics.dataset_changes
    events = [DatasetGrown(data_id, 6, (6,), (_MS,)) for data_id in (1050, 9999)]
    await bench.worker.consume(topic, *(bench.worker.message(topic, b"1050", one, partition=1) for one in events))
    bench.worker.forget()

    assert await bench.said() == []
    bench.now += 1999
    assert await bench.said() == []
    bench.now += 1
    assert await bench.said() == [50]
    assert await bench.said() == []
    assert bench.looked["data sets"] == 0


async def test_a_row_that_is_written_is_read_once(bench: Bench) -> None:
    """A job that is trained, refreshed, or stands no more is due no more; a schedule is when its time comes."""
    bench.jobs.put(0, job(7, "cron", _MS + 1000))
    bench.jobs.put(0, replace(job(8), seen=4))
    assert await bench.said() == []
    assert bench.looked["rows"] == 2
    bench.now += 2000
    assert sorted(await bench.said()) == [7, 8]

    bench.jobs.put(0, replace(job(7, "cron", _MS + 86_400_000), refreshes=1))
    bench.jobs.put(0, replace(job(8), seen=4, status=CmdStatus.COMITTED))
    bench.now += 60_000
    assert await bench.said() == []
    bench.jobs.put(0, replace(job(8), seen=4, refreshes=1))
    await bench.said()
    bench.now += 2000
    assert await bench.said() == [8]
    bench.jobs.put(0, replace(job(8), standing=()))
    bench.jobs.delete(0, 7, "delete")
    bench.now += 86_400_000
    assert await bench.said() == []


async def test_after_a_rebalance_all_is_looked_at_again(bench: Bench) -> None:
    """Nobody was told while partitions were elsewhere; what is another worker's is said by that one."""
    bench.watch._in_turn.clear()
    for data_id in (1050, 1051):
        grow(bench.worker, data_id, 6)
    home = refresh_watch.partition_for(b"50", 4)
    bench.owned = (8, {home: None})
    await bench.said()
    assert bench.looked["data sets"] >= len(bench.watch._jobs)
    assert 0 < len(bench.watch._jobs) < len(_JOBS)
    bench.now += 2000

    found = await bench.said()

    assert 50 in found
    assert (51 in found) == (refresh_watch.partition_for(b"51", 4) == home)


async def test_a_look_that_fails_loses_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one reads what it has not."""
    look = bench.jobs.look
    monkeypatch.setattr(bench.jobs, "look", lambda _: 1 // 0)
    bench.jobs.put(0, job(7, "cron", _MS - 1))
    with pytest.raises(ZeroDivisionError):
        await bench.said()
    monkeypatch.setattr(bench.jobs, "look", look)

    assert await bench.said() == [7]
