"""Where in a TensorFlow event its time, step, tags and values lie.

Most events of a file differ in those bytes alone. So one is read field by field, and what it says of itself is taken
for all that are equal to it elsewhere, in whole columns (`scalar_columns`).
"""

import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from connectors.metric_sources.wire_fields import (
    BYTES,
    FIXED32,
    FIXED64,
    VARINT,
    WireField,
    fields_of,
    signed,
    varint_at,
)

__all__ = ["EventLayout", "ValuePlace", "layout_of"]

_SCALARS: Final = b"scalars"  # the plugin of TensorBoard whose values are these
_FLOAT, _DOUBLE, _HALF, _BFLOAT16, _BOOL = 1, 2, 19, 14, 10
_CONTENT: Final = {  # types of tensors, as numpy reads their content
    _FLOAT: "<f4", _DOUBLE: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", _BOOL: "u1", 17: "<u2",
    _HALF: "<f2", 22: "<u4", 23: "<u8",
}  # fmt: skip
_HALVES: Final = 13  # the field of a tensor with numbers of 16 bits, as varints
_LISTS: Final = {5, 6, 7, 10, 11, _HALVES, 16, 17}  # those with numbers of its type: floats, doubles, whole numbers


class ValuePlace(NamedTuple):
    """One value of an event: its metric, and where its number lies, or what it is where that is no plain place."""

    tag: str
    plugin: bytes | None
    """Which of TensorBoard's plugins the event says it is for; None where it does not say."""
    plain: bool
    """Whether it stands in `simple_value`, which is a scalar whoever shows it."""
    start: int
    dtype: str
    constant: float = 0.0
    """The value, where `dtype` is empty."""


@dataclass(frozen=True, slots=True)
class EventLayout:
    """Of an event: places in its bytes, from its start; -1 for what it leaves out. `values` are those of scalars."""

    length: int
    wall_time: int = -1
    step: int = -1
    step_length: int = 0
    values: tuple[ValuePlace, ...] = ()

    def mask(self) -> "np.ndarray[tuple[int], np.dtype[np.uint8]]":
        """Which bits of an event are none of its time, step and values: what must be equal for it to have this form."""
        mask = np.full(self.length, 0xFF, np.uint8)
        if self.wall_time >= 0:
            mask[self.wall_time : self.wall_time + 8] = 0
        if self.step >= 0:  # how long it is stays part of the form
            mask[self.step : self.step + self.step_length] = 0x80
        for value in self.values:
            if value.dtype:
                mask[value.start : value.start + np.dtype(value.dtype).itemsize] = 0
        return mask


def layout_of(event: bytes) -> EventLayout:
    """The layout of one event; BrokenMessageError where it is none."""
    wall_time = step = -1
    step_length = 0
    values: list[ValuePlace] = []
    for field in fields_of(event, 0, len(event)):
        if field.field == 1 and field.kind == FIXED64:
            wall_time = field.start
        elif field.field == 2 and field.kind == VARINT:
            step, step_length = field.start, field.end - field.start
        elif field.field == 5 and field.kind == BYTES:
            for value in fields_of(event, field.start, field.end):
                place = _value(event, value) if value.field == 1 and value.kind == BYTES else None
                if place is not None:
                    values.append(place)
    return EventLayout(len(event), wall_time, step, step_length, tuple(values))


def _value(event: bytes, inside: WireField) -> ValuePlace | None:
    """A value of a summary; None where it is no number: a picture, a histogram, a text."""
    tag = ""
    simple = -1
    plugin: bytes | None = None
    tensor: WireField | None = None
    for field in fields_of(event, inside.start, inside.end):
        if field.field == 1 and field.kind == BYTES:
            tag = event[field.start : field.end].decode("utf-8", "replace")
        elif field.field == 2 and field.kind == FIXED32:
            simple = field.start
        elif field.field == 8 and field.kind == BYTES:
            tensor = field
        elif field.field == 9 and field.kind == BYTES:
            plugin = _plugin(event, field)
    if simple >= 0:
        return ValuePlace(tag, plugin, plain=True, start=simple, dtype="<f4")
    if tensor is None or plugin not in (None, _SCALARS):
        return None if plugin is None else ValuePlace(tag, plugin, plain=False, start=-1, dtype="")
    found = _number(event, tensor, any_rank=plugin is not None)
    return None if found is None else ValuePlace(tag, plugin, False, *found)


