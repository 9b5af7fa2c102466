"""Makes sure that the topics exist as declared before anything reads or writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

__all__ = ["BrokerUnreachableError", "Topic", "TopicMismatchError", "broker_reachable", "ensure_topics"]

_REQUEST_TIMEOUT_S = 15.0  # a broker that has just started may take some seconds to elect its controller


class BrokerUnreachableError(ConnectionError):
    """No broker answered; the text names the address and the remedy."""


class TopicMismatchError(RuntimeError):
    """A topic exists with other settings than declared; the text names it and the remedy."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic to be declared."""

    name: str
    partitions: int
    replication_factor: int
    config: Mapping[str, str]


def broker_reachable(bootstrap: str, timeout: timedelta) -> bool:
    """Whether a broker answers a metadata request in time."""
    try:
        _admin(bootstrap).list_topics(timeout=timeout.total_seconds())
    except KafkaException:
        return False
    return True


def ensure_topics(bootstrap: str, topics: Sequence[Topic]) -> None:
    """Create the missing topics and check the others.

    BrokerUnreachableError where nothing answers at `bootstrap`; TopicMismatchError where a topic has another number of
    partitions than declared: keys would land elsewhere, so that is never repaired silently.
    """
    admin = _admin(bootstrap)
    try:
        existing = admin.list_topics(timeout=_REQUEST_TIMEOUT_S).topics
    except KafkaException as error:
        raise BrokerUnreachableError(
            f"no Kafka broker answers at {bootstrap}: start it, or correct TIDECAST_KAFKA_BOOTSTRAP"
        ) from error
    for topic in topics:
        found = existing.get(topic.name)
        if found is not None and len(found.partitions) != topic.partitions:
            raise TopicMismatchError(
                f"topic {topic.name} has {len(found.partitions)} partitions, {topic.partitions} are declared: "
                f"set TIDECAST_PARTITIONS={len(found.partitions)}, or another TIDECAST_TOPIC_PREFIX"
            )
    missing = [
        NewTopic(topic.name, topic.partitions, topic.replication_factor, config=dict(topic.config))
        for topic in topics
        if topic.name not in existing
    ]
    if not missing:
        return
    for name, done in admin.create_topics(missing, request_timeout=_REQUEST_TIMEOUT_S).items():
        try:
            done.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another worker was quicker
                raise TopicMismatchError(f"topic {name} cannot be created: {error.args[0].str()}") from error


def _admin(bootstrap: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
