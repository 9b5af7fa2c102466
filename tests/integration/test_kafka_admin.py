"""Topics on a real broker: created once, told from others of the same name, and missed when they are gone."""

import os
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, ResourceType

from connectors.embedded_kafka.broker import EmbeddedKafka
from connectors.embedded_kafka.config import Sizes
from connectors.embedded_kafka.java import Java
from connectors.embedded_kafka.ports import kept_or_free
from connectors.kafka.admin import (
    BrokerUnreachableError,
    Topic,
    TopicMismatchError,
    TopicsLostError,
    ensure_topics,
    lost_topics,
    repartitioned_topics,
    topics_now,
)
from connectors.kafka.changelog_reader import ChangelogReader, Span
from connectors.kafka.publisher import MessageTooLargeError, Publisher, Record
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
    assert lost_topics(topics_now(broker.bootstrap, ids, SOON), ids) == []


def test_added_partitions_are_told(broker: EmbeddedKafka, topics: list[Topic]) -> None:
    """With their number; a topic that is not there is somebody else's to tell."""
    ids = ensure_topics(broker.bootstrap, topics)
    names = [*ids, "no-such-topic"]
    before = repartitioned_topics(topics_now(broker.bootstrap, names, SOON), 2)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.create_partitions([NewPartitions(topics[0].name, 3)])[topics[0].name].result()

    assert before == {}
    until(
        lambda: repartitioned_topics(topics_now(broker.bootstrap, names, SOON), 2) == {topics[0].name: 3},
        why="the broker says it",
    )


@pytest.mark.parametrize("made_anew", [False, True], ids=["gone", "made anew"])
def test_a_topic_that_was_known_is_not_replaced(broker: EmbeddedKafka, topics: list[Topic], made_anew: bool) -> None:
    """Not even by an empty one of its name."""
    ids = ensure_topics(broker.bootstrap, topics)
    _delete(broker, topics[0].name)
    if made_anew:
        ensure_topics(broker.bootstrap, topics)

    assert lost_topics(topics_now(broker.bootstrap, ids, SOON), ids) == [topics[0].name]
    with pytest.raises(TopicsLostError, match=f"lost the topics {topics[0].name}$"):
        ensure_topics(broker.bootstrap, topics, known=ids)


def test_a_topic_that_is_declared_for_the_first_time_is_made(broker: EmbeddedKafka, topics: list[Topic]) -> None:
    """A later release has more topics than are known."""
    known = ensure_topics(broker.bootstrap, topics[:1])

    assert ensure_topics(broker.bootstrap, topics, known=known).items() > known.items()


def test_a_broker_that_does_not_answer_has_lost_nothing() -> None:
    """As far as anybody knows."""
    nowhere = f"127.0.0.1:{kept_or_free(0)}"

    assert lost_topics(topics_now(nowhere, ["t"], timedelta(seconds=0.5)), {"t": "AAAA"}) == []


def test_a_broker_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch, topics: list[Topic]) -> None:
    """With the variable to correct."""
    monkeypatch.setattr("connectors.kafka.admin._REQUEST_TIMEOUT_S", 0.5)
    with pytest.raises(BrokerUnreachableError, match="TIDECAST_KAFKA_BOOTSTRAP"):
        ensure_topics(f"127.0.0.1:{kept_or_free(0)}", topics)


def _config(broker: EmbeddedKafka, topic: str) -> dict[str, str]:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    [described] = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
    return {key: entry.value for key, entry in described.result().items()}


def _topic(name: str, size: int, retention_ms: int) -> Topic:
    return Topic(name, 1, 1, {"max.message.bytes": str(size), "retention.ms": str(retention_ms)})


