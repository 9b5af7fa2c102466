"""The trainer as a bare loop over librdkafka: consume a batch, compute it, produce, flush, commit."""

import os
from types import SimpleNamespace
from typing import Any

from confluent_kafka import Consumer, Producer

from agents.series.training import answer_commands
from schemas.coding.codec import Codec
from streams.settings import Settings
from streams.topics import Topics

__all__ = ["loop"]

_BATCH = 1000


def loop(bootstrap: str, prefix: str) -> None:
    """Run until killed. It has no rebalance handling, no retries and no dead letters: a bound, not a service."""
    settings = Settings(topic_prefix=prefix)
    parts: Any = SimpleNamespace(codec=Codec(), topics=Topics(settings), settings=settings, store=None)
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"{prefix}raw",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 5})
    consumer.subscribe([parts.topics.series_commands])
    while True:
        messages = [
            SimpleNamespace(value=message.value(), timestamp=message.timestamp()[1] / 1000, headers=message.headers())
            for message in consumer.consume(_BATCH, timeout=0.1)
            if message.error() is None
        ]
        if not messages:
            continue
        for record in answer_commands(parts, messages):
            produced = False
            while not produced:
                try:
                    producer.produce(record.topic, key=record.key, value=record.value)
                    produced = True
                except BufferError:
                    producer.poll(0.1)
        producer.flush()
        consumer.commit(asynchronous=False)


if __name__ == "__main__":
    loop(os.environ["TIDECAST_KAFKA_BOOTSTRAP"], os.environ["TIDECAST_TOPIC_PREFIX"])
