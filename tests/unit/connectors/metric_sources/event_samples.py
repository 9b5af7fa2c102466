"""Event files for tests: frames and messages byte by byte, as TensorFlow and PyTorch write them."""

import struct
from pathlib import Path

from google_crc32c import value as crc32c


def masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFF_FFFF)


def framed(record: bytes) -> bytes:
    length = struct.pack("<Q", len(record))
    return length + masked(length) + record + masked(record)


def varint(number: int) -> bytes:
    number &= 0xFFFF_FFFF_FFFF_FFFF
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def chunk(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def event(wall_time: float, step: int, *values: bytes) -> bytes:
    """An event with these summary values; a step of 0 is left out, as proto3 does."""
    head = b"\x09" + struct.pack("<d", wall_time) + (b"\x10" + varint(step) if step else b"")
    return head + chunk(5, b"".join(chunk(1, value) for value in values))


def simple(tag: str, value: float) -> bytes:
    """As TensorFlow 1, PyTorch and tensorboardX write a scalar."""
    return chunk(1, tag.encode()) + b"\x15" + struct.pack("<f", value)


def tensor(tag: str, value: float) -> bytes:
    """As TensorFlow 2 writes a scalar."""
    content = b"\x08\x01" + chunk(2, b"") + chunk(4, struct.pack("<f", value))
    return chunk(1, tag.encode()) + chunk(8, content) + chunk(9, chunk(1, chunk(1, b"scalars")))


def event_file(folder: Path, records: list[bytes], name: str = "events.out.tfevents.1.host") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(b"".join(map(framed, records)))
    return path
