"""Protocol Buffers' wire format, as far as it takes to find a few fields of a few messages, without their classes."""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

__all__ = [
    "BYTES",
    "FIXED32",
    "FIXED64",
    "VARINT",
    "BrokenMessageError",
    "WireField",
    "double_at",
    "fields_of",
    "signed",
    "varint_at",
]

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5
_LONGEST_VARINT: Final = 10  # bytes, of 64 bits


class BrokenMessageError(ValueError):
    """These bytes are no message."""


class WireField(NamedTuple):
    """A field: its number, its wire type, and where its payload lies. `number` is a varint's value, else 0."""

    field: int
    kind: int
    start: int
    end: int
    number: int = 0


def varint_at(data: bytes, at: int, end: int) -> tuple[int, int]:
    """An unsigned number, and where it ends; BrokenMessageError where it does not."""
    value = shift = 0
    for place in range(at, min(end, at + _LONGEST_VARINT)):
        byte = data[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, place + 1
        shift += 7
    raise BrokenMessageError("a number does not end")


def fields_of(data: bytes, at: int, end: int) -> Iterator[WireField]:
    """The fields of the message that lies there, in their order; BrokenMessageError where it is none."""
    while at < end:
        key = data[at]  # most numbers are of one byte, and a call takes ten times as long as this
        if key < 0x80:
            at += 1
        else:
            key, at = varint_at(data, at, end)
        number, kind = key >> 3, key & 7
        value = 0
        if kind == BYTES:
            if at < end and data[at] < 0x80:
                stop = at + 1 + data[at]
                at += 1
            else:
                length, at = varint_at(data, at, end)
                stop = at + length
        elif kind == VARINT:
            value, stop = varint_at(data, at, end)
        elif kind == FIXED64:
            stop = at + 8
        elif kind == FIXED32:
            stop = at + 4
        else:
            raise BrokenMessageError(f"a field of wire type {kind}")
        if stop > end or number == 0:
            raise BrokenMessageError("a field ends behind its message")
        yield WireField(number, kind, at, stop, value)
        at = stop


def signed(number: int) -> int:
    """A varint as int64."""
    return number - (1 << 64) if number >= 1 << 63 else number


def double_at(data: bytes, at: int) -> float:
    """The double that lies there."""
    value: float = struct.unpack_from("<d", data, at)[0]
    return value
