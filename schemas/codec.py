"""Events to bytes and back, in the Confluent wire format."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import IntEnum
from functools import partial
from io import BytesIO
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
from fastavro import schemaless_reader, schemaless_writer

from schemas.catalogue import Schema, current_schemas, locked_schemas, parse
from schemas.commands import (
    AddDataset,
    ConfigureJob,
    CreateJob,
    DeleteDataset,
    DeleteJob,
    DeleteTrainingJob,
    InferenceRequest,
    StartTransform,
    StopTrainingJob,
    StopTransform,
    SubmitJob,
    TrainDeepAR,
    TrainSeries,
    TrainTogether,
)
from schemas.events import Forecast, InferenceResult, JobStatus, MetricPoint, SeriesResult, TrainingStatus
from schemas.records import JobRecord, TrainingJobRecord, TransformRecord
from schemas.wire import UndecodableError, decode_doubles, encode_doubles, frame, read_only, unframe

__all__ = ["EVENT_TYPES", "Codec", "SchemaLookup"]

EVENT_TYPES: tuple[type, ...] = (
    AddDataset,
    DeleteDataset,
    CreateJob,
    ConfigureJob,
    SubmitJob,
    DeleteJob,
    TrainSeries,
    TrainTogether,
    TrainDeepAR,
    StopTrainingJob,
    DeleteTrainingJob,
    InferenceRequest,
    StartTransform,
    StopTransform,
    Forecast,
    MetricPoint,
    SeriesResult,
    JobStatus,
    TrainingStatus,
    InferenceResult,
    JobRecord,
    TrainingJobRecord,
    TransformRecord,
)

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
        self._formats = {event_type.__name__: _format_of(event_type) for event_type in EVENT_TYPES}
        self._decoders: dict[int, Callable[[memoryview], Any]] = {}
        self._encoders = {
            event_type: partial(_encode, self._formats[event_type.__name__], ids[event_type.__name__])
            for event_type in EVENT_TYPES
        }

    def encode(self, event: Any) -> bytes:
        """The event in the Confluent wire format; ValueError or TypeError where a field does not fit its schema."""
        return self._encoders[type(event)](event)

    def decode(self, data: bytes | None) -> Any:
        """The event that `data` holds; UndecodableError where it is none of ours."""
        schema_id, payload = unframe(data)
        decoder = self._decoders.get(schema_id)
        if decoder is None:
            decoder = self._decoders[schema_id] = self._decoder_for(schema_id)
        try:
            return decoder(payload)
        except UndecodableError:
            raise
        except Exception as error:  # fastavro raises whatever its reader trips over
            raise UndecodableError(f"schema {schema_id} does not fit the bytes: {_reason(error)}") from error

    def schema_id_of(self, event_type: type) -> int:
        """The schema id that `encode` writes for this type."""
        return self._ids[event_type.__name__]

    def _decoder_for(self, schema_id: int) -> Callable[[memoryview], Any]:
        writer = self._writers.get(schema_id)
        if writer is None and self._lookup is not None:
            try:
                writer = self._writers[schema_id] = self._lookup(schema_id)
            except LookupError:
                writer = None
        if writer is None:
            raise UndecodableError(f"unknown schema id {schema_id}")
        name = writer.get("name") if isinstance(writer, dict) else None  # a registry may hold any schema
        event_format = self._formats.get(str(name).rpartition(".")[2])
        if event_format is None:
            raise UndecodableError(f"schema {schema_id} is of {name!r}, not one of our record types")
        try:
            return event_format.decoder(writer)
        except Exception as error:  # fastavro has no common class for what its parser refuses
            raise UndecodableError(f"schema {schema_id} cannot be used: {_reason(error)}") from error


class _Format:
    """How one dataclass maps to its Avro record."""

    def __init__(self, event_type: type) -> None:
        self._event_type = event_type
        self._source = current_schemas()[event_type.__name__]
        self.schema = parse(self._source, plain_times=True)
        self.to_fields = _to_fields(event_type)
        self._from_fields = _from_fields(event_type)

    def encode(self, event: Any) -> bytes:
        buffer = BytesIO()
        schemaless_writer(buffer, self.schema, self.to_fields(event))
        return buffer.getvalue()

    def decoder(self, writer: Schema) -> Callable[[memoryview], Any]:
        writer_schema = parse(writer, plain_times=True)
        reader_schema = None if writer == self._source else self.schema
        build = self._from_fields

        def decode(payload: memoryview) -> Any:
            buffer = BytesIO(payload)
            values: Any = schemaless_reader(buffer, writer_schema, reader_schema)
            event = build(values)
            if buffer.tell() != len(payload):
                raise UndecodableError(f"{len(payload) - buffer.tell()} bytes follow the end of the record")
            return event

        return decode


class _TrainSeriesFormat(_Format):
    """TrainSeries ends with its long array of doubles, which numpy reads and writes 20 times faster than a loop."""

    def __init__(self, event_type: type) -> None:
        super().__init__(event_type)
        head = {**self._source, "fields": self._source["fields"][:-1]}
        self._head = parse(head, plain_times=True)

    def encode(self, event: Any) -> bytes:
        buffer = BytesIO()
        schemaless_writer(buffer, self._head, self.to_fields(event))
        return buffer.getvalue() + encode_doubles(np.asarray(event.target, np.float64))

    def decoder(self, writer: Schema) -> Callable[[memoryview], Any]:
        if writer["fields"] != self._source["fields"]:
            general = super().decoder(writer)

            def decode_other(payload: memoryview) -> Any:
                event = general(payload)
                return replace(event, target=read_only(np.asarray(event.target, np.float64)))

            return decode_other
        head, build = self._head, self._from_fields

        def decode(payload: memoryview) -> Any:
            buffer = BytesIO(payload)
            values: Any = schemaless_reader(buffer, head, None)
            values["target"] = decode_doubles(payload[buffer.tell() :])
            return build(values)

        return decode


def _format_of(event_type: type) -> _Format:
    return _TrainSeriesFormat(event_type) if event_type is TrainSeries else _Format(event_type)


def _encode(event_format: _Format, schema_id: int, event: Any) -> bytes:
    return frame(schema_id, event_format.encode(event))


def _to_fields(event_type: type) -> Callable[[Any], dict[str, Any]]:
    converters = [(name, _outward(hint)) for name, hint in _hints(event_type)]

    def to_fields(event: Any) -> dict[str, Any]:
        return {
            name: convert(getattr(event, name)) if convert else getattr(event, name) for name, convert in converters
        }

    return to_fields


def _from_fields(event_type: type) -> Callable[[dict[str, Any]], Any]:
    converters = [(name, convert) for name, hint in _hints(event_type) if (convert := _inward(hint))]

    def from_fields(values: dict[str, Any]) -> Any:
        for name, convert in converters:
            values[name] = convert(values[name])
        return event_type(**values)

    return from_fields


def _hints(event_type: type) -> list[tuple[str, Any]]:
    hints = get_type_hints(event_type)
    return [(field.name, hints[field.name]) for field in fields(event_type)]


def _outward(hint: Any) -> Callable[[Any], Any] | None:
    """Converter from a field's value to what fastavro writes; None where it is that already."""
    hint, optional = _strip_none(hint)
    inner: Callable[[Any], Any] | None = None
    if is_dataclass(hint):
        inner = _to_fields(hint)  # type: ignore[arg-type]  # is_dataclass does not narrow to type
    elif isinstance(hint, type) and issubclass(hint, IntEnum):
        inner = _enum_name
    elif get_origin(hint) is tuple:
        item = _outward(get_args(hint)[0])
        inner = partial(_convert_list, item) if item else list  # fastavro takes a tuple in a union for (type, value)
    elif optional and get_origin(hint) is Sequence:
        inner = _as_list  # for the same reason; nor does it take an array in a union
    elif optional and get_origin(hint) is Mapping:
        inner = _as_lists
    return partial(_unless_none, inner) if inner and optional else inner


