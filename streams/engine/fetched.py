"""What is fetched, taken apart safely: no record that anybody can write ends the worker. Subclasses aiokafka 0.14.0.

- A batch that would need more than `MOST_UNPACKED` bytes is not unpacked: gzip makes 400 MB of 0.4 MB on the wire. One
  record takes its place, with a header that says why, and becomes a dead letter.
- The name of a header need not be UTF-8; aiokafka raises, here such a batch is read again and the name mended.
- Out of what was fetched for a partition comes as much at a time as `_MOST_BYTES` say.
"""

import zlib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import structlog
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy
from aiokafka.record.util import decode_varint

__all__ = ["MOST_UNPACKED", "UNREADABLE", "install_safe_fetching", "unpacked_size"]

log = structlog.get_logger(__name__)

MOST_UNPACKED: Final = 128 * 1024**2
"""Bytes. A record may have 64 MiB; what clients put into a batch with others is far below."""

UNREADABLE: Final = "tidecast-unreadable"
"""The header of a record that stands for a batch which was not unpacked."""

_MOST_BYTES: Final = 16 * 1024**2  # of values taken out of a fetch at a time; the rest stays compressed
_HEADER: Final = 61  # bytes of a batch before its records
_GZIP, _SNAPPY, _LZ4, _ZSTD = 1, 2, 3, 4
_PIECE: Final = 64 * 1024
_XERIAL: Final = b"\x82SNAPPY\x00"
_LZ4_BLOCKS: Final = {4: 64 * 1024, 5: 256 * 1024, 6: 1024**2, 7: 4 * 1024**2}
_ZSTD_BLOCK: Final = 128 * 1024
_ZSTD_RAW, _ZSTD_RLE = 0, 1


class _Record(NamedTuple):
    """What aiokafka's own records have."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    checksum: None = None


class _Records(_MemoryRecordsPy):
    """Keeps the bytes of the batch that was given last."""

    last: memoryview = memoryview(b"")

    def next_batch(self, *args: Any, **kwargs: Any) -> Any:
        self.last = self._next_slice if self._next_slice is not None else memoryview(b"")
        return super().next_batch(*args, **kwargs)


class _Partition(PartitionRecords):
    """As aiokafka's, but for what the module says."""

    def _unpack_records(self) -> Iterator[Any]:
        records = self._records
        while records.has_next():
            batch = records.next_batch()
            if self._check_crcs and not batch.validate_crc():
                raise CorruptRecordException(f"Invalid CRC - {self._tp}")
            if self._isolation_level == READ_COMMITTED and batch.producer_id is not None:
                self._consume_aborted_up_to(batch.base_offset)
                if batch.is_control_batch and self._contains_abort_marker(batch):
                    self._aborted_producers.discard(batch.producer_id)
                if batch.is_transactional and batch.producer_id in self._aborted_producers:
                    self.next_fetch_offset = batch.next_offset
                    continue
            if not batch.is_control_batch:
                for record in _of_batch(batch, records.last):
                    if record.offset >= self.next_fetch_offset:
                        found = self._consumer_record(self._tp, record)
                        self.next_fetch_offset = record.offset + 1
                        yield found
            self.next_fetch_offset = batch.next_offset


class _Result(FetchResult):
    """Gives out of a fetch no more than is good for memory."""

    _partition_records: Any

    def getall(self, max_records: int | None = None) -> list[Any]:
        if not self.check_assignment(self._topic_partition) or not self.has_more():
            return []
        found, size = [], 0
        for record in self._partition_records:
            found.append(record)
            size += max(record.serialized_value_size, 0)
            if size >= _MOST_BYTES or (max_records is not None and len(found) >= max_records):
                self._update_position()
                return found
        self._update_position()
        self._partition_records = None
        return found


def install_safe_fetching() -> None:
    """Let aiokafka's consumers of this process read so."""
    fetcher.MemoryRecords, fetcher.PartitionRecords, fetcher.FetchResult = _Records, _Partition, _Result


def _of_batch(batch: Any, raw: memoryview) -> Iterator[Any]:
    if batch.magic < 2:  # nobody has written such a batch since Kafka 0.11
        yield from batch
        return
    if unpacked_size(raw, batch.compression_type, MOST_UNPACKED) > MOST_UNPACKED:
        log.warning("batch_not_unpacked", offset=batch.base_offset, bytes=len(raw))
        yield _standing_for(_DefaultRecordBatchPy(raw))
        return
    try:
        yield from batch
    except UnicodeDecodeError:  # who takes them skips what was given before
        yield from _leniently(raw)


