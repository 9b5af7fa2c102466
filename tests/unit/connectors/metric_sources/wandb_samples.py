"""`.wandb` files for tests, in LevelDB's log format, made record by record."""

import json
import struct
import zlib
from typing import Any

from tests.unit.connectors.metric_sources.event_samples import chunk, varint

BLOCK = 32 * 1024
HEADER = b":W&B" + struct.pack("<HB", 0xBEE1, 0)


def piece(kind: int, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(bytes([kind])))
    return struct.pack("<IHB", checksum, len(content), kind) + content


def log_of(records: list[bytes]) -> bytes:
    """The records as LevelDB lays them out."""
    out = bytearray(HEADER)
    for record in records:
        rest, first = record, True
        while True:
            left = BLOCK - len(out) % BLOCK
            if left < 7:
                out += b"\x00" * left
                left = BLOCK
            part, rest = rest[: left - 7], rest[left - 7 :]
            out += piece((1 if first else 4) if not rest else (2 if first else 3), part)
            first = False
            if not rest:
                break
    return bytes(out)


def history(step: int, at: float, **row: Any) -> bytes:
    """A record with a row of the history."""
    items = {**row, "_step": step, "_timestamp": at}
    content = b"".join(
        chunk(1, chunk(1, name.encode()) + chunk(16, json.dumps(value).encode())) for name, value in items.items()
    )
    return b"\x08" + varint(step + 1) + chunk(2, content + chunk(2, b"\x08" + varint(step)))


def run(run_id: str, name: str) -> bytes:
    """The record that names the run."""
    return chunk(17, chunk(1, run_id.encode()) + chunk(8, name.encode()))
