"""One trainer process against two: networks through the whole service, and quick events from a full topic."""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import httpx
from confluent_kafka import Consumer, TopicPartition

from benchmarks.end_to_end import configured_job, patch_to_done, training_of
from benchmarks.report import Figure, console, show
from benchmarks.trainer import fill
from connectors.embedded_kafka.broker import EmbeddedKafka
from connectors.embedded_kafka.jars import default_cache_dir, obtain_jars
from connectors.embedded_kafka.java import find_java
from streams.settings import Settings
from streams.topics import Topics
from streams.workers.apps import declare_topics
from streams.workers.stack import Stack

__all__ = ["run"]

_SERIES, _POINTS, _MODEL = 320, 120, "LstmLong"  # a minute of one core
_WARM = 16  # series of the first PATCH
_RUNS = 3
_EVENTS = 60_000
_EVENT_RUNS = 10
_JOB_POLL_S = 0.2  # each answer takes 2 ms of the cores that are compared
_POLL_S = 0.02
_LIMIT_S = 180.0
_SETTLED_S = 0.5  # after both workers have answered: the last joining worker's first batches are behind
_LAST = 0.9  # of a partition: the smaller batches at the end are not what is compared
_SPIKE = (0.2, 0.95)  # of all answers: the window of the spike in which two workers gave unsteady figures


def run() -> None:
    """Measure and print; one and two take turns, so that a busy machine hits both."""
    _networks()
    _events()


