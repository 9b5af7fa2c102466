"""How each dataclass of ours becomes an Avro record and back; what is large has a quicker way to the same bytes."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import IntEnum
from functools import cache, partial
from io import BytesIO
from operator import attrgetter
from types import UnionType
from typing import Any, Final, cast, get_args, get_origin, get_type_hints

import numpy as np
from fastavro import schemaless_reader, schemaless_writer

from schemas.catalogue import Schema, current_schemas, parse
from schemas.coding.avro_writer import Write, optional, record_writer, value_writer
from schemas.coding.outlines import OutlineReader, names_without_doubles
from schemas.coding.wire import UndecodableError, decode_doubles, decode_long, encode_long, read_only
from schemas.forecasting import SeriesConfig, SubmitJob
from schemas.series import TrainSeries

__all__ = ["Format", "format_of"]

_TAILS_KEPT: Final = 16  # a submission names a few models with a few settings; each one kept is compared with the bytes
_LONGEST_TAIL: Final = 4096  # bytes: longer ones, such as irregular times, are seldom the same twice


class Format:
    """How one dataclass maps to its Avro record."""

    def __init__(self, event_type: type) -> None:
        self.name = event_type.__name__
        self._source = current_schemas()[event_type.__name__]
        self.schema = parse(self._source, plain_times=True)
        self._to_fields = _to_fields(event_type)
        self._write = _quick_writer(event_type, self._source)
        self._from_fields = _from_fields(event_type)

    def encode(self, event: Any) -> bytes:
        """The Avro payload, without a header."""
        try:
            return self._write(event)
        except Exception:  # noqa: BLE001 - whatever it is: it can be done, or fastavro says why not
            return _stock_bytes(self.schema, self._to_fields(event))

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

    def decoder(self, writer: Schema) -> Callable[[memoryview], Any]:
        """What reads a payload of this schema as the event; it raises whatever it trips over."""
        read, build = self.reader(writer), self._from_fields
        return lambda payload: build(read(payload))


class _KnownTails:
    """Reads the last fields of what mostly ends alike, such as the settings of a job's series: equal bytes once."""

    def __init__(self, record: Schema, build: Callable[[dict[str, Any]], Any]) -> None:
        self._schema = parse(record, plain_times=True)
        self._build = build
        self._known: tuple[tuple[bytes, Any], ...] = ()

    def read(self, data: bytes, position: int) -> tuple[Any, int]:
        """What was built of the fields that begin at `position`, to be changed by nobody, and where they end."""
        for tail, built in self._known:
            # Avro is read from left to right: bytes that begin like a known tail are that tail.
            if data.startswith(tail, position):
                return built, position + len(tail)
        buffer = BytesIO(data)
        buffer.seek(position)
        fields_read: Any = schemaless_reader(buffer, self._schema, None)
        built, end = self._build(fields_read), buffer.tell()
        if end - position <= _LONGEST_TAIL:
            self._known = ((data[position:end], built), *self._known[: _TAILS_KEPT - 1])
        return built, end


class _TrainSeriesFormat(Format):
    """Commands of a job mostly differ in the first fields and in the long array of doubles at their end alone.

    numpy reads doubles 20 times faster than a loop.
    """

    _OWN: Final = 5  # job_id, ts_id, n, attempt, item_id

    def __init__(self, event_type: type) -> None:
        super().__init__(event_type)
        first, between = self._source["fields"][: self._OWN], self._source["fields"][self._OWN : -1]
        self._head = parse({**self._source, "fields": first}, plain_times=True)
        settings = {**self._source, "fields": between}
        left_out = {field["name"] for field in first} | {"target"}
        self._settings = _KnownTails(settings, _converted(event_type, leave_out=left_out))
        self._own_of = _fields_of(field["name"] for field in first)
        self._write_settings = _quick_writer(TrainSeries, settings)
        self._write_target = _quick_writer(TrainSeries, {**self._source, "fields": self._source["fields"][-1:]})

    def encode_all(self, events: Iterable[TrainSeries]) -> list[bytes]:
        known: dict[tuple[object, ...], bytes] = {}
        return [self._encoded(event, known) for event in events]

    def _encoded(self, event: TrainSeries, known: dict[tuple[object, ...], bytes]) -> bytes:
        try:
            key = _training_key(event)
            settings = known.get(key)
            if settings is None:
                settings = known[key] = self._write_settings(event)
            return _stock_bytes(self._head, self._own_of(event)) + settings + self._write_target(event)
        except Exception:  # noqa: BLE001 - as in `encode`
            return self.encode(event)

    def decoder(self, writer: Schema) -> Callable[[memoryview], Any]:
        if writer["fields"] != self._source["fields"]:
            general = super().decoder(writer)

            def decode_other(payload: memoryview) -> Any:
                event = general(payload)
                return replace(event, target=read_only(np.asarray(event.target, np.float64)))

            return decode_other
        return self._decode

    def _decode(self, payload: memoryview) -> TrainSeries:
        data = bytes(payload)
        buffer = BytesIO(data)
        own: Any = schemaless_reader(buffer, self._head, None)
        settings, end = self._settings.read(data, buffer.tell())
        target: Any = decode_doubles(memoryview(data)[end:])
        return TrainSeries(**own, **settings, target=target)


