"""What tests of scoring jobs are made of."""

import json
from typing import Any

from connectors.datasets import manifests as datasets
from connectors.objects.layout import SCORING_MODELS
from schemas.datasets import AddDataset
from schemas.scoring_jobs import DeployScoringJob, GenerateScript, ScoringJobRecord, ScoringRunRecord
from streams.scoring_jobs.state import ScoringJobsState
from tests.agents.bench import Worker

NAME = "bj"
SCRIPT = GenerateScript("g-1", "score", "in.csv", "out.csv", "line")
DEPLOY = DeployScoringJob("d-1", NAME, "score")
ADD = AddDataset("a-1", 5, "in", "producer/in.csv", "in.csv", alone=True)
MODEL = {
    "name": "line",
    "model_type": "onnx",
    "model_key": "scoring-models/m-line/1/served",
    "created": 1,
    "inputs": [{"name": "x", "type": "tensor(float)", "measure": None, "values": [], "shape": [-1, 1]}],
}


async def furnish(state: Worker, content: bytes = b"x\n1\n2\n") -> None:
    """A data set, a model and a script."""
    store = state.runtime.store
    store.put_bytes("producer/in.csv", content)
    topic = state.runtime.topics.dataset_commands
    await state.consume(topic, state.message(topic, b"5", ADD))
    assert datasets.of_upload(store, "in.csv") is not None
    store.put_bytes(SCORING_MODELS.key("m-line", "model.json"), json.dumps(MODEL).encode())
    await command(state, SCRIPT, key=b"score")
    state.forget()


async def command(state: Worker, *commands: Any, key: bytes = NAME.encode(), **place: Any) -> list[Any]:
    """Let commands arrive, one by one."""
    topic = state.runtime.topics.scoring_job_commands
    messages = [state.message(topic, key, one, **place) for one in commands]
    for message in messages:
        await state.consume(topic, message)
    return messages


async def status(state: Worker, *said: Any) -> None:
    """Let words of trainers arrive as one batch."""
    topic = state.runtime.topics.scoring_run_status
    await state.consume(topic, *(state.message(topic, one.job_name.encode(), one) for one in said))


def job(state: Worker, name: str = NAME) -> ScoringJobRecord:
    found = ScoringJobsState.of(state.runtime).job(name)
    assert found is not None
    return found


def all_runs(state: Worker) -> list[ScoringRunRecord]:
    return ScoringJobsState.of(state.runtime).runs_of(NAME)


def told(state: Worker) -> list[Any]:
    """What trainers were told."""
    return state.events(state.runtime.topics.scoring_runs)
