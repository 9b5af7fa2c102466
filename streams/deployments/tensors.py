"""Tensors of the Open Inference Protocol (v2): requests to what a model is asked, its answers to tensors.

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

__all__ = ["call_of", "inputs_of", "outputs_of", "parted", "tensors_of"]

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
# What a result of each task has, and the tensor's type: the names of contract S-047.
_OUTPUTS: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    "classification": (("label", _BYTES), ("probabilities", "FP64")),
    "regression": (("prediction", "FP64"),),
    "clustering": (("cluster", _BYTES),),
    "dimension_reduction": (("components", "FP64"),),
}


def parted(body: bytes, header_length: str | None) -> tuple[Mapping[str, Any], bytes]:
    """The JSON of a request and the binary data behind it; InvalidError where it is none."""
    size = len(body)
    if header_length is not None:
        if not (header_length.isascii() and header_length.isdecimal() and int(header_length) <= len(body)):
            raise _wrong(f"Inference-Header-Content-Length: found {header_length[:20]!r}, the body has {size} bytes")
        size = int(header_length)
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
    found: dict[str, Any] = {}
    for number, tensor in enumerate(inputs):
        if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
            raise _wrong(f"inputs[{number}]: expected an object with name, shape, datatype and data")
        name = tensor["name"]
        shape = _shape(name, tensor.get("shape"))
        found[name], binary = _values(name, tensor, shape, binary)
    return orjson.dumps({"X": found})


def tensors_of(task: str, results: Sequence[Mapping[str, Any]], wanted: object = None) -> list[dict[str, Any]]:
    """The results of records as tensors; `wanted` is the request's list of outputs, if it has one."""
    names = {it.get("name") for it in wanted if isinstance(it, dict)} if isinstance(wanted, list) and wanted else None
    made = []
    for name, datatype in _OUTPUTS.get(task) or _found(results):
        if names is not None and name not in names:
            continue
        values = [_plain(result.get(name)) for result in results]
        shape, flat = [len(values)], values
        parameters = {}
        if values and isinstance(results[0].get(name), dict):  # probabilities by class
            parameters = {"classes": ",".join(map(str, results[0][name]))}
        if values and isinstance(values[0], list):
            shape, flat = [len(values), len(values[0])], [value for row in values for value in row]
        if datatype == _BYTES:
            flat = ["" if value is None else str(value) for value in flat]
        output = {"name": name, "datatype": datatype, "shape": shape, "data": flat}
        made.append(output | ({"parameters": parameters} if parameters else {}))
    if names and not made:
        raise _wrong(f"outputs: the model has none of {', '.join(sorted(map(str, names)))[:200]}")
    return made


def inputs_of(record: ModelRecord) -> list[dict[str, Any]]:
    """What the model is asked, as its metadata says it; -1 is any length."""
    return [{"name": it.name, "datatype": _datatype(it), "shape": _asked_shape(it)} for it in record.inputs]


def outputs_of(record: ModelRecord) -> list[dict[str, Any]]:
    """What the model answers, likewise."""
    made = []
    for name, datatype in _OUTPUTS.get(record.task, ()):
        shape = [-1, -1] if name in ("probabilities", "components") else [-1]
        made.append({"name": name, "datatype": datatype, "shape": shape})
    return made


def _datatype(variable: ModelInput) -> str:
    return _OF_MODELS.get(variable.type.removeprefix("tensor(").removesuffix(")"), _BYTES)


def _asked_shape(variable: ModelInput) -> list[int]:
    return [-1] if variable.shape is None else list(variable.shape)


def _found(results: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Of a model of another task: numbers stay numbers, all else is text."""
    if not results:
        return []
    number = (int, float, list)
    return [(name, "FP64" if isinstance(value, number) else _BYTES) for name, value in results[0].items()]


def _plain(value: Any) -> Any:
    return list(value.values()) if isinstance(value, dict) else value


def _shape(name: str, shape: object) -> list[int]:
    if not isinstance(shape, list) or len(shape) > _MOST_DIMENSIONS:
        raise _wrong(f"{name[:60]}, shape: expected a list of whole numbers")
    for size in shape:
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size < 1 << 31:
            raise _wrong(f"{name[:60]}, shape: expected whole numbers from 0, found {shown(size)}")
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
        return _nested(name, _flat(tensor.get("data")), shape), binary
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
        found.append(data[place : place + length].decode("utf-8", "replace"))
        place += length
    return found


def _flat(data: object) -> list[Any]:
    """The values in row-major order; the protocol allows nested lists."""
    if not isinstance(data, list):
        return [data]
    return [value for item in data for value in _flat(item)] if any(isinstance(it, list) for it in data) else data


def _nested(name: str, values: list[Any], shape: Sequence[int]) -> Any:
    if len(values) != math.prod(shape):
        raise _wrong(f"{name[:60]}: has {len(values)} values, its shape {list(shape)} takes {math.prod(shape)}")
    for size in reversed(shape[1:]):
        values = [values[begin : begin + size] for begin in range(0, len(values), size)] if size else []
    return values if shape else values[0]


def _wrong(text: str) -> RejectedError:
    return InvalidError(ScoringCode.BAD_INPUT, text)
