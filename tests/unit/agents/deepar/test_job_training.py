"""What a process does for a training job: it reads the file, trains, and can be cut off anywhere."""

import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest
import tensorflow as tf

from agents.deepar import job_training as deepar_training
from agents.deepar.checkpoints import Checkpoint, read_checkpoint, write_checkpoint
from agents.deepar.job_calls import (
    Begun,
    EpochDone,
    OutOfMemoryError,
    Refused,
    StoreUnavailableError,
    Trained,
    TrainingRun,
)
from agents.deepar.job_training import train_job
from agents.deepar.process import train
from connectors.objects.store import ObjectStore
from models.deepar import artefact as artefacts
from models.deepar.artefact import Artefact
from models.deepar.config import DeepARConfig
from models.deepar.learning.training import Progress, TrainingDataError
from tests.acceptance.deepar import artefact

CONFIG, _ = DeepARConfig.from_hyper_parameters(
    {
        "time_freq": "D",
        "prediction_length": 2,
        "epochs": 4,
        "num_batches_per_epoch": 2,
        "num_cells": 4,
        "mini_batch_size": 4,
        "likelihood": "gaussian",
    }
)
KEY, CHECKPOINT = "uploads/sales.jsonl", "checkpoints/7-x/checkpoint"
SERIES = [
    {"start": "2024-01-01", "target": [float(10 + place + day % 7) for day in range(40)], "cat": [place]}
    for place in range(3)
]
EPOCH = EpochDone(1, 4, 0.5, None, 1000)


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    """A store with the training file."""
    store = ObjectStore(f"file://{tmp_path}")
    put(store, *SERIES)
    return store


def put(store: ObjectStore, *series: Any, key: str = KEY) -> None:
    """Put a file of these lines."""
    content = b"\n".join(line if isinstance(line, bytes) else orjson.dumps(line) for line in series)
    store.put_bytes(key, gzip.compress(content) if key.endswith(".gz") else content)


def run_of(store: ObjectStore, **changes: Any) -> TrainingRun:
    """What is to be trained."""
    fields = {"data_key": KEY, "data_limit": 100_000, "config": CONFIG, "checkpoint_key": CHECKPOINT} | changes
    return TrainingRun(store_url=f"file://{store._root}", **fields)


def trained(store: ObjectStore, **changes: Any) -> tuple[Any, list[Any]]:
    """What comes of it, and the reports."""
    told: list[Any] = []
    return train_job(run_of(store, **changes), told.append), told


class _CutOffError(Exception):
    """The process was killed."""


def cut_off(store: ObjectStore, epoch: int, **changes: Any) -> list[Any]:
    """Train until an epoch has been reported, and no further; the reports."""
    told: list[Any] = []

    def report(content: Any) -> None:
        told.append(content)
        if isinstance(content, EpochDone) and content.epoch == epoch:
            raise _CutOffError

    with pytest.raises(_CutOffError):
        train_job(run_of(store, **changes), report)
    return told


def weights(answer: Any) -> dict[str, bytes]:
    """Of the model."""
    assert isinstance(answer, Trained)
    return {name: values.tobytes() for name, values in artefacts.load(answer.model).weights.items()}


def test_each_epoch_is_in_the_checkpoint_before_it_is_reported(store: ObjectStore) -> None:
    """First of all, that it has begun."""
    seen: list[tuple[int, bool]] = []

    def report(content: Any) -> None:
        if isinstance(content, EpochDone):
            kept = orjson.loads(store.read_bytes(CHECKPOINT).partition(b"\n")[0])["done"]
            seen.append((content.epoch, [content.epoch, content.at] == [kept[-1][0], kept[-1][4]]))
        else:
            seen.append((0, isinstance(content, Begun) and content.epochs == 4 and content.done == ()))

    answer = train(run_of(store), report)

    assert seen == [(epoch, True) for epoch in range(5)]
    assert isinstance(answer, Trained)
    facts = artefacts.load(answer.model).facts
    assert facts["epochs"] == 4
    assert facts["metrics"]["RMSE"] > 0


