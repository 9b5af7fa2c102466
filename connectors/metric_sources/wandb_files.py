"""`.wandb` files, which the client of Weights & Biases writes of every run, online or offline, also while they grow."""

import struct
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

import orjson

from connectors.metric_sources.leveldb_log import LogFile
from connectors.metric_sources.source_points import Problems, SourcePoint
from connectors.metric_sources.wandb_rows import BadRowError, points_of_row, row_of
from connectors.metric_sources.wire_fields import (
    BYTES,
    FIXED64,
    VARINT,
    BrokenMessageError,
    WireField,
    double_at,
    fields_of,
    signed,
)

__all__ = ["NotWandbError", "WandbFile"]

_HEADER: Final = b":W&B" + struct.pack("<H", 0xBEE1)  # and a byte with the version
_HEADER_LENGTH: Final = 7
_VERSION: Final = 0
_HISTORY, _RUN = 2, 17  # fields of a record
_ROWS_AT_A_TIME: Final = 10_000
_NAMES: Final = (0x0A, 0x12)  # the keys of an item's fields 1 and 2, as bytes
_JSON_KEY: Final = b"\x82\x01"  # that of its field 16
_LONG: Final = 0x80  # a length of one byte is below


class NotWandbError(ValueError):
    """The file is none of the client's; the words say why."""


class WandbFile:
    """The history of one run. Checksums are looked at; what is wrong is left out and told in `problems`."""

    def __init__(self, path: Path) -> None:
        """NotWandbError where the file is another one."""
        self.path = path
        self.run_id = ""
        self.name = ""
        self.rows = 0
        """How many rows of the history have been read."""
        self._log = LogFile(path, _HEADER_LENGTH)
        self._known = False

    @property
    def problems(self) -> Problems:
        """What was left out."""
        return self._log.problems

    @property
    def position(self) -> int:
        """Up to which byte it has been read."""
        return self._log.position

    def read_new(self) -> list[SourcePoint]:
        """The next points, those of some thousand rows; none where nothing new is whole."""
        if not self._known and not self._is_wandb():
            return []
        while True:
            records = list(islice(self._log.read_new(), _ROWS_AT_A_TIME))
            if not records:
                return []
            points = [point for record in records for point in self._points(record)]
            if points:
                return points

    def _is_wandb(self) -> bool:
        """False where the file is too short to tell."""
        with self.path.open("rb") as file:
            header = file.read(_HEADER_LENGTH)
        if header[: len(_HEADER)] != _HEADER[: len(header)]:
            raise NotWandbError(f"{self.path} does not begin as a .wandb file does")
        if len(header) < _HEADER_LENGTH:
            return False
        if header[-1] != _VERSION:
            raise NotWandbError(f"{self.path} is of version {header[-1]} of its format, {_VERSION} can be read")
        self._known = True
        return True

    def _points(self, record: bytes) -> list[SourcePoint]:
        try:
            for field in fields_of(record, 0, len(record)):
                if field.field == _HISTORY and field.kind == BYTES:
                    self.rows += 1
                    return _points_of_history(record, field)
                if field.field == _RUN and field.kind == BYTES:
                    self._note_run(record, field)
        except (BrokenMessageError, BadRowError) as error:
            self.problems.add(f"{self.path}, before byte {self.position}: a record is left out: {error}")
        return []

    def _note_run(self, record: bytes, run: WireField) -> None:
        for field in fields_of(record, run.start, run.end):
            if field.kind == BYTES and field.field in (1, 8):
                text = record[field.start : field.end].decode("utf-8", "replace")
                if field.field == 1:
                    self.run_id = text
                else:
                    self.name = text


def _points_of_history(record: bytes, history: WireField) -> list[SourcePoint]:
    row: dict[str, Any] = {}
    step: int | None = None
    for field in fields_of(record, history.start, history.end):
        if field.field == 1 and field.kind == BYTES:
            name, value = _item(record, field)
            row[name] = value
        elif field.field == 2 and field.kind == BYTES:
            numbers = [it.number for it in fields_of(record, field.start, field.end) if it.field == 1]
            step = signed(numbers[-1]) if numbers else 0
    return points_of_row(row, step=step)


def _item(record: bytes, item: WireField) -> tuple[str, Any]:
    """Name and value of one item of a row: the value as JSON, or, as newer clients write it, as what it is."""
    start, end = item.start, item.end
    if end - start > 2 and record[start] in _NAMES and record[start + 1] < _LONG:
        # Nearly all items are a short name and a short text of JSON.
        behind = start + 2 + record[start + 1]
        short = behind + 2 < end and record[behind : behind + 2] == _JSON_KEY and record[behind + 2] < _LONG
        if short and behind + 3 + record[behind + 2] == end:
            return record[start + 2 : behind].decode("utf-8", "replace"), _json(record[behind + 3 : end])
    key = ""
    nested: list[str] = []
    value: Any = None
    for number, kind, start, end, integer in fields_of(record, item.start, item.end):
        if kind == BYTES:
            if number == 1:
                key = record[start:end].decode("utf-8", "replace")
            elif number == 2:
                nested.append(record[start:end].decode("utf-8", "replace"))
            elif number in (8, 16):
                value = _json(record[start:end])
        elif number == 5 and kind == VARINT:
            value = (integer >> 1) ^ -(integer & 1)  # sint64
        elif number == 6 and kind == FIXED64:
            value = double_at(record, start)
    return key or ".".join(nested), value


def _json(text: bytes) -> Any:
    """A value; bare NaN and Infinity among it."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        found: Mapping[str, Any] = row_of(b'{"it":%b}' % text)
        return found["it"]