def _standing_for(batch: Any) -> _Record:
    count = batch.last_offset_delta + 1
    reason = (
        f"the batch of {count} records up to this offset takes more than {MOST_UNPACKED} bytes and was skipped:"
        " send less at a time, or without compression"
    )
    return _Record(batch.next_offset - 1, batch.max_timestamp, 0, None, b"", [(UNREADABLE, reason.encode())])


def _leniently(raw: memoryview) -> Iterator[_Record]:
    """The records, with header names that can be shown."""
    batch: Any = _DefaultRecordBatchPy(raw)
    batch._maybe_uncompress()
    data, at = batch._buffer, batch._pos

    def number() -> int:
        nonlocal at
        value, at = decode_varint(data, at)
        return int(value)

    def some() -> bytes | None:
        nonlocal at
        length = number()
        if length < 0:
            return None
        at += length
        return bytes(data[at - length : at])

    for _ in range(batch._num_records):
        number()  # its length
        number()  # its attributes
        time = batch.first_timestamp + number()
        offset = batch.base_offset + number()
        key, value = some(), some()
        headers = [((some() or b"").decode("utf-8", "replace"), some()) for _ in range(number())]
        at_end = batch.timestamp_type == 1  # the time of the log, not of the producer
        yield _Record(offset, batch.max_timestamp if at_end else time, batch.timestamp_type, key, value, headers)


def unpacked_size(raw: memoryview, codec: int, most: int) -> int:
    """How many bytes a batch's records may take at most, as its form says; counted no further than beyond `most`.

    A form that cannot be understood counts as small: unpacking it fails without taking memory.
    """
    data = raw[_HEADER:]
    try:
        if codec == _GZIP:
            return len(data) if len(data) * 1032 <= most else _gzip_size(data, most)
        if codec == _SNAPPY:
            return _snappy_size(bytes(data))
        if codec == _LZ4:
            return _lz4_size(data)
        if codec == _ZSTD:
            return _zstd_size(data)
    except (IndexError, KeyError, ValueError, zlib.error):
        return 0
    return len(data)


def _gzip_size(data: memoryview, most: int) -> int:
    """Unpacked bit by bit: the form does not say."""
    size, rest = 0, bytes(data)
    while rest and size <= most:
        unpacking = zlib.decompressobj(31)
        while not unpacking.eof and size <= most:
            piece = unpacking.decompress(rest, _PIECE)
            rest = unpacking.unconsumed_tail
            if not piece and not rest:
                return size
            size += len(piece)
        rest = unpacking.unused_data
    return size


def _snappy_size(data: bytes) -> int:
    if not data.startswith(_XERIAL):
        return _varint(data, 0)
    size, at = 0, 16
    while at + 4 < len(data):
        length = int.from_bytes(data[at : at + 4])
        size += _varint(data, at + 4)
        at += 4 + length
    return size


def _varint(data: bytes, at: int) -> int:
    value = shift = 0
    while shift <= 35:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
        at, shift = at + 1, shift + 7
    raise ValueError("a number is too long")


def _lz4_size(data: memoryview) -> int:
    flags, block = data[4], _LZ4_BLOCKS[data[5] >> 4 & 7]
    at = 7 + 8 * bool(flags & 8) + 4 * bool(flags & 1)
    size = 0
    while length := int.from_bytes(data[at : at + 4], "little") & 0x7FFFFFFF:
        size += block
        at += 4 + length + 4 * bool(flags & 16)
    return size


def _zstd_size(data: memoryview) -> int:
    descriptor = data[4]
    single = bool(descriptor & 32)
    content = (1 if single else 0, 2, 4, 8)[descriptor >> 6]
    at = 5 + (not single) + (0, 1, 2, 4)[descriptor & 3] + content
    size = 0
    while True:
        header = int.from_bytes(data[at : at + 3], "little")
        if at + 3 > len(data):
            return size
        kind, length = header >> 1 & 3, header >> 3
        size += length if kind in (_ZSTD_RAW, _ZSTD_RLE) else _ZSTD_BLOCK
        at += 3 + (1 if kind == _ZSTD_RLE else length)
        if header & 1:
            return size
