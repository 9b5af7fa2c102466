"""Topics on a real broker: created once, told from others of the same name, and missed when they are gone."""

from datetime import timedelta

import pytest
from confluent_kafka.admin import AdminClient, NewPartitions

from connectors.embedded_kafka import EmbeddedKafka
from connectors.kafka_admin import (
    BrokerUnreachableError,
    Topic,
    TopicsLostError,
    ensure_topics,
    lost_topics,
    repartitioned_topics,
)
from connectors.ports import kept_or_free
from tests.integration.services import until

SOON = timedelta(seconds=10)


@pytest.fixture
def topics(topic_prefix: str) -> list[Topic]:
    """Two topics of this test's own."""
    return [Topic(f"{topic_prefix}{name}", 2, 1, {"cleanup.policy": "compact"}) for name in ("jobs", "results")]


def _delete(broker: EmbeddedKafka, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.delete_topics([topic])[topic].result()
    until(lambda: topic not in admin.list_topics(timeout=10).topics, why="the topic is gone")


def test_the_same_topics_have_the_same_ids(broker: EmbeddedKafka, topics: list[Topic]) -> None:
    """Whoever declares them, and however often."""
    ids = ensure_topics(broker.bootstrap, topics)

    assert list(ids) == [topic.name for topic in topics]
    assert len(set(ids.values())) == 2
    assert ensure_topics(broker.bootstrap, topics, known=ids) == ids
    assert lost_topics(broker.bootstrap, ids, SOON) == []


def test_added_partitions_are_told(broker: EmbeddedKafka, topics: list[Topic]) -> None:
    """With their number; a topic that is not there is somebody else's to tell."""
    ids = ensure_topics(broker.bootstrap, topics)
    names = [*ids, "no-such-topic"]
    before = repartitioned_topics(broker.bootstrap, names, 2, SOON)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.create_partitions([NewPartitions(topics[0].name, 3)])[topics[0].name].result()

    assert before == {}
    until(
        lambda: repartitioned_topics(broker.bootstrap, names, 2, SOON) == {topics[0].name: 3}, why="the broker says it"
    )


@pytest.mark.parametrize("made_anew", [False, True], ids=["gone", "made anew"])
def test_a_topic_that_was_known_is_not_replaced(broker: EmbeddedKafka, topics: list[Topic], made_anew: bool) -> None:
    """Not even by an empty one of its name."""
    ids = ensure_topics(broker.bootstrap, topics)
    _delete(broker, topics[0].name)
    if made_anew:
        ensure_topics(broker.bootstrap, topics)

    assert lost_topics(broker.bootstrap, ids, SOON) == [topics[0].name]
    with pytest.raises(TopicsLostError, match=f"lost the topics {topics[0].name}$"):
        ensure_topics(broker.bootstrap, topics, known=ids)


def test_a_topic_that_is_declared_for_the_first_time_is_made(broker: EmbeddedKafka, topics: list[Topic]) -> None:
    """A later release has more topics than are known."""
    known = ensure_topics(broker.bootstrap, topics[:1])

    assert ensure_topics(broker.bootstrap, topics, known=known).items() > known.items()


def test_a_broker_that_does_not_answer_has_lost_nothing() -> None:
    """As far as anybody knows."""
    nowhere = f"127.0.0.1:{kept_or_free(0)}"

    assert lost_topics(nowhere, {"t": "AAAA"}, timedelta(seconds=0.5)) == []


def test_a_broker_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch, topics: list[Topic]) -> None:
    """With the variable to correct."""
    monkeypatch.setattr("connectors.kafka_admin._REQUEST_TIMEOUT_S", 0.5)
    with pytest.raises(BrokerUnreachableError, match="TIDECAST_KAFKA_BOOTSTRAP"):
        ensure_topics(f"127.0.0.1:{kept_or_free(0)}", topics)
