"""The Confluent wire format as pure functions: byte 0 is 0, bytes 1-4 are the schema id (big-endian), then Avro."""

import struct
from operator import index

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "UndecodableError",
    "decode_doubles",
    "decode_long",
    "decode_text",
    "encode_doubles",
    "encode_long",
    "frame",
    "read_only",
    "unframe",
]

MAGIC = 0  # the only version of the format: https://docs.confluent.io → Schema Registry → Wire format
_HEADER = struct.Struct(">bI")
_DOUBLE = np.dtype("<f8")


class UndecodableError(ValueError):
    """The bytes are not an event we can read; the text says why."""


def frame(schema_id: int, payload: bytes) -> bytes:
    """Put the five-byte header before an Avro payload."""
    return _HEADER.pack(MAGIC, schema_id) + payload


def unframe(data: bytes | None) -> tuple[int, memoryview]:
    """Split an event into schema id and Avro payload; UndecodableError where there is no such header."""
    if data is None:
        raise UndecodableError("the record has no value (tombstone)")
    if len(data) < _HEADER.size:
        raise UndecodableError(f"{len(data)} bytes are too few for the five-byte header of the Confluent wire format")
    magic, schema_id = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise UndecodableError(f"first byte is {magic}, expected 0: not in the Confluent wire format")
    return schema_id, memoryview(data)[_HEADER.size :]


def encode_doubles(values: NDArray[np.float64]) -> bytes:
    """An Avro `array<double>`: one block, its values in the little-endian layout that numpy has in memory already."""
    if not len(values):
        return b"\0"
    return encode_long(len(values)) + values.astype(_DOUBLE, copy=False).tobytes() + b"\0"


def decode_doubles(data: memoryview) -> NDArray[np.float64]:
    """Read an Avro `array<double>` that fills `data` to its end, without copying where it is a single block; read-only.

    Avro 1.12 specification, "Complex types, arrays": blocks of a zigzag count and that many items, ended by a zero
    count; a negative count is followed by the block's size in bytes.
    """
    blocks: list[NDArray[np.float64]] = []
    position = 0
    while True:
        count, position = decode_long(data, position)
        if count == 0:
            break
        if count < 0:
            count = -count
            _, position = decode_long(data, position)
        end = position + 8 * count
        if end > len(data):
            raise UndecodableError("the array of doubles is cut short")
        blocks.append(np.frombuffer(data, _DOUBLE, count, position))
        position = end
    if position != len(data):
        raise UndecodableError(f"{len(data) - position} bytes follow the end of the record")
    if len(blocks) == 1:
        return read_only(blocks[0])
    return read_only(np.concatenate(blocks) if blocks else np.empty(0))


def read_only(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The array itself, which from now on refuses to be written to."""
    values.flags.writeable = False
    return values


def encode_long(value: int) -> bytes:
    """An Avro `long`: zigzag, then seven bits a byte, the lowest first. ValueError where it needs more than 64 bits."""
    value = index(value)
    encoded = (value << 1) ^ (value >> 63)
    if encoded >> 64:
        raise ValueError(f"{value} does not fit into 64 bits")
    septets = []
    while encoded > 0x7F:
        septets.append(encoded & 0x7F | 0x80)
        encoded >>= 7
    septets.append(encoded)
    return bytes(septets)


def decode_long(data: memoryview | bytes, position: int) -> tuple[int, int]:
    """Read an Avro `long` at `position`; the value, and where the next one begins."""
    shift = encoded = 0
    while True:
        if position >= len(data) or shift > 63:
            raise UndecodableError("a number in the record is cut short")
        byte = data[position]
        position += 1
        encoded |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (encoded >> 1) ^ -(encoded & 1), position
        shift += 7


def decode_text(data: bytes, position: int) -> tuple[str, int]:
    """Read an Avro `string` at `position`; the value, and where the next one begins. ValueError where it is damaged."""
    length, begin = decode_long(data, position)
    end = begin + length
    if not begin <= end <= len(data):
        raise UndecodableError("a text in the record is cut short")
    return str(data[begin:end], "utf-8"), end
