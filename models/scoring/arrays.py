"""Values as JSON has them, as arrays of the type and shape that an ONNX input takes; what does not fit is named."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.errors import RejectedInputError
from models.scoring.frames import in_words, kinds_of
from models.scoring.info import Array, Variable

__all__ = ["TYPES", "array_of", "cast"]

TYPES: Final[Mapping[str, str]] = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int16)": "int16",
    "tensor(int8)": "int8",
    "tensor(uint64)": "uint64",
    "tensor(uint32)": "uint32",
    "tensor(uint16)": "uint16",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
    "tensor(string)": "object",
}
"""The types of tensors that can be sent, as numpy calls them."""
_EXPECTED: Final = {
    "f": "a number",
    "i": "a whole number",
    "u": "a whole number from 0",
    "b": "true or false",
    "O": "a text",
}
_KINDS: Final[Mapping[str, set[type]]] = {"f": {int, float}, "i": {int}, "u": {int}, "b": {bool}, "O": {str}}


def array_of(variable: Variable, values: Any, axis: int | None) -> Array:
    """The values of all records as an array of the input's type and shape; `axis` is None for what has no records."""
    wanted = np.dtype(TYPES[variable.type])
    made = _plain_array(variable, values, wanted)
    shape = variable.shape or ()
    if axis is not None and made.ndim == len(shape) - 1 and all(size in (1, None) for size in shape[1:]):
        made = made.reshape(-1, *[1] * (len(shape) - 1))  # a plain array for one value a record
    elif axis is not None and made.ndim == len(shape) + 1 and made.shape[1] == 1:
        made = made.reshape(made.shape[0], *made.shape[2:])  # a record that has an axis of its own
    _check_shape(variable, made, axis)
    return made


def _plain_array(variable: Variable, values: Any, wanted: "np.dtype[Any]") -> Array:
    """Quickly where all is of kinds that fit, else value by value, to name the one that is wrong."""
    if kinds_of(values) <= _KINDS[wanted.kind]:
        try:
            made = np.array(values, dtype=object if wanted.kind == "O" else None)
            if made.dtype.kind in _fitting(wanted):
                return made if wanted.kind == "O" else _limited(variable, made, wanted)
        except (ValueError, OverflowError):  # rows of several lengths; numbers of more than 64 bits
            pass
    flat: list[tuple[int, Any]] = []
    shape = _flatten(variable, values, flat)
    single = np.empty(len(flat), dtype=wanted)
    for place, (index, value) in enumerate(flat):
        single[place] = _single(variable, index, value, wanted)
    return single.reshape(shape)


def _fitting(wanted: "np.dtype[Any]") -> str:
    return {"f": "fiu", "i": "iu", "u": "iu", "b": "b", "O": "O"}[wanted.kind]


def _limited(variable: Variable, found: Array, wanted: "np.dtype[Any]") -> Array:
    if wanted.kind in "iu" and found.size:
        limits = np.iinfo(wanted)
        if found.min() < limits.min or found.max() > limits.max:
            text = f"X, {variable.name}: expected whole numbers from {limits.min} to {limits.max}"
            raise RejectedInputError(variable.name, text)
    with np.errstate(over="ignore"):
        return found.astype(wanted)


def _flatten(variable: Variable, values: Any, into: list[tuple[int, Any]]) -> tuple[int, ...]:
    """All values in order, each with its record; the shape of what they lie in."""
    layer: list[Any] = values if isinstance(values, list) else [values]
    shape: list[int] = [len(layer)] if isinstance(values, list) else []
    places = list(range(len(layer)))
    while layer and any(isinstance(one, list) for one in layer):
        lengths = {len(one) if isinstance(one, list) else -1 for one in layer}
        if len(lengths) > 1:
            text = f"X, {variable.name}: the arrays are not all of one length: {sorted(lengths)[:5]}"
            raise RejectedInputError(variable.name, text.replace("-1", "a single value"))
        places = [place for place, one in zip(places, layer, strict=True) for _ in one]
        shape.append(lengths.pop())
        layer = [inner for one in layer for inner in one]
    into.extend(zip(places, layer, strict=True))
    return tuple(shape)


def _single(variable: Variable, index: int, value: Any, wanted: "np.dtype[Any]") -> Any:
    kind = wanted.kind
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "f":
        if value is None or value == "NaN":
            return float("nan")
        if number:
            return float(value)
    elif kind in "iu" and number and value == int(value):
        limits = np.iinfo(wanted)
        if limits.min <= value <= limits.max:
            return int(value)
        raise in_words(variable, index, value, f"a whole number from {limits.min} to {limits.max}")
    elif (kind == "b" and isinstance(value, bool)) or (kind == "O" and isinstance(value, str)):
        return value
    raise in_words(variable, index, value, _EXPECTED[kind])


def _check_shape(variable: Variable, made: Array, axis: int | None) -> None:
    """The axis of records may be of any length, whatever the file says: such a model is asked in pieces."""
    shape = variable.shape or ()
    fits = made.ndim == len(shape) and all(
        size in (None, length)
        for place, (size, length) in enumerate(zip(shape, made.shape, strict=False))
        if place != axis
    )
    if not fits:
        wanted = ", ".join("N" if size is None or place == axis else str(size) for place, size in enumerate(shape))
        text = f"X, {variable.name}: expected an array of shape ({wanted}), not ({', '.join(map(str, made.shape))})"
        raise RejectedInputError(variable.name, text)


def cast(variable: Variable, values: npt.NDArray[Any]) -> Array:
    """Arrays of somebody else in the type of the input; RejectedInputError where they do not fit."""
    wanted = np.dtype(TYPES[variable.type])
    if values.dtype.kind not in _fitting(wanted) and not (wanted.kind == "O" and values.dtype.kind == "U"):
        raise RejectedInputError(
            variable.name, f"the input {variable.name} is of {values.dtype}, expected {variable.type}"
        )
    made = values.astype(object) if wanted.kind == "O" else _limited(variable, values, wanted)
    _check_shape(variable, made, 0 if variable.shape else None)
    return made
