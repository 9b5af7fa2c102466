"""What the publisher does without a broker."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from connectors.kafka import publisher as module
from connectors.kafka.publisher import DeliveryError, MessageTooLargeError, Publisher, Record, partition_for

NOBODY = "127.0.0.1:1"  # a port that no broker listens on


# Values of org.apache.kafka.common.utils.Utils.murmur2, masked as its default partitioner does.
@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_partition_for_is_javas(key: bytes, hashed: int) -> None:
    """Keys lie where Java's producers place them."""
    assert partition_for(key, 12) == (hashed & 0x7FFFFFFF) % 12


def test_nothing_connects_before_the_first_send() -> None:
    """Building a publisher starts no thread and needs no broker."""
    before = threading.active_count()

    Publisher(NOBODY, client_id="test")

    assert threading.active_count() == before


async def test_an_unreachable_broker_fails_the_delivery_in_time() -> None:
    """The error names the topic and the reason, within the delivery timeout."""
    publisher = Publisher(NOBODY, client_id="test", delivery_timeout=timedelta(seconds=0.3))

    with pytest.raises(DeliveryError, match=r"topic forecasts: .*timed out") as error:
        await asyncio.wait_for(publisher.send([Record("forecasts", b"k", b"v")]), 10)

    assert error.value.topic == "forecasts"
    await publisher.close()


async def test_a_record_beyond_the_limit_is_named_and_nothing_is_sent() -> None:
    """All of the call is refused before the broker is needed, and the caller learns which record it was."""
    publisher = Publisher(NOBODY, client_id="test", max_message_bytes=1000)
    records = [Record("t", b"k", b"small"), Record("t", b"key", b"v" * 998)]

    with pytest.raises(
        MessageTooLargeError, match="topic t: a record of 1001 bytes exceeds the limit of 1000 bytes"
    ) as error:
        await publisher.send(records)

    assert (error.value.index, error.value.size, error.value.limit) == (1, 1001, 1000)
    assert publisher._producer is None


async def test_headers_of_the_place_count_towards_the_limit() -> None:
    """Those that the record has itself come once."""
    trace = ("traceparent", b"x" * 55)
    publisher = Publisher(NOBODY, client_id="test", max_message_bytes=1000, headers_here=lambda: [trace])
    bare, own = Record("t", None, b"v" * 930), Record("t", None, b"v" * 930, [trace])

    for record in (bare, own):
        with pytest.raises(MessageTooLargeError, match="a record of 1006 bytes"):
            await publisher.send([record])


async def test_sending_nothing_ends_at_once() -> None:
    """An empty call needs no broker."""
    publisher = Publisher(NOBODY, client_id="test")

    await asyncio.wait_for(publisher.send([]), 1)
    publisher.enqueue([]).result(1)


async def test_closing_at_once_waits_for_nothing() -> None:
    """No time at all is a time too: it was taken for none given, and what is left was waited for for two minutes."""
    publisher = Publisher(NOBODY, client_id="test")
    sent = publisher.send_nowait([Record("t", b"k", b"v")])

    await asyncio.wait_for(publisher.close(timedelta()), 20)

    with pytest.raises(DeliveryError):
        await sent


async def test_closing_fails_what_was_not_delivered() -> None:
    """No future stays open, and a closed publisher takes nothing."""
    publisher = Publisher(NOBODY, client_id="test")
    publisher._config["queue.buffering.max.messages"] = 10
    sent = publisher.send_nowait([Record("t", b"k", b"v") for _ in range(50)])  # 40 of them in the backlog

    await publisher.close(timedelta(seconds=0.2))

    with pytest.raises(DeliveryError):
        await sent
    with pytest.raises(RuntimeError, match="closed"):
        publisher.send_nowait([Record("t", b"k", b"v")])


async def test_a_cancelled_sender_harms_nobody() -> None:
    """The report of a call whose caller is gone is dropped."""
    publisher = Publisher(NOBODY, client_id="test", delivery_timeout=timedelta(seconds=0.3))
    gone = asyncio.ensure_future(publisher.send([Record("t", b"k", b"v")]))
    await asyncio.sleep(0)
    gone.cancel()
    cancelled = publisher.enqueue([Record("t", b"k", b"v")])
    cancelled.cancel()

    with pytest.raises(DeliveryError):
        await publisher.send([Record("t", b"k", b"v")])
    await publisher.close()


async def test_after_a_fatal_error_every_send_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """librdkafka refuses everything after a fatal error, and each caller hears it."""

    class BrokenProducer:
        def __init__(self, config: Any, **settings: Any) -> None:
            self.stopped = threading.Event()

        def produce(self, *args: Any, **kwargs: Any) -> None:
            raise KafkaException(KafkaError(KafkaError._FATAL, "fenced", True))

        produce_batch = produce

        def __len__(self) -> int:
            return 0

        def poll(self, timeout: float) -> int:
            self.stopped.wait(timeout)
            return 0

    monkeypatch.setattr(module, "Producer", BrokenProducer)
    publisher = Publisher(NOBODY, client_id="test")

    for batch in ([Record("t", b"k", b"v"), Record("t", b"k", b"w")], [Record("t", b"k", b"v")]) * 2:
        with pytest.raises(DeliveryError, match="topic t: fenced"):
            await publisher.send(batch)
    await publisher.close()


