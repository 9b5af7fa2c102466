"""Our reader of TensorBoard's event files against EventAccumulator and tbparse, on the same files."""

import json
import os
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from google_crc32c import value as crc32c

from benchmarks.report import Figure, console, show
from connectors.metric_sources.tensorboard import EventFile

__all__ = ["run"]

_ROOT: Final = Path(__file__).parent.parent
_ENVIRONMENT: Final = Path(os.environ.get("TIDECAST_TENSORBOARD_VENV", _ROOT / ".venv-tensorboard"))
_POINTS: Final = 200_000
_RUNS: Final = 3
_TAGS: Final = ("train/loss", "train/accuracy", "validation/loss", "learning_rate")
_GOAL: Final = 8


def run() -> None:
    """Measure and print: whole files, checksums looked at, every point with its time and step."""
    python = _ENVIRONMENT / "bin" / "python"
    if not python.exists():
        console.print(f"{python} is not there: `make bench-tensorboard` installs what ours is compared with")
    with tempfile.TemporaryDirectory() as folder:
        for form in ("simple values (TensorFlow 1, PyTorch)", "tensors (TensorFlow 2)"):
            path = Path(folder) / f"events.out.tfevents.{len(form)}"
            path.write_bytes(b"".join(_records(tensors=form.startswith("tensors"))))
            figures = {"ours": Figure(tuple(_ours(path) for _ in range(_RUNS)), _POINTS), **_theirs(python, path)}
            ours = figures["ours"]
            rows = [(name, str(it), f"{ours.rate / it.rate:.1f}x") for name, it in figures.items()]
            show(f"{_POINTS:,} scalars as {form}", ("reader", "points", "ours"), rows)
    console.print(f"goal: ours ≥ {_GOAL} x each of the others, ≥ 300,000 points/s")


def _ours(path: Path) -> float:
    begun = time.perf_counter()
    file, count = EventFile(path), 0
    while points := file.read_new():
        count += len(points)
    taken = time.perf_counter() - begun
    if count != _POINTS or file.problems.count:
        raise SystemExit(f"{count} of {_POINTS} points were read: {file.problems.words}")
    return taken


def _theirs(python: Path, path: Path) -> dict[str, Figure]:
    if not python.exists():
        return {}
    command = [python, _ROOT / "benchmarks" / "peers" / "event_readers.py", path, str(_RUNS)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    seconds: dict[str, list[float]] = {}
    for told in map(json.loads, printed.splitlines()):
        if told["points"] != _POINTS:
            raise SystemExit(f"{told['name']} has read {told['points']} of {_POINTS} points")
        seconds.setdefault(told["name"], []).append(told["seconds"])
    return {name: Figure(tuple(taken), _POINTS) for name, taken in seconds.items()}


def _records(*, tensors: bool) -> Iterator[bytes]:
    """An event for each point, as TensorFlow and PyTorch write them."""
    yield _framed(b"\x09" + struct.pack("<d", 1.7e9) + _part(3, b"brain.Event:2"))
    for number in range(_POINTS):
        step, tag = divmod(number, len(_TAGS))
        value = struct.pack("<f", 1 / (step + 1))
        content = _part(1, _TAGS[tag].encode())
        if tensors:
            content += _part(8, b"\x08\x01" + _part(2, b"") + _part(4, value)) + _part(
                9, _part(1, _part(1, b"scalars"))
            )
        else:
            content += b"\x15" + value
        yield _framed(b"\x09" + struct.pack("<d", 1.7e9 + step) + b"\x10" + _varint(step) + _part(5, _part(1, content)))


def _part(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def _framed(record: bytes) -> bytes:
    length = struct.pack("<Q", len(record))
    return length + _masked(length) + record + _masked(record)


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFF_FFFF)
