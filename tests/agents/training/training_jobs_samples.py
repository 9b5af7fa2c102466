"""What tests of training jobs are made of."""

from functools import partial
from typing import Any

from connectors.kafka.publisher import partition_for
from connectors.objects import endpoints
from schemas.training import (
    DeleteTrainingJob,
    DeleteTrainingVersion,
    RunTrainingVersion,
    StopTrainingJob,
    TrainDeepAR,
    TrainingStatus,
)
from schemas.training_rows import TrainingJobRecord, TrainingVersionRecord
from streams.training.state import TrainingJobsState
from tests.agents import bench
from tests.agents.bench import AT, CODEC, Worker
from tests.endpoints import endpoint

PROJECT, JOB, NAME = "p1", 11, "flights"
HOME = partition_for(b"p1", 4)
NEEDED: dict[str, Any] = {"time_freq": "D", "prediction_length": 7, "epochs": 20}
TRAIN = TrainDeepAR("c-1", PROJECT, JOB, NAME, "/uploads/flights.jsonl", NEEDED)
CONFIG = (
    '{"worker_server_num":1,"model_id":5,"parameter":[{"label":"time_freq","value":"D"},'
    '{"label":"prediction_length","value":7},{"label":"epochs","value":20}],"data_url":"/uploads/flights.jsonl"}'
)
RUN = RunTrainingVersion("c-1", PROJECT, JOB, JOB, NAME, "V0001", CONFIG)
STOP = StopTrainingJob("c-2", PROJECT, JOB, JOB)
DELETE = DeleteTrainingJob("c-3", PROJECT, JOB)
DELETE_VERSION = DeleteTrainingVersion(f"c-3-{JOB}", PROJECT, JOB, JOB)


async def command(state: Worker, *commands: Any, key: bytes = b"p1", **place: Any) -> list[Any]:
    """Let commands arrive as one batch."""
    topic = state.runtime.topics.training_commands
    messages = [state.message(topic, key, one, **place) for one in commands]
    await state.consume(topic, *messages)
    return messages


refusal = partial(bench.refusal, command)  # why the command of a sender who waits is refused


async def status(state: Worker, *statuses: Any, key: bytes = b"p1", **place: Any) -> list[Any]:
    """Let what trainers tell arrive as one batch."""
    topic = state.runtime.topics.training_status
    messages = [state.message(topic, key, one, **place) for one in statuses]
    await state.consume(topic, *messages)
    return messages


def told(number: int, job_id: int = JOB, **fields: Any) -> TrainingStatus:
    """What a trainer says."""
    return TrainingStatus(PROJECT, job_id, job_id, number, round(AT * 1000) + number, **fields)


def find(state: Worker, job_id: int = JOB, project: str = PROJECT) -> TrainingJobRecord | None:
    """The job as the table has it."""
    return TrainingJobsState.of(state.runtime).job(project, job_id)


def row(state: Worker, job_id: int = JOB, version_id: int | None = None) -> TrainingVersionRecord:
    """A version, the first one where none is named; the job's row tells the same of the newest (T-044)."""
    tables = TrainingJobsState.of(state.runtime)
    found = tables.version(PROJECT, job_id, version_id or job_id)
    assert found is not None
    job = find(state, job_id)
    assert job is not None
    newest = tables.versions_of(PROJECT, job_id)[0]
    told = newest.version_id, newest.version_name, newest.status, newest.start_time, newest.changed
    assert (job.version_id, job.version_name, job.status, job.start_time, job.changed) == told
    return found


def publish(state: Worker, name: str = NAME, *, project: str = PROJECT, job_id: int = JOB) -> None:
    """Make an endpoint, as a trainer does."""
    made = endpoint(name, "V0001", project_id=project, job_id=job_id)
    endpoints.publish(state.runtime.store, made, b"model")


def runs(state: Worker) -> list[tuple[bytes | None, Any]]:
    """What the trainers were told, with its keys."""
    return [(record.key, CODEC.decode(record.value)) for record in state.sent(state.runtime.topics.training_runs)]
