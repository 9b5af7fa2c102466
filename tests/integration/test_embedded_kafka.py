"""The embedded broker as users meet it: a real Kafka that keeps what it acknowledged."""

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from connectors.embedded_kafka.broker import EmbeddedKafka, HomeInUseError, PortInUseError
from connectors.embedded_kafka.class_archive import ClassArchive
from connectors.embedded_kafka.config import Sizes
from connectors.embedded_kafka.java import Java

SOON_S = 30.0

# Starts a broker, and then neither it nor its guard is there any more; the broker goes on without them.
ORPHAN_MAKER = """
import os, signal, sys
from pathlib import Path
from connectors.embedded_kafka.broker import EmbeddedKafka
from connectors.embedded_kafka.java import Java

home, jars, java, version, guarded = sys.argv[1:]
broker = EmbeddedKafka(Path(home), port=0, jars=Path(jars), java=Java(Path(java), int(version)))
broker.start()
broker.wait_ready()
if guarded == "no":
    broker._process._guard.kill()
    broker._process._guard.wait()
Path(home, "pid").write_text(str(broker.pid))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder whose name has everything that settings files and commands could trip over."""
    return tmp_path / "größe, $HOME 1=2"


@pytest.fixture
def own_broker(home: Path, kafka_jars: Path, java: Java) -> Iterator[EmbeddedKafka]:
    """A running broker for this test alone, which may stop and kill it."""
    broker = EmbeddedKafka(home, port=0, jars=kafka_jars, java=java)
    with broker:
        yield broker


def _create(broker: EmbeddedKafka, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(SOON_S)


def _produce(broker: EmbeddedKafka, topic: str, values: list[bytes], **settings: object) -> None:
    """Send all, and fail unless the broker has acknowledged all."""
    refused: list[KafkaError] = []
    producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0, **settings})
    for value in values:
        producer.produce(topic, value, on_delivery=lambda error, _message: error and refused.append(error))
    assert producer.flush(SOON_S) == 0
    assert refused == []


def _read(broker: EmbeddedKafka, topic: str, count: int, **settings: object) -> list[bytes | None]:
    """The first `count` values of a topic with one partition; fewer where they do not come."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "reader", "log_level": 0, **settings})
    consumer.assign([TopicPartition(topic, 0, 0)])
    messages = []
    while len(messages) < count and (message := consumer.poll(SOON_S)) is not None:
        assert message.error() is None
        messages.append(message.value())
    consumer.close()
    return messages


def _orphan(home: Path, kafka_jars: Path, java: Java, *, guarded: bool) -> int:
    """The process id of a broker whose owner was killed."""
    arguments = [str(home), str(kafka_jars), str(java.path), str(java.version), "yes" if guarded else "no"]
    owner = subprocess.run([sys.executable, "-c", ORPHAN_MAKER, *arguments], check=False)
    assert owner.returncode == -signal.SIGKILL
    return int((home / "pid").read_text())


def _ends(process: int, within_s: float) -> bool:
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], within_s)[0])
    finally:
        os.close(handle)


def test_records_survive_a_stop_and_a_new_start(
    own_broker: EmbeddedKafka, home: Path, kafka_jars: Path, java: Java, topic_prefix: str
) -> None:
    """Another broker object on the same folder, at another port, has the records of the first."""
    topic = topic_prefix + "kept"
    _create(own_broker, topic)
    _produce(own_broker, topic, [b"one", b"two"])
    own_broker.stop()
    assert not own_broker.alive

    with EmbeddedKafka(home, port=0, jars=kafka_jars, java=java) as second:
        assert _read(second, topic, 2) == [b"one", b"two"]


def test_acknowledged_records_survive_a_kill(own_broker: EmbeddedKafka, topic_prefix: str) -> None:
    """After a kill -9 the same object starts again at the same port with every acknowledged record."""
    topic = topic_prefix + "kept"
    values = [f"{number}".encode() for number in range(2000)]
    _create(own_broker, topic)
    _produce(own_broker, topic, values)
    before = own_broker.bootstrap, own_broker.pid

    own_broker.kill()
    assert not own_broker.alive
    own_broker.start()
    own_broker.wait_ready()

    assert own_broker.bootstrap == before[0]
    assert own_broker.pid != before[1]
    assert _read(own_broker, topic, len(values)) == values


def test_a_crashed_broker_is_seen_and_can_be_started_again(own_broker: EmbeddedKafka, topic_prefix: str) -> None:
    """A broker that ended by itself is not alive, and starts again."""
    assert own_broker.pid is not None
    os.kill(own_broker.pid, signal.SIGKILL)
    assert _ends(own_broker.pid, SOON_S)

    assert not own_broker.alive
    own_broker.start()
    own_broker.wait_ready()
    _create(own_broker, topic_prefix + "after")


@pytest.mark.parametrize("megabytes", [20, 64])
def test_a_large_record_passes(broker: EmbeddedKafka, topic_prefix: str, megabytes: int) -> None:
    """A record of 20 MB, and one of the 64 MiB that are promised, are read as they were sent."""
    topic = topic_prefix + "large"
    limit = 64 * 1024 * 1024
    value = os.urandom(min(megabytes * 1_000_000, limit - 1000))
    _create(broker, topic)

    _produce(broker, topic, [value], **{"message.max.bytes": limit})

    read = _read(broker, topic, 1, **{"fetch.max.bytes": limit, "message.max.bytes": limit})
    assert read == [value]
    assert broker.alive


def test_an_undeclared_topic_is_not_made(broker: EmbeddedKafka, topic_prefix: str) -> None:
    """Asking for a topic that nobody created does not create it."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    for _ in range(2):
        asked = admin.list_topics(topic_prefix + "typo", timeout=SOON_S).topics[topic_prefix + "typo"]
        assert asked.error is not None
        assert asked.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_a_member_may_ask_for_a_session_of_six_seconds(broker: EmbeddedKafka, topic_prefix: str) -> None:
    """A group with the short session of our workers is admitted, and gets its records."""
    topic = topic_prefix + "work"
    _create(broker, topic)
    _produce(broker, topic, [b"task"])
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap,
            "group.id": topic_prefix + "workers",
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 500,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([topic])

    message = consumer.poll(SOON_S)

    consumer.close()
    assert message is not None
    assert message.value() == b"task"


