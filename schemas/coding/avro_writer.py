"""Writes dataclasses as Avro records, three times as fast as by way of dictionaries and fastavro.

A value whose type is the one that its field is made for has its bytes put together here. Everything else, and what is
wrong, is for fastavro to write or to refuse: `Format.encode` asks it whenever a writer of ours trips.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from io import BytesIO
from types import NoneType
from typing import Any, Final

import numpy as np
from fastavro import schemaless_writer

from schemas.catalogue import parse
from schemas.coding.wire import encode_doubles, encode_long

__all__ = ["Write", "optional", "record_writer", "value_writer"]

Write = Callable[[Any], bytes]

_DOUBLE: Final = struct.Struct("<d")
_END: Final = b"\0"  # the block of no items that ends an array or a map
_BOOLEANS: Final = {False: b"\0", True: b"\1"}
_REMEMBERED: Final = 4096  # times come again and again
_SHORT: Final = 64  # times or values of a forecast, as most have
_PACKS: Final = tuple(struct.Struct(f"<{count}d").pack for count in range(_SHORT + 1))
_ARRAYS: Final = (list, tuple, np.ndarray)
_WORTH_IT: Final = 3  # fields, to be compared before they are written
_NOTHING: Final[Mapping[str, Any]] = {}
_LEAST_INT: Final = -(2**31)
_GREATEST_INT: Final = 2**31 - 1

_SMALL: Final = tuple(map(encode_long, range(2**14)))  # numbers and lengths that have two bytes at most
_remembered_long: Final = lru_cache(_REMEMBERED, typed=True)(encode_long)  # typed: 1.0 is equal to 1, but no long
_LONGS: Final = parse({"type": "array", "items": "long"})


def record_writer(*fields: tuple[str, Write], usual: Mapping[str, Any] = _NOTHING) -> Write:
    """Writes an object's attributes one after the other; `usual` are values that mean that nothing was said.

    The last fields are those that few events have: where all are as usual, they are written at once.

    The function is made of source text, one expression that names each attribute, as `dataclasses` makes `__init__`:
    a loop over the fields would take as long as all that it calls.
    """
    few = len(fields)
    while few > 1 and fields[few - 1][0] in usual:
        few -= 1
    if len(fields) - few < _WORTH_IT:
        few = len(fields)
    names: dict[str, Any] = {"join": b"".join}
    written = [f"write_{name}(record.{name})" for name, _ in fields]
    names |= {f"write_{name}": write for name, write in fields}
    source = _joined(written[:few])
    if few < len(fields):
        tail = fields[few:]
        # By identity, on which no array trips; what is equal but another object is written as any other value.
        as_usual = " and ".join(f"record.{name} is usual_{name}" for name, _ in tail)
        source = _joined([*written[:few], f"(rest if {as_usual} else {_joined(written[few:])})"])
        names |= {f"usual_{name}": usual[name] for name, _ in tail}
        names["rest"] = b"".join(write(usual[name]) for name, write in tail)
    exec(f"def write_record(record): return {source}", names)  # noqa: S102 - names of our own classes' fields alone
    made: Write = names["write_record"]
    return made


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"join(({', '.join(parts)}))"


def value_writer(schema: Any) -> Write | None:
    """Writes a number, a text, doubles, a map of such, or one of several of them; None for what is left to fastavro."""
    if isinstance(schema, list):
        return _union(schema)
    kind = _kind(schema)
    if kind == "map":
        values = value_writer(schema["values"])
        return None if values is None else _map_of(values)
    if kind == "array":
        return {"double": _doubles, "long": _longs}.get(_kind(schema["items"])) or _array_of(schema["items"])
    simple: Mapping[Any, Write] = {
        "null": _null,
        "boolean": _BOOLEANS.__getitem__,
        "long": _long,
        "int": _int,
        "double": _DOUBLE.pack,
        "string": _text,
    }
    return simple.get(kind)


def optional(branches: Sequence[Any], write: Write) -> Write:
    """Writes None as the union's branch null, and anything else as the other one."""
    absent = encode_long(branches.index("null"))
    present = encode_long(1 - branches.index("null"))
    return lambda value: absent if value is None else present + write(value)


def _union(branches: list[Any]) -> Write | None:
    if len(branches) == 2 and "null" in branches:
        write = value_writer(next(branch for branch in branches if branch != "null"))
        return None if write is None else optional(branches, write)
    by_type: dict[type, tuple[bytes, Write]] = {}
    for place, branch in enumerate(branches):
        of_branch, write = _PYTHON.get(_kind(branch)), value_writer(branch)
        if of_branch is None or write is None:
            return None
        by_type.setdefault(of_branch, (encode_long(place), write))

    def write_branch(value: Any) -> bytes:
        index, write = by_type[type(value)]
        return index + write(value)

    return write_branch


_PYTHON: Final[Mapping[str, type]] = {"null": NoneType, "long": int, "double": float, "string": str}


def _kind(schema: Any) -> str:
    return str(schema["type"] if isinstance(schema, dict) else schema)


def _long(value: int) -> bytes:
    return _SMALL[value] if 0 <= value < len(_SMALL) else _remembered_long(value)


def _int(value: int) -> bytes:
    if not _LEAST_INT <= value <= _GREATEST_INT:  # `in range(...)` would try one after the other for an IntEnum
        raise ValueError("not an int")
    return _long(value)


def _null(value: None) -> bytes:
    if value is not None:
        raise TypeError("not None")
    return b""


def _text(value: str) -> bytes:
    data = value.encode()  # most are of one event alone: to remember them would cost more
    return _long(len(data)) + data


def _doubles(values: Any) -> bytes:
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise TypeError("not one-dimensional")
        return encode_doubles(values)
    count = len(values)
    if not count:
        return _END
    if count > _SHORT:
        return _long(count) + struct.pack(f"<{count}d", *values) + _END
    return _SMALL[count] + _PACKS[count](*values) + _END


def _longs(values: Any) -> bytes:
    """Times mostly: regular ones are a range, and the same for all series of a job."""
    if type(values) is range and len(values) <= _SHORT:
        return _short_range(values)
    if not len(values):
        return _END
    if type(values) is tuple and len(values) <= _SHORT:  # of a calendar, for which there is no range
        return b"".join([_long(len(values)), *map(_long, values), _END])
    buffer = BytesIO()
    schemaless_writer(buffer, _LONGS, list(values))
    return buffer.getvalue()


@lru_cache(_REMEMBERED)
def _short_range(values: range) -> bytes:
    return encode_long(len(values)) + b"".join(map(encode_long, values)) + _END if values else _END


def _array_of(items: Any) -> Write | None:
    write = value_writer(items)
    if write is None:
        return None

    def write_array(values: Any) -> bytes:
        if type(values) not in _ARRAYS:
            raise TypeError("not an array")
        if not len(values):
            return _END
        return b"".join([_long(len(values)), *map(write, values), _END])

    return write_array


def _map_of(write: Write) -> Write:
    def write_map(values: Mapping[str, Any]) -> bytes:
        if not values:
            return _END
        return b"".join([_long(len(values)), *[_text(key) + write(value) for key, value in values.items()], _END])

    return write_map