class RoomyProducer:
    """Has room for ten records at a time; `taken` is their order, and in which way each came."""

    def __init__(self, config: Any, **settings: Any) -> None:
        self.taken: list[tuple[bytes, str]] = []
        self.places: list[tuple[str, int]] = []
        self.waiting: list[Any] = []

    def __len__(self) -> int:
        return len(self.waiting)

    def produce(self, topic: str, value: bytes, *args: Any, on_delivery: Any, **kwargs: Any) -> None:
        if len(self.waiting) == 10:
            raise BufferError
        self.taken.append((value, "alone"))
        self.waiting.append(on_delivery)

    def produce_batch(self, topic: str, given: list[dict[str, Any]], *, partition: int, on_delivery: Any) -> int:
        self.places.append((topic, partition))
        for it in given:
            if it["value"] == b"wrong":
                it["_error"] = KafkaError(KafkaError._UNKNOWN_PARTITION, "no such partition")
                continue
            self.taken.append((it["value"], "together"))
            self.waiting.append(on_delivery)
        return len(given) - sum("_error" in it for it in given)

    def poll(self, timeout: float) -> int:
        reported, self.waiting = self.waiting, []
        for report in reported:
            report(None, Answered())
        threading.Event().wait(0.01)
        return len(reported)


class Answered:
    """What librdkafka says of a record."""

    def offset(self) -> int:
        return 7


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> list[RoomyProducer]:
    """The producers that are made, and a queue of ten records."""
    made: list[RoomyProducer] = []

    def make(config: Any, **settings: Any) -> RoomyProducer:
        made.append(RoomyProducer(config, **settings))
        return made[-1]

    monkeypatch.setattr(module, "Producer", make)
    monkeypatch.setattr(module, "_MOST_QUEUED", 10)
    return made


async def test_a_call_goes_to_librdkafka_together_where_there_is_room(roomy: list[RoomyProducer]) -> None:
    """What waits for room keeps its place, whichever way it goes."""
    publisher = Publisher(NOBODY, client_id="test")
    values = [[b"%d-%d" % (call, number) for number in range(8)] for call in range(5)]
    await asyncio.gather(*(publisher.send(Record("t", b"k", value) for value in each) for each in values))
    [producer] = roomy
    assert [value for value, _ in producer.taken] == [value for each in values for value in each]
    assert {way for _, way in producer.taken[:8]} == {"together"}
    assert "alone" in {way for _, way in producer.taken}

    producer.taken.clear()
    for other in (Record("t", b"k", b"2", [("trace", b"x")]), Record("t", b"k", b"2", timestamp_ms=5)):
        await publisher.send([Record("t", b"k", b"1"), other])
    assert producer.taken == [(b"1", "alone"), (b"2", "alone")] * 2
    await publisher.close()


async def test_records_of_a_call_go_together_by_topic_and_partition(roomy: list[RoomyProducer]) -> None:
    """The places come in the order in which the call names them, and of one place the records keep theirs."""
    publisher = Publisher(NOBODY, client_id="test")

    await publisher.send(
        [
            Record("a", b"k", b"1"),
            Record("b", b"k", b"2", partition=3),
            Record("a", b"k", b"3", partition=0),
            Record("a", b"k", b"4"),
            Record("b", b"k", b"5", partition=3),
        ]
    )

    assert roomy[0].places == [("a", -1), ("b", 3), ("a", 0)]
    assert roomy[0].taken == [(value, "together") for value in (b"1", b"4", b"2", b"5", b"3")]
    await publisher.close()


async def test_a_record_of_a_call_that_is_refused_is_told(roomy: list[RoomyProducer]) -> None:
    """The others are delivered."""
    publisher = Publisher(NOBODY, client_id="test")

    with pytest.raises(DeliveryError, match="topic t: no such partition"):
        await publisher.send([Record("t", b"k", value) for value in (b"a", b"wrong", b"b")])
    assert [value for value, _ in roomy[0].taken] == [b"a", b"b"]
    await publisher.close()


async def test_calls_beyond_the_bytes_that_are_queued_wait(roomy: list[RoomyProducer]) -> None:
    """Sizes of what is not reported yet are counted."""
    publisher = Publisher(NOBODY, client_id="test", max_message_bytes=1000)
    publisher._most_bytes = 1000
    await asyncio.gather(*(publisher.send([Record("t", b"k", b"v" * 400)] * 2) for _ in range(3)))

    assert {way for _, way in roomy[0].taken[:2]} == {"together"}
    assert {way for _, way in roomy[0].taken[2:4]} == {"alone"}
    await publisher.flush()  # a call is answered a moment before it is counted as closed
    assert publisher._open_bytes == 0
    await publisher.close()