def test_larger_limits_reach_a_topic_that_is_there(broker: EmbeddedKafka, topic_prefix: str) -> None:
    """Size and retention, each by itself, as soon as the next start declares them; nothing else changes."""
    name = f"{topic_prefix}t"
    ensure_topics(broker.bootstrap, [_topic(name, 1_000_000, 1000_000)])
    before = _config(broker, name)
    ensure_topics(broker.bootstrap, [_topic(name, 2_000_000, 1000_000)])
    ensure_topics(broker.bootstrap, [_topic(name, 2_000_000, 3000_000)])

    assert _config(broker, name) == before | {"max.message.bytes": "2000000", "retention.ms": "3000000"}


@pytest.mark.parametrize("theirs", ["5000000", "-1"])
def test_what_an_operator_has_set_higher_stays(broker: EmbeddedKafka, topic_prefix: str, theirs: str) -> None:
    """Also a retention without end, and where our own setting is lowered."""
    name = f"{topic_prefix}t"
    ensure_topics(broker.bootstrap, [_topic(name, 4_000_000, int(theirs))])
    ensure_topics(broker.bootstrap, [_topic(name, 1_000_000, 1_000_000)])

    config = _config(broker, name)
    assert (config["max.message.bytes"], config["retention.ms"]) == ("4000000", theirs)


def test_limits_that_we_may_not_raise_are_told_with_the_remedy(
    broker: EmbeddedKafka, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a cluster whose operator keeps that right: what is there, what is needed, how to have it."""
    name = f"{topic_prefix}t"
    ensure_topics(broker.bootstrap, [_topic(name, 1_000_000, 1_000_000)])
    refused: Future[None] = Future()
    refused.set_exception(KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)))
    monkeypatch.setattr(AdminClient, "incremental_alter_configs", lambda _, asked, **__: dict.fromkeys(asked, refused))

    ensure_topics(broker.bootstrap, [_topic(name, 1_000_000, 1_000_000)])  # nothing to raise, nothing to refuse
    with pytest.raises(TopicMismatchError) as error:
        ensure_topics(broker.bootstrap, [_topic(name, 2_000_000, 1_000_000)])
    for words in (name, "max.message.bytes=1000000 where 2000000 is needed", "TIDECAST_MAX_MESSAGE_BYTES", "--alter"):
        assert words in str(error.value)


def test_a_record_that_no_request_can_carry_is_told(broker: EmbeddedKafka, topic_prefix: str) -> None:
    """The topic says yes, the broker's sockets say no: else every such record would end a worker."""
    topic = _topic(f"{topic_prefix}t", 100 * 1024 * 1024, 1_000_000)

    with pytest.raises(TopicMismatchError, match=r"socket\.request\.max\.bytes.*TIDECAST_MAX_MESSAGE_BYTES"):
        ensure_topics(broker.bootstrap, [topic])


async def test_records_at_the_border_pass_the_embedded_broker(tmp_path: Path, kafka_jars: Path, java: Java) -> None:
    """A setting above the usual 64 MiB: a record of exactly that size is kept and read again, a larger one refused."""
    limit = 128 * 1024 * 1024
    with EmbeddedKafka(tmp_path, port=0, jars=kafka_jars, java=java, sizes=Sizes(limit + 1024)) as large:
        ensure_topics(large.bootstrap, [_topic("t", limit + 1024, 1_000_000)])
        publisher = Publisher(large.bootstrap, client_id="test", max_message_bytes=limit)
        value = os.urandom(1024 * 1024) * 128
        for _ in range(2):
            await publisher.send([Record("t", b"k", value[1:], partition=0)])
        with pytest.raises(MessageTooLargeError):
            await publisher.send([Record("t", b"k", value, partition=0)])
        await publisher.close()
        spans = {("t", 0): Span(0, 1)}
        reader = ChangelogReader(large.bootstrap, spans, max_message_bytes=limit)
        rows: list[bytes | None] = []
        while not reader.done:
            rows += [row for changes in reader.read() for _, row in changes.rows]
        reader.close()

        assert rows[-1] == value[1:]
        assert large.alive
