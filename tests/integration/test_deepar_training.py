"""Training jobs in a whole service: kill -9, stops and rebalances in the middle of a training, and what comes of it."""

import os
import signal
import time
import uuid
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from confluent_kafka import ConsumerGroupState, Producer
from confluent_kafka.admin import AdminClient
from numpy.typing import NDArray

from connectors.kafka.publisher import partition_for
from connectors.objects.store import ObjectStore
from models.deepar import artefact as artefacts
from schemas.training import DeleteTrainingJob, TrainDeepAR, TrainingStatus
from tests.integration.processes import computing
from tests.integration.services import Service, Tail, running_service, until

_PROJECT = "p1"
_EPOCHS = 12
# About half a second per epoch on a busy core: long enough to be caught in the middle.
_PARAMETERS = {
    "time_freq": "D",
    "prediction_length": 3,
    "epochs": _EPOCHS,
    "num_batches_per_epoch": 40,
    "num_cells": 8,
    "likelihood": "gaussian",
}
_MANY_BATCHES = 200  # a second per epoch where 40 take a fifth: an epoch must be left after each of two kills
_LONG = {**_PARAMETERS, "epochs": 10_000, "early_stopping_patience": ""}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("trainings")) as running:
        _put_data(running)
        yield running


def _put_data(service: Service) -> None:
    """Three short daily series."""
    rng = np.random.default_rng(3)
    lines = [
        orjson.dumps({"start": "2024-01-01", "target": rng.normal(10 * (1 + place), 2, 60).round(2).tolist()})
        for place in range(3)
    ]
    ObjectStore(service.settings.object_store_url).put_bytes("uploads/sales.jsonl", b"\n".join(lines))


