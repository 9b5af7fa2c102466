"""Far more work in the log than fits into the workers: it is done bit by bit, and their memory stays as it is."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from connectors.embedded_kafka.broker import EmbeddedKafka
from connectors.kafka.publisher import Publisher, Record
from schemas.coding.codec import Codec
from schemas.series import TrainSeries
from streams.settings import Settings
from streams.topics import Topics
from streams.workers.apps import declare_topics
from tests.faults.figures import CaseFigures
from tests.faults.log import committed, ends
from tests.integration.processes import WorkerProcess
from tests.integration.services import READY_S, until

_WARM = 2000  # commands until buffers, pools and imported modules have the size that they keep
_MANY = 60_000
_SOAK_MANY = 1_000_000
_AT_ONCE = 20_000  # commands that this process holds
_SERIES = 500  # few, so that the table of the latest forecasts does not grow
_POINTS = 400
_BATCH = 200  # eight batches are open at a time: with fewer in each, what is fetched ahead is nearly all that is held
_MOST_MIB = 170  # what the clients fetch ahead; all of these messages would take twice as much
_SLOWEST = 500  # commands a second
_MIB = 1024 * 1024


@pytest.fixture
def settings(broker: EmbeddedKafka, topic_prefix: str, tmp_path: Path) -> Settings:
    made = Settings(
        home=tmp_path,
        kafka_bootstrap=broker.bootstrap,
        topic_prefix=topic_prefix,
        group_prefix=topic_prefix,
        batch_size=_BATCH,
    )
    declare_topics(made, Topics(made), broker.bootstrap)
    return made


@pytest.fixture
def workers(settings: Settings, tmp_path: Path) -> Iterator[dict[str, WorkerProcess]]:
    given = settings.model_dump(exclude_none=True)
    environment = {f"TIDECAST_{name.upper()}": str(value) for name, value in given.items()}
    with ExitStack() as stack:
        started = {role: WorkerProcess(role, "1", environment, tmp_path) for role in ("state", "trainer")}
        for worker in started.values():
            stack.callback(worker.kill)
        until(started["state"].is_ready, why="the state worker is ready")
        until(started["trainer"].is_working, why="the trainer is ready")
        yield started


def _memory(worker: WorkerProcess) -> int:
    """Bytes in the machine's memory now."""
    return int(Path(f"/proc/{worker.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _commands(numbers: range, topic: str) -> Iterator[Record]:
    codec, target = Codec(), np.random.default_rng(1).normal(size=_POINTS)
    for number in numbers:
        ts_id = 1 + number % _SERIES
        command = TrainSeries(ts_id, ts_id, number, "LinearFit", 0, 86_400_000, target, next_k_prediction=1)
        yield Record(topic, b"%d" % ts_id, codec.encode(command))


async def _done(
    workers: dict[str, WorkerProcess], settings: Settings, numbers: range, within: float
) -> tuple[dict[str, int], int]:
    """Send commands and wait until both workers have done all; the most memory of each, and the longest backlog."""
    topics, bootstrap = Topics(settings), settings.kafka_bootstrap or ""
    read = {"trainer": [topics.series_commands], "state": [topics.job_results, topics.forecasts]}
    publisher = Publisher(bootstrap, client_id="test")
    for start in range(numbers.start, numbers.stop, _AT_ONCE):
        part = range(start, min(start + _AT_ONCE, numbers.stop))
        await publisher.send(_commands(part, topics.series_commands))
    await publisher.close()
    most = dict.fromkeys(workers, 0)
    longest = 0

    def is_done() -> bool:
        nonlocal longest
        behind = 0
        for role, names in read.items():
            at = committed(bootstrap, f"{settings.group_prefix}{role}", names)
            behind += sum(end - at.get(place, 0) for place, end in ends(bootstrap, names).items())
        for role, worker in workers.items():
            assert worker.status is None, worker.log.read_text("utf-8")[-2000:]
            most[role] = max(most[role], _memory(worker))
        longest = max(longest, behind)
        return not behind and sum(ends(bootstrap, [topics.job_results]).values()) >= numbers.stop

    until(is_done, within=within, why="all is done")
    return most, longest


@pytest.mark.parametrize(
    "many",
    [
        pytest.param(_MANY, marks=pytest.mark.timeout(900)),
        pytest.param(_SOAK_MANY, marks=[pytest.mark.soak, pytest.mark.timeout(900 + _SOAK_MANY / _SLOWEST)]),
    ],
)
async def test_fault_14_a_long_backlog(
    workers: dict[str, WorkerProcess], settings: Settings, figures: CaseFigures, many: int
) -> None:
    """All is answered, once each, in bounded memory."""
    usual, _ = await _done(workers, settings, range(_WARM), READY_S)
    most, longest = await _done(workers, settings, range(_WARM, _WARM + many), READY_S + many / _SLOWEST)
    topics = Topics(settings)
    written = ends(settings.kafka_bootstrap or "", [topics.job_results, topics.forecasts, topics.metrics])
    figures.note(f"backlog {longest}")
    for role, bytes_ in most.items():
        figures.note(f"{role} {usual[role] // _MIB} to {bytes_ // _MIB} MiB")

    for topic, each in ((topics.job_results, 1), (topics.forecasts, 1), (topics.metrics, 2)):
        assert sum(end for (name, _), end in written.items() if name == topic) == each * (_WARM + many)
    assert longest > _MANY / 2
    assert {role: bytes_ - usual[role] < _MOST_MIB * _MIB for role, bytes_ in most.items()} == dict.fromkeys(most, True)
