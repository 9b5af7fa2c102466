"""Tensors of the Open Inference Protocol (v2) that are sent: what a model is asked of them.

The protocol and its extension for binary data: https://github.com/kserve/open-inference-protocol and
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import orjson

from models.json_words import BadJsonError, read_json, shown
from schemas.scoring import ModelInput, ModelRecord
from streams.codes.scoring import ScoringCode
from streams.errors import InvalidError, RejectedError

__all__ = ["call_of", "inputs_of", "parted"]

_TYPES: Final[Mapping[str, str]] = {
    "BOOL": "?",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
_BYTES: Final = "BYTES"
_OF_MODELS: Final[Mapping[str, str]] = {
    "bool": "BOOL",
    "boolean": "BOOL",
    "float16": "FP16",
    "float": "FP32",
    "double": "FP64",
    "integer": "INT64",
    **{name: name.upper() for name in ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")},
}
_MOST_DIMENSIONS: Final = 16
_LONGEST_NUMBER: Final = 20  # digits; Python reads no number of thousands of them


def parted(body: bytes, header_length: str | None) -> tuple[Mapping[str, Any], bytes]:
    """The JSON of a request and the binary data behind it; InvalidError where it is none."""
    size = len(body)
    if header_length is not None:
        written = header_length if len(header_length) <= _LONGEST_NUMBER and header_length.isascii() else ""
        if not written.isdecimal() or int(written) > size:
            raise _wrong(f"Inference-Header-Content-Length: found {header_length[:20]!r}, the body has {size} bytes")
        size = int(written)
    try:
        content = read_json(body[:size])
    except BadJsonError as error:
        raise _wrong(f"body, {error}") from None
    if not isinstance(content, dict):
        raise _wrong("body: expected an object")
    return content, body[size:]


def call_of(content: Mapping[str, Any], binary: bytes) -> bytes:
    """The JSON of a call, of each input its values; InvalidError names the input that is wrong."""
    inputs = content.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise _wrong("inputs: expected a list of tensors")
    if not isinstance(content.get("id"), str | None):  # clients in typed languages write null for what they leave out
        raise _wrong(f"id: expected a text, not {shown(content['id'])}")
    found: dict[str, Any] = {}
    for number, tensor in enumerate(inputs):
        if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
            raise _wrong(f"inputs[{number}]: expected an object with name, shape, datatype and data")
        name = tensor["name"]
        if name in found:
            raise _wrong(f"inputs[{number}]: {name[:60]} comes a second time: send each input once")
        shape = _shape(name, tensor.get("shape"))
        found[name], binary = _values(name, tensor, shape, binary)
    if binary:
        raise _wrong(f"body: {len(binary)} bytes are left behind the binary data that the inputs have")
    return orjson.dumps({"X": found})


def inputs_of(record: ModelRecord) -> list[dict[str, Any]]:
    """What the model is asked, as its metadata says it; -1 is any length."""
    return [{"name": it.name, "datatype": _datatype(it), "shape": _asked_shape(it)} for it in record.inputs]


def _datatype(variable: ModelInput) -> str:
    return _OF_MODELS.get(variable.type.removeprefix("tensor(").removesuffix(")"), _BYTES)


def _asked_shape(variable: ModelInput) -> list[int]:
    return [-1] if variable.shape is None else list(variable.shape)


def _shape(name: str, shape: object) -> list[int]:
    if not isinstance(shape, list) or len(shape) > _MOST_DIMENSIONS:
        raise _wrong(f"{name[:60]}, shape: expected a list of whole numbers")
    for size in shape:
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size < 1 << 31:
            raise _wrong(f"{name[:60]}, shape: expected whole numbers from 0, found {shown(size)}")
    if 0 in shape:
        raise _wrong(f"{name[:60]}, shape: {shape} holds nothing: send at least one record")
    return shape


def _values(name: str, tensor: Mapping[str, Any], shape: Sequence[int], binary: bytes) -> tuple[Any, bytes]:
    """The input's values, nested as its shape says, and the binary data that is left for the others."""
    datatype, count = tensor.get("datatype"), math.prod(shape)
    if not isinstance(datatype, str) or (datatype != _BYTES and datatype not in _TYPES):
        known = ", ".join((*_TYPES, _BYTES))
        raise _wrong(f"{name[:60]}, datatype: found {shown(datatype)}, expected one of {known}")
    parameters = tensor.get("parameters")
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if size is None:
        if "data" not in tensor:
            raise _wrong(f"{name[:60]}, data: is missing")
        return _nested(name, _flat(name, tensor["data"], shape), shape), binary
    if tensor.get("data") is not None:
        raise _wrong(f"{name[:60]}: has data and binary_data_size: send one of them")
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= len(binary):
        raise _wrong(f"{name[:60]}, binary_data_size: found {shown(size)}, {len(binary)} bytes are left in the body")
    own, rest = binary[:size], binary[size:]
    if datatype == _BYTES:
        return _nested(name, _texts(name, own), shape), rest
    values = np.frombuffer(own, _TYPES[datatype]) if size % np.dtype(_TYPES[datatype]).itemsize == 0 else None
    if values is None or len(values) != count:
        raise _wrong(f"{name[:60]}: {size} bytes are not the {count} values of its shape")
    return values.reshape(shape).tolist(), rest


def _texts(name: str, data: bytes) -> list[str]:
    found, place = [], 0
    while place < len(data):
        if place + 4 > len(data):
            raise _wrong(f"{name[:60]}: its binary data is cut short")
        (length,) = struct.unpack_from("<I", data, place)
        place += 4
        if place + length > len(data):
            raise _wrong(f"{name[:60]}: its binary data is cut short")
        try:
            found.append(data[place : place + length].decode())
        except UnicodeDecodeError:
            raise _wrong(f"{name[:60]}: its text {len(found) + 1} is not in UTF-8") from None
        place += length
    return found


def _flat(name: str, data: object, shape: Sequence[int]) -> list[Any]:
    """The values in row-major order; the protocol allows lists in one another, as the shape says."""
    if not shape and not isinstance(data, list):
        return [data]
    if not isinstance(data, list):
        raise _wrong(f"{name[:60]}, data: expected a list of values, not {shown(data)}")
    values = data
    if any(isinstance(it, list) for it in values):
        if len(values) != math.prod(shape[:1]):
            raise _unshaped(name, shape)
        for size in shape[1:]:
            if not all(isinstance(it, list) and len(it) == size for it in values):
                raise _unshaped(name, shape)
            values = [value for it in values for value in it]
        if any(isinstance(it, list) for it in values):
            raise _unshaped(name, shape)
    return values


def _unshaped(name: str, shape: Sequence[int]) -> RejectedError:
    return _wrong(f"{name[:60]}, data: its lists are not of the shape {list(shape)}; a flat list of values will do")


def _nested(name: str, values: list[Any], shape: Sequence[int]) -> Any:
    if len(values) != math.prod(shape):
        raise _wrong(f"{name[:60]}: has {len(values)} values, its shape {list(shape)} takes {math.prod(shape)}")
    for size in reversed(shape[1:]):
        values = [values[begin : begin + size] for begin in range(0, len(values), size)]
    return values if shape else values[0]


def _wrong(text: str) -> RejectedError:
    return InvalidError(ScoringCode.BAD_INPUT, text)
