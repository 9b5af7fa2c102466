"""The trainer as Faust's documentation would write it: one event at a time, stock transport, `await topic.send()`."""

import os
from types import SimpleNamespace
from typing import Any

import faust

from agents.series.training import answer_commands
from schemas.coding.codec import Codec
from streams.settings import Settings
from streams.topics import Topics

__all__ = ["create"]


def create(bootstrap: str, prefix: str) -> faust.App:
    """The app, with Faust's own defaults wherever it has them."""
    settings = Settings(topic_prefix=prefix)
    topics = Topics(settings)
    parts: Any = SimpleNamespace(codec=Codec(), topics=topics, settings=settings, store=None)
    app = faust.App(
        f"{prefix}per-event",
        broker=f"kafka://{bootstrap}",
        value_serializer="raw",
        key_serializer="raw",
        store="memory://",
        web_enabled=False,
        topic_partitions=topics.partitions,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
    )
    outputs = {name: app.topic(name) for name in (topics.forecasts, topics.metrics, topics.job_results)}

    @app.agent(app.topic(topics.series_commands, internal=True))
    async def train_series(stream: Any) -> None:
        async for event in stream.events():
            for record in answer_commands(parts, [event.message]):
                await outputs[record.topic].send(key=record.key, value=record.value)

    return app


if __name__ == "__main__":
    worker = faust.Worker(
        create(os.environ["TIDECAST_KAFKA_BOOTSTRAP"], os.environ["TIDECAST_TOPIC_PREFIX"]), loglevel="info", quiet=True
    )
    worker.execute_from_commandline()
