"""What anybody may write to a topic is read without an error, and without more memory than it is worth."""

import gzip
from typing import Any

import cramjam
import pytest
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.structs import TopicPartition

from streams.engine.dead_letters import dead_letter
from streams.engine.fetched import UNREADABLE, _Partition, _Records, _Result, unpacked_size
from streams.errors import InvalidError
from tests.agents.bench import headers, message

MIB = 1024**2
PLACE = TopicPartition("t", 0)
HEADER = b"\0" * 61


class _Name(str):
    """The name of a header as Sarama can write it."""

    __slots__ = ()

    def encode(self, *_: Any, **__: Any) -> bytes:
        return b"\xff\xfe"


def batch(*values: bytes, codec: int = 0, first: int = 0, name: str = "n", **flags: Any) -> bytes:
    """A batch as a broker gives it."""
    made = {"is_transactional": 0, "producer_id": -1, "producer_epoch": -1} | flags
    builder = _DefaultRecordBatchBuilderPy(2, codec, base_sequence=0, batch_size=2**40, **made)
    for number, value in enumerate(values):
        assert builder.append(number, 1000 + number, b"k", value, [(name, b"v")]) is not None
    builder.set_producer_state(made["producer_id"], made["producer_epoch"], 0)
    data = bytearray(builder.build())
    data[:8] = first.to_bytes(8)
    return bytes(data)


def read(*batches: bytes, at: int = 0, aborted: Any = (), isolation: int = 1) -> list[Any]:
    """What a consumer is given."""
    return list(_Partition(PLACE, _Records(b"".join(batches)), list(aborted), at, None, None, True, isolation))


@pytest.mark.parametrize("codec", range(5))
def test_every_codec_is_read(codec: int) -> None:
    """As aiokafka reads it, from where one was."""
    found = read(batch(b"a", b"b", codec=codec), batch(b"c", codec=codec, first=2), at=1)

    assert [(one.offset, one.key, one.value, one.headers) for one in found] == [
        (1, b"k", b"b", (("n", b"v"),)),
        (2, b"k", b"c", (("n", b"v"),)),
    ]


@pytest.mark.parametrize("codec", range(5))
def test_B05_a_header_name_that_is_no_utf8_is_mended(codec: int) -> None:
    """It ended the worker at each start."""
    found = read(batch(b"a", b"b", codec=codec, name=_Name("x")), batch(b"c", first=2))

    assert [(one.offset, one.timestamp, one.value) for one in found] == [
        (0, 1000, b"a"),
        (1, 1001, b"b"),
        (2, 1000, b"c"),
    ]
    assert found[0].headers == (("\ufffd\ufffd", b"v"),)


@pytest.mark.parametrize("codec", range(1, 5))
def test_F06_a_batch_that_unpacks_hugely_is_skipped_with_a_reason(codec: int) -> None:
    """The next one is read; the dead letter says what became of it."""
    bomb = batch(b"a", b"\0" * (160 * MIB), codec=codec)
    found = read(bomb, batch(b"c", first=2))
    skipped = found[0]
    letter = dead_letter("dead", message("t", skipped.key, skipped.value), InvalidError("x", "y"))

    assert [(one.offset, one.value) for one in found] == [(1, b""), (2, b"c")]
    assert skipped.headers[0][0] == UNREADABLE
    assert headers(letter)["error"] == "y"
    carried = message("t", None, b"")
    carried.headers = skipped.headers
    assert "takes more than" in headers(dead_letter("dead", carried, ValueError("?")))["error"]


@pytest.mark.parametrize(
    ("codec", "encode"),
    [
        (1, gzip_encode),
        (2, snappy_encode),
        (2, lambda data: snappy_encode(data, xerial_compatible=False)),
        (3, lz4_encode),
        (3, lambda data: bytes(cramjam.lz4.compress(data))),
        (4, zstd_encode),
        (1, lambda data: gzip.compress(data[: MIB * 3]) + gzip.compress(data[MIB * 3 :])),
    ],
)
@pytest.mark.parametrize("content", [b"\0", b"the quick brown fox ", bytes(range(256))])
def test_the_size_is_told_before_unpacking(codec: int, encode: Any, content: bytes) -> None:
    """Never too small, and not much too large."""
    data = (content * (8 * MIB // len(content) + 1))[: 8 * MIB]
    size = unpacked_size(memoryview(HEADER + encode(data)), codec, 4 * MIB)

    assert size > 4 * MIB
    assert size <= 13 * MIB
    assert unpacked_size(memoryview(HEADER + encode(data[:1000])), codec, 8 * MIB) <= 4 * MIB


@pytest.mark.parametrize("codec", range(1, 5))
@pytest.mark.parametrize("junk", [b"", b"?", b"\xff" * 40, bytes(range(200))])
def test_what_is_no_form_at_all_counts_as_small(codec: int, junk: bytes) -> None:
    """No endless look at it, and no error."""
    assert unpacked_size(memoryview(HEADER + junk), codec, 10) >= 0


def test_B08_what_a_producer_took_back_is_not_read() -> None:
    """Only to who reads what is committed."""
    taken_back = batch(b"a", is_transactional=1, producer_id=7, producer_epoch=0)
    after = batch(b"b", first=1)

    assert [one.value for one in read(taken_back, after, aborted=[(7, 0)])] == [b"b"]
    assert [one.value for one in read(taken_back, after, aborted=[(7, 0)], isolation=0)] == [b"a", b"b"]


def test_no_more_is_taken_at_a_time_than_memory_should_hold() -> None:
    """Two thousand records of a MiB each would be two GiB."""
    large = [batch(b"x" * (6 * MIB), first=number) for number in range(5)]
    records = _Partition(PLACE, _Records(b"".join(large)), [], 0, None, None, True, 1)
    result = _Result(PLACE, assignment=None, partition_records=records, backoff=0)
    result.check_assignment = lambda _: True
    result._update_position = lambda: None
    taken = []
    while result.has_more():
        taken.append([one.offset for one in result.getall(2000)])

    assert taken == [[0, 1, 2], [3, 4]]