@pytest.fixture
def resumed_from(monkeypatch: pytest.MonkeyPatch) -> list[bytes | None]:
    """What each training went on from; nothing is computed."""
    found: list[bytes | None] = []

    def quick(_: Any, config: DeepARConfig, *, resume: bytes | None, report: Any) -> Artefact:
        found.append(resume)
        for epoch in range(1 if resume is None else int(resume) + 1, 5):
            report(Progress(epoch, 4, epoch / 2, None, b"%d" % epoch))
        return artefact(cardinality=config.cardinality)

    monkeypatch.setattr(deepar_training, "train", quick)
    return found


@pytest.mark.parametrize("epoch", [1, 4])
def test_a_training_that_was_cut_off_goes_on_and_comes_to_the_same_bits(store: ObjectStore, epoch: int) -> None:
    """It tells the epochs that are done once more, as they were told before."""
    whole, _ = trained(store, checkpoint_key="checkpoints/whole/checkpoint")
    before = cut_off(store, epoch)
    resumed, told = trained(store)

    assert weights(resumed) == weights(whole)
    assert told[0].done == tuple(before[1:])
    assert [report.epoch for report in told[1:]] == list(range(epoch + 1, 5))


@pytest.mark.parametrize("what", ["parameters", "data", "damaged", "other bytes", "other format"])
def test_a_checkpoint_of_another_training_is_not_gone_on_from(
    store: ObjectStore, what: str, resumed_from: list[bytes | None]
) -> None:
    """Be it by other parameters, other data, or because it is no whole checkpoint."""
    changes: dict[str, Any] = {}
    cut_off(store, 2)
    content = store.read_bytes(CHECKPOINT)
    if what == "parameters":
        given = {**CONFIG.as_dict(), "learning_rate": 0.01, "cardinality": "auto", "num_dynamic_feat": "auto"}
        changes["config"], _ = DeepARConfig.from_hyper_parameters(given | {"allow_negative": 0})
    elif what == "data":
        put(store, *SERIES[:2], {**SERIES[2], "target": [1.0] * 40})
    elif what == "damaged":
        store.put_bytes(CHECKPOINT, content[:-1] + b"3")
    elif what == "other bytes":
        store.put_bytes(CHECKPOINT, b"something else")
    else:
        store.put_bytes(CHECKPOINT, content.replace(b'"format": 1', b'"format": 0', 1))
    _, told = trained(store, **changes)

    assert told[0].done == ()
    assert [report.epoch for report in told[1:]] == [1, 2, 3, 4]
    assert resumed_from == [None, None]


def test_a_checkpoint_of_the_same_training_is_gone_on_from(
    store: ObjectStore, resumed_from: list[bytes | None]
) -> None:
    """Which is what makes the tests above mean something."""
    cut_off(store, 2)
    _, told = trained(store)

    assert [report.epoch for report in told[1:]] == [3, 4]
    assert resumed_from == [None, b"2"]


