"""Training jobs whose commands are removed from the log before a trainer has come to them: they are sent again."""

import time
from dataclasses import replace

import pytest

from agents.training.lost_commands import lost_commands
from connectors.kafka.publisher import partition_for
from schemas.training import RunTrainingVersion, StopTrainingJob
from schemas.training_rows import TrainingVersionRecord
from streams.training.state import TrainingJobsState
from streams.training.states import TrainingState
from streams.training.versions import key_of_version
from tests.agents.bench import Log, Worker


@pytest.mark.parametrize("status", [TrainingState.QUEUED, TrainingState.RUNNING, TrainingState.STOPPING])
async def test_a_training_job_is_sent_again(state: Worker, log: Log, status: int) -> None:
    """As it was asked for; one that is to stop is told so. What waits for its turn is not."""
    record = TrainingVersionRecord(
        "p1", 11, 12, 2, "V0002", "flights", "c-1", round(time.time() * 1000), int(status), '{"a": 1}',
        run_offset=3, given=True,
    )  # fmt: skip
    home = partition_for(b"p1", 4)
    versions = TrainingJobsState.of(state.runtime).versions
    waiting = replace(record, version_id=13, run_offset=-1, given=False)
    await versions.put(home, key_of_version("p1", 11, 12), record)
    await versions.put(home, key_of_version("p1", 11, 13), waiting)
    state.forget()
    lost = lost_commands(state.runtime, log)  # type: ignore[arg-type]
    log.begin[log.topics.training_runs] = 3
    await lost.look()
    assert state.events(log.topics.training_runs) == []
    log.begin[log.topics.training_runs] = 4
    await lost.look()
    await lost.look()

    run = RunTrainingVersion("c-1", "p1", 11, 12, "flights", "V0002", '{"a": 1}')
    stop = [StopTrainingJob("c-1-stop", "p1", 11, 12)] if status == TrainingState.STOPPING else []
    assert state.events(log.topics.training_runs) == [run, *stop]
    assert versions.get(key_of_version("p1", 11, 12)) == replace(record, run_offset=0)
    assert versions.get(key_of_version("p1", 11, 13)) == waiting
