"""The whole log of an installation, read from its beginning by a client of its own, and how far the groups are."""

import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from tests.faults.background import in_background
from tests.integration.services import READY_S

__all__ = ["Positions", "committed", "ends", "offsets_watched", "read_topics"]

_ASKED_S = 5.0
_WATCH_S = 0.2  # the workers commit every half second

Positions = dict[tuple[str, int], int]
"""An offset for each partition."""


def ends(bootstrap: str, topics: Sequence[str]) -> Positions:
    """Where the log of every partition ends."""
    admin = _admin(bootstrap)
    listed = admin.list_topics(timeout=READY_S).topics
    asked = {
        TopicPartition(topic, number): OffsetSpec.latest() for topic in topics for number in listed[topic].partitions
    }
    found = admin.list_offsets(asked, request_timeout=READY_S)
    return {(at.topic, at.partition): future.result().offset for at, future in found.items()}


def committed(bootstrap: str, group: str, topics: Sequence[str]) -> Positions:
    """What the group has committed in these topics; KafkaException where nobody says."""
    places = list(ends(bootstrap, topics))
    asking = _asking(bootstrap, group)
    try:
        return _committed(asking, places)
    finally:
        asking.close()


def _asking(bootstrap: str, group: str) -> Consumer:
    # librdkafka 2.16 aborts the process in an admin client's list_consumer_group_offsets while the broker is killed.
    return Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False, "log_level": 0})


def _committed(asking: Consumer, places: Sequence[tuple[str, int]]) -> Positions:
    found = asking.committed([TopicPartition(*place) for place in places], timeout=_ASKED_S)
    return {(at.topic, at.partition): at.offset for at in found if at.error is None and at.offset >= 0}


@contextmanager
def offsets_watched(bootstrap: str, groups: Mapping[str, Sequence[str]]) -> Iterator[None]:
    """Look at the groups' offsets in their topics all the time; AssertionError at the end if one has ever gone back."""
    back: list[str] = []
    looks = 0
    places = {group: list(ends(bootstrap, topics)) for group, topics in groups.items()}

    def watch(end: threading.Event) -> None:
        nonlocal looks
        last: dict[str, Positions] = {group: {} for group in groups}
        asking = {group: _asking(bootstrap, group) for group in groups}
        while not end.wait(_WATCH_S):
            for group in groups:
                try:
                    now = _committed(asking[group], places[group])
                except KafkaException:  # the broker may be away
                    continue
                looks += 1
                back.extend(
                    f"{group} at {at}: {offset} after {last[group][at]}"
                    for at, offset in now.items()
                    if offset < last[group].get(at, 0)
                )
                last[group].update(now)
        for consumer in asking.values():
            consumer.close()

    with in_background(watch):
        yield
    assert looks, "nobody looked"
    assert not back, f"committed offsets went back: {back}"


def read_topics(bootstrap: str, topics: Sequence[str]) -> Mapping[str, list[Message]]:
    """Every record of the topics that is there now; those of one partition in their order."""
    found: dict[str, list[Message]] = {topic: [] for topic in topics}
    until = {at: end for at, end in ends(bootstrap, topics).items() if end}
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": uuid.uuid4().hex,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": False,
            "log_level": 0,
        }
    )
    try:
        places = [TopicPartition(topic, partition, 0) for topic, partition in until]
        consumer.assign(places)
        deadline = time.monotonic() + READY_S
        while until:
            assert time.monotonic() < deadline, f"not read to the end: {sorted(until)}"
            for message in consumer.consume(1000, timeout=0.1):
                assert message.error() is None, message.error()
                found[message.topic()].append(message)
            for position in consumer.position(places):
                at = (position.topic, position.partition)
                if at in until and position.offset >= until[at]:
                    del until[at]
        return found
    finally:
        consumer.close()


def _admin(bootstrap: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