def test_a_packed_file_is_unpacked(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its name ends in .gz."""
    seen: list[list[float]] = []

    def quick(series: Any, config: DeepARConfig, **_: Any) -> Artefact:
        seen.append([one.target.tolist() for one in series])
        return artefact(cardinality=config.cardinality)

    monkeypatch.setattr(deepar_training, "train", quick)
    put(store, *SERIES, key="uploads/sales.jsonl.gz")
    trained(store, data_key="uploads/sales.jsonl.gz")

    assert seen == [[one["target"] for one in SERIES]]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([SERIES[0], b"", b"nonsense"], "line 3: not JSON"),
        ([{"start": "2024-01-01", "target": ["a"]}], "line 1: target[0]"),
        ([b""], "the file has no series"),
        ([{"start": "2024-01-01", "target": [None] * 9}], "no series has an observed value"),
        ([SERIES[0], {**SERIES[1], "cat": []}], "line 2: cat"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_in_words(store: ObjectStore, lines: list[Any], words: str) -> None:
    """With the number of the line."""
    put(store, *lines)
    answer, _ = trained(store)

    assert isinstance(answer, Refused)
    assert words in answer.text


def test_a_missing_file_is_refused(store: ObjectStore) -> None:
    """With its path."""
    answer, told = trained(store, data_key="uploads/none.jsonl")

    assert answer == Refused("data_url: there is no file /uploads/none.jsonl: PUT it to /uploads/ first")
    assert told == []


@pytest.mark.parametrize("key", ["uploads/large.jsonl", "uploads/large.jsonl.gz"])
def test_a_file_that_is_too_large_is_refused(store: ObjectStore, key: str) -> None:
    """As it is unpacked; also one without any line break."""
    put(store, b" " * 200_000, key=key)
    answer, _ = trained(store, data_key=key)

    assert isinstance(answer, Refused)
    assert answer.text.startswith(f"data_url: /{key} has more than 100000 bytes")


@pytest.mark.parametrize("content", [b"plain", gzip.compress(b"x" * 1000)[:-9]], ids=["plain", "cut-short"])
def test_a_packed_file_that_is_none_is_refused(store: ObjectStore, content: bytes) -> None:
    """It is the user's."""
    store.put_bytes("uploads/b.gz", content)
    answer, _ = trained(store, data_key="uploads/b.gz")

    assert isinstance(answer, Refused)
    assert "no whole gzip file" in answer.text


def test_a_training_that_diverges_is_refused(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the remedy, though it is found out late."""

    def diverging(*_: Any, report: Any, **__: Any) -> None:
        report(Progress(1, 4, 0.5, None, b"state"))
        raise TrainingDataError("learning_rate", "the training diverged in epoch 2: use a smaller learning_rate")

    monkeypatch.setattr(deepar_training, "train", diverging)
    answer, told = trained(store)

    assert answer == Refused("the training diverged in epoch 2: use a smaller learning_rate")
    assert len(told) == 2


def test_a_store_that_cannot_be_read_is_not_the_files_fault(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trainer tries again; our paths stay here."""

    def broken(*_: Any) -> Any:
        raise PermissionError(13, "Permission denied", "/secret/place")

    monkeypatch.setattr(ObjectStore, "open", broken)
    with pytest.raises(StoreUnavailableError) as raised:
        trained(store)

    assert str(raised.value) == "the object store cannot be used: Permission denied"


def test_a_checkpoint_that_cannot_be_written_is_not_the_users_fault(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk."""

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ObjectStore, "put_bytes", full)
    with pytest.raises(StoreUnavailableError, match="No space left on device"):
        trained(store)


@pytest.mark.parametrize("error", [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM")])
def test_short_memory_has_an_error_of_its_own(
    store: ObjectStore, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's and numpy's, and TensorFlow's."""

    def short(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(deepar_training, "train", short)
    with pytest.raises(OutOfMemoryError):
        trained(store)


def test_what_nobody_can_train_is_a_mistake_of_ours() -> None:
    """Said with the class."""
    with pytest.raises(TypeError, match="str"):
        train("nonsense", print)


def test_a_checkpoint_remembers_the_last_epochs_only(store: ObjectStore) -> None:
    """Thousands of epochs must not make each checkpoint larger."""
    done = tuple(EpochDone(number, 5000, 0.5, None if number % 2 else 0.25, number) for number in range(1, 1001))
    kept = write_checkpoint(store, CHECKPOINT, "f", Checkpoint(b"state\nwith a line", done))
    found = read_checkpoint(store, CHECKPOINT, "f")

    assert kept == done[-200:]
    assert found is not None
    assert (found.state, found.done) == (b"state\nwith a line", done[-200:])
    assert read_checkpoint(store, CHECKPOINT, "g") is None
    assert len(store.read_bytes(CHECKPOINT)) < 20_000
