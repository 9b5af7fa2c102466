"""What an encoded record says apart from its floating-point numbers, read a quarter as long as the whole takes.

The results of a job's series differ in their ids, at the front, and in their forecasts: doubles, whose eight bytes may
be anything. So what lies behind the ids has the shape of a record that was read before, if all bytes agree that are not
part of a double. It then says the same, and it is as free of damage. Forecasts differ also in the names at their end,
which are read one by one: from the first map of texts on.
"""

from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Any, Final, NamedTuple

from fastavro import schemaless_reader

from schemas.catalogue import Schema, parse
from schemas.coding.wire import decode_long

__all__ = ["OutlineReader", "double_places", "front_schema", "has_doubles", "names_without_doubles"]

_KEPT: Final = 8  # shapes; a job has one or two
_LONGEST: Final = 4096  # bytes: longer records are seldom of one shape, and each comparison takes all of them
_MISSES: Final = 16  # without a hit, after which shapes are taken to be all different ...
_EVERY: Final = 64  # ... and only one record in so many is tried again
_LEADING: Final = ("int", "long", "string")
_TEXTS: Final = {"type": "map", "values": "string"}
_DOUBLE: Final = 8  # bytes


class _Shape(NamedTuple):
    length: int
    mask: int
    bytes: int  # as one number, those of doubles being 0
    fields: dict[str, Any]


class OutlineReader:
    """Reads records of one schema; `read_all` reads a payload in full and refuses what does not fit the schema."""

    def __init__(self, schema: Schema, read_all: Callable[[memoryview], dict[str, Any]]) -> None:
        fields, front = schema["fields"], front_schema(schema)
        leading = len(front["fields"])
        self._head = parse(front, plain_times=True)
        tail = _begin_of_tail(fields)
        self._rest = parse({**schema, "fields": fields[leading:tail]}, plain_times=True)
        self._tail = parse({**schema, "fields": fields[tail:]}, plain_times=True) if tail < len(fields) else None
        self._names = names_without_doubles(fields)
        self._rest_names = names_without_doubles(fields[leading:tail])
        self._read_all = read_all
        self._shapes: tuple[_Shape, ...] = ()
        self._misses = 0

    def read(self, payload: memoryview) -> dict[str, Any]:
        """The fields that hold no doubles, as Avro has them; it raises whatever `read_all` trips over."""
        buffer = BytesIO(payload)
        head: Any = schemaless_reader(buffer, self._head, None)
        rest = payload[buffer.tell() :]
        length, number = len(rest), int.from_bytes(rest, "little")
        for shape in self._shapes:
            if shape.length <= length and number & shape.mask == shape.bytes and self._ends(rest, shape, head):
                self._misses = 0
                head.update(shape.fields)
                return head  # type: ignore[no-any-return]  # fastavro's stubs say nothing
        values = self._read_all(payload)
        self._misses += 1
        if length <= _LONGEST and (self._misses <= _MISSES or self._misses % _EVERY == 0):
            self._learn(rest, number, values)
        return {name: values[name] for name in self._names}

    def _ends(self, rest: memoryview, shape: _Shape, found: dict[str, Any]) -> bool:
        """Whether nothing follows the shape but the tail, which is added to what was found."""
        if self._tail is None:
            return len(rest) == shape.length
        buffer = BytesIO(rest[shape.length :])
        found.update(schemaless_reader(buffer, self._tail, None))  # type: ignore[arg-type]  # as above
        return buffer.tell() == len(rest) - shape.length

    def _learn(self, rest: memoryview, number: int, values: dict[str, Any]) -> None:
        walk = _Walk(rest)
        walk.through(self._rest)
        mask = bytearray(b"\xff" * walk.at)
        for place in walk.places:
            mask[place : place + _DOUBLE] = bytes(_DOUBLE)
        masked = int.from_bytes(mask, "little")
        fields = {name: values[name] for name in self._rest_names}
        self._shapes = (_Shape(walk.at, masked, number & masked, fields), *self._shapes[: _KEPT - 1])


def front_schema(schema: Schema) -> Schema:
    """A record's schema with the whole numbers and texts alone that it begins with."""
    fields = schema["fields"]
    leading = next((place for place, field in enumerate(fields) if field["type"] not in _LEADING), len(fields))
    return {**schema, "fields": fields[:leading]}


def _begin_of_tail(fields: list[Schema]) -> int:
    """The place of the first map of texts behind all doubles; the number of fields where there is none."""
    last = max((place for place, field in enumerate(fields) if has_doubles(field["type"])), default=-1)
    behind = range(last + 1, len(fields))
    return next((place for place in behind if fields[place]["type"] == _TEXTS), len(fields))


def names_without_doubles(fields: Iterable[Schema]) -> list[str]:
    """The names of those fields of a record that hold no floating-point numbers."""
    return [field["name"] for field in fields if not has_doubles(field["type"])]


def has_doubles(schema: Any) -> bool:
    """Whether a value of this schema may hold floating-point numbers."""
    if isinstance(schema, list):
        return any(map(has_doubles, schema))
    if not isinstance(schema, dict):
        return schema in ("double", "float")
    inner = [schema.get(key) for key in ("type", "items", "values")]
    return any(map(has_doubles, [*inner, *(field["type"] for field in schema.get("fields", ()))]))


def double_places(schema: Any, data: memoryview) -> list[int]:
    """Where the doubles of an encoded value begin; `data` has been read by this schema before, and is known to fit."""
    walk = _Walk(data)
    walk.through(schema)
    return walk.places


class _Walk:
    def __init__(self, data: memoryview) -> None:
        self.places: list[int] = []
        self._data = data
        self.at = 0

    def through(self, schema: Any) -> None:
        """Go to the end of the value that begins here."""
        if isinstance(schema, list):
            self.through(schema[self._long()])
            return
        kind = schema["type"] if isinstance(schema, dict) else schema
        if kind == "record":
            for field in schema["fields"]:
                self.through(field["type"])
        elif kind == "array":
            for _ in self._items():
                self.through(schema["items"])
        elif kind == "map":
            for _ in self._items():
                self.through("string")
                self.through(schema["values"])
        else:
            self._single(kind)

    def _single(self, kind: str) -> None:
        if kind == "double":
            self.places.append(self.at)
            self.at += _DOUBLE
        elif kind in ("int", "long", "enum"):
            self._long()
        elif kind in ("string", "bytes"):
            length = self._long()
            self.at += length
        elif kind == "boolean":
            self.at += 1
        elif kind != "null":
            raise NotImplementedError(f"no event of ours has a {kind}")

    def _items(self) -> Iterator[int]:
        """Avro 1.12, "Complex types, arrays": blocks of a count and so many items; the size follows a negative one."""
        while count := self._long():
            if count < 0:
                self._long()
            yield from range(abs(count))

    def _long(self) -> int:
        value, self.at = decode_long(self._data, self.at)
        return value
