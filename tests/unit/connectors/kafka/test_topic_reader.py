"""What readers do about brokers that do not say at once where a log ends."""

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from connectors.kafka import topic_reader
from connectors.kafka.admin import BrokerUnreachableError
from connectors.kafka.topic_reader import read_partition

_NO_LEADER = KafkaError.NOT_LEADER_FOR_PARTITION


class _Client:
    """A consumer of one empty partition, whose ends are answered as told: an error's code, None, or both offsets."""

    def __init__(self, answers: list[Any]) -> None:
        self.answers = answers

    def __call__(self, _: Any) -> "_Client":
        return self

    def list_topics(self, topic: str, **_: Any) -> Any:
        described = type("Described", (), {"error": None, "partitions": {0: None}})
        return type("Cluster", (), {"topics": {topic: described}})

    def get_watermark_offsets(self, *_: Any, **__: Any) -> Any:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, int):
            raise KafkaException(KafkaError(answer))
        return answer

    def close(self) -> None:
        """Nothing to close."""


def test_a_topic_made_a_moment_ago_is_read_once_it_has_a_leader(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first start reads the log that it has just made; a busy broker has no leader for it yet."""
    client = _Client([_NO_LEADER, _NO_LEADER, (0, 0)])
    monkeypatch.setattr(topic_reader, "Consumer", client)

    assert list(read_partition("somewhere", "rows", 0, 0)) == []
    assert client.answers == [(0, 0)]


@pytest.mark.parametrize("answer", [_NO_LEADER, None], ids=["never a leader", "no answer in time"])
def test_who_is_never_told_the_end_says_that_no_broker_answers(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    """After a while, with the setting that may be wrong."""
    monkeypatch.setattr(topic_reader, "Consumer", _Client([answer]))
    monkeypatch.setattr(topic_reader, "_TIMEOUT_S", 0.0)

    with pytest.raises(BrokerUnreachableError, match="TIDECAST_KAFKA_BOOTSTRAP"):
        list(read_partition("somewhere", "rows", 0, 0))
