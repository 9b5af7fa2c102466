"""How each dataclass of ours becomes an Avro record and back."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import IntEnum
from functools import cache, partial
from io import BytesIO
from operator import attrgetter
from types import UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

import numpy as np
from fastavro import schemaless_reader, schemaless_writer

from schemas.catalogue import Schema, current_schemas, parse
from schemas.coding.avro_writer import Write, optional, record_writer, value_writer
from schemas.coding.outlines import OutlineReader, front_schema, names_without_doubles
from schemas.coding.wire import UndecodableError

__all__ = ["Format", "converted", "quick_writer", "settings_key", "stock_bytes"]


class Format:
    """How one dataclass maps to its Avro record."""

    def __init__(self, event_type: type) -> None:
        self.name = event_type.__name__
        self._source = current_schemas()[event_type.__name__]
        self.schema = parse(self._source, plain_times=True)
        self._to_fields = _to_fields(event_type)
        self._write = quick_writer(event_type, self._source)
        self._from_fields = _from_fields(event_type)

    def encode(self, event: Any) -> bytes:
        """The Avro payload, without a header."""
        try:
            return self._write(event)
        except Exception:  # noqa: BLE001 - whatever it is: it can be done, or fastavro says why not
            return stock_bytes(self.schema, self._to_fields(event))

    def encode_all(self, events: Iterable[Any]) -> list[bytes]:
        """The payload of each; what they share may be coded once."""
        return [self.encode(event) for event in events]

    def reader(self, writer: Schema) -> Callable[[memoryview], dict[str, Any]]:
        """What reads a payload of this schema as fields, as Avro has them; it raises whatever it trips over."""
        writer_schema = parse(writer, plain_times=True)
        reader_schema = None if writer == self._source else self.schema

        def read(payload: memoryview) -> dict[str, Any]:
            buffer = BytesIO(payload)
            values: Any = schemaless_reader(buffer, writer_schema, reader_schema)
            if buffer.tell() != len(payload):
                raise UndecodableError(f"{len(payload) - buffer.tell()} bytes follow the end of the record")
            return cast("dict[str, Any]", values)

        return read

    def outline_reader(self, writer: Schema) -> Callable[[memoryview], dict[str, Any]]:
        """What reads the fields that hold no floating-point numbers."""
        read = self.reader(writer)
        if writer == self._source:
            return OutlineReader(writer, read).read
        names = names_without_doubles(self._source["fields"])

        def read_some(payload: memoryview) -> dict[str, Any]:
            values = read(payload)
            return {name: values[name] for name in names}

        return read_some

    def front_reader(self, writer: Schema) -> Callable[[memoryview], dict[str, Any]]:
        """What reads the whole numbers and texts that a payload of this schema begins with, and nothing behind them."""
        front = parse(front_schema(writer), plain_times=True)
        return lambda payload: cast("dict[str, Any]", schemaless_reader(BytesIO(payload), front, None))

    def decoder(self, writer: Schema) -> Callable[[memoryview], Any]:
        """What reads a payload of this schema as the event; it raises whatever it trips over."""
        read, build = self.reader(writer), self._from_fields
        return lambda payload: build(read(payload))


def quick_writer(event_type: type, schema: Schema) -> Write:
    """What writes an event by this schema, its own or a part of it, more quickly than fastavro does."""
    hints = dict(_hints(event_type))
    usual = {field.name: field.default for field in fields(event_type) if field.default is not MISSING}
    return record_writer(
        *((field["name"], _writer_of(field["type"], hints[field["name"]])) for field in schema["fields"]), usual=usual
    )


def _writer_of(schema: Any, hint: Any) -> Write:
    inner, is_optional = _strip_none(hint)
    if is_dataclass(inner):
        branch = next(branch for branch in schema if branch != "null") if is_optional else schema
        write = quick_writer(inner, branch)  # type: ignore[arg-type]  # is_dataclass does not narrow to type
        return optional(schema, write) if is_optional else write
    quick, convert, parsed = value_writer(schema), _outward(hint), parse(schema, plain_times=True)
    return quick or (lambda value: stock_bytes(parsed, convert(value) if convert else value))


def stock_bytes(schema: Schema, datum: Any) -> bytes:
    """As fastavro writes it."""
    buffer = BytesIO()
    schemaless_writer(buffer, schema, datum)
    return buffer.getvalue()


def settings_key(event_type: type, names: Collection[str]) -> Callable[[Any], tuple[object, ...]]:
    """What makes, of the values of these fields, a key that is equal for events in which they have the same bytes.

    All but texts, whole numbers and truth values count by identity: 3 and 3.0 are equal, but not the same on the wire.
    The event keeps the objects alive.
    """
    plain = [name for name, hint in _hints(event_type) if name in names and _strip_none(hint)[0] in (str, int, bool)]
    plain_of = attrgetter(*plain)
    shared_of = attrgetter(*(name for name in names if name not in plain))
    return lambda event: (plain_of(event), *map(id, shared_of(event)))


def _to_fields(event_type: type) -> Callable[[Any], dict[str, Any]]:
    converters = [(name, _outward(hint)) for name, hint in _hints(event_type)]

    def to_fields(event: Any) -> dict[str, Any]:
        return {
            name: convert(getattr(event, name)) if convert else getattr(event, name) for name, convert in converters
        }

    return to_fields


def _from_fields(event_type: type) -> Callable[[dict[str, Any]], Any]:
    fields_from = converted(event_type)
    return lambda values: event_type(**fields_from(values))


def converted(event_type: type, *, leave_out: Collection[str] = ()) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Makes of what fastavro reads the values of the event's fields."""
    hints = [(name, hint) for name, hint in _hints(event_type) if name not in leave_out]
    converters = [(name, convert) for name, hint in hints if (convert := _inward(hint))]

    def from_read(values: dict[str, Any]) -> dict[str, Any]:
        for name, convert in converters:
            values[name] = convert(values[name])
        return values

    return from_read


@cache
def _hints(event_type: type) -> tuple[tuple[str, Any], ...]:
    """Names and types of an event's fields; each is asked for several times, also by the records that hold it."""
    hints = get_type_hints(event_type)
    return tuple((field.name, hints[field.name]) for field in fields(event_type))


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
