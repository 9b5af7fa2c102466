"""Makes sure that the topics exist as declared before anything reads or writes them, and are the ones known before."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from connectors.kafka.security import options
from connectors.kafka.topic_limits import TooSmallError, check_requests, raise_limits

__all__ = [
    "BrokerUnreachableError",
    "Topic",
    "TopicMismatchError",
    "TopicNow",
    "TopicsLostError",
    "broker_reachable",
    "ensure_topics",
    "lost_topics",
    "repartitioned_topics",
    "topic_id",
    "topics_now",
]

_REQUEST_TIMEOUT_S = 15.0  # a broker that has just started may take some seconds to elect its controller
_POLL_S = 0.1
_NAMED = 5  # topics in a message


class BrokerUnreachableError(ConnectionError):
    """No broker answered; the text names the address and the remedy."""


class TopicMismatchError(RuntimeError):
    """A topic exists with other settings than declared; the text names it and the remedy."""


class TopicsLostError(RuntimeError):
    """Topics that were there before are gone, or others have their names: the broker has lost its data."""


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


@dataclass(frozen=True, slots=True)
class TopicNow:
    """What a broker says of a topic: the id that it has given it, and how many partitions it has."""

    topic_id: str
    partitions: int


def topics_now(bootstrap: str, names: Collection[str], timeout: timedelta) -> Mapping[str, TopicNow] | None:
    """The topics of these names that there are; None where no broker answers in time."""
    try:
        return _described(_admin(bootstrap), names, timeout.total_seconds())
    except KafkaException:
        return None


def lost_topics(now: Mapping[str, TopicNow] | None, known: Mapping[str, str]) -> list[str]:
    """The topics of `known` (name → id) that the broker has not, or has anew; none where none has answered."""
    if now is None:
        return []
    return [name for name, known_id in known.items() if name not in now or now[name].topic_id != known_id]


def repartitioned_topics(now: Mapping[str, TopicNow] | None, partitions: int) -> Mapping[str, int]:
    """The topics that have another number of partitions than declared, with it."""
    return {name: topic.partitions for name, topic in (now or {}).items() if topic.partitions != partitions}


def topic_id(bootstrap: str, name: str) -> str:
    """The id that Kafka has given to a topic: another one of the same name has another. BrokerUnreachableError."""
    found = _all_ids(_admin(bootstrap), bootstrap, [name])
    if name not in found:
        raise BrokerUnreachableError(f"the broker at {bootstrap} has no topic {name}")
    return found[name]


def ensure_topics(
    bootstrap: str, topics: Sequence[Topic], *, known: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """Create the missing topics, check the others and raise their limits; the id that Kafka has given to each.

    BrokerUnreachableError where nothing answers at `bootstrap`; TopicMismatchError where a topic has another number of
    partitions than declared: keys would land elsewhere, so that is never repaired silently. Likewise where records may
    be larger, or are to be kept for longer, than a topic or broker allows and lets us change. TopicsLostError where a
    topic of `known`, the answer of an earlier call, is not there any more or is another one: an empty log must not be
    taken for a new installation's.
    """
    admin = _admin(bootstrap)
    try:
        cluster = admin.list_topics(timeout=_REQUEST_TIMEOUT_S)
    except KafkaException as error:
        raise BrokerUnreachableError(
            f"no Kafka broker answers at {bootstrap}: start it, or correct TIDECAST_KAFKA_BOOTSTRAP"
        ) from error
    existing = cluster.topics
    if known:
        _refuse_lost(admin, bootstrap, known)
    for topic in topics:
        found = existing.get(topic.name)
        if found is not None and len(found.partitions) != topic.partitions:
            raise TopicMismatchError(
                f"topic {topic.name} has {len(found.partitions)} partitions, {topic.partitions} are declared: "
                f"set TIDECAST_PARTITIONS={len(found.partitions)}, or another TIDECAST_TOPIC_PREFIX"
            )
    there = {topic.name: topic.config for topic in topics if topic.name in existing}
    try:
        check_requests(admin, [topic.config for topic in topics], list(cluster.brokers), _REQUEST_TIMEOUT_S)
        raise_limits(admin, there, _REQUEST_TIMEOUT_S)
    except TooSmallError as error:
        raise TopicMismatchError(str(error)) from error
    missing = [
        NewTopic(topic.name, topic.partitions, topic.replication_factor, config=dict(topic.config))
        for topic in topics
        if topic.name not in existing
    ]
    if missing:
        for name, done in admin.create_topics(missing, request_timeout=_REQUEST_TIMEOUT_S).items():
            try:
                done.result()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another worker was quicker
                    raise TopicMismatchError(f"topic {name} cannot be created: {error.args[0].str()}") from error
    return _all_ids(admin, bootstrap, [topic.name for topic in topics])


def _refuse_lost(admin: AdminClient, bootstrap: str, known: Mapping[str, str]) -> None:
    found = _all_ids(admin, bootstrap, known, within=0)
    lost = [name for name, known_id in known.items() if found.get(name) != known_id]
    if lost:
        named = ", ".join(lost[:_NAMED]) + (f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else "")
        raise TopicsLostError(f"the Kafka broker at {bootstrap} has lost the topics {named}")


def _all_ids(
    admin: AdminClient, bootstrap: str, names: Collection[str], *, within: float = _REQUEST_TIMEOUT_S
) -> Mapping[str, str]:
    """Ids of the topics, once the broker that is asked knows all of them or time is up."""
    deadline = time.monotonic() + within
    try:
        while len(found := _described(admin, names, _REQUEST_TIMEOUT_S)) < len(names) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
    except KafkaException as error:
        raise BrokerUnreachableError(f"the broker at {bootstrap} does not describe its topics: {error}") from error
    return {name: topic.topic_id for name, topic in found.items()}


def _described(admin: AdminClient, names: Collection[str], timeout_s: float) -> dict[str, TopicNow]:
    """Each topic that there is."""
    found: dict[str, TopicNow] = {}
    # The client is the caller's until all is answered: without it an answer never comes.
    asked = admin.describe_topics(TopicCollection(list(names)), request_timeout=timeout_s)
    for name, answer in asked.items():
        try:
            topic = answer.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise
        else:
            found[name] = TopicNow(str(topic.topic_id), len(topic.partitions))
    return found


def _admin(bootstrap: str) -> AdminClient:
    return AdminClient(options(bootstrap) | {"log_level": 0})
