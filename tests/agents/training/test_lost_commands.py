"""Training jobs whose commands are removed from the log before a trainer has come to them: they are sent again."""

import time
from dataclasses import replace

import pytest

from agents.training.lost_commands import lost_commands
from connectors.kafka.publisher import partition_for
from schemas.training import StopTrainingJob, TrainDeepAR
from schemas.training_rows import TrainingJobRecord
from streams.training.jobs import TrainingState, key_of
from streams.training.state import TrainingJobsState
from tests.agents.bench import Log, Worker


@pytest.mark.parametrize("status", [TrainingState.QUEUED, TrainingState.RUNNING, TrainingState.STOPPING])
async def test_a_training_job_is_sent_again(state: Worker, log: Log, status: int) -> None:
    """As it was asked for; one that is to stop is told so."""
    record = TrainingJobRecord(
        "p1", 11, "flights", 11, "V0001", "c-1", round(time.time() * 1000), int(status), "/uploads/a.jsonl",
        {"epochs": 5}, "Departures", "w", "/usr/train/", "/usr/log/", config='{"a": 1}', run_offset=3,
    )  # fmt: skip
    home = partition_for(b"p1", 4)
    await TrainingJobsState.of(state.runtime).jobs.put(home, key_of("p1", 11), record)
    state.forget()
    lost = lost_commands(state.runtime, log)  # type: ignore[arg-type]
    log.begin[log.topics.training_runs] = 3
    await lost.look()
    assert state.events(log.topics.training_runs) == []
    log.begin[log.topics.training_runs] = 4
    await lost.look()
    await lost.look()

    train = TrainDeepAR(
        "c-1", "p1", 11, "flights", "/uploads/a.jsonl", {"epochs": 5}, "Departures", "w", "/usr/train/", "/usr/log/",
        '{"a": 1}',
    )  # fmt: skip
    stop = [StopTrainingJob("c-1-stop", "p1", 11, 11)] if status == TrainingState.STOPPING else []
    assert state.events(log.topics.training_runs) == [train, *stop]
    found = TrainingJobsState.of(state.runtime).jobs.get(key_of("p1", 11))
    assert found == replace(record, run_offset=0)
