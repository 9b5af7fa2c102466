"""Trainers that die, freeze, are stopped, or come and go: their work is done by others, once as far as anybody sees."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from agents.forecasting.fan_out import partition_of_series
from tests.faults.figures import CaseFigures
from tests.faults.history import RecordingApi
from tests.faults.load import Job, csv_of_values
from tests.faults.log import offsets_watched
from tests.faults.trainers import ADDED_MODELS, Trainers, trainers_of
from tests.faults.verifier import Verifier
from tests.integration.processes import computing
from tests.integration.services import Service, running_service, until

_SESSION_S = 6.0  # the default, and the lower limit of a production broker
_LATE_S = 20.0  # a machine may be busy; the goals are in the figures


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", ADDED_MODELS)
        home = tmp_path_factory.mktemp("trainers")
        with running_service(home, trainers=0, session_timeout_s=_SESSION_S, training_processes=2) as running:
            yield running


@pytest.fixture(scope="module")
def trainers(service: Service) -> Iterator[Trainers]:
    with trainers_of(service) as running:
        yield running


def _job(service: Service, api: RecordingApi, *seconds: float) -> Job:
    """A job with a series for each of so many seconds, which a fit of it takes; a result is two fits."""
    return Job(api, service.bootstrap, service.topics, csv=csv_of_values(seconds))


def _sleepers(service: Service, api: RecordingApi, trainers: Trainers, *seconds: float) -> Job:
    """Likewise, given to one trainer."""
    trainers.are("1")
    job = _job(service, api, *seconds)
    job.submit(("Sleeper",))
    return job


def _is_computing(trainers: Trainers, name: str) -> list[int]:
    return until(lambda: computing(trainers[name].pid), why=f"trainer {name} computes")


def _until_resumed(service: Service, job: Job, partitions: set[int], since: float) -> float:
    """Seconds until a series whose commands are in one of the partitions is answered."""
    seen = len(job.answered_series)

    def resumed() -> bool:
        job.answered()
        new = job.answered_series[seen:]
        return any(partition_of_series(ts_id, service.topics.partitions) in partitions for ts_id in new)

    until(resumed, why="the partitions are worked on again")
    return time.monotonic() - since


def test_fault_01_a_killed_training_process(
    service: Service, api: RecordingApi, trainers: Trainers, verifier: Verifier, figures: CaseFigures
) -> None:
    """kill -9 of the processes in the middle of fits: they are tried again, which the trainer's log records."""
    job = _sleepers(service, api, trainers, *[0.7] * 4)
    victims = _is_computing(trainers, "1")
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    killed = time.monotonic()
    job.wait_for_more(0)
    figures.time("progress", time.monotonic() - killed)
    job.close()

    verifier.verify(api, job, figures=figures)
    assert trainers["1"].status is None
    replaced = trainers["1"].log.read_text().count("training_process_replaced")
    assert replaced >= 1
    figures.note(f"{replaced} processes replaced")


def test_fault_01_a_killed_trainer_that_is_restarted(
    service: Service, api: RecordingApi, trainers: Trainers, verifier: Verifier, figures: CaseFigures
) -> None:
    """kill -9 in the middle of fits, restarted under its name: it has its partitions back at once."""
    job = _sleepers(service, api, trainers, *[0.5] * 12)
    _is_computing(trainers, "1")
    mine = trainers.partitions("1")
    trainers["1"].kill()
    job.submit()
    job.all_answered()
    begun = time.monotonic()
    trainers.start("1")
    resumed = _until_resumed(service, job, mine, begun)
    figures.time("restarted: its partitions resume", resumed, goal=2)
    job.close()

    verifier.verify(api, job, figures=figures)
    assert resumed < _LATE_S


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(_SESSION_S + 0.5, id="13 s"),
        pytest.param(300.0, id="10 min", marks=[pytest.mark.soak, pytest.mark.timeout(900)]),
    ],
)
def test_fault_01_heartbeats_during_a_long_fit(
    service: Service, api: RecordingApi, trainers: Trainers, verifier: Verifier, figures: CaseFigures, seconds: float
) -> None:
    """A fit that takes longer than two sessions costs the trainer neither its place in the group nor the fit."""
    trainers.are("1")
    before = trainers.members()["1"].member_id
    job = _job(service, api, seconds)
    begun = time.monotonic()
    job.submit(("Sleeper",))
    verifier.verify(api, job, figures=figures, within=2 * seconds + 120)
    took = time.monotonic() - begun
    job.close()
    figures.time(f"fits, with a session of {_SESSION_S:g} s,", took)

    assert took > 2 * _SESSION_S
    assert trainers.members()["1"].member_id == before
    assert figures.repeated == 0