def _plugin(event: bytes, metadata: WireField) -> bytes | None:
    for field in fields_of(event, metadata.start, metadata.end):
        if field.field == 1 and field.kind == BYTES:
            for name in fields_of(event, field.start, field.end):
                if name.field == 1 and name.kind == BYTES:
                    return event[name.start : name.end]
    return None


def _number(event: bytes, tensor: WireField, *, any_rank: bool) -> tuple[int, str, float] | None:
    """Place, type and, where it has none, value of a tensor's one number; None where it is not one number."""
    dtype, elements, rank = 0, 1, 0
    found: tuple[int, str, float] | None = (-1, "", 0.0)  # a tensor without content is zero
    for field in fields_of(event, tensor.start, tensor.end):
        if field.field == 1 and field.kind == VARINT:
            dtype = field.number
        elif field.field == 2 and field.kind == BYTES:
            rank, elements = _shape(event, field)
        elif field.field == 4 and field.kind == BYTES and field.end > field.start:
            found = _content(event, field, dtype)
        elif field.field in _LISTS:
            found = _listed(event, field, dtype)
    known = dtype in _CONTENT or dtype == _BFLOAT16
    return found if known and elements == 1 and (any_rank or rank == 0) else None


def _shape(event: bytes, shape: WireField) -> tuple[int, int]:
    """How many dimensions and elements a tensor has; no element where that is unknown."""
    rank, elements = 0, 1
    for dimension in fields_of(event, shape.start, shape.end):
        if dimension.field == 2 and dimension.kind == BYTES:
            rank += 1
            sizes = [it.number for it in fields_of(event, dimension.start, dimension.end) if it.field == 1]
            elements *= sizes[-1] if sizes else 0
        elif dimension.field == 3 and dimension.number:
            elements = 0
    return rank, elements


def _content(event: bytes, field: WireField, dtype: int) -> tuple[int, str, float] | None:
    """The number that stands as its bytes."""
    size = field.end - field.start
    if dtype == _BFLOAT16 and size == 2:
        return -1, "", _bfloat16(int.from_bytes(event[field.start : field.end], "little"))
    name = _CONTENT.get(dtype)
    return (field.start, name, 0.0) if name is not None and np.dtype(name).itemsize == size else None


def _listed(event: bytes, field: WireField, dtype: int) -> tuple[int, str, float] | None:
    """The number that stands in a list of numbers of its type, packed or not."""
    if field.kind == BYTES and field.start == field.end:
        return -1, "", 0.0
    if field.field in (5, 6):
        name, size, kind = ("<f4", 4, FIXED32) if field.field == 5 else ("<f8", 8, FIXED64)
        whole = field.kind in (kind, BYTES) and field.end - field.start == size
        return (field.start, name, 0.0) if whole else None
    number = field.number
    if field.kind == BYTES:
        numbers = _packed(event, field)
        if len(numbers) != 1:
            return None
        number = numbers[0]
    elif field.kind != VARINT:
        return None
    if field.field == _HALVES:
        return -1, "", _bfloat16(number) if dtype == _BFLOAT16 else _half(number)
    return -1, "", float(number if field.field == 17 else signed(number))


def _packed(event: bytes, field: WireField) -> list[int]:
    """Numbers one behind the other."""
    numbers, at = [], field.start
    while at < field.end:
        number, at = varint_at(event, at, field.end)
        numbers.append(number)
    return numbers


def _half(bits: int) -> float:
    value: float = struct.unpack("<e", struct.pack("<H", bits & 0xFFFF))[0]
    return value


def _bfloat16(bits: int) -> float:
    value: float = struct.unpack("<f", struct.pack("<I", (bits & 0xFFFF) << 16))[0]
    return value
