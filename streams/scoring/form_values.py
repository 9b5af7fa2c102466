"""A model's input from a form: a text or a file for each variable (contract S-012, S-048).

A text is what its variable's type says: a number, true or false, a text; of a tensor a JSON array. A file's content is
parsed by its suffix: JSON, CSV (numbers, a row a line, with or without a header) or npy.
"""

import csv
import io
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import orjson

from schemas.scoring import ModelInput
from streams.codes.scoring import ScoringCode
from streams.errors import InvalidError

__all__ = ["from_file", "from_text", "records_from_csv"]

_LONGEST_SHOWN: Final = 40


def from_text(variable: ModelInput, text: str) -> Any:
    """The value that a text stands for; left as it is where it cannot be one, so that the model's check names it."""
    kind = variable.type.removeprefix("tensor(").removesuffix(")")
    if text.lstrip().startswith("[") or kind not in ("string", "date", "dateTime", "time"):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return {"true": True, "false": False, "": None}.get(text.strip().lower(), text)
    return text


def from_file(variable: ModelInput, name: str, content: bytes) -> Any:
    """The values in a file; RejectedError where it is none that can be read."""
    if content.startswith(b"\x93NUMPY"):
        return _array(variable, content)
    text = _decoded(variable.name, content)
    if name.lower().endswith(".csv"):
        rows = _numbers(variable, list(csv.reader(io.StringIO(text))))
        flat = variable.shape is None or len(variable.shape) <= 1
        return [row[0] for row in rows] if flat and all(len(row) == 1 for row in rows) else rows
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        if name.lower().endswith(".json"):
            raise _refused(variable.name, "the file is no JSON document") from None
    return from_text(variable, text.strip())


def records_from_csv(content: bytes, inputs: Mapping[str, ModelInput]) -> list[dict[str, Any]]:
    """Records by name, of a file with a header."""
    rows = list(csv.reader(io.StringIO(_decoded("X", content))))
    if len(rows) < 2:
        raise _refused("X", "the file has no record: expected a header with the variables' names, and a row for each")
    header = [name.strip() for name in rows[0]]
    return [
        {name: from_text(inputs[name], cell) for name, cell in zip(header, row, strict=False) if name in inputs}
        for row in rows[1:]
        if row
    ]


def _array(variable: ModelInput, content: bytes) -> Any:
    try:
        return np.load(io.BytesIO(content), allow_pickle=False).tolist()
    except (ValueError, EOFError, OSError, SyntaxError, MemoryError) as error:
        raise _refused(variable.name, f"the file is no npy array of numbers or texts: {str(error)[:100]}") from None


def _numbers(variable: ModelInput, rows: list[list[str]]) -> list[list[Any]]:
    """Without the header, which is the first row where it holds anything but values."""
    made = [[from_text(variable, cell) for cell in row] for row in rows if row]
    text = "string" in variable.type
    if made and not text and any(isinstance(value, str) for value in made[0]):
        made = made[1:]
    return made


def _decoded(field: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(field, f"the file is no text in UTF-8: byte {error.start}") from None


def _refused(field: str, text: str) -> InvalidError:
    return InvalidError(ScoringCode.BAD_INPUT, f"{field[:_LONGEST_SHOWN]}: {text}")