def test_fault_the_older_of_two_submissions_is_answered_last(
    service: Service, api: RecordingApi, trainers: Trainers, verifier: Verifier, figures: CaseFigures
) -> None:
    """A slow model, then a quick one: the topic of forecasts ends with the quick one's, to a reader without a rule."""
    job = _sleepers(service, api, trainers, *[1.0] * 3)
    job.submit()
    verifier.verify(api, job, figures=figures)
    job.close()
    order: dict[int, list[int]] = {}
    for message in service.read_all(service.topics.forecasts):
        if message.value() is not None and int(message.key()) in job.ts_ids:
            order.setdefault(int(message.key()), []).append(service.codec.decode(message.value()).n)
    older_last = [
        ts_id for ts_id, numbers in order.items() if numbers.index(min(numbers)) > numbers.index(max(numbers))
    ]

    assert sorted(older_last) == sorted(job.ts_ids), "the trainer has answered in order: no case"


def test_fault_02_sigterm_with_20_series_in_flight(
    service: Service, api: RecordingApi, trainers: Trainers, verifier: Verifier, figures: CaseFigures
) -> None:
    """A trainer that is told to end does so within 30 s, with status 0; its series are answered by the next one."""
    job = _sleepers(service, api, trainers, *[0.5] * 20)
    _is_computing(trainers, "1")
    children = computing(trainers["1"].pid)
    begun = time.monotonic()
    status = trainers["1"].stop()
    stopped = time.monotonic() - begun
    figures.time("stopped", stopped, goal=30)
    figures.note(f"{job.all_answered()} answered by then")
    left = [pid for pid in children if _exists(pid)]
    trainers.start("1")
    job.close()

    verifier.verify(api, job, figures=figures)
    assert status == 0
    assert stopped < 30
    assert left == []


def test_fault_01_a_killed_trainer_with_another_one_present(
    service: Service, api: RecordingApi, trainers: Trainers, verifier: Verifier, figures: CaseFigures
) -> None:
    """kill -9 of one of two in the middle of fits: the other one has its partitions when its session has ended."""
    trainers.are("1", "2")
    job = _job(service, api, *[0.5] * 20)
    mine = trainers.partitions("1")
    job.submit(("Sleeper",))
    _is_computing(trainers, "1")
    begun = time.monotonic()
    trainers["1"].kill()
    job.all_answered()
    job.submit()
    resumed = _until_resumed(service, job, mine, begun)
    figures.time("killed: its partitions resume", resumed, goal=7)
    job.close()

    verifier.verify(api, job, figures=figures)
    assert resumed < _LATE_S


def test_fault_04_a_frozen_trainer_that_wakes_up(
    service: Service, api: RecordingApi, trainers: Trainers, verifier: Verifier, figures: CaseFigures
) -> None:
    """SIGSTOP for longer than its session: another one does its work, and what it then still says is the same."""
    trainers.are("1", "2")
    job = _job(service, api, *[0.5] * 20)
    job.submit(("Sleeper",))
    _is_computing(trainers, "1")
    trainers["1"].signal(signal.SIGSTOP)
    begun = time.monotonic()
    try:
        until(lambda: job.answered() == len(job.submissions), within=120, why="the other one has answered all")
    finally:
        trainers["1"].signal(signal.SIGCONT)
    frozen = time.monotonic() - begun
    figures.time("frozen", frozen)
    until(lambda: len(trainers.members()) == 2, why="the zombie is a member again")
    job.all_answered()
    figures.note(f"{len(job.answered_series) - len(job.submissions)} late results")
    job.submit(ts_ids=job.ts_ids[:4])
    job.close()

    verifier.verify(api, job, figures=figures)
    assert frozen > _SESSION_S
    assert trainers["1"].status is None


@pytest.mark.parametrize(
    "seconds", [pytest.param(14.0, id="14 s"), pytest.param(120.0, id="2 min", marks=pytest.mark.soak)]
)
@pytest.mark.timeout(400)
def test_fault_11_a_rebalance_storm(
    service: Service, api: RecordingApi, trainers: Trainers, verifier: Verifier, figures: CaseFigures, seconds: float
) -> None:
    """A trainer comes or goes every 3 s, in order or killed: answers go on, and no committed offset ever goes back."""
    trainers.are("1")
    job = _job(service, api, *[1.0] * 50)
    gap, last, answered, turn = 0.0, time.monotonic(), 0, 0
    end = last + seconds
    with offsets_watched(service.bootstrap, verifier.groups):
        while (now := time.monotonic()) < end:
            if job.answered() > answered:
                answered, gap, last = job.answered(), max(gap, now - last), now
            if now > end - seconds + 3 * turn:
                _come_or_go(trainers, turn)
                turn += 1
            if answered == len(job.submissions):
                job.submit(("LinearFit", "AdaptiveMaxN"))
        figures.time("longest time without an answer", max(gap, time.monotonic() - last))
        verifier.verify(api, job, figures=figures)
    job.close()
    figures.note(f"{turn} changes")

    assert gap < _LATE_S


def _come_or_go(trainers: Trainers, turn: int) -> None:
    """In turn: a second trainer, a third one, the end of the second, a kill of the third."""
    match turn % 4:
        case 0:
            trainers.start("2")
        case 1:
            trainers.start("3")
        case 2:
            trainers["2"].signal(signal.SIGTERM)
        case _:
            trainers["3"].kill()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
