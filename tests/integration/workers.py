"""Faust apps and Kafka look-ups for the tests against a real broker."""

import asyncio
import tempfile
import uuid
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import faust
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from faust.contrib.asgi import faust_app_running
from yarl import URL

from connectors.kafka.publisher import Publisher, Record
from streams.engine.transport import SafeTransport
from streams.rows.recovery import RawKeyRouter, install_fast_recovery

__all__ = ["Cluster", "app_running", "shared", "until"]

app_running = faust_app_running


def shared(*apps: faust.App) -> bool:
    """Whether every app owns some of the group's partitions and reads them."""
    return all(app.consumer.assignment() and not app.rebalancing and app.flow_control.is_active() for app in apps)


async def until(condition: Callable[[], bool], *, within: timedelta = timedelta(seconds=60)) -> None:
    """Wait for what no event announces; TimeoutError says that it did not come about."""
    async with asyncio.timeout(within.total_seconds()):
        while not condition():
            await asyncio.sleep(0.01)


class Cluster:
    """One broker as a test sees it: every topic and group has the test's own prefix."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.bootstrap = bootstrap
        self.prefix = prefix

    def app(self, name: str = "app", *, safe: bool = True, **settings: Any) -> faust.App:
        """A fresh app of the group `name`, with the settings that the service runs with."""
        app = faust.App(
            f"{self.prefix}{name}",
            **{
                "broker": [URL(f"kafka://{self.bootstrap}")],
                "datadir": tempfile.mkdtemp(),
                "store": "memory://",
                "Router": RawKeyRouter,
                "autodiscover": False,
                "topic_partitions": 4,
                "topic_disable_leader": True,
                "key_serializer": "raw",
                "value_serializer": "raw",
                "broker_session_timeout": 6.0,
                "broker_heartbeat_interval": 0.5,
                "broker_commit_interval": 0.5,
                "broker_max_poll_interval": 86_400.0,
                "stream_wait_empty": True,
                "web_enabled": False,
                **settings,
            },
        )
        if safe:
            app.transport = SafeTransport(app.conf.broker, app)
            install_fast_recovery(app)
        return app

    def topic(self, name: str, *, partitions: int = 1, **config: str) -> str:
        """Create a topic; its full name."""
        full = f"{self.prefix}{name}"
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        new = NewTopic(full, partitions, 1, config={key.replace("_", "."): value for key, value in config.items()})
        admin.create_topics([new])[full].result()
        return full

    def publisher(self, **settings: Any) -> Publisher:
        """A publisher that the test closes."""
        return Publisher(self.bootstrap, client_id=f"{self.prefix}test", **settings)

    async def send(self, records: Iterable[Record]) -> None:
        """Send records and wait for them."""
        publisher = self.publisher()
        await publisher.send(records)
        await publisher.close()

    def committed(self, group: str, topic: str, *, partition: int = 0) -> int | None:
        """The committed offset of a group, None where there is none."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": f"{self.prefix}{group}"})
        [position] = consumer.committed([TopicPartition(topic, partition)], timeout=10)
        consumer.close()
        return position.offset if position.offset >= 0 else None

    def read(self, topic: str, *, partitions: int = 1) -> list[Any]:
        """Every record of a topic, in the order of each partition."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": uuid.uuid4().hex})
        messages = []
        for partition in range(partitions):
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
            consumer.assign([TopicPartition(topic, partition, low)])
            while low < high:
                message = consumer.poll(10)
                assert message is not None, f"{topic}: offset {low} of {high} did not come"
                messages.append(message)
                low = message.offset() + 1
                high = max(high, low)
            consumer.unassign()
        consumer.close()
        return messages