def _networks() -> None:
    """A job of networks, from PATCH to DONE. Each trainer computes in one process."""
    runs: dict[int, list[_Run]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(_RUNS):
            for trainers, taken in runs.items():
                taken.append(_job(Path(folder) / f"{turn}-{trainers}", trainers))
    figures = {trainers: Figure(tuple(one.wall_s for one in taken), _SERIES) for trainers, taken in runs.items()}
    free = {trainers: statistics.median(one.free for one in taken) for trainers, taken in runs.items()}
    show(
        f"{_MODEL}, {_SERIES} series of {_POINTS} points, PATCH to DONE, {_RUNS} runs each",
        ("trainers", "series", "to one", "cores wanted", "core seconds", "on free cores, to one"),
        [
            (
                str(trainers),
                str(figures[trainers]),
                f"{figures[trainers].rate / figures[1].rate:.2f}x",
                f"{statistics.median(one.wanted for one in taken):.2f}",
                f"{statistics.median(one.computed_s for one in taken):.1f}",
                f"{free[trainers] / free[1]:.2f}x",
            )
            for trainers, taken in runs.items()
        ],
    )
    ratios = [one.wall_s / two.wall_s for one, two in zip(runs[1], runs[2], strict=True)]
    console.print(f"goal: ≥ 1.8x ({statistics.median(ratios):.2f} by pairs, {min(ratios):.2f} … {max(ratios):.2f})")


class _Run(NamedTuple):
    """One job: how long it took, and what the processes that compute had and wanted meanwhile."""

    wall_s: float
    computed_s: float
    waited_s: float  # ready to compute, while other work had the cores

    @property
    def wanted(self) -> float:
        """Cores that would have been used had they been free."""
        return (self.computed_s + self.waited_s) / self.wall_s

    @property
    def free(self) -> float:
        """Jobs a second that so many free cores do."""
        return self.wanted / self.computed_s


def _job(home: Path, trainers: int) -> _Run:
    settings = Settings(home=home, http_port=0, kafka_port=0, training_processes=1)
    with Stack(settings, trainers=trainers, progress=lambda _: None) as stack:
        client = httpx.Client(base_url=stack.url, timeout=120)
        job_id, details = configured_job(client, home, _SERIES, points=_POINTS)
        body, probe = training_of(details, _MODEL), details[0]["ts_id"]
        warm = training_of(details[:_WARM], _MODEL)
        patch_to_done(client, job_id, warm, ts_id=probe)  # pays for the processes' start
        workers = [stack.pid(f"trainer-{number}") for number in range(1, trainers + 1)]
        before = _scheduled(workers)
        wall_s = patch_to_done(client, job_id, body, ts_id=probe, poll_s=_JOB_POLL_S)
        after = _scheduled(workers)
        return _Run(wall_s, after[0] - before[0], after[1] - before[1])


def _scheduled(workers: Sequence[int]) -> tuple[float, float]:
    """Seconds that all descendants of the workers, which compute, had a core, and waited for one."""
    parents: dict[int, int] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            with suppress(OSError):  # it has just ended
                parents[int(path.name)] = int((path / "stat").read_text("ascii").rpartition(")")[2].split()[1])
    children = {pid for pid, parent in parents.items() if parent in workers}
    children |= {pid for pid, parent in parents.items() if parent in children}
    had = waited = 0
    for child in children:
        for task in Path(f"/proc/{child}/task").iterdir():
            one, other, _ = (task / "schedstat").read_text("ascii").split()
            had, waited = had + int(one), waited + int(other)
    return had / 1e9, waited / 1e9


class _Rates(NamedTuple):
    """Events per second of one run."""

    steady: float  # while all partitions move, from their first answers on
    as_in_the_spike: float  # between two shares of all answers, whoever works
    apart_s: float  # between the first answers of the first and of the last partition
    silent_s: float  # the longest time without an answer while all partitions move
    processor_us: float  # of the workers, an event, while all partitions move: the same on a busy machine


def _events() -> None:
    """LinearFit events that are there already, answered by one worker or two."""
    rates: dict[int, list[_Rates]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        jars = obtain_jars(default_cache_dir(), progress=console.print)
        with EmbeddedKafka(Path(folder), port=0, jars=jars, java=find_java()) as broker:
            settings = Settings(topic_prefix=f"bench-{uuid.uuid4().hex[:8]}.")
            topics = Topics(settings)
            declare_topics(settings.model_copy(update={"home": Path(folder)}), topics, broker.bootstrap)
            asyncio.run(fill(broker.bootstrap, topics, _EVENTS))
            for _ in range(_EVENT_RUNS):
                for workers, found in rates.items():
                    with _trainers(workers, broker.bootstrap, Path(folder), settings.topic_prefix) as pids:
                        found.append(_watch(broker.bootstrap, topics, pids))
    show(
        f"LinearFit events from a full topic, {_EVENT_RUNS} runs each; coefficient of variation in brackets",
        (
            "workers",
            "steady, events/s",
            "as in the spike",
            "processor µs/event",
            "first answers apart",
            "longest silence",
        ),
        [_row(workers, found) for workers, found in rates.items()],
    )


def _row(workers: int, found: Sequence[_Rates]) -> tuple[str, ...]:
    apart, silent = [one.apart_s for one in found], [one.silent_s for one in found]
    return (
        str(workers),
        _spread([one.steady for one in found]),
        _spread([one.as_in_the_spike for one in found]),
        _spread([one.processor_us for one in found]),
        f"{statistics.median(apart):.1f} s [{min(apart):.1f} … {max(apart):.1f}]",
        f"{max(silent):.2f} s",
    )


def _spread(rates: Sequence[float]) -> str:
    variation = statistics.stdev(rates) / statistics.mean(rates)
    return f"{statistics.median(rates):,.0f} [{min(rates):,.0f} … {max(rates):,.0f}] ({100 * variation:.0f} %)"


@contextmanager
def _trainers(workers: int, bootstrap: str, folder: Path, topic_prefix: str) -> Iterator[list[int]]:
    """Trainers of a group of their own, which reads the topic from its beginning."""
    group = f"bench-{uuid.uuid4().hex[:8]}."
    environment = os.environ | {
        "TIDECAST_HOME": str(folder),
        "TIDECAST_KAFKA_BOOTSTRAP": bootstrap,
        "TIDECAST_TOPIC_PREFIX": topic_prefix,
        "TIDECAST_GROUP_PREFIX": group,
    }
    processes = []
    try:
        for number in range(1, workers + 1):
            with (folder / f"{group}{number}.log").open("wb") as log:
                own = {"TIDECAST_WORKER_ID": str(number)}
                command = [sys.executable, "-m", "streams.cli", "trainer"]
                processes.append(subprocess.Popen(command, env=environment | own, stdout=log, stderr=log))
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _watch(bootstrap: str, topics: Topics, pids: Sequence[int]) -> _Rates:
    """Follow the ends of the forecasts' partitions, which are those of the commands, until the first is nearly done."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "watch"})
    parts = [TopicPartition(topics.forecasts, number) for number in range(topics.partitions)]

    def ends() -> list[int]:
        return [consumer.get_watermark_offsets(part, timeout=10)[1] for part in parts]

    commands = [TopicPartition(topics.series_commands, number) for number in range(topics.partitions)]
    totals = [consumer.get_watermark_offsets(part, timeout=10)[1] for part in commands]
    before, seen = ends(), []
    deadline = time.monotonic() + _LIMIT_S
    try:
        while time.monotonic() < deadline:
            done = [end - first for end, first in zip(ends(), before, strict=True)]
            seen.append(_Seen(time.perf_counter(), done, _processor_s(pids)))
            if sum(done) >= _SPIKE[1] * sum(totals):
                return _rates(seen, totals)
            time.sleep(_POLL_S)
    finally:
        consumer.close()
    raise RuntimeError("the trainers did not answer in time")


class _Seen(NamedTuple):
    """What was there at a moment."""

    at_s: float
    done: list[int]  # of each partition
    processor_s: float


def _rates(seen: Sequence[_Seen], totals: Sequence[int]) -> _Rates:
    first_s = [next(one.at_s for one in seen if one.done[number]) for number in range(len(totals))]
    begun_s = max(first_s) + _SETTLED_S
    last_s = min(
        next((one.at_s for one in seen if one.done[number] >= _LAST * total), seen[-1].at_s)
        for number, total in enumerate(totals)
    )
    steady = [one for one in seen if begun_s <= one.at_s <= last_s]
    spike = [one for one in seen if sum(one.done) >= _SPIKE[0] * sum(totals)]
    moved = [after.at_s for before, after in pairwise(steady) if after.done != before.done]
    events = sum(steady[-1].done) - sum(steady[0].done)
    return _Rates(
        steady=_rate(steady),
        as_in_the_spike=_rate(spike),
        apart_s=max(first_s) - min(first_s),
        silent_s=max(after - before for before, after in pairwise([steady[0].at_s, *moved, steady[-1].at_s])),
        processor_us=1e6 * (steady[-1].processor_s - steady[0].processor_s) / events,
    )


def _rate(points: Sequence[_Seen]) -> float:
    return (sum(points[-1].done) - sum(points[0].done)) / (points[-1].at_s - points[0].at_s)


def _processor_s(pids: Sequence[int]) -> float:
    """Seconds that the workers have computed."""
    fields = [Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")
