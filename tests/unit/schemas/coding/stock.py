"""Events as programs without our code see and build them, by stock Avro."""

import copy
import dataclasses
import enum
import io
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import fastavro
import numpy as np

from schemas.catalogue import current_schemas
from schemas.coding.codec import Codec

__all__ = ["branches", "codec_knowing", "datum_of", "plain", "schema_of", "stock_bytes"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def plain(value: Any) -> Any:
    """An event as nested tuples and dicts, so that lists, tuples, ranges and arrays of the same values are equal."""
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list, range, np.ndarray)):
        return tuple(plain(item) for item in value)
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(milliseconds=1)
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, bytes):
        return value.decode("latin-1")  # as the default of a field of bytes is written in a schema
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def schema_of(name: str) -> dict[str, Any]:
    """Today's schema of a record type, to be changed freely."""
    return copy.deepcopy(dict(current_schemas()[name]))


def stock_bytes(schema: dict[str, Any], datum: dict[str, Any]) -> bytes:
    """What a stock fastavro writer makes of a datum."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(schema, named_schemas={}), datum)
    return buffer.getvalue()


def datum_of(event: Any, schema: Any = None) -> dict[str, Any]:
    """An event as a program without our code would build it: enums as text, lists, times as aware datetimes.

    With a schema that has no logical types, times are numbers.
    """

    def build(value: Any, schema: Any) -> Any:
        if isinstance(schema, list):
            schema = "null" if value is None else next(item for item in schema if item != "null")
        if not isinstance(schema, dict):
            return value
        kind = schema["type"]
        if kind == "record":
            return {field["name"]: build(getattr(value, field["name"]), field["type"]) for field in schema["fields"]}
        if kind == "array":
            return [build(item, schema["items"]) for item in value]
        if kind == "map":
            return {key: build(item, schema["values"]) for key, item in value.items()}
        if kind == "enum":
            return value.name
        return EPOCH + timedelta(milliseconds=value) if schema.get("logicalType") == "timestamp-millis" else value

    return dict(build(event, schema or current_schemas()[type(event).__name__]))


def branches(schema: Any) -> Iterator[dict[str, Any]]:
    """Every named or complex type inside a schema."""
    if isinstance(schema, list):
        for item in schema:
            yield from branches(item)
    elif isinstance(schema, dict):
        yield schema
        for key in ("type", "items", "values"):
            yield from branches(schema.get(key))
        for field in schema.get("fields", ()):
            yield from branches(field["type"])


def codec_knowing(schema: Any, schema_id: int = 99) -> Codec:
    """A codec whose registry has one foreign schema."""
    ids = {name: number for number, name in enumerate(current_schemas(), 1)}
    return Codec(ids, lookup={schema_id: schema}.__getitem__)
