"""A changelog of the first release, where a job had its only version inside of its row: read as a job and V0001."""

import json
import time
from typing import Final

from agents.training.dispatch import Dispatch
from agents.training.rows import Rows
from agents.training.upkeep import look
from schemas.training import CreateTrainingVersion
from streams.training.state import TrainingJobsState
from tests.agents.bench import Worker
from tests.agents.training.training_jobs_samples import HOME, JOB, PROJECT, command, find, row

# A TrainingJobRecord, version 1 (schema id 23), written by fastavro with the schema file of that release: the job 11,
# "flights", which had completed.
RELEASED: Final = bytes.fromhex(
    "0000000017047031160e666c6967687473160a563030303106632d31d6bbec8cdc58142c2f75706c6f6164732f666c69676874732e6a73"
    "6f6e6c061274696d655f667265710402442270726564696374696f6e5f6c656e677468000e0c65706f636873002800066f6c6402300a2f"
    "6f75742f0002b0c1ec8cdc5802b0beed8cdc58282802000000000000e03f000208726d736502000000000000f83f00020e666c69676874"
    "73001c7b226d6f64656c5f6964223a357d02026e"
)


def recovered(state: Worker) -> TrainingJobsState:
    """The tables when the changelog has been read."""
    tables = TrainingJobsState.of(state.runtime)
    tables.jobs._rows.write(HOME, [(b"p1/11", RELEASED)])
    return tables


async def test_it_is_read_as_a_job_and_its_first_version(state: Worker) -> None:
    """With all that it told, before anything is written anew."""
    tables = recovered(state)
    job, version = find(state), row(state)

    assert job is not None
    assert (job.job_name, job.job_desc, job.version_count, job.next_version) == ("flights", "old", 1, 2)
    assert tables.jobs_of(PROJECT) == [job]
    assert tables.versions_of(PROJECT, JOB) == [version]
    assert (version.version_id, version.version_name, version.number, version.status) == (JOB, "V0001", 1, 10)
    assert (version.epoch, version.loss, version.metrics, version.endpoint) == (20, 0.5, {"rmse": 1.5}, "flights")
    config = json.loads(version.config)
    assert (config["model_id"], config["data_url"], config["train_url"]) == (5, "/uploads/flights.jsonl", "/out/")
    assert {one["label"]: one["value"] for one in config["parameter"]} == {
        "time_freq": "D",
        "prediction_length": 7,
        "epochs": 20,
    }


async def test_it_is_written_anew_as_two_rows(state: Worker) -> None:
    """Once, by itself; what is read stays the same."""
    tables = recovered(state)
    before = find(state), row(state)
    rows = Rows(state.runtime, HOME, state.runtime.app.consumer_generation_id)
    for _ in range(2):
        await look(state.runtime, Dispatch(state.runtime), lambda _: rows)

    assert (find(state), row(state)) == before
    assert not list(tables.earlier())
    topics = state.runtime.topics
    written = {topic: len(state.sent(topic)) for topic in (topics.training_jobs_changelog, topics.training_runs)}
    assert written == {topics.training_jobs_changelog: 1, topics.training_runs: 0}
    assert len(state.sent(topics.training_versions_changelog)) == 1


async def test_the_next_version_is_the_second(state: Worker) -> None:
    """A command that comes before the row was written anew finds it as well."""
    recovered(state)
    version_id = time.time_ns() // 1000
    config = json.dumps({"worker_server_num": 1, "spec_id": 1, "model_id": 1, "data_url": "/uploads/a.csv"})
    await command(state, CreateTrainingVersion("c-9", PROJECT, JOB, version_id, config))
    second = TrainingJobsState.of(state.runtime).version(PROJECT, JOB, version_id)

    assert second is not None
    assert (second.version_name, second.pre_version_id) == ("V0002", JOB)
    assert row(state).version_name == "V0001"