class _Job:
    """A training job, followed in the topics."""

    def __init__(self, service: Service, job_id: int, **parameters: Any) -> None:
        self.service, self.job_id = service, job_id
        self.name = f"sales-{uuid.uuid4().hex[:8]}"
        self._tail: Tail = service.tail(service.topics.training_status)
        self._send(
            TrainDeepAR(
                uuid.uuid4().hex, _PROJECT, job_id, self.name, "/uploads/sales.jsonl", {**_PARAMETERS, **parameters}
            )
        )

    def delete(self) -> None:
        self._send(DeleteTrainingJob(uuid.uuid4().hex, _PROJECT, self.job_id))

    def _send(self, command: Any) -> None:
        topics, codec = self.service.topics, self.service.codec
        _send(self.service.bootstrap, topics.training_commands, _PROJECT.encode(), codec.encode(command))

    def statuses(self) -> list[TrainingStatus]:
        """All that was told of it."""
        told = [self.service.codec.decode(message.value()) for message in self._tail.poll()]
        return [status for status in told if status.job_id == self.job_id]

    def epoch(self) -> int:
        """The newest epoch that was told."""
        return max((status.epoch for status in self.statuses()), default=0)

    def has_come_to(self, epoch: int) -> int:
        """Wait until at least this epoch is done; which one it is."""
        until(lambda: self.epoch() >= epoch, within=180, why=f"epoch {epoch} of job {self.job_id}")
        return self.epoch()

    def outcome(self) -> TrainingStatus:
        """Its last status."""
        return until(
            lambda: next((status for status in self.statuses() if status.status > 9), None),
            within=120,
            why=f"the end of job {self.job_id}",
        )

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Of the model that is served."""
        store = ObjectStore(self.service.settings.object_store_url)
        return dict(artefacts.load(store.read_bytes(f"endpoints/{self.name}/V0001/model.npz")).weights)

    def points(self) -> dict[tuple[str, int], set[bytes]]:
        """Its metric points by name and epoch: all that were sent of each."""
        found: dict[tuple[str, int], set[bytes]] = {}
        for message in self.service.read_all(self.service.topics.metrics):
            if message.key() == f"tj-{self.job_id}-{self.job_id}".encode():
                point = self.service.codec.decode(message.value())
                found.setdefault((point.metric_name, point.iteration), set()).add(message.value())
        return found

    def close(self) -> None:
        self._tail.close()


def _send(bootstrap: str, topic: str, key: bytes, value: bytes) -> None:
    """As any producer does it."""
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
    producer.produce(topic, value, key)
    assert producer.flush(30) == 0


def _processes(service: Service, trainer: str = "trainer-1") -> list[int]:
    """The processes that train for a trainer; those that only wait have had no third of a second of a core."""
    return computing(service.pid(trainer), for_s=0.3)


def _members(service: Service) -> int:
    """How many trainers the group has, once it has shared out the partitions; 0 before that."""
    group = f"{service.settings.group_prefix}trainer"
    admin = AdminClient({"bootstrap.servers": service.bootstrap})  # it must live until the answer has come
    found = admin.describe_consumer_groups([group])[group].result()
    return len(found.members) if found.state == ConsumerGroupState.STABLE else 0


def test_a_training_goes_on_after_kills_and_ends_with_the_same_bits(service: Service) -> None:
    """kill -9 of the process that trains, then of the trainer: no epoch is lost, the model is that of a quiet run."""
    job = _Job(service, 1, num_batches_per_epoch=_MANY_BATCHES)
    first = job.has_come_to(2)
    (process,) = until(lambda: _processes(service), why="the training process")
    os.kill(process, signal.SIGKILL)
    killed = len(job.statuses())
    second = job.has_come_to(job.epoch() + 1)  # so that one is told after the kill
    after_process = [status.epoch for status in job.statuses()[killed:]]
    service.signal("trainer-1", signal.SIGKILL)
    killed = len(job.statuses())
    job.has_come_to(job.epoch() + 1)
    after_trainer = [status.epoch for status in job.statuses()[killed:] if status.status == 8]
    outcome = job.outcome()
    quiet = _Job(service, 2, num_batches_per_epoch=_MANY_BATCHES)
    undisturbed = quiet.outcome()
    answer = service.api.call(
        "POST",
        f"/endpoints/{job.name}/invocations",
        json={"instances": [{"start": "2024-01-01", "target": [9.0, 11.0, 10.0]}]},
    )

    assert first < _EPOCHS, "the training is too quick for this test: give it more batches"
    assert min(after_process) >= first
    assert min(after_trainer) >= second
    assert (outcome.status, outcome.endpoint) == (10, job.name)
    assert set(outcome.metrics) >= {"RMSE", "mean_wQuantileLoss"}
    assert all(before.epoch <= after.epoch for before, after in pairwise(job.statuses()))
    assert (undisturbed.status, undisturbed.loss, undisturbed.metrics) == (10, outcome.loss, outcome.metrics)
    weights, expected = job.weights(), quiet.weights()
    assert weights.keys() == expected.keys()
    assert all((weights[name] == expected[name]).all() for name in expected)
    told = job.points()
    assert set(told) == {(name, epoch) for name in ("loss", "validation_loss") for epoch in range(1, outcome.epoch + 1)}
    assert all(len(values) == 1 for values in told.values()), "a point that is sent again must be the same bytes"
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["predictions"][0]["mean"]) == 3
    store = ObjectStore(service.settings.object_store_url)
    assert [key for key in store.keys("checkpoints") if key.endswith("checkpoint")] == []
    job.close()
    quiet.close()


def test_a_deleted_job_stays_deleted_whoever_is_killed(service: Service) -> None:
    """The training ends at once; a trainer that is killed then, and reads both commands again, trains nothing."""
    job = _Job(service, 3, **_LONG)
    job.has_come_to(1)
    job.delete()
    until(lambda: _processes(service) == [], why="the training has ended")
    service.signal("trainer-1", signal.SIGKILL)
    # In the same partition, so that the commands before it have been read when it is trained.
    home = partition_for(b"3", service.topics.partitions)
    next_id = next(number for number in range(4, 100) if partition_for(b"%d" % number, 4) == home)
    other = _Job(service, next_id, epochs=1)
    outcome = other.outcome()
    listed = service.api.get("/endpoints")

    assert outcome.status == 10
    assert job.name not in str(listed)
    assert other.name in str(listed)
    assert [status for status in job.statuses() if status.status > 9] == []
    assert service.read_all(service.topics.dead_letters) == []
    job.close()
    other.close()


def test_a_stopped_service_goes_on_with_the_training_at_its_next_start(tmp_path: Path) -> None:
    """The stop does not wait for the end of the training."""
    with running_service(tmp_path) as service:
        _put_data(service)
        job = _Job(service, 1, **_LONG)
        before = job.has_come_to(2)
        told = len(job.statuses())
        job.close()
        begun = time.monotonic()
    stopped = time.monotonic() - begun
    with running_service(tmp_path) as service:
        job.service, job._tail = service, service.tail(service.topics.training_status)
        job.has_come_to(before + 2)
        epochs = [status.epoch for status in job.statuses()[told:]]
        job.delete()
        job.close()

    assert stopped < 30
    assert min(epochs) >= before


def test_a_rebalance_does_not_begin_the_training_anew(tmp_path: Path) -> None:
    """A trainer that gets another one's partitions, and hands some back: where its own stay, its process goes on."""
    with running_service(tmp_path, trainers=2) as service:
        _put_data(service)
        # Else the second may still join, and rightly get the training's partition.
        until(lambda: _members(service) == 2, why="both trainers are in the group")
        job = _Job(service, 1, **_LONG)
        job.has_come_to(1)
        trainers = ["trainer-1", "trainer-2"]
        (at_work,) = [name for name in trainers if _processes(service, name)]
        (idle,) = [name for name in trainers if name != at_work]
        (process,) = _processes(service, at_work)
        service.signal(idle, signal.SIGSTOP)
        until(lambda: _members(service) == 1, why="the group has given up the silent trainer")
        job.has_come_to(job.epoch() + 2)
        kept = _processes(service, at_work)
        service.signal(idle, signal.SIGCONT)
        until(lambda: _members(service) == 2, why="the trainer is back in the group")
        job.has_come_to(job.epoch() + 2)
        epochs = [status.epoch for status in job.statuses()]
        working = [pid for name in trainers for pid in _processes(service, name)]
        job.delete()
        until(lambda: all(_processes(service, name) == [] for name in trainers), why="the training has ended")
        job.close()

    assert kept == [process]
    assert len(working) == 1
    assert epochs == sorted(epochs)