def test_a_second_broker_at_the_same_port_or_folder_is_refused(
    broker: EmbeddedKafka, own_broker: EmbeddedKafka, home: Path, tmp_path: Path, kafka_jars: Path, java: Java
) -> None:
    """Both are refused in words, and the running brokers go on."""
    port = int(broker.bootstrap.rpartition(":")[2])

    with pytest.raises(PortInUseError, match=rf"port {port} .*TIDECAST_KAFKA_PORT"):
        EmbeddedKafka(tmp_path / "other", port=port, jars=kafka_jars, java=java).start()
    with pytest.raises(HomeInUseError, match="TIDECAST_HOME"):
        EmbeddedKafka(home, port=0, jars=kafka_jars, java=java).start()

    assert broker.alive
    assert own_broker.alive
    own_broker.wait_ready()


def test_a_broker_ends_soon_after_its_owner_was_killed(home: Path, kafka_jars: Path, java: Java) -> None:
    """A kill -9 of the owner does not leave a broker behind."""
    orphan = _orphan(home, kafka_jars, java, guarded=True)

    assert _ends(orphan, SOON_S)


def test_a_stale_broker_of_the_same_folder_is_ended_first(
    home: Path, kafka_jars: Path, java: Java, topic_prefix: str
) -> None:
    """A broker that lost its owner and its guard is ended by the next start, which then has the folder."""
    orphan = _orphan(home, kafka_jars, java, guarded=False)
    assert not _ends(orphan, 1.5)  # nobody ends it

    with EmbeddedKafka(home, port=0, jars=kafka_jars, java=java) as next_one:
        assert _ends(orphan, 0)
        assert next_one.pid != orphan
        _create(next_one, topic_prefix + "after")


def test_a_broken_class_archive_does_not_keep_the_broker_from_starting(
    home: Path, tmp_path: Path, kafka_jars: Path, java: Java
) -> None:
    """Where Java dies of its archive the broker starts without, and the archive is never used again."""
    launcher = tmp_path / "java"
    dies = 'case "$*" in *SharedArchiveFile*|*AOTCache*) echo died of it; exit 134;; esac'
    launcher.write_text(f'#!/bin/sh\n{dies}\nexec "{java.path}" "$@"\n')
    launcher.chmod(0o755)
    jars = tmp_path / "kafka"
    jars.symlink_to(kafka_jars)  # the archive lies beside it, and must not be the one that other tests use
    archive = ClassArchive.of(jars, Java(launcher, java.version))
    archive.path.write_bytes(b"broken")

    with EmbeddedKafka(home, port=0, jars=jars, java=Java(launcher, java.version)) as broker:
        assert broker.alive

    assert not archive.usable
    assert not archive.wanted


def test_a_format_that_fails_is_told_in_the_words_of_java(home: Path, kafka_jars: Path, java: Java) -> None:
    """Too little memory is an error that says so, not a traceback of Java."""
    with pytest.raises(Exception, match=r"cannot be formatted: .*[Hh]eap|cannot be formatted: .*OutOfMemory"):
        EmbeddedKafka(home, port=0, jars=kafka_jars, java=java, sizes=Sizes(heap_mb=2)).start()


def test_damaged_data_is_told_and_stays(own_broker: EmbeddedKafka, home: Path, topic_prefix: str) -> None:
    """Kafka's own reason for not starting reaches the user, with the place of the logs."""
    _create(own_broker, topic_prefix + "kept")
    own_broker.stop()
    shutil.rmtree(home / "data" / "__cluster_metadata-0")
    (home / "data" / "__cluster_metadata-0").write_text("not a folder")
    own_broker.start()

    with pytest.raises(
        Exception, match=r"ended while starting\. Its last words: .*ERROR.*__cluster_metadata-0"
    ) as caught:
        own_broker.wait_ready()

    assert str(home / "logs") in str(caught.value)
    assert (home / "data" / "__cluster_metadata-0").read_text() == "not a folder"


def test_a_record_above_the_limit_is_refused(broker: EmbeddedKafka, topic_prefix: str) -> None:
    """More than 64 MiB is refused to the producer, and the broker goes on."""
    topic = topic_prefix + "large"
    _create(broker, topic)
    producer = Producer({"bootstrap.servers": broker.bootstrap, "message.max.bytes": 64 * 1024 * 1024})

    with pytest.raises((KafkaException, BufferError)):
        producer.produce(topic, bytes(64 * 1024 * 1024 + 1))

    assert broker.alive