def _inward(hint: Any) -> Callable[[Any], Any] | None:
    """Converter from what fastavro reads to the field's value; None where it is that already."""
    hint, optional = _strip_none(hint)
    inner: Callable[[Any], Any] | None = None
    if is_dataclass(hint):
        inner = _from_fields(hint)  # type: ignore[arg-type]  # is_dataclass does not narrow to type
    elif isinstance(hint, type) and issubclass(hint, IntEnum):
        inner = hint.__getitem__
    elif get_origin(hint) is tuple:
        item = _inward(get_args(hint)[0])
        inner = partial(_convert_tuple, item) if item else tuple
    return partial(_unless_none, inner) if inner and optional else inner


def _strip_none(hint: Any) -> tuple[Any, bool]:
    if isinstance(hint, UnionType):
        rest = [member for member in get_args(hint) if member is not type(None)]
        return (rest[0] if len(rest) == 1 else hint), len(rest) < len(get_args(hint))
    return hint, False


def _unless_none(convert: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else convert(value)


def _enum_name(value: IntEnum) -> str:
    return value.name


def _as_list(values: Any) -> list[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def _as_lists(values: Any) -> dict[str, list[Any]]:
    return {name: _as_list(value) for name, value in values.items()}


def _convert_list(convert: Callable[[Any], Any], values: Any) -> list[Any]:
    return [convert(value) for value in values]


def _convert_tuple(convert: Callable[[Any], Any], values: Any) -> tuple[Any, ...]:
    return tuple(convert(value) for value in values)


def _reason(error: Exception) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
