"""Events to bytes and back, in the Confluent wire format."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from schemas import (
    access,
    datasets,
    deployments,
    forecasting,
    inference,
    observations,
    scoring,
    scoring_jobs,
    series,
    tracking,
    training,
    training_rows,
    workloads,
)
from schemas.catalogue import Schema, current_schemas, locked_schemas
from schemas.coding.event_formats import Format
from schemas.coding.shared_settings import format_of
from schemas.coding.wire import UndecodableError, encode_long, frame, unframe

__all__ = ["EVENT_TYPES", "Codec", "SchemaLookup"]

EVENT_TYPES: tuple[type, ...] = tuple(
    event_type
    for system in (
        datasets,
        forecasting,
        series,
        training,
        training_rows,
        inference,
        scoring,
        tracking,
        workloads,
        scoring_jobs,
        deployments,
        access,
        observations,
    )
    for event_type in system.TYPES
)

_SECOND_BRANCH = encode_long(1)  # of the union [null, long]
_Made = TypeVar("_Made")
_Reader = Callable[[memoryview], dict[str, Any]]
_Readers = dict[tuple[int, type], _Reader]
SchemaLookup = Callable[[int], Schema]
"""Finds the schema of an id that is not ours; raises LookupError where there is none."""


class Codec:
    """Encodes our events and decodes every version of them that has a schema id.

    `ids` gives each record type its schema id; without it the ids of the lock file are used. `lookup` is asked for ids
    that are not among them, so a registry can be plugged in.
    """

    def __init__(self, ids: Mapping[str, int] | None = None, lookup: SchemaLookup | None = None) -> None:
        locked = {entry.schema_id: entry.schema for entry in locked_schemas()}
        if ids is None:
            ids = {entry.name: entry.schema_id for entry in locked_schemas()}  # the last version of a name wins
            self._writers: dict[int, Schema] = locked
        else:
            self._writers = {ids[name]: schema for name, schema in current_schemas().items()}
        self._lookup = lookup
        self._ids = ids
        self._formats = {event_type.__name__: format_of(event_type) for event_type in EVENT_TYPES}
        self._decoders: dict[int, Callable[[memoryview], Any]] = {}
        self._outlines: _Readers = {}
        self._fronts: _Readers = {}
        self._encoders = {
            event_type: partial(_encode, self._formats[event_type.__name__], ids[event_type.__name__])
            for event_type in EVENT_TYPES
        }

    def encode(self, event: Any) -> bytes:
        """The event in the Confluent wire format; ValueError or TypeError where a field does not fit its schema."""
        return self._encoders[type(event)](event)

    def encode_all(self, events: Sequence[Any]) -> list[bytes]:
        """Events of one type in the wire format: what they share, as commands for one job do, is coded once."""
        if not events:
            return []
        event_type = type(events[0])
        schema_id = self._ids[event_type.__name__]
        return [frame(schema_id, data) for data in self._formats[event_type.__name__].encode_all(events)]

    def decode(self, data: bytes | None) -> Any:
        """The event that `data` holds; UndecodableError where it is none of ours."""
        schema_id, payload = unframe(data)
        decoder = self._decoders.get(schema_id)
        if decoder is None:
            writer, event_format = self._known(schema_id)
            decoder = self._decoders[schema_id] = _usable(schema_id, lambda: event_format.decoder(writer))
        return _read(decoder, schema_id, payload)

    def outline_of(self, data: bytes | None, event_type: type) -> dict[str, Any]:
        """The fields of an event of that type that hold no floating-point numbers, as Avro has them.

        The event is checked to its end, in a fraction of the time that reading it takes: see `schemas.coding.outlines`.

        UndecodableError where it is none of ours, or another one.
        """
        return self._part_of(data, event_type, self._outlines, Format.outline_reader)

    def front_of(self, data: bytes, event_type: type) -> dict[str, Any]:
        """The whole numbers and texts that an event of that type begins with, as Avro has them; the rest is not read.

        For what was checked when it came. UndecodableError where it is none of ours, or another one.
        """
        return self._part_of(data, event_type, self._fronts, Format.front_reader)

    def _part_of(
        self, data: bytes | None, event_type: type, readers: _Readers, make: Callable[[Format, Schema], _Reader]
    ) -> dict[str, Any]:
        schema_id, payload = unframe(data)
        reader = readers.get((schema_id, event_type))
        if reader is None:
            writer, event_format = self._known(schema_id)
            if event_format is not self._formats[event_type.__name__]:
                raise UndecodableError(f"a {event_format.name}, not a {event_type.__name__}")
            reader = readers[schema_id, event_type] = _usable(schema_id, lambda: make(event_format, writer))
        return _read(reader, schema_id, payload)

    def answered(self, data: bytes, fields: Mapping[str, Any], at: int) -> bytes:
        """An encoded SeriesResult with the time of its answer; `fields` is what `outline_of` has read from it.

        Mostly without coding it anew, which would take 50 µs: the absent time is its last byte, behind the note.
        """
        note = fields["note"]
        tail = (b"\0" if note is None else note.encode()) + b"\0"
        if fields["answered_at"] is None and data.endswith(tail) and unframe(data)[0] == self._ids["SeriesResult"]:
            return data[:-1] + _SECOND_BRANCH + encode_long(at)
        return self.encode(replace(self.decode(data), answered_at=at))

    def schema_id_of(self, event_type: type) -> int:
        """The schema id that `encode` writes for this type."""
        return self._ids[event_type.__name__]

    def schemas_of(self, event_type: type) -> Mapping[int, Schema]:
        """The schemas of a record type by their ids, as far as they are known without asking anybody."""
        return {number: it for number, it in self._writers.items() if it.get("name") == event_type.__name__}

    def _known(self, schema_id: int) -> tuple[Schema, Format]:
        """The schema that an event was written with, and what reads it; UndecodableError where there is none."""
        writer, reason = self._writers.get(schema_id), ""
        if writer is None and self._lookup is not None:
            try:
                writer = self._writers[schema_id] = self._lookup(schema_id)
            except LookupError as error:
                reason = f": {error}"
        if writer is None:
            raise UndecodableError(f"unknown schema id {schema_id}{reason}")
        name = writer.get("name") if isinstance(writer, dict) else None  # a registry may hold any schema
        event_format = self._formats.get(str(name).rpartition(".")[2])
        if event_format is None:
            raise UndecodableError(f"schema {schema_id} is of {name!r}, not one of our record types")
        return writer, event_format


def _usable(schema_id: int, make: Callable[[], _Made]) -> _Made:
    try:
        return make()
    except Exception as error:  # fastavro has no common class for what its parser refuses
        raise UndecodableError(f"schema {schema_id} cannot be used: {_reason(error)}") from error


def _read(reader: Callable[[memoryview], _Made], schema_id: int, payload: memoryview) -> _Made:
    try:
        return reader(payload)
    except UndecodableError:
        raise
    except Exception as error:  # fastavro raises whatever its reader trips over
        raise UndecodableError(f"schema {schema_id} does not fit the bytes: {_reason(error)}") from error


def _encode(event_format: Format, schema_id: int, event: Any) -> bytes:
    return frame(schema_id, event_format.encode(event))


def _reason(error: Exception) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
