"""The publisher against a real broker."""

import asyncio
from datetime import timedelta
from itertools import groupby

import pytest

from connectors.kafka.publisher import DeliveryError, MessageTooLargeError, Record, partition_for
from tests.integration.workers import Cluster


async def test_send_returns_when_the_broker_has_every_record(cluster: Cluster) -> None:
    """What `send` returned for is readable, as it was sent: key, value, headers, time, tombstone."""
    topic = cluster.topic("out")
    publisher = cluster.publisher()

    await publisher.send(
        [
            Record(topic, b"k", b"v", headers=[("error", b"none")], timestamp_ms=1_700_000_000_000),
            Record(topic, b"k", None),
            Record(topic, None, b""),
        ]
    )
    first, tombstone, keyless = cluster.read(topic)

    assert (first.key(), first.value(), first.headers()) == (b"k", b"v", [("error", b"none")])
    assert first.timestamp()[1] == 1_700_000_000_000
    assert (tombstone.key(), tombstone.value()) == (b"k", None)
    assert (keyless.key(), keyless.value()) == (None, b"")
    await publisher.close()


async def test_keys_lie_where_partition_for_says(cluster: Cluster) -> None:
    """librdkafka places a key where `partition_for`, and so Java and aiokafka, look for it."""
    topic = cluster.topic("out", partitions=7)
    keys = [b"", b"k", b"job", b"\xff\x00\x80", *(b"%d" % n for n in range(300)), *(bytes(range(n)) for n in range(40))]

    await cluster.send(Record(topic, key, key) for key in keys)
    placed = {message.key(): message.partition() for message in cluster.read(topic, partitions=7)}

    assert placed == {key: partition_for(key, 7) for key in keys}
    assert len(set(placed.values())) == 7


async def test_a_named_partition_wins_over_the_key(cluster: Cluster) -> None:
    """A changelog record goes to the partition of the event that caused it."""
    topic = cluster.topic("out", partitions=4)

    await cluster.send(Record(topic, b"same", b"%d" % partition, partition=partition) for partition in range(4))

    assert [message.partition() for message in cluster.read(topic, partitions=4)] == [0, 1, 2, 3]


async def test_order_of_calls_survives_a_full_queue(cluster: Cluster) -> None:
    """With room for 20 records in librdkafka, 5,000 of many calls and two threads arrive in the order of the calls."""
    topic = cluster.topic("out")
    publisher = cluster.publisher()
    publisher._config["queue.buffering.max.messages"] = 20

    sent = []
    for call in range(100):
        records = [Record(topic, b"%d" % (call % 2), b"%d.%d" % (call, n)) for n in range(50)]
        # Each odd call from another thread; awaiting it orders the calls without waiting for the deliveries.
        sent.append(
            publisher.send_nowait(records)
            if call % 2 == 0
            else asyncio.wrap_future(await asyncio.to_thread(publisher.enqueue, records))
        )
    await asyncio.gather(*sent)

    assert [message.value() for message in cluster.read(topic)] == [
        b"%d.%d" % (c, n) for c in range(100) for n in range(50)
    ]
    await publisher.close()


async def test_a_full_queue_does_not_block_the_event_loop(cluster: Cluster) -> None:
    """The call returns at once and other tasks run while the backlog waits for room."""
    topic = cluster.topic("out")
    publisher = cluster.publisher()
    publisher._config["queue.buffering.max.messages"] = 20
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while not sent.done():
            ticks += 1
            await asyncio.sleep(0.001)

    sent = publisher.send_nowait([Record(topic, b"k", b"v") for _ in range(2000)])
    assert not sent.done()
    await asyncio.gather(sent, tick())

    assert ticks > 5
    await publisher.close()


