"""The trainer as Bytewax's documentation would write it; it runs in an environment of its own.

Source and sink are Bytewax's, with their defaults, and progress is kept in its recovery store, without which it begins
anew at each start. `python -m benchmarks.peers.bytewax_flow one` gives the models one event at a time (`flat_map`),
`batch` what the source has read at a time (`flat_map_batch`).
"""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bytewax import operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from agents.series.training import answer_commands
from schemas.coding.codec import Codec
from streams.settings import Settings
from streams.topics import Topics

__all__ = ["create"]


def create(bootstrap: str, prefix: str, *, batches: bool) -> Dataflow:
    """The dataflow."""
    topics = Topics(Settings(topic_prefix=prefix))
    answers = _answers(prefix)
    flow = Dataflow("trainer")
    commands = op.input("commands", flow, KafkaSource([bootstrap], [topics.series_commands]))
    if batches:
        records = op.flat_map_batch("train", commands, answers)
    else:
        records = op.flat_map("train", commands, lambda message: answers([message]))
    op.output("answers", records, KafkaSink([bootstrap], None))
    return flow


def _answers(prefix: str) -> Callable[[Iterable[KafkaSourceMessage]], list[KafkaSinkMessage]]:
    settings = Settings(topic_prefix=prefix)
    parts: Any = SimpleNamespace(codec=Codec(), topics=Topics(settings), settings=settings, store=None)

    def answers(messages: Iterable[KafkaSourceMessage]) -> list[KafkaSinkMessage]:
        events: list[Any] = [
            SimpleNamespace(value=message.value, timestamp=message.timestamp[1] / 1000, headers=message.headers)
            for message in messages
        ]
        return [
            KafkaSinkMessage(record.key, record.value, topic=record.topic) for record in answer_commands(parts, events)
        ]

    return answers


if __name__ == "__main__":
    kept = Path(os.environ["TIDECAST_HOME"]) / "recovery"
    kept.mkdir(parents=True)
    init_db_dir(kept, 1)
    made = create(
        os.environ["TIDECAST_KAFKA_BOOTSTRAP"], os.environ["TIDECAST_TOPIC_PREFIX"], batches=sys.argv[1] == "batch"
    )
    cli_main(made, recovery_config=RecoveryConfig(kept))
