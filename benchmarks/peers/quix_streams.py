"""The trainer as Quix Streams' documentation would write it; it runs in an environment of its own.

`apply(expand=True)` makes several records of each command, `to_topic` chooses the topic of each; the rest are defaults.
Its data frames give one event at a time: what it has for several (windows, sinks) is for other work.
"""

import os
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import confluent_kafka
from quixstreams import Application
from quixstreams.models.serializers import Serializer

if not hasattr(confluent_kafka, "murmur2"):
    # Quix Streams asks for a release that has it not. Our publisher calls it, which is imported here and not used.
    confluent_kafka.murmur2 = None

from agents.series.training import answer_commands
from connectors.kafka.publisher import Record
from schemas.coding.codec import Codec
from streams.settings import Settings
from streams.topics import Topics

__all__ = ["create"]


class _Encoded(Serializer):
    """A record's value is encoded already."""

    def __call__(self, value: Record, ctx: Any) -> bytes | None:  # noqa: ARG002  # called by this name
        return value.value


def create(bootstrap: str, prefix: str) -> Application:
    """The app, with its data frame."""
    settings = Settings(topic_prefix=prefix)
    topics = Topics(settings)
    parts: Any = SimpleNamespace(codec=Codec(), topics=topics, settings=settings, store=None)
    app = Application(bootstrap, consumer_group=f"{prefix}quix", auto_offset_reset="earliest")
    outputs = {
        name: app.topic(name, value_serializer=_Encoded())
        for name in (topics.forecasts, topics.metrics, topics.job_results)
    }

    def answers(value: bytes, _: Any, timestamp: int, headers: Any) -> Sequence[Record]:
        return answer_commands(parts, [SimpleNamespace(value=value, timestamp=timestamp / 1000, headers=headers)])

    commands = app.dataframe(app.topic(topics.series_commands, value_deserializer="bytes"))
    commands.apply(answers, expand=True, metadata=True).to_topic(
        lambda record, *_: outputs[record.topic], key=lambda record: record.key
    )
    return app


if __name__ == "__main__":
    create(os.environ["TIDECAST_KAFKA_BOOTSTRAP"], os.environ["TIDECAST_TOPIC_PREFIX"]).run()
