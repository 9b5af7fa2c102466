"""More trainers, the same answers."""

import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import Producer

from connectors.embedded_kafka.broker import EmbeddedKafka
from connectors.kafka.publisher import partition_for
from schemas.coding.codec import Codec
from schemas.series import TrainSeries
from streams.settings import Settings
from streams.topics import Topics
from streams.workers.apps import declare_topics
from tests.integration.processes import WorkerProcess, computing
from tests.integration.services import read_all, until

_JOB = 7
_SERIES = 40
_MODELS: Mapping[str, Mapping[str, int]] = {
    "Lstm": {"epochs_used": 3},
    "LstmLong": {"epochs_used": 2},
    "LinearFit": {},
    "SES": {},
}
_AT_MS = 1_750_000_000_000


def _commands() -> list[TrainSeries]:
    """Every series with every model; series of two lengths, so that networks of two shapes are among them."""
    rng = np.random.default_rng(1)
    histories = [(50 + rng.normal(0, 2, 40 + number % 2).cumsum()).round(2) for number in range(_SERIES)]
    asked = [(model, number) for model in _MODELS for number in range(_SERIES)]
    return [
        TrainSeries(
            _JOB, 1_000 + number, n, model, 0, 86_400_000, histories[number], config=dict(_MODELS[model]), refit=True
        )
        for n, (model, number) in enumerate(asked)
    ]


def _answers(broker: EmbeddedKafka, home: Path, *, trainers: int) -> dict[tuple[str, bytes, int], list[bytes]]:
    """What trainers with one process each publish for the commands: bytes by topic, key and command's number."""
    prefix = f"test-{uuid.uuid4().hex[:12]}."
    settings = Settings(home=home, topic_prefix=prefix)
    topics, codec = Topics(settings), Codec()
    declare_topics(settings, topics, broker.bootstrap)
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    commands = _commands()
    environment = {
        "TIDECAST_HOME": str(home),
        "TIDECAST_KAFKA_BOOTSTRAP": broker.bootstrap,
        "TIDECAST_TOPIC_PREFIX": prefix,
        "TIDECAST_GROUP_PREFIX": prefix,
        "TIDECAST_TRAINING_PROCESSES": "1",
    }
    with ExitStack() as stack:
        workers = []
        for number in range(1, trainers + 1):
            workers.append(WorkerProcess("trainer", str(number), environment, home))
            stack.callback(workers[-1].kill)
            until(workers[-1].is_working, why="the trainer works")
        for command in commands:
            key = b"%d" % command.ts_id
            home_of_key = partition_for(key, topics.partitions)
            producer.produce(topics.series_commands, codec.encode(command), key, home_of_key, timestamp=_AT_MS)
        producer.flush()
        until(
            lambda: len(read_all(broker.bootstrap, topics.job_results)) >= len(commands),
            within=120,
            why="every command is answered",
        )
        assert all(computing(worker.pid) for worker in workers), "a trainer had no networks to train"
    found: dict[tuple[str, bytes, int], list[bytes]] = {}
    for topic in (topics.job_results, topics.forecasts, topics.metrics):
        for message in read_all(broker.bootstrap, topic):
            n = getattr(codec.decode(message.value()), "n", 0)
            found.setdefault((topic.removeprefix(prefix), message.key(), n), []).append(message.value())
    return found


@pytest.mark.timeout(400)
def test_answers_do_not_depend_on_how_many_trainers_there_are(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """Results, forecasts and scores of one trainer and of two, byte for byte: networks among them."""
    one, two = (_answers(broker, _made(tmp_path / str(count)), trainers=count) for count in (1, 2))

    assert {key: len(values) for key, values in one.items()} == {key: len(values) for key, values in two.items()}
    assert {key: sorted(values) for key, values in one.items()} == {key: sorted(values) for key, values in two.items()}
    results = [Codec().decode(value) for key, (value, *_) in one.items() if key[0] == "job-results"]
    assert len(results) == _SERIES * len(_MODELS)
    assert {result.error for result in results} == {None}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