class _SubmitJobFormat(Format):
    """Elements of a submission mostly differ in ts_id alone, their first field: what follows it is coded once.

    Ten thousand elements take a tenth of the time that fastavro needs for them one by one.
    """

    def __init__(self, event_type: type) -> None:
        super().__init__(event_type)
        *head, elements = self._source["fields"]
        self._head = parse({**self._source, "fields": head}, plain_times=True)
        config = elements["type"]["items"]
        tail = {**config, "fields": config["fields"][1:]}
        self._settings = _KnownTails(tail, _converted(SeriesConfig, leave_out={"ts_id"}))
        self._write_tail = _quick_writer(SeriesConfig, tail)
        self._write = self._write_elements_once

    def _write_elements_once(self, event: SubmitJob) -> bytes:
        buffer = BytesIO()
        schemaless_writer(buffer, self._head, {"command_id": event.command_id, "job_id": event.job_id})
        if event.elements:
            buffer.write(encode_long(len(event.elements)))
            tails: dict[tuple[object, ...], bytes] = {}
            for element in event.elements:
                key = _element_key(element)
                tail = tails.get(key)
                if tail is None:
                    tail = tails[key] = self._write_tail(element)
                buffer.write(encode_long(element.ts_id) + tail)
        return buffer.getvalue() + b"\0"

    def decoder(self, writer: Schema) -> Callable[[memoryview], Any]:
        if writer["fields"] != self._source["fields"]:
            return super().decoder(writer)
        return self._decode

    def _decode(self, payload: memoryview) -> SubmitJob:
        data = bytes(payload)
        buffer = BytesIO(data)
        values: Any = schemaless_reader(buffer, self._head, None)
        position = buffer.tell()
        elements: list[SeriesConfig] = []
        while True:
            count, position = decode_long(data, position)
            if count == 0:
                break
            if count < 0:  # the size of the block follows, which Avro's writer in Java sends
                count = -count
                _, position = decode_long(data, position)
            for _ in range(count):
                ts_id, position = decode_long(data, position)
                settings, position = self._settings.read(data, position)
                elements.append(SeriesConfig(ts_id, **settings))
        if position != len(data):
            raise UndecodableError(f"{len(data) - position} bytes follow the end of the record")
        return SubmitJob(values["command_id"], values["job_id"], tuple(elements))


_SPECIAL: Final[Mapping[type, type[Format]]] = {TrainSeries: _TrainSeriesFormat, SubmitJob: _SubmitJobFormat}


def format_of(event_type: type) -> Format:
    """How events of a type are read and written."""
    return _SPECIAL.get(event_type, Format)(event_type)


def _key_by(plain: Sequence[str], shared: Sequence[str]) -> Callable[[Any], tuple[object, ...]]:
    """A key that is equal for events whose settings have the same bytes.

    Sequences count by identity: 3 and 3.0 are equal, but not the same on the wire. The event keeps the objects alive.
    """
    plain_of, shared_of = attrgetter(*plain), attrgetter(*shared)
    return lambda event: (plain_of(event), *map(id, shared_of(event)))


_element_key = _key_by(
    ("model_name", "max_eval", "next_k_prediction", "auto_tune", "auto_tune_metric", "refit", "allow_negative"),
    ("hyper_params", "feature_indexs", "eval_metrics"),
)
_training_key = _key_by(
    ("model_name", "next_k_prediction", "refit", "start", "start_micros", "step", "freq", "allow_negative"),
    ("config", "eval_metrics", "timestamps", "search", "feat_dynamic_real"),
)


def _quick_writer(event_type: type, schema: Schema) -> Write:
    hints = dict(_hints(event_type))
    return record_writer(
        *((field["name"], _writer_of(field["type"], hints[field["name"]])) for field in schema["fields"])
    )


def _writer_of(schema: Any, hint: Any) -> Write:
    inner, is_optional = _strip_none(hint)
    if is_dataclass(inner):
        branch = next(branch for branch in schema if branch != "null") if is_optional else schema
        write = _quick_writer(inner, branch)  # type: ignore[arg-type]  # is_dataclass does not narrow to type
        return optional(schema, write) if is_optional else write
    quick, convert, parsed = value_writer(schema), _outward(hint), parse(schema, plain_times=True)
    return quick or (lambda value: _stock_bytes(parsed, convert(value) if convert else value))


def _stock_bytes(schema: Schema, datum: Any) -> bytes:
    buffer = BytesIO()
    schemaless_writer(buffer, schema, datum)
    return buffer.getvalue()


def _fields_of(names: Iterable[str]) -> Callable[[Any], dict[str, Any]]:
    """What reads these attributes, as they are."""
    keys = tuple(names)
    read = attrgetter(*keys)
    return lambda event: dict(zip(keys, read(event), strict=True))


def _to_fields(event_type: type) -> Callable[[Any], dict[str, Any]]:
    converters = [(name, _outward(hint)) for name, hint in _hints(event_type)]

    def to_fields(event: Any) -> dict[str, Any]:
        return {
            name: convert(getattr(event, name)) if convert else getattr(event, name) for name, convert in converters
        }

    return to_fields


def _from_fields(event_type: type) -> Callable[[dict[str, Any]], Any]:
    converted = _converted(event_type)
    return lambda values: event_type(**converted(values))


def _converted(event_type: type, *, leave_out: Collection[str] = ()) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Makes of what fastavro reads the values of the event's fields."""
    hints = [(name, hint) for name, hint in _hints(event_type) if name not in leave_out]
    converters = [(name, convert) for name, hint in hints if (convert := _inward(hint))]

    def converted(values: dict[str, Any]) -> dict[str, Any]:
        for name, convert in converters:
            values[name] = convert(values[name])
        return values

    return converted


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
