"""Models: commands in, rows and files out."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from connectors.objects import scoring_models
from schemas.scoring import AddModel, DeleteModel, ModelRecord
from streams.scoring.models import key_of, restored
from streams.scoring.state import ScoringState
from tests.agents.bench import AT, Worker, refusal
from tests.iris_models import model_file

ADD = AddModel("c-1", "iris", "producer/iris_logistic.onnx", descript="demo")
DELETE = DeleteModel("c-2", "iris")


@pytest.fixture
async def worker(state: Worker) -> AsyncIterator[Worker]:
    """A worker whose store has the file of a logistic regression."""
    state.runtime.store.put_bytes(ADD.path, model_file("iris_logistic.onnx"))
    yield state
    await ScoringState.of(state.runtime).close()


async def command(worker: Worker, *commands: Any, key: bytes | None = None) -> None:
    """Let commands arrive as one batch, each under its name."""
    topic = worker.runtime.topics.model_commands
    made = [worker.message(topic, one.name.encode() if key is None else key, one) for one in commands]
    await worker.consume(topic, *made)


refused = partial(refusal, command)  # what the sender of a command is told


def row(worker: Worker, name: str = "iris") -> ModelRecord | None:
    """The model's row."""
    return ScoringState.of(worker.runtime).models.get(key_of(name))


async def test_S122_a_model_is_looked_at_and_kept(worker: Worker) -> None:
    """Row, manifest and both files; the manifest says what the row says."""
    await command(worker, ADD)
    made = row(worker)

    assert made is not None
    assert (made.model_type, made.task, made.algorithm) == ("onnx", "classification", "LinearClassifier")
    assert (made.created, made.size) == (round(AT * 1000), len(model_file("iris_logistic.onnx")))
    assert [(it.name, it.type, it.shape) for it in made.inputs] == [("X", "tensor(float)", (-1, 4))]
    assert replace(restored(scoring_models.manifest(worker.runtime.store, "iris")), offset=made.offset) == made
    assert worker.runtime.store.read_bytes(made.file_key) == model_file("iris_logistic.onnx")
    assert worker.runtime.store.is_file(made.model_key)
    assert worker.runtime.store.is_file(ADD.path), "it is the producer's"


async def test_a_repeat_changes_nothing_and_another_content_is_refused(worker: Worker) -> None:
    """At least once is once; a command's id stands for what it says."""
    await command(worker, ADD, ADD)
    await command(worker, replace(ADD, descript="another"))

    assert len(worker.sent(worker.runtime.topics.models_changelog)) == 1
    assert ["was used before" in letter["error"] for letter in worker.dead()] == [True]


async def test_S008_a_second_model_of_a_name_is_a_conflict(worker: Worker) -> None:
    """Whoever was first stays."""
    await command(worker, ADD)

    error = await refused(worker, replace(ADD, command_id="c-9"))
    assert (error.status, error.code) == (409, "model_exists")


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({"name": "a b"}, 400, "name: found 'a b'"),
        ({"path": "producer/nothing.onnx"}, 400, "there is no object"),
        ({"path": "datasets/1"}, 400, "path: found 'datasets/1'"),
        ({"model_type": "pmml"}, 400, "type: is pmml, but the file's name ends in .onnx"),
        ({"model_type": "keras"}, 400, "type: found 'keras'"),
        ({"task": "guessing"}, 400, "task: found 'guessing'"),
        ({"task": "clustering"}, 200, ""),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
async def test_S034_what_cannot_be_is_refused(worker: Worker, changed: dict[str, str], status: int, words: str) -> None:
    """With the field and the remedy, and nothing is kept."""
    sent = replace(ADD, **changed)
    if status == 200:
        await command(worker, sent)
        made = row(worker)
        assert made is not None
        assert made.task == changed["task"]
        return
    error = await refused(worker, sent)

    assert (error.status, words in error.message) == (status, True), error.message
    assert row(worker, sent.name) is None


async def test_S034_a_file_that_is_no_model_is_refused(worker: Worker) -> None:
    """And its upload does not stay."""
    path = scoring_models.incoming_key()
    worker.runtime.store.put_bytes(path, b"nonsense")

    error = await refused(worker, replace(ADD, path=path, file_name="a.onnx"))
    assert (error.code, "no ONNX model" in error.message) == ("bad_model", True)
    assert not worker.runtime.store.is_file(path)
    assert row(worker) is None


async def test_S040_a_model_is_removed_with_its_files(worker: Worker) -> None:
    """Another removal finds nothing."""
    await command(worker, ADD, DELETE)

    assert row(worker) is None
    assert worker.runtime.store.keys("scoring-models") == []
    assert (await refused(worker, replace(DELETE, command_id="c-3"))).status == 404


async def test_S040_a_removal_that_comes_again_leaves_what_has_the_name_now(worker: Worker) -> None:
    """A worker that is killed takes commands again, and the second model's upload is gone by then."""
    topic, upload = worker.runtime.topics.model_commands, scoring_models.incoming_key()
    worker.runtime.store.put_bytes(upload, model_file("iris_logistic.onnx"))
    await command(worker, ADD)
    removal = worker.message(topic, b"iris", DELETE)
    second = worker.message(topic, b"iris", AddModel("c-3", "iris", upload, file_name="again.onnx"))
    await worker.consume(topic, removal, second)
    made = row(worker)

    await worker.consume(topic, removal, second)

    assert made is not None
    assert made.command_id == "c-3"
    assert row(worker) == made
    assert worker.runtime.store.is_file(made.model_key)
    await command(worker, replace(DELETE, command_id="c-4"))
    assert row(worker) is None


async def test_S040_a_model_that_a_service_uses_stays(worker: Worker) -> None:
    """Unless force is said."""
    ScoringState.of(worker.runtime).uses.add(lambda name: ["svc1"] if name == "iris" else [])
    await command(worker, ADD)

    error = await refused(worker, DELETE)
    assert (error.status, error.code, "svc1" in error.message) == (409, "model_in_use", True)
    await command(worker, replace(DELETE, command_id="c-3", force=True))
    assert row(worker) is None


async def test_a_command_under_another_key_is_refused(worker: Worker) -> None:
    """Its row would lie in another partition."""
    await command(worker, ADD, key=b"other")

    assert ["key must be the name" in letter["error"] for letter in worker.dead()] == [True]