async def test_one_refused_record_fails_its_call_and_only_its_call(cluster: Cluster) -> None:
    """An unknown partition is named; the records of other calls are delivered."""
    topic = cluster.topic("out")
    publisher = cluster.publisher()
    good = publisher.send_nowait([Record(topic, b"k", b"good")])
    bad = publisher.send_nowait([Record(topic, b"k", b"fine"), Record(topic, b"k", b"lost", partition=9)])

    with pytest.raises(DeliveryError, match=rf"topic {topic}: .*partition"):
        await bad
    await good

    assert [message.value() for message in cluster.read(topic)] == [b"good", b"fine"]
    await publisher.close()


async def test_a_record_beyond_the_topics_limit_is_too_large(cluster: Cluster) -> None:
    """The broker's refusal says that repeating is useless and whose limit it is."""
    topic = cluster.topic("out", max_message_bytes="1000")
    publisher = cluster.publisher()

    with pytest.raises(
        MessageTooLargeError, match=r"a record of 2001 bytes exceeds the topic's max\.message\.bytes"
    ) as error:
        await publisher.send([Record(topic, b"k", b"v" * 2000)])

    assert (error.value.size, error.value.limit) == (2001, None)
    await publisher.close()


async def test_the_largest_allowed_record_passes(cluster: Cluster) -> None:
    """`max_message_bytes` is a promise: a record of exactly this size, headers included, reaches the topic."""
    limit = 2_000_000
    topic = cluster.topic("out", max_message_bytes=str(limit + 1024))
    publisher = cluster.publisher(max_message_bytes=limit)
    head = Record(topic, b"key", b"", headers=[("name", b"value")])

    await publisher.send([Record(topic, b"key", b"v" * (limit - head.size), headers=head.headers)])
    [message] = cluster.read(topic)

    assert len(message.value()) == limit - head.size
    await publisher.close()


async def test_flush_and_close_wait_for_what_was_sent(cluster: Cluster) -> None:
    """Records that nobody awaited are with the broker when `flush`, or `close`, returns."""
    topic = cluster.topic("out")
    publisher = cluster.publisher(linger_ms=200)
    first = publisher.enqueue([Record(topic, b"k", b"1")])

    await publisher.flush()
    assert first.done()
    publisher.send_nowait([Record(topic, b"k", b"2")])
    await publisher.close(timedelta(seconds=10))

    assert [message.value() for message in cluster.read(topic)] == [b"1", b"2"]


async def test_threads_share_one_publisher(cluster: Cluster) -> None:
    """Eight threads at once: every record arrives once, each thread's in its order."""
    topic = cluster.topic("out")
    publisher = cluster.publisher()

    def work(thread: int) -> None:
        for n in range(50):
            publisher.enqueue([Record(topic, b"%d" % thread, b"%d" % n)]).result(30)

    await asyncio.gather(*(asyncio.to_thread(work, thread) for thread in range(8)))
    messages = sorted(cluster.read(topic), key=lambda message: (message.key(), message.offset()))

    by_key = {key: [int(message.value()) for message in group] for key, group in groupby(messages, lambda m: m.key())}
    assert by_key == {b"%d" % thread: list(range(50)) for thread in range(8)}
    await publisher.close()


async def test_offsets_are_told_before_the_future_ends(cluster: Cluster) -> None:
    """The first and the last of the call's records, also where a full queue held some back."""
    topic, publisher = cluster.topic("out"), cluster.publisher()
    publisher._config["queue.buffering.max.messages"] = 20
    told: list[tuple[int, int]] = []
    await publisher.send([Record(topic, b"k", b"before")])
    await asyncio.gather(
        *(
            publisher.send_nowait([Record(topic, b"k", b"v")] * count, lambda first, last: told.append((first, last)))
            for count in (100, 1)
        )
    )
    await publisher.close()

    assert told == [(1, 100), (101, 101)]


async def test_who_cannot_take_the_offsets_fails_the_call(cluster: Cluster) -> None:
    """What should follow a record has not followed it."""
    topic, publisher = cluster.topic("out"), cluster.publisher()

    def full(first: int, last: int) -> None:
        raise OSError("no room on the disk")

    with pytest.raises(OSError, match="no room"):
        await publisher.send_nowait([Record(topic, b"k", b"v")], full)
    await publisher.close()
