"""Where a follower begins that looks for the records of one key since some time."""

import time
from collections.abc import Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from connectors.kafka import topic_follower
from connectors.kafka.publisher import partition_for
from connectors.kafka.topic_follower import TopicFollower

_END, _KEY = 7, b"11"


class _Client:
    """A consumer of a partition that ended at 7 when it was asked; `found` is what it knows of the time."""

    def __init__(self, found: Sequence[int | None]) -> None:
        self.found = list(found)
        self.asked: list[str] = []
        self.assigned: list[TopicPartition] = []

    def __call__(self, _: Any) -> "_Client":
        return self

    def get_watermark_offsets(self, *_: Any, **__: Any) -> tuple[int, int]:
        self.asked.append("end")
        return 0, _END

    def offsets_for_times(self, places: Sequence[TopicPartition], **_: Any) -> list[TopicPartition]:
        self.asked.append("time")
        offset = self.found.pop(0)
        if offset is None:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        return [TopicPartition(place.topic, place.partition, offset) for place in places]

    def assign(self, places: Sequence[TopicPartition]) -> None:
        self.assigned += places

    def consume(self, *_: Any, **__: Any) -> list[Any]:
        time.sleep(0.01)
        return []

    def close(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize(
    ("found", "begin"),
    [([3], 3), ([-1], _END), ([None, -1], _END), ([0], 0)],
    ids=["some are there", "none is there yet", "no answer at first", "from the start"],
)
def test_it_misses_nothing_that_comes_while_it_asks(
    monkeypatch: pytest.MonkeyPatch, found: list[int | None], begin: int
) -> None:
    """The end is asked for before the time: what comes in between has a place behind it."""
    client = _Client(found)
    monkeypatch.setattr(topic_follower, "Consumer", client)
    monkeypatch.setattr(topic_follower, "_AGAIN_S", 0.0)
    follower = TopicFollower("nowhere", "results", 4, lambda _: None, since=(_KEY, 1))
    follower.start()
    deadline = time.monotonic() + 30
    while not client.assigned and time.monotonic() < deadline:
        time.sleep(0.01)
    follower.close()

    assert [(one.partition, one.offset) for one in client.assigned] == [(partition_for(_KEY, 4), begin)]
    assert client.asked[-2:] == ["end", "time"]
