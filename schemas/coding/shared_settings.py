"""How events are read and written; those of a job mostly have the same settings, and what they share is coded once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from functools import cache
from io import BytesIO
from operator import itemgetter
from typing import Any, Final

import numpy as np
from fastavro import schemaless_reader

from schemas.catalogue import Schema, parse
from schemas.coding.event_formats import Format, converted, quick_writer, settings_key
from schemas.coding.wire import UndecodableError, decode_doubles, decode_long, encode_long, read_only
from schemas.forecasting import SeriesConfig, SubmitJob
from schemas.series import TrainSeries

__all__ = ["format_of"]

_TAILS_KEPT: Final = 16  # a submission names a few models with a few settings; each one kept is compared with the bytes
_LONGEST_TAIL: Final = 4096  # bytes: longer ones, such as irregular times, are seldom the same twice


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
        settings_from = converted(event_type, leave_out=left_out)
        self._settings = _KnownTails(settings, lambda read: tuple(settings_from(read).values()))
        written = [field["name"] for field in self._source["fields"]]
        self._in_order = itemgetter(*(written.index(field.name) for field in fields(event_type)))
        self._write_own = quick_writer(TrainSeries, {**self._source, "fields": first})
        self._key_of = settings_key(TrainSeries, [field["name"] for field in between])
        self._write_settings = quick_writer(TrainSeries, settings)
        self._write_target = quick_writer(TrainSeries, {**self._source, "fields": self._source["fields"][-1:]})

    def encode_all(self, events: Iterable[TrainSeries]) -> list[bytes]:
        known: dict[tuple[object, ...], bytes] = {}
        return [self._encoded(event, known) for event in events]

    def _encoded(self, event: TrainSeries, known: dict[tuple[object, ...], bytes]) -> bytes:
        try:
            key = self._key_of(event)
            settings = known.get(key)
            if settings is None:
                settings = known[key] = self._write_settings(event)
            return self._write_own(event) + settings + self._write_target(event)
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
        target = decode_doubles(memoryview(data)[end:])
        # By position: with two dozen names the call would take three times as long.
        return TrainSeries(*self._in_order((*own.values(), *settings, target)))


class _SubmitJobFormat(Format):
    """Elements of a submission mostly differ in ts_id alone, their first field: what follows it is coded once.

    Ten thousand elements take a tenth of the time that fastavro needs for them one by one.
    """

    def __init__(self, event_type: type) -> None:
        super().__init__(event_type)
        fields = self._source["fields"]
        place = next(index for index, field in enumerate(fields) if field["name"] == "elements")
        head, elements, rest = fields[:place], fields[place], fields[place + 1 :]
        self._head = parse({**self._source, "fields": head}, plain_times=True)
        self._rest = parse({**self._source, "fields": rest}, plain_times=True)
        self._write_head, self._write_rest = (
            quick_writer(event_type, {**self._source, "fields": some}) for some in (head, rest)
        )
        config = elements["type"]["items"]
        tail = {**config, "fields": config["fields"][1:]}
        self._settings = _KnownTails(tail, converted(SeriesConfig, leave_out={"ts_id"}))
        self._key_of = settings_key(SeriesConfig, [field["name"] for field in tail["fields"]])
        self._write_tail = quick_writer(SeriesConfig, tail)
        self._write = self._write_elements_once

    def _write_elements_once(self, event: SubmitJob) -> bytes:
        pieces = [self._write_head(event)]
        if event.elements:
            pieces.append(encode_long(len(event.elements)))
            tails: dict[tuple[object, ...], bytes] = {}
            for element in event.elements:
                key = self._key_of(element)
                tail = tails.get(key)
                if tail is None:
                    tail = tails[key] = self._write_tail(element)
                pieces += encode_long(element.ts_id), tail
        return b"".join([*pieces, b"\0", self._write_rest(event)])

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
        buffer.seek(position)
        values |= schemaless_reader(buffer, self._rest, None)
        if buffer.tell() != len(data):
            raise UndecodableError(f"{len(data) - buffer.tell()} bytes follow the end of the record")
        return SubmitJob(**values, elements=tuple(elements))


_SPECIAL: Final[Mapping[type, type[Format]]] = {TrainSeries: _TrainSeriesFormat, SubmitJob: _SubmitJobFormat}


@cache
def format_of(event_type: type) -> Format:
    """How events of a type are read and written: found out once in a process, however many codecs it has."""
    return _SPECIAL.get(event_type, Format)(event_type)
