"""Who reads the topics, as the broker knows it: groups with their members, and what each is behind with."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from connectors.kafka.admin import BrokerUnreachableError
from connectors.kafka.security import options

__all__ = ["Broker", "Cluster", "Group", "Member", "read_cluster"]


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker of the cluster."""

    broker_id: int
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Member:
    """One process of a group."""

    name: str
    """The name that it keeps over restarts, else the one that it has now."""
    host: str
    partitions: int


@dataclass(frozen=True, slots=True)
class Group:
    """A group of consumers."""

    name: str
    state: str
    members: Sequence[Member]
    lag: Mapping[str, int]
    """Of each topic that it has committed something of: its records that are not done."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Brokers, and the groups that were asked for."""

    cluster_id: str
    brokers: Sequence[Broker]
    groups: Sequence[Group]


def read_cluster(bootstrap: str, wanted: Collection[str], timeout: timedelta) -> Cluster:
    """What the broker says now, of these groups alone. BrokerUnreachableError: it does not answer in time. Blocks."""
    seconds = timeout.total_seconds()
    admin = AdminClient(options(bootstrap) | {"log_level": 0})
    try:
        described = admin.describe_cluster(request_timeout=seconds).result(seconds)
        listed = admin.list_consumer_groups(request_timeout=seconds).result(seconds)
        names = sorted(group.group_id for group in listed.valid if group.group_id in wanted)
        asked = admin.describe_consumer_groups(names, request_timeout=seconds) if names else {}
        groups = [_group(admin, name, asked[name].result(seconds), seconds) for name in names]
    except (KafkaException, TimeoutError) as error:
        raise BrokerUnreachableError(f"no Kafka broker answers at {bootstrap}: {error}") from error
    brokers = tuple(Broker(node.id, node.host, node.port) for node in described.nodes)
    return Cluster(str(described.cluster_id), brokers, groups)


def _group(admin: AdminClient, name: str, described: Any, seconds: float) -> Group:
    members = tuple(
        Member(
            name=member.group_instance_id or member.client_id,
            host=member.host.removeprefix("/"),
            partitions=len(member.assignment.topic_partitions) if member.assignment else 0,
        )
        for member in described.members
    )
    return Group(name, described.state.name.lower(), members, _lag(admin, name, seconds))


def _lag(admin: AdminClient, name: str, seconds: float) -> Mapping[str, int]:
    """Of each topic the records behind what is committed; a partition of which nothing is was never read."""
    asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(name)], request_timeout=seconds)
    committed = {
        (at.topic, at.partition): at.offset
        for at in asked[name].result(seconds).topic_partitions or ()
        if at.error is None and at.offset >= 0
    }
    if not committed:  # librdkafka refuses the question for none
        return {}
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    ends = admin.list_offsets({TopicPartition(*at): latest for at in committed}, request_timeout=seconds)
    lag = Counter[str]()
    for at, answer in ends.items():
        lag[at.topic] += max(0, answer.result(seconds).offset - committed[at.topic, at.partition])
    return dict(lag)
