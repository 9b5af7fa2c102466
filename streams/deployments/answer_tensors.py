"""Tensors of the Open Inference Protocol (v2) that are answered: results of records by column, as JSON or as bytes.

An output is what contract S-047 calls it: `label`, `probabilities`, `prediction`. The extension for binary data:
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np
import orjson

from schemas.scoring import ModelRecord
from streams.codes.scoring import ScoringCode
from streams.errors import InvalidError

__all__ = ["Tensor", "outputs_of", "packed", "tensors_of"]

_BYTES: Final = "BYTES"
_NUMBERS: Final[Mapping[str, str]] = {"FP64": "<f8", "BOOL": "?"}
# What a result of each task has whatever the model is, and the tensor's type where it is no number.
_OUTPUTS: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    "classification": (("label", _BYTES), ("probabilities", "FP64")),
    "regression": (("prediction", "FP64"),),
    "clustering": (("cluster", _BYTES),),
    "dimension_reduction": (("components", "FP64"),),
    "anomaly_detection": (("label", _BYTES), ("score", "FP64")),
}
_WIDE: Final = ("probabilities", "components")


@dataclass(frozen=True, slots=True)
class Tensor:
    """One output of all records; `values` are in row-major order."""

    name: str
    datatype: str
    shape: Sequence[int]
    values: Sequence[Any]
    classes: str = ""
    """What its columns are of."""

    def content(self) -> bytes:
        """Its values as the extension for binary data lays them."""
        if self.datatype == _BYTES:
            texts = [value.encode() for value in self.values]
            return b"".join(struct.pack("<I", len(one)) + one for one in texts)
        lacking = float("nan") if self.datatype == "FP64" else False
        numbers = [lacking if value is None else value for value in self.values]
        return np.array(numbers, _NUMBERS[self.datatype]).tobytes()


def tensors_of(task: str, results: Sequence[Mapping[str, Any]], wanted: object = None) -> list[Tensor]:
    """The results of records as tensors; `wanted` is the request's list of outputs, if it has one.

    What is null in every record, such as the probabilities of a model that has none, is told only where it is wanted.
    """
    names = _names(wanted)
    types = dict(_OUTPUTS.get(task, ()))
    made = []
    for place, name in enumerate(results[0] if results else ()):
        values = [result.get(name) for result in results]
        there = place == 0 or any(value is not None for value in values)
        if there if names is None else name in names:
            made.append(_tensor(name, types.get(name), values))
    missing = sorted(set(names or ()) - {tensor.name for tensor in made})
    if missing:
        text = f"outputs: the model has none of {', '.join(missing)[:200]}; leave outputs out to get all"
        raise InvalidError(ScoringCode.BAD_INPUT, text)
    return made


def packed(tensors: Sequence[Tensor], asked: Mapping[str, Any]) -> tuple[list[dict[str, Any]], bytes]:
    """The outputs as the answer's JSON has them, and behind it those that the request wants as binary data."""
    of_all = _flag(asked.get("parameters"), "binary_data_output") or False
    wanted = asked.get("outputs")
    own = {it["name"]: _flag(it.get("parameters"), "binary_data") for it in wanted} if wanted else {}
    told, behind = [], []
    for tensor in tensors:
        output: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}
        parameters: dict[str, Any] = {"classes": tensor.classes} if tensor.classes else {}
        binary = own.get(tensor.name)
        if of_all if binary is None else binary:
            behind.append(tensor.content())
            parameters["binary_data_size"] = len(behind[-1])
        else:
            output["data"] = tensor.values
        told.append(output | ({"parameters": parameters} if parameters else {}))
    return told, b"".join(behind)


def outputs_of(record: ModelRecord) -> list[dict[str, Any]]:
    """What the model answers, as its metadata says it; -1 is any length."""
    known = _OUTPUTS.get(record.task)
    if known is None:  # the file's own outputs
        return [
            {
                "name": it.name,
                "datatype": _BYTES if "string" in it.type else "FP64",
                "shape": [-1, *(it.shape or (-1,))[1:]],
            }
            for it in record.targets
        ]
    return [{"name": name, "datatype": of, "shape": [-1, -1] if name in _WIDE else [-1]} for name, of in known]


def _names(wanted: object) -> list[str] | None:
    """The names of the outputs that are asked for; None: all."""
    if wanted is None or wanted == []:
        return None
    if not isinstance(wanted, list) or not all(
        isinstance(it, dict) and isinstance(it.get("name"), str) for it in wanted
    ):
        raise InvalidError(ScoringCode.BAD_INPUT, 'outputs: expected a list such as [{"name": "label"}]')
    return [it["name"] for it in wanted]


def _flag(parameters: object, name: str) -> bool | None:
    value = parameters.get(name) if isinstance(parameters, dict) else None
    if value is None:
        return None
    if isinstance(value, bool):
        return value
    raise InvalidError(ScoringCode.BAD_INPUT, f"parameters, {name}: expected true or false")


def _tensor(name: str, datatype: str | None, values: list[Any]) -> Tensor:
    first = next((value for value in values if value is not None), None)
    classes = ",".join(map(str, first)) if isinstance(first, dict) else ""
    shape, flat = _laid([list(value.values()) if isinstance(value, dict) else value for value in values])
    kind = datatype if datatype == _BYTES else _kind(flat)
    if kind == _BYTES:
        flat = [_text(value) for value in flat]
    return Tensor(name, kind, shape, flat, classes)


def _laid(values: list[Any]) -> tuple[list[int], list[Any]]:
    """The shape of lists in one another, and what they hold; a record that lacks its list has nulls in its place."""
    shape = [len(values)]
    while any(isinstance(value, list) for value in values):
        lengths = {len(value) for value in values if isinstance(value, list)}
        if len(lengths) > 1 or not all(value is None or isinstance(value, list) for value in values):
            return shape, values  # of several lengths: each as a text
        (length,) = lengths
        values = list(chain.from_iterable([None] * length if value is None else value for value in values))
        shape.append(length)
    return shape, values


def _kind(values: Sequence[Any]) -> str:
    there = [value for value in values if value is not None]
    if there and all(isinstance(value, bool) for value in there):
        return "BOOL"
    return "FP64" if all(isinstance(value, int | float) for value in there) else _BYTES


def _text(value: Any) -> str:
    if value is None:
        return ""
    return orjson.dumps(value).decode() if isinstance(value, list | dict) else str(value)
